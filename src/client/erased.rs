//! What graphs ask of a client: to submit calls whose types they have put aside, whatever runtime it is on.

use std::panic::Location;
use std::sync::Arc;

use crate::Error;
use crate::client::Client;
use crate::engine::local::{ClientState, catch};
use crate::runtime::Runtime;
use crate::task::{AnyFuture, Arguments, Key, Options, TaskFn, TaskFuture};

/// A client as what submits a graph sees it: without the type of its runtime.
pub(crate) struct Submitter<'a> {
    state: &'a Arc<ClientState>,
    defaults: Option<&'a Options>,
}

impl<R: Runtime> Client<R> {
    pub(crate) fn submitter(&self) -> Submitter<'_> {
        Submitter { state: self.state(), defaults: self.defaults.as_deref() }
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
        self.state.submit_from(location, "compute", function, arguments, options, None)
    }

    /// Wakes threads once for all that is submitted inside, when it is over.
    pub(crate) fn at_once(&self, submit: impl FnOnce()) {
        self.state.at_once(submit);
    }

    /// Whether a future is one of this client's.
    pub(crate) fn owns(&self, future: &dyn AnyFuture) -> bool {
        future.entry().scheduler_id() == self.state.id()
    }
}

/// Runs a piece of the body of a task. A panic of it is the failure of what `key` names.
pub(crate) fn caught<T>(key: impl FnOnce() -> Key, piece: impl FnOnce() -> T) -> Result<T, Error> {
    catch(piece).map_err(|panic| panic.into_error(key()))
}
