//! What a client, and whatever acts for one, holds.

use std::panic::Location;
use std::sync::Arc;

#[cfg(feature = "dask")]
use crate::client::connect::Connected;
use crate::engine::local::ClientState;
use crate::task::{Arguments, Each, Entry, IntoArgs, Options, Repeat, TaskFn, TaskFuture};

/// A reference on a client, which closes with the last one.
pub(crate) struct Held {
    pub(super) state: Arc<ClientState>,
    /// There if its tasks run on a Dask cluster. Dropped after the state has been told, whose end it tells the cluster.
    #[cfg(feature = "dask")]
    pub(super) cluster: Option<Arc<Connected>>,
}

impl Held {
    /// Takes over the handle that `state` comes with.
    pub(super) fn new(state: Arc<ClientState>) -> Self {
        Self {
            state,
            #[cfg(feature = "dask")]
            cluster: None,
        }
    }

    /// A reference for a task of the client, if it goes on or users still hold one.
    pub(super) fn of_task(state: Arc<ClientState>, task: &dyn Entry) -> Option<Self> {
        state.retain_for(task).then(|| Self::new(state))
    }

    /// Submits one task to the engine of the client.
    pub(super) fn submit_from<F, A, Args>(
        &self,
        location: &'static Location<'static>,
        operation: &'static str,
        (function, arguments): (F, A),
        options: Option<Options>,
        repeat: Option<Repeat<A>>,
    ) -> TaskFuture<F::Output>
    where
        F: TaskFn<Args>,
        A: Arguments<Args>,
        Args: 'static,
    {
        #[cfg(feature = "dask")]
        if let Some(cluster) = &self.cluster {
            return cluster.connection().submit(&self.state, location, operation, (function, arguments), options);
        }
        self.state.submit_from(location, operation, function, arguments, options, repeat)
    }

    /// Submits a call for each item. Without options, those of the embedded engine may be kept together.
    pub(super) fn map<F, I, Args>(
        &self,
        location: &'static Location<'static>,
        function: F,
        items: I,
        options: Option<Options>,
    ) -> Vec<TaskFuture<F::Output>>
    where
        F: TaskFn<Args> + Sync,
        I: Iterator,
        I::Item: IntoArgs<Args>,
        Args: 'static,
    {
        if !self.is_of_cluster() && options.as_ref().is_none_or(Options::ask_for_nothing) {
            return self.state.map(location, function, items);
        }
        let function = Arc::new(function);
        let submit = |item: I::Item| {
            let call = (Each::new(&function), item.into_args());
            self.submit_from(location, "map", call, options.clone(), None)
        };
        items.map(submit).collect()
    }

    /// Has what `submit` submits go on once all of it is there: wakes threads once, or sends one message.
    pub(super) fn at_once(&self, submit: impl FnOnce()) {
        #[cfg(feature = "dask")]
        if let Some(cluster) = &self.cluster {
            return cluster.connection().at_once(submit);
        }
        self.state.at_once(submit);
    }

    /// Whether its tasks run on a Dask cluster.
    pub(super) fn is_of_cluster(&self) -> bool {
        #[cfg(feature = "dask")]
        if self.cluster.is_some() {
            return true;
        }
        false
    }
}

impl Clone for Held {
    fn clone(&self) -> Self {
        self.state.retain();
        Self {
            state: Arc::clone(&self.state),
            #[cfg(feature = "dask")]
            cluster: self.cluster.clone(),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.state.release();
    }
}
