//! Scattering to the workers of a Dask cluster.

use std::fmt;
use std::hash::Hash;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::Error;
use crate::client::connect::Connected;
use crate::client::operation::Wait;
use crate::client::{Client, ClientStatus, Operation, Scatter};
use crate::engine::dask::client::{Broadcast, Placement, Scatterer};
use crate::runtime::Runtime;
use crate::task::{Entry, EntryRef, TaskFuture, WatchId, poll_outcome};

/// Makes a future of one value; with `true`, under a key that is made of it.
pub(super) type Add<'a, T> = &'a mut dyn FnMut(T, bool) -> TaskFuture<T>;

/// Values that are about to be scattered, and which workers take them; made by [`Client::scattering`].
#[must_use = "nothing is scattered until `scatter` or `scatter_all` is called"]
pub struct Scattering<'a, R: Runtime> {
    client: &'a Client<R>,
    placement: Placement,
}

impl<R: Runtime> Client<R> {
    /// Scatters values to workers that are chosen, or to several.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let client = Client::<Smol>::connect("tcp://127.0.0.1:8786").wait()?;
    /// let everywhere = client.scattering().broadcast().scatter(vec![1.0, 2.0]).wait()?;
    /// let there = client.scattering().workers(["alice"]).scatter(7).wait()?;
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn scattering(&self) -> Scattering<'_, R> {
        Scattering { client: self, placement: Placement::default() }
    }

    /// Has a cluster take what `scatter` adds.
    pub(super) fn scatter_to<T: Send + Sync + 'static, F: Send + Unpin + 'static>(
        &self,
        cluster: &Connected,
        name: &'static str,
        location: &'static Location<'static>,
        placement: Placement,
        scatter: impl FnOnce(Add<'_, T>) -> F,
    ) -> Operation<F> {
        let scattered = match self.status() {
            ClientStatus::Running => {
                let mut scatterer = Scatterer::new(cluster.connection(), self.state(), location, placement);
                let futures = scatter(&mut |value, is_hashed| scatterer.add(&value, is_hashed));
                let mut arriving = scatterer.send();
                arriving.reverse();
                Ok((futures, arriving))
            }
            _ => Err(Error::ClientClosed { operation: name }),
        };
        self.operation(name, Arriving { scattered: Some(scattered), watch: None })
    }
}

impl<'a, R: Runtime> Scattering<'a, R> {
    /// Only these workers take them: their addresses or names. On the embedded engine, the operation fails with
    /// [`Error::NeedsDask`].
    pub fn workers<N: AsRef<str>>(mut self, workers: impl IntoIterator<Item = N>) -> Self {
        self.placement.workers = workers.into_iter().map(|worker| worker.as_ref().into()).collect();
        self
    }

    /// All workers take each value, of those that are there now. In one process, all threads have it anyway. Dask's active
    /// memory manager drops copies in time that no task needs: see [`Client::replicate`](crate::Client::replicate).
    pub fn broadcast(mut self) -> Self {
        self.placement.broadcast = Broadcast::All;
        self
    }

    /// So many workers take each value, as with [`broadcast`](Self::broadcast).
    pub fn copies(mut self, workers: u32) -> Self {
        self.placement.broadcast = if workers > 1 { Broadcast::Some(workers) } else { Broadcast::One };
        self
    }

    /// As [`Client::scatter`].
    #[track_caller]
    pub fn scatter<T: Send + Sync + 'static>(self, value: T) -> Operation<TaskFuture<T>> {
        match self.cluster("scatter") {
            Ok(Some(cluster)) => {
                let location = Location::caller();
                self.client.scatter_to(cluster, "scatter", location, self.placement, |add| add(value, false))
            }
            Ok(None) => self.client.scatter(value),
            Err(error) => self.client.refused("scatter", error),
        }
    }

    /// As [`Client::scatter_all`].
    #[track_caller]
    pub fn scatter_all<C>(self, values: C) -> Operation<C::Futures>
    where
        C: Scatter<Value: Send + Sync + 'static>,
    {
        match self.cluster("scatter_all") {
            Ok(Some(cluster)) => {
                let scatter = |add: Add<'_, C::Value>| values.scatter(&mut |value| add(value, false));
                self.client.scatter_to(cluster, "scatter_all", Location::caller(), self.placement, scatter)
            }
            Ok(None) => self.client.scatter_all(values),
            Err(error) => self.client.refused("scatter_all", error),
        }
    }

    /// As [`Client::scatter_hashed`].
    #[track_caller]
    pub fn scatter_hashed<T: Hash + Eq + Send + Sync + 'static>(self, value: T) -> Operation<TaskFuture<T>> {
        match self.cluster("scatter_hashed") {
            Ok(Some(cluster)) => {
                let location = Location::caller();
                self.client.scatter_to(cluster, "scatter_hashed", location, self.placement, |add| add(value, true))
            }
            Ok(None) => self.client.scatter_hashed(value),
            Err(error) => self.client.refused("scatter_hashed", error),
        }
    }

    /// None on the embedded engine, where there is nothing to choose.
    fn cluster(&self, operation: &'static str) -> Result<Option<&'a Connected>, Error> {
        let client: &'a Client<R> = self.client;
        match &client.state.cluster {
            None if !self.placement.workers.is_empty() => Err(Error::NeedsDask { function: operation.into() }),
            cluster => Ok(cluster.as_deref()),
        }
    }
}

impl<R: Runtime> Client<R> {
    fn refused<F: Send + Unpin + 'static>(&self, name: &'static str, error: Error) -> Operation<F> {
        self.operation(name, Arriving { scattered: Some(Err(error)), watch: None })
    }
}

impl<R: Runtime> fmt::Debug for Scattering<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scattering").field("placement", &self.placement).finish_non_exhaustive()
    }
}

/// Futures, and those of them that have not arrived.
type Scattered<F> = (F, Vec<Arc<dyn Entry>>);

/// Values on their way to workers.
struct Arriving<F> {
    /// The futures, and those that have not arrived, the last first.
    scattered: Option<Result<Scattered<F>, Error>>,
    /// On the last of those.
    watch: Option<WatchId>,
}

impl<F: Unpin> Future for Arriving<F> {
    type Output = Result<F, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some(Ok((_, arriving))) = &mut this.scattered {
            while let Some(entry) = arriving.last() {
                match poll_outcome(EntryRef::Task(&**entry), &mut this.watch, cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Err(error)) => {
                        // The others are released.
                        this.scattered = None;
                        return Poll::Ready(Err(error));
                    }
                    Poll::Ready(Ok(())) => _ = arriving.pop(),
                }
            }
        }
        match this.scattered.take() {
            Some(scattered) => Poll::Ready(scattered.map(|(futures, _)| futures)),
            None => Poll::Pending,
        }
    }
}

impl<F: Send + Unpin> Wait<F> for Arriving<F> {
    fn waits_for(&self) -> Vec<Arc<dyn Entry>> {
        match &self.scattered {
            Some(Ok((_, arriving))) => arriving.clone(),
            _ => Vec::new(),
        }
    }
}

impl<F> Drop for Arriving<F> {
    fn drop(&mut self) {
        if let (Some(Ok((_, arriving))), Some(watch)) = (&self.scattered, self.watch.take())
            && let Some(entry) = arriving.last()
        {
            entry.unwatch(watch);
        }
    }
}
