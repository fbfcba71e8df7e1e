//! What graphs ask of a client: to submit calls whose types they have put aside, whatever runtime it is on.

use std::panic::Location;
use std::sync::Arc;

use crate::Error;
use crate::client::{Client, Held};
use crate::engine::local::{Draft, catch, refused};
use crate::runtime::Runtime;
use crate::task::{AnyFuture, Arguments, Key, Options, TaskFn, TaskFuture};

/// A client as what submits a graph sees it: without the type of its runtime.
pub(crate) struct Submitter<'a> {
    held: &'a Held,
    defaults: Option<&'a Options>,
}

impl<R: Runtime> Client<R> {
    pub(crate) fn submitter(&self) -> Submitter<'_> {
        Submitter { held: &self.state, defaults: self.defaults.as_deref() }
    }
}

impl Submitter<'_> {
    /// Submits a call that was written down at `location`, with arguments that are as they are kept. A label takes the
    /// place of the function's name in the key.
    pub(crate) fn submit<F, A, Args>(
        &self,
        location: &'static Location<'static>,
        label: Option<&Arc<str>>,
        function: F,
        arguments: A,
    ) -> TaskFuture<F::Output>
    where
        F: TaskFn<Args>,
        A: Arguments<Args>,
        Args: 'static,
    {
        let mut options = self.defaults.cloned();
        if let Some(label) = label {
            options.get_or_insert_default().label = Some(Arc::clone(label));
        }
        self.held.submit_from(location, "compute", (function, arguments), options, None)
    }

    /// The future of a task that cannot be submitted.
    pub(crate) fn refuse<T: Send + Sync + 'static>(
        &self,
        location: &'static Location<'static>,
        error: Error,
    ) -> TaskFuture<T> {
        let mut draft = Draft::new(self.held.state.lease(), location);
        draft.set_label("future");
        refused::<fn() -> T, (), ()>(draft, error)
    }

    /// Has what is submitted inside go on once all of it is there.
    pub(crate) fn at_once(&self, submit: impl FnOnce()) {
        self.held.at_once(submit);
    }

    /// Whether a future is one of this client's.
    pub(crate) fn owns(&self, future: &dyn AnyFuture) -> bool {
        future.entry().scheduler_id() == self.held.state.id()
    }

    /// How many CPU tasks run at once, if they run in this process.
    pub(crate) fn threads(&self) -> usize {
        self.held.state.engine().threads()
    }

    /// Whether several calls can be one task. What runs in another process is one registered task.
    pub(crate) fn can_fuse(&self) -> bool {
        !self.held.is_of_cluster()
    }
}

/// Runs a piece of the body of a task. A panic of it is the failure of what `key` names.
pub(crate) fn caught<T>(key: impl FnOnce() -> Key, piece: impl FnOnce() -> T) -> Result<T, Error> {
    catch(piece).map_err(|panic| panic.into_error(key()))
}
