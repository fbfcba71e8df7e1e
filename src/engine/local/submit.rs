//! Submitting: a plain call that never blocks and never awaits.

use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use crate::Error;
use crate::engine::local::about::{About, short_name};
use crate::engine::local::clients::ClientState;
use crate::engine::local::close::cancel;
use crate::engine::local::core::Core;
use crate::engine::local::node::{Node, Slot, Task};
use crate::engine::local::terms::Terms;
use crate::engine::local::trace::Trace;
use crate::task::{Arguments, Entry, Identity, Key, Options, Repeat, TaskFn, TaskFuture, TypedEntry, sum_amounts};

impl ClientState {
    /// Submits one task, for a caller that is or was at `location`. Whatever is wrong with it is told by its future.
    pub(crate) fn submit_from<F, A, Args>(
        self: &Arc<Self>,
        location: &'static Location<'static>,
        operation: &'static str,
        function: F,
        arguments: A,
        options: Option<Options>,
        repeat: Option<Repeat<A>>,
    ) -> TaskFuture<F::Output>
    where
        F: TaskFn<Args>,
        A: Arguments<Args>,
        Args: 'static,
    {
        let mut about = self.about(F::name, F::ASYNCHRONOUS, location);
        if self.refuses() {
            return refused::<F, A, Args>(about, Error::ClientClosed { operation });
        }
        #[cfg(feature = "dask")]
        if let Some(error) = function.refusal() {
            return refused::<F, A, Args>(about, error);
        }
        let Some(mut options) = options else {
            Trace::submitted(&mut about);
            return TaskFuture::new(self.enter(about, function, arguments, None));
        };
        #[cfg(feature = "dask")]
        if !options.workers.is_empty() || options.allow_other_workers {
            return refused::<F, A, Args>(about, Error::NeedsDask { function: "workers".into() });
        }
        #[cfg(feature = "dask")]
        if let Some(key) = options.shown_key.take() {
            about.set_key(key);
        }
        match sum_amounts(std::mem::take(&mut options.resources)) {
            // An amount of nothing needs nothing.
            Ok(sums) => options.resources = sums.into_iter().filter(|(_, amount)| *amount > 0.0).collect(),
            Err(error) => return refused::<F, A, Args>(about, error),
        }
        let key = match self.key_of::<F, A, Args>(&mut options, &arguments) {
            Ok(key) => key,
            Err(error) => return refused::<F, A, Args>(about, error),
        };
        // Retries that were asked for where nobody knew the arguments.
        let repeat = repeat.or((options.retry.retries > 0).then_some(A::again));
        about.terms = (!options.is_plain()).then(|| Box::new(Terms::new(options)));
        let Some((key, identity)) = key else {
            Trace::submitted(&mut about);
            return TaskFuture::new(self.enter(about, function, arguments, repeat));
        };
        // Before the key is looked at: the numbers of their tasks would mean others here.
        if let Some(key) = self.foreign_input(&arguments) {
            return refused::<F, A, Args>(about, Error::ForeignFuture { key });
        }
        about.is_keyed = true;
        about.key = Box::new(key.clone()).into();
        let mut node = None;
        let joined = self.engine().keys().join_or(self, &key, identity, || {
            Trace::submitted(&mut about);
            let new = Task::<F::Output, F, A, Args>::new(Core::waiting(), about, Slot::Empty, repeat);
            node = Some(Arc::clone(&new));
            (Arc::clone(&new) as Arc<dyn Node>, new as Arc<dyn TypedEntry<F::Output>>)
        });
        match joined {
            Ok(view) => {
                if let Some(node) = node {
                    node.enter(function, arguments);
                }
                // As `look_after`, but the task may be another client's, too.
                if self.refuses() {
                    Arc::clone(&view).cancel(&self.lifecycle.reason().into());
                }
                TaskFuture::new(view)
            }
            Err(error) => {
                let mut about = self.about(F::name, F::ASYNCHRONOUS, location);
                about.key = Box::new(key).into();
                refused::<F, A, Args>(about, error)
            }
        }
    }

    /// The key that a submission has by choice or by its contents, with what tells equal work.
    pub(crate) fn key_of<F, A, Args>(
        &self,
        options: &mut Options,
        arguments: &A,
    ) -> Result<Option<(Key, Identity)>, Error>
    where
        F: TaskFn<Args>,
        A: Arguments<Args>,
    {
        let chosen = options.key.take();
        if let Some(key) = &chosen
            && (key.is_empty() || key.len() > Key::NBYTES_MAX)
        {
            return Err(Error::InvalidKey { nbytes: key.len(), nbytes_max: Key::NBYTES_MAX });
        }
        if chosen.is_none() && !options.pure {
            return Ok(None);
        }
        let identity = Identity::new::<F, Args>(arguments);
        if !options.pure {
            return Ok(chosen.map(|key| (key, identity)));
        }
        let prefix = chosen.unwrap_or_else(|| short_name(F::name()).into());
        let digest = identity.digest().ok_or(Error::NotPure { task: F::name() })?;
        Ok(Some((format!("{prefix}-{digest:016x}").into(), identity)))
    }

    /// The key of an input that is another client's.
    fn foreign_input<Args>(&self, arguments: &impl Arguments<Args>) -> Option<Key> {
        let mut foreign = None;
        arguments.visit(&mut |input| {
            if foreign.is_none() && input.entry().scheduler_id() != self.id() {
                foreign = Some(input.entry().key());
            }
        });
        foreign
    }

    pub(crate) fn about(
        self: &Arc<Self>,
        name: fn() -> &'static str,
        is_asynchronous: bool,
        location: &'static Location<'static>,
    ) -> About {
        About {
            lease: self.lease(),
            id: self.engine().next_id(),
            name,
            key: std::sync::OnceLock::new(),
            is_keyed: false,
            location,
            is_asynchronous,
            bodies: AtomicU32::new(0),
            row: None,
            trace: Trace::none(),
            terms: None,
        }
    }

    /// Makes a task that waits for its inputs, and runs.
    fn enter<F, A, Args>(
        &self,
        about: About,
        function: F,
        arguments: A,
        repeat: Option<Repeat<A>>,
    ) -> Arc<dyn TypedEntry<F::Output>>
    where
        F: TaskFn<Args>,
        A: Arguments<Args>,
        Args: 'static,
    {
        let mut has_inputs = false;
        arguments.visit(&mut |_| has_inputs = true);
        let node = if has_inputs || about.terms.is_some() {
            let node = Task::<F::Output, F, A, Args>::new(Core::waiting(), about, Slot::Empty, repeat);
            Arc::clone(&node).enter(function, arguments);
            node
        } else {
            let call = Slot::Call(function, arguments);
            let node = Task::<F::Output, F, A, Args>::new(Core::ready(), about, call, repeat);
            self.engine().schedule(Arc::clone(&node) as Arc<dyn Node>);
            node
        };
        self.look_after(&node);
        node
    }

    /// Ends a new task if the client has closed meanwhile: whoever closes says so first and looks through the table
    /// second, and the task entered it first.
    fn look_after(&self, node: &Arc<impl Node + 'static>) {
        if self.refuses() {
            cancel(Arc::clone(node) as Arc<dyn Node>, &self.lifecycle.reason().into());
        }
    }
}

pub(crate) fn refused<F, A, Args>(about: About, error: Error) -> TaskFuture<F::Output>
where
    F: TaskFn<Args>,
    A: Arguments<Args>,
    Args: 'static,
{
    TaskFuture::new(Task::<F::Output, F, A, Args>::refused(about, error))
}
