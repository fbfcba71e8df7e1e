//! What a client asks a Dask cluster: its workers, and where values are.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::Error;
use crate::client::countdown::Until;
use crate::client::gather::Gather;
use crate::client::operation::Wait;
use crate::client::shape::Leaves;
use crate::client::{Client, Operation};
use crate::engine::dask::client::{Connection, requests};
use crate::runtime::Runtime;
use crate::task::{Awaited, BoxFuture, Key};

pub use crate::engine::dask::client::WorkerInfo;

impl<R: Runtime> Client<R> {
    /// The workers of the cluster, of both languages, in the order of their addresses.
    ///
    /// # Errors
    ///
    /// [`Error::NeedsDask`] on the embedded engine; [`Error::NotConnected`].
    pub fn workers(&self) -> Operation<Vec<WorkerInfo>> {
        self.asking("workers", |connection| Box::pin(async move { requests::workers(&connection).await }))
    }

    /// Waits until the cluster has as many workers, also while its scheduler is away and may come back.
    ///
    /// # Errors
    ///
    /// [`Error::NeedsDask`] on the embedded engine; [`Error::ClientClosed`].
    pub fn wait_for_workers(&self, count: usize) -> Operation<()> {
        self.asking("wait_for_workers", move |connection| {
            Box::pin(async move {
                loop {
                    let changes = connection.watch_workers();
                    match requests::workers(&connection).await {
                        Ok(workers) if workers.len() >= count => return Ok(()),
                        // Asked while the scheduler went away. When it is given up, the client is closed.
                        Ok(_) | Err(Error::NotConnected { .. }) => {}
                        Err(error) => return Err(error),
                    }
                    poll_fn(|cx| connection.poll_workers_changed(changes, cx)).await;
                }
            })
        })
    }

    /// The addresses of the workers that have the values of futures, by the keys of those; none where there is no value.
    ///
    /// # Errors
    ///
    /// As of [`workers`](Self::workers), and [`Error::ForeignFuture`].
    pub fn who_has<G: Gather>(&self, futures: G) -> Operation<BTreeMap<Key, Vec<String>>> {
        let keys = self.own_keys(&futures.into_shape());
        self.asking("who_has", |connection| Box::pin(async move { requests::who_has(&connection, keys?).await }))
    }

    /// Waits for the values, then has each held by `count` workers, or by all that run if those are fewer.
    ///
    /// Dask's active memory manager, which runs unless the scheduler's configuration says otherwise, drops copies that no task
    /// needs every two seconds (`distributed.scheduler.active-memory-manager`).
    ///
    /// # Errors
    ///
    /// As of [`who_has`](Self::who_has); the error of a future that fails; [`Error::Lost`] if no worker has one of the values
    /// any more. There are no copies then.
    pub fn replicate<G: Gather>(&self, futures: G, count: usize) -> Operation<()> {
        let shape = futures.into_shape();
        let keys = self.own_keys(&shape);
        let finished = self.gathering("replicate", shape, (Awaited::End, Until::AllFinished), Ok);
        self.asking("replicate", move |connection| {
            Box::pin(async move {
                // Held until they are copied.
                let _shape = finished.await?;
                requests::replicate(&connection, keys?, count).await
            })
        })
    }

    /// Has workers leave in order, by their addresses or names: what only they have is moved to others first. Gives the
    /// addresses of those that left.
    ///
    /// # Errors
    ///
    /// As of [`workers`](Self::workers).
    pub fn retire_workers<N: Into<String>>(&self, workers: impl IntoIterator<Item = N>) -> Operation<Vec<String>> {
        let workers: Vec<Arc<str>> = workers.into_iter().map(|worker| worker.into().into()).collect();
        self.asking("retire_workers", |connection| {
            Box::pin(async move { requests::retire_workers(&connection, workers).await })
        })
    }

    /// The keys of futures that are this client's.
    fn own_keys(&self, shape: &impl Leaves) -> Result<Vec<Key>, Error> {
        let (mut keys, mut foreign) = (Vec::new(), None);
        shape.visit(&mut |leaf| {
            if leaf.entry().scheduler_id() != self.state().id() {
                foreign = Some(leaf.entry().key());
            }
            keys.push(leaf.entry().key());
        });
        foreign.map_or(Ok(keys), |key| Err(Error::ForeignFuture { key }))
    }

    fn asking<T: Send + 'static>(
        &self,
        name: &'static str,
        ask: impl FnOnce(Arc<Connection>) -> BoxFuture<Result<T, Error>>,
    ) -> Operation<T> {
        let answer: BoxFuture<_> = match &self.state.cluster {
            Some(cluster) => ask(Arc::clone(cluster.connection())),
            None => Box::pin(std::future::ready(Err(Error::NeedsDask { function: name.into() }))),
        };
        self.operation(name, Asking(answer))
    }
}

/// A question and its answer.
struct Asking<T>(BoxFuture<Result<T, Error>>);

impl<T> Future for Asking<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl<T> Wait<T> for Asking<T> {}
