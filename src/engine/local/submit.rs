//! Submitting: a plain call that never blocks and never awaits.

use std::panic::Location;
use std::sync::Arc;

use crate::Error;
use crate::engine::local::Engine;
use crate::engine::local::about::About;
use crate::engine::local::core::Core;
use crate::engine::local::failing::{fail, inherited};
use crate::engine::local::keys::Joined;
use crate::engine::local::node::{Node, Task};
use crate::engine::local::resources::summed;
use crate::engine::local::terms::{Terms, start_deadline};
use crate::engine::local::trace::Trace;
use crate::task::{Arguments, Identity, Key, Options, Repeat, TaskFn, TaskFuture, TypedEntry, Watch, Watcher};

impl Engine {
    /// Submits one task. Whatever is wrong with it is told by its future.
    #[track_caller]
    pub(crate) fn submit<F, A, Args>(
        self: &Arc<Self>,
        operation: &'static str,
        function: F,
        arguments: A,
        mut options: Options,
        repeat: Option<Repeat<A>>,
    ) -> TaskFuture<F::Output>
    where
        F: TaskFn<Args>,
        A: Arguments<Args>,
        Args: 'static,
    {
        let mut about = self.about(function.name(), F::ASYNCHRONOUS);
        if self.lifecycle.is_closing() {
            return self.refused::<F, A, Args>(about, Error::ClientClosed { operation });
        }
        let invalid = options.resources.iter().find(|(_, amount)| !amount.is_finite() || *amount < 0.0);
        if let Some((resource, amount)) = invalid {
            let error = Error::InvalidResource { resource: resource.as_str().into(), amount: *amount };
            return self.refused::<F, A, Args>(about, error);
        }
        options.resources = summed(options.resources);
        let key = options.key.take();
        about.terms = (!options.is_plain()).then(|| Box::new(Terms::new(options)));
        let Some(key) = key else {
            Trace::submitted(&mut about);
            let node = Arc::new(Task::<F::Output, F, A, Args>::new(Core::waiting(), about, None, repeat));
            let entry = Arc::clone(&node) as Arc<dyn TypedEntry<F::Output>>;
            self.enter(node, function, arguments);
            return TaskFuture::new(entry);
        };
        if key.is_empty() || key.len() > Key::NBYTES_MAX {
            let error = Error::InvalidKey { nbytes: key.len(), nbytes_max: Key::NBYTES_MAX };
            return self.refused::<F, A, Args>(about, error);
        }
        about.is_keyed = true;
        about.key = key.clone().into();
        let identity = Identity::new::<F, Args>(&arguments);
        let mut node = None;
        let joined = self.keys.join_or(&key, identity, || {
            Trace::submitted(&mut about);
            let new = Arc::new(Task::<F::Output, F, A, Args>::new(Core::waiting(), about, None, repeat));
            node = Some(Arc::clone(&new));
            (Arc::clone(&new) as Arc<dyn Node>, new as Arc<dyn TypedEntry<F::Output>>)
        });
        match (joined, node) {
            (Ok(Joined::Existing(future)), _) => future,
            (Ok(Joined::New(entry)), Some(node)) => {
                self.enter(node, function, arguments);
                TaskFuture::new(entry)
            }
            (Ok(Joined::New(entry)), None) => TaskFuture::new(entry),
            (Err(error), _) => {
                let mut about = self.about(function.name(), F::ASYNCHRONOUS);
                about.key = key.into();
                self.refused::<F, A, Args>(about, error)
            }
        }
    }

    /// A future of a value that is there.
    #[track_caller]
    pub(crate) fn scatter<T: Send + Sync + 'static>(self: &Arc<Self>, value: T) -> TaskFuture<T> {
        let about = self.about("scatter", false);
        TaskFuture::new(Arc::new(Task::<T, fn() -> T, (), ()>::new(Core::memory(), about, Some(value), None)))
    }

    fn refused<F, A, Args>(self: &Arc<Self>, about: About, error: Error) -> TaskFuture<F::Output>
    where
        F: TaskFn<Args>,
        A: Arguments<Args>,
        Args: 'static,
    {
        TaskFuture::new(Arc::new(Task::<F::Output, F, A, Args>::new(Core::erred(error), about, None, None)))
    }

    #[track_caller]
    fn about(self: &Arc<Self>, name: &'static str, is_asynchronous: bool) -> About {
        About {
            engine: Arc::clone(self),
            id: self.next_id(),
            name,
            key: std::sync::OnceLock::new(),
            is_keyed: false,
            location: Location::caller(),
            is_asynchronous,
            trace: Trace::none(),
            terms: None,
        }
    }

    /// Registers a new task with its inputs, and queues it if they have all finished.
    fn enter<F, A, Args>(&self, node: Arc<Task<F::Output, F, A, Args>>, function: F, arguments: A)
    where
        F: TaskFn<Args>,
        A: Arguments<Args>,
        Args: 'static,
    {
        let mut failed = None;
        arguments.visit(&mut |input| {
            if failed.is_some() {
                return;
            }
            if input.scheduler_id() != self.id() {
                failed = Some(Error::ForeignFuture { key: input.key() });
                return;
            }
            node.core().add_missing();
            match input.watch(Watcher::Object(Arc::clone(&node) as Arc<dyn Watch>, 0)) {
                Ok(_) => {}
                // Never the last: the submit itself counts as one.
                Err(Ok(())) => _ = node.core().input_finished(),
                Err(Err(error)) => failed = Some(inherited(node.about(), &error)),
            }
        });
        node.set_call(function, arguments);
        if node.about().terms.is_some() {
            start_deadline(&(Arc::clone(&node) as Arc<dyn Node>));
        }
        if let Some(error) = failed {
            fail(node, &error);
        } else if node.core().input_finished() {
            self.schedule(node);
        }
    }
}
