//! Futures in the order in which they end.

use std::borrow::Borrow;
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use slab::Slab;

use crate::client::next::{Completing, Next};
use crate::task::{Awaited, Outcome, Scheduler, TaskFuture, Watch, Watcher, Watchers};

/// Gives futures in the order in which they end, in whichever way. Every one that is put in comes out exactly once; one
/// that is put in twice comes out twice.
///
/// It is a [`Stream`] to await and an [`Iterator`] to block on, and takes more futures while it runs.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, as_completed, runtime::Smol};
///
/// smol::block_on(async {
///     let client = Client::<Smol>::local().await?;
///     let mut sum = 0;
///     let mut completed = as_completed(client.map(|x: u64| x, 1..=3));
///     while let Some(done) = completed.next().await {
///         let value = done.await?;
///         sum += value;
///         if value == 3 {
///             completed.push(client.submit(|x: u64| x * 10, value));
///         }
///     }
///     assert_eq!(sum, 1 + 2 + 3 + 30);
///     client.close().await
/// })?;
/// # }
/// # Ok::<(), anydask::Error>(())
/// ```
pub fn as_completed<T, I>(futures: I) -> AsCompleted<T>
where
    T: Send + Sync + 'static,
    I: IntoIterator,
    I::Item: Borrow<TaskFuture<T>>,
{
    let mut completed = AsCompleted::new(Awaited::End);
    completed.extend(futures);
    completed
}

/// Futures in the order in which they end; made by [`as_completed`].
#[must_use = "futures come out when it is awaited or iterated"]
pub struct AsCompleted<T> {
    awaited: Awaited,
    /// A place without a future is that of one that came out before it had ended; it is free once it has.
    pending: Slab<Option<TaskFuture<T>>>,
    /// How many futures there are in `pending`.
    len: usize,
    /// That of the first future that was put in: a blocking wait needs it, and must not search for it.
    scheduler: Option<Arc<dyn Scheduler>>,
    arrivals: Arc<Arrivals>,
}

/// The futures that have ended and have not come out.
#[derive(Default)]
struct Arrivals {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Places in `pending`.
    ended: VecDeque<usize>,
    waker: Option<Waker>,
    is_abandoned: bool,
}

impl<T: Send + Sync + 'static> AsCompleted<T> {
    pub(crate) fn new(awaited: Awaited) -> Self {
        Self { awaited, pending: Slab::new(), len: 0, scheduler: None, arrivals: Arc::default() }
    }

    /// Puts one more in.
    pub fn push(&mut self, future: impl Borrow<TaskFuture<T>>) {
        self.insert(future.borrow().clone());
    }

    pub(crate) fn insert(&mut self, future: TaskFuture<T>) {
        if self.is_empty() {
            self.scheduler = Some(future.entry().scheduler());
        }
        let place = self.pending.vacant_entry();
        let token = place.key();
        let watcher = Watcher::Object(Arc::clone(&self.arrivals) as Arc<dyn Watch>, token);
        if self.awaited.watch(future.entry(), watcher).is_err() {
            self.arrivals.lock().ended.push_back(token);
        }
        place.insert(Some(future));
        self.len += 1;
    }

    /// Puts more in.
    pub fn extend<I>(&mut self, futures: I)
    where
        I: IntoIterator,
        I::Item: Borrow<TaskFuture<T>>,
    {
        futures.into_iter().for_each(|future| self.push(future));
    }

    /// How many have not come out, ended or not.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether all have come out.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the next one has ended, so that it comes without waiting.
    pub fn has_ready(&self) -> bool {
        // One that came out before it had ended does not come again.
        self.arrivals.lock().ended.iter().any(|token| matches!(self.pending.get(*token), Some(Some(_))))
    }

    /// The next one that ends; `None` when all have come out. Await it, or call [`wait`](Next::wait); bound it in time
    /// with [`timeout`](Next::timeout).
    ///
    /// # Cancel safety
    ///
    /// Dropping it loses no future.
    #[expect(
        clippy::should_implement_trait,
        reason = "both a stream and an iterator have one; this is the one to await"
    )]
    pub fn next(&mut self) -> Next<&mut Self> {
        Next::new(self)
    }

    /// All that have ended, once at least one has; `None` when all have come out. Await it, or call [`wait`](Next::wait);
    /// bound it in time with [`timeout`](Next::timeout).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, as_completed, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let mut completed = as_completed(client.map(|x: u64| x, 0..10));
    /// let mut sum = 0;
    /// while let Some(batch) = completed.next_batch().wait()? {
    ///     assert!(!batch.is_empty());
    ///     sum += client.gather(batch).wait()?.iter().sum::<u64>();
    /// }
    /// assert_eq!(sum, 45);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn next_batch(&mut self) -> Next<Batch<'_, T>> {
        Next::new(Batch { completed: self })
    }

    /// Those that have ended by now, without waiting.
    pub fn ready_batch(&mut self) -> Vec<TaskFuture<T>> {
        std::iter::from_fn(|| self.take_ready()).collect()
    }

    /// Lets go of all that have not come out, as if each handle were dropped; more can be put in.
    pub fn clear(&mut self) {
        // What is watched under the old numbers reports to nobody.
        self.arrivals.abandon();
        self.arrivals = Arc::default();
        self.len = 0;
        drop(std::mem::take(&mut self.pending));
    }

    /// One that may not have ended.
    pub(crate) fn take_any(&mut self) -> Option<TaskFuture<T>> {
        let future = self.pending.iter_mut().find_map(|(_, future)| future.take())?;
        self.len -= 1;
        Some(future)
    }

    fn take_ready(&mut self) -> Option<TaskFuture<T>> {
        loop {
            let token = self.arrivals.lock().ended.pop_front()?;
            if let Some(future) = self.pending.try_remove(token).flatten() {
                self.len -= 1;
                return Some(future);
            }
        }
    }
}

