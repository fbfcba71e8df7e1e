//! Submitting: a plain call that never blocks and never awaits.

use std::panic::Location;
use std::sync::Arc;

use crate::Error;
use crate::engine::local::about::Draft;
use crate::engine::local::clients::ClientState;
use crate::engine::local::close::cancel;
use crate::engine::local::core::Core;
use crate::engine::local::node::{Node, Slot, Task, count_inputs};
use crate::engine::local::terms::Terms;
use crate::engine::local::trace::Trace;
use crate::task::{
    Arguments, Entry, Identity, Key, Options, Repeat, TaskFn, TaskFuture, TypedEntry, short_name, sum_amounts,
};

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
        let mut draft = Draft::new(self.lease(), location);
        if self.refuses() {
            return refused::<F, A, Args>(draft, Error::ClientClosed { operation });
        }
        #[cfg(feature = "dask")]
        if let Some(error) = function.refusal() {
            return refused::<F, A, Args>(draft, error);
        }
        let Some(mut options) = options else {
            Trace::submitted(&mut draft, F::name);
            return TaskFuture::new(self.enter(draft, function, arguments));
        };
        #[cfg(feature = "dask")]
        if !options.workers.is_empty() || options.allow_other_workers {
            return refused::<F, A, Args>(draft, Error::NeedsDask { function: "workers".into() });
        }
        #[cfg(feature = "dask")]
        if let Some(key) = options.shown_key.take() {
            draft.set_key(key, false);
        }
        match sum_amounts(std::mem::take(&mut options.resources)) {
            // An amount of nothing needs nothing.
            Ok(sums) => options.resources = sums.into_iter().filter(|(_, amount)| *amount > 0.0).collect(),
            Err(error) => return refused::<F, A, Args>(draft, error),
        }
        let key = match self.key_of::<F, A, Args>(&mut options, &arguments) {
            Ok(key) => key,
            Err(error) => return refused::<F, A, Args>(draft, error),
        };
        // Retries that were asked for where nobody knew the arguments.
        if let Some(repeat) = repeat.or((options.retry.retries > 0).then_some(A::again)) {
            draft.set_repeat(repeat);
        }
        if let Some(label) = options.label.take() {
            draft.set_label(&label);
        }
        if !options.is_plain() {
            draft.set_terms(Terms::new(options, self.engine().next_number()));
        }
        let Some((key, identity)) = key else {
            Trace::submitted(&mut draft, F::name);
            return TaskFuture::new(self.enter(draft, function, arguments));
        };
        // Before the key is looked at: the numbers of their tasks would mean others here.
        if let Some(key) = self.foreign_input(&arguments) {
            return refused::<F, A, Args>(draft, Error::ForeignFuture { key });
        }
        draft.set_key(key.clone(), true);
        // Before the table is locked: who listens may submit something, too.
        Trace::open(&mut draft, F::name);
        let mut node = None;
        let joined = self.engine().keys().join_or(self, &key, identity, || {
            let core = Core::waiting(count_inputs(&arguments), draft.index, Slot::default());
            let new = Task::<F::Output, F, A, Args>::new(core, draft);
            node = Some(Arc::clone(&new));
            (Arc::clone(&new) as Arc<dyn Node>, new as Arc<dyn TypedEntry<F::Output>>)
        });
        match joined {
            Ok(view) => {
                if let Some(node) = node {
                    node.about.trace().entered_table();
                    node.enter(function, arguments);
                }
                // As `look_after`, but the task may be another client's, too.
                if self.refuses() {
                    Arc::clone(&view).cancel(&self.lifecycle.reason().into());
                }
                TaskFuture::new(view)
            }
            Err(error) => {
                let mut draft = Draft::new(self.lease(), location);
                draft.set_key(key, false);
                refused::<F, A, Args>(draft, error)
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

    /// Makes a task that waits for its inputs, and runs.
    fn enter<F, A, Args>(&self, draft: Draft, function: F, arguments: A) -> Arc<dyn TypedEntry<F::Output>>
    where
        F: TaskFn<Args>,
        A: Arguments<Args>,
        Args: 'static,
    {
        let (inputs, index) = (count_inputs(&arguments), draft.index);
        let node = if inputs > 0 || draft.about.terms().is_some() {
            let node = Task::<F::Output, F, A, Args>::new(Core::waiting(inputs, index, Slot::default()), draft);
            Arc::clone(&node).enter(function, arguments);
            node
        } else {
            let core = Core::ready(index, Slot::Call(function, arguments));
            let node = Task::<F::Output, F, A, Args>::new(core, draft);
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

pub(crate) fn refused<F, A, Args>(draft: Draft, error: Error) -> TaskFuture<F::Output>
where
    F: TaskFn<Args>,
    A: Arguments<Args>,
    Args: 'static,
{
    TaskFuture::new(Task::<F::Output, F, A, Args>::refused(draft, error))
}
