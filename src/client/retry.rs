//! Running failed tasks again.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::Error;
use crate::client::gather::Gather;
use crate::client::operation::Wait;
use crate::client::shape::Leaves;
use crate::client::{Client, Operation};
use crate::engine::local::{ClientState, EngineStatus};
use crate::runtime::Runtime;
use crate::task::{Entry, Status, TaskFuture};

impl<R: Runtime> Client<R> {
    /// Runs failed tasks again, and those of their inputs that failed; in any arrangement that can be gathered. The
    /// futures are pending then, and resolve a second time. What failed because of them stays failed until it is retried
    /// too. Retries and deadlines begin anew.
    ///
    /// A task that failed because of its inputs has its call still. One that failed itself can be run again if it has no
    /// arguments, or was submitted as [`retryable`](crate::TaskBuilder::retryable) or with
    /// [`retries`](crate::TaskBuilder::retries).
    ///
    /// # Errors
    ///
    /// [`Error::NotFailed`], [`Error::NotRepeatable`], [`Error::ForeignFuture`], [`Error::ClientClosed`]; then none is run
    /// again.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use std::sync::atomic::{AtomicBool, Ordering};
    /// use anydask::{Client, fallible, runtime::Smol};
    ///
    /// static IS_UP: AtomicBool = AtomicBool::new(false);
    /// fn fetch() -> Result<i64, &'static str> {
    ///     if IS_UP.load(Ordering::Relaxed) { Ok(1) } else { Err("the server is down") }
    /// }
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let fetched = client.submit(fallible(fetch), ());
    /// let after = client.submit(|x: i64| x + 1, &fetched);
    /// assert!(after.wait().is_err());
    /// IS_UP.store(true, Ordering::Relaxed);
    /// client.retry(&after).wait()?;
    /// assert_eq!(after.wait()?, 2);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn retry<G: Gather>(&self, futures: G) -> Operation<()> {
        let client = Some(Arc::clone(self.state()));
        self.operation("retry", Retry { shape: Some(futures.into_shape()), client })
    }
}

impl<T: Clone + Send + Sync + 'static> TaskFuture<T> {
    /// Runs the failed task again, and those of its inputs that failed; see [`Client::retry`].
    pub fn retry(&self) -> Operation<()> {
        let scheduler = self.entry().scheduler();
        let client = Arc::clone(&scheduler).as_any().downcast::<ClientState>().ok();
        Operation::new("retry", Some(scheduler), Retry { shape: Some(self.clone()), client })
    }
}

/// The future of a retry. It is done at the first poll.
struct Retry<L> {
    shape: Option<L>,
    client: Option<Arc<ClientState>>,
}

impl<L: Leaves> Retry<L> {
    fn given(&self, shape: &L) -> Result<Vec<Arc<dyn Entry>>, Error> {
        let closed = Error::ClientClosed { operation: "retry" };
        let Some(client) = &self.client else { return Err(closed) };
        let (mut entries, mut refused) = (Vec::new(), None);
        shape.visit(&mut |leaf| {
            if leaf.entry().scheduler_id() != client.id() {
                refused = Some(Error::ForeignFuture { key: leaf.entry().key() });
            }
            entries.push(leaf.shared_entry());
        });
        if client.status() != EngineStatus::Running {
            return Err(closed);
        }
        refused.map_or(Ok(entries), Err)
    }
}

impl<L: Leaves> Future for Retry<L> {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(shape) = self.shape.take() else { return Poll::Pending };
        Poll::Ready(self.given(&shape).and_then(retry))
    }
}

impl<L: Leaves> Wait<()> for Retry<L> {}

/// Has the tasks run again, with all failed ones that they need.
fn retry(given: Vec<Arc<dyn Entry>>) -> Result<(), Error> {
    for entry in &given {
        let status = Status::of(entry.outcome().as_ref().map(|outcome| outcome.as_ref().map(|_| ())));
        if status != Status::Error {
            return Err(Error::NotFailed { key: entry.key(), status });
        }
    }
    let failed = with_failed_inputs(given)?;
    // All are taken back before the first can run and look at the others.
    let retried: Vec<_> = failed.into_iter().filter(|entry| entry.retry()).collect();
    retried.into_iter().for_each(Entry::resume);
    Ok(())
}

fn with_failed_inputs(given: Vec<Arc<dyn Entry>>) -> Result<Vec<Arc<dyn Entry>>, Error> {
    let mut known = HashSet::new();
    let (mut next, mut failed) = (given, Vec::new());
    while let Some(entry) = next.pop() {
        if !matches!(entry.outcome(), Some(Err(_))) || !known.insert(Arc::as_ptr(&entry).addr()) {
            continue;
        }
        if !entry.is_repeatable() {
            return Err(Error::NotRepeatable { key: entry.key() });
        }
        next.extend(entry.inputs());
        failed.push(entry);
    }
    Ok(failed)
}