impl<T: Send + Sync + 'static> Completing for AsCompleted<T> {
    type Item = TaskFuture<T>;

    const NAME: &'static str = "as_completed";

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<TaskFuture<T>>> {
        if let Some(future) = self.take_ready() {
            return Poll::Ready(Some(future));
        }
        if self.is_empty() {
            return Poll::Ready(None);
        }
        let mut state = self.arrivals.lock();
        // One that ends from here on finds the waker; one that has ended meanwhile is seen here.
        let replaced = match &state.waker {
            Some(current) if current.will_wake(cx.waker()) => None,
            _ => state.waker.replace(cx.waker().clone()),
        };
        let is_ready = !state.ended.is_empty();
        drop(state);
        drop(replaced);
        if is_ready { self.poll_item(cx) } else { Poll::Pending }
    }

    fn scheduler(&self) -> Option<Arc<dyn Scheduler>> {
        if self.is_empty() { None } else { self.scheduler.clone() }
    }
}

/// All that have ended; see [`AsCompleted::next_batch`].
#[derive(Debug)]
pub struct Batch<'a, T> {
    completed: &'a mut AsCompleted<T>,
}

impl<T: Send + Sync + 'static> Completing for Batch<'_, T> {
    type Item = Vec<TaskFuture<T>>;

    const NAME: &'static str = AsCompleted::<T>::NAME;

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let first = self.completed.poll_item(cx);
        first.map(|first| first.map(|first| [first].into_iter().chain(self.completed.ready_batch()).collect()))
    }

    fn scheduler(&self) -> Option<Arc<dyn Scheduler>> {
        self.completed.scheduler()
    }
}

impl<T: Send + Sync + 'static> Stream for AsCompleted<T> {
    type Item = TaskFuture<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<TaskFuture<T>>> {
        self.poll_item(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len(), None)
    }
}

/// Blocks for each. Where it may not block, inside an asynchronous task, it gives what has not ended as it is: waiting for
/// *that* says why.
impl<T: Send + Sync + 'static> Iterator for AsCompleted<T> {
    type Item = TaskFuture<T>;

    fn next(&mut self) -> Option<TaskFuture<T>> {
        if let Ok(next) = AsCompleted::next(self).wait() {
            return next;
        }
        self.take_any()
    }
}

impl<T> Drop for AsCompleted<T> {
    fn drop(&mut self) {
        self.arrivals.abandon();
    }
}

impl<T> fmt::Debug for AsCompleted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted").field("len", &self.len).finish_non_exhaustive()
    }
}

impl Arrivals {
    /// Nobody takes them any more.
    fn abandon(&self) {
        let mut state = self.lock();
        state.is_abandoned = true;
        let waker = state.waker.take();
        drop(state);
        drop(waker);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch for Arrivals {
    fn handle_outcome(self: Arc<Self>, token: usize, _: &Outcome) -> Option<(Watchers, Outcome)> {
        let mut state = self.lock();
        state.ended.push_back(token);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        None
    }

    fn is_live(&self) -> bool {
        !self.lock().is_abandoned
    }
}
