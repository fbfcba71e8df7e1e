//! How far many tasks have come.

use std::collections::HashSet;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use crate::Error;
use crate::client::gather::Gather;
use crate::client::next::{Completing, Next};
use crate::client::shape::Leaves;
use crate::client::{Client, Counts};
use crate::runtime::Runtime;
use crate::task::{AnyFuture, Outcome, Scheduler, Watch, Watcher, Watchers};

impl<R: Runtime> Client<R> {
    /// Counts how futures end, in any arrangement that can be gathered: Dask's `progress`.
    ///
    /// The feature `progress` adds a bar for the terminal, `Progress::bar`.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignFuture`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, Error, fallible, runtime::Smol};
    ///
    /// smol::block_on(async {
    ///     let client = Client::<Smol>::local().await?;
    ///     let parsed = client.map(fallible(|text: &str| text.parse::<i64>()), ["1", "two", "3"]);
    ///     let mut progress = client.progress(&parsed)?;
    ///     while let Some(counts) = progress.next().await {
    ///         println!("{counts}");
    ///     }
    ///     assert_eq!(progress.counts().to_string(), "3 of 3 done, 1 failed");
    ///     client.close().await
    /// })?;
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn progress<G: Gather>(&self, futures: G) -> Result<Progress, Error> {
        let shape = futures.into_shape();
        let (client_id, tally) = (self.state().id(), Arc::new(Tally::default()));
        let (mut known, mut foreign) = (HashSet::new(), None);
        shape.visit(&mut |leaf| {
            let entry = leaf.entry();
            if foreign.is_some() {
                return;
            }
            if entry.scheduler_id() != client_id {
                foreign = Some(Error::ForeignFuture { key: entry.key() });
                return;
            }
            // Below the check: tasks of two engines may have one number.
            if !known.insert(entry.id()) {
                return;
            }
            tally.add();
            if let Err(outcome) = entry.watch(Watcher::Object(Arc::clone(&tally) as Arc<dyn Watch>, 0)) {
                tally.count(&outcome);
            }
        });
        let progress = Progress {
            shape: Some(Box::new(shape)),
            given: None,
            scheduler: Arc::clone(self.state()) as Arc<dyn Scheduler>,
            tally,
        };
        foreign.map_or(Ok(progress), Err)
    }
}

/// Counts tasks as they are submitted, without holding them: their values go as soon as they can.
pub(crate) struct Counting(Arc<Tally>);

impl Counting {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Tally::default()))
    }

    /// Counts one more, which it has not counted yet.
    pub(crate) fn add(&self, future: &dyn AnyFuture) {
        self.0.add();
        if let Err(outcome) = future.entry().watch(Watcher::Object(Arc::clone(&self.0) as Arc<dyn Watch>, 0)) {
            self.0.count(&outcome);
        }
    }
}

impl<R: Runtime> Client<R> {
    /// What has been counted, of tasks of this client.
    pub(crate) fn counted(&self, counting: Counting) -> Progress {
        let scheduler = Arc::clone(self.state()) as Arc<dyn Scheduler>;
        Progress { shape: None, given: None, scheduler, tally: counting.0 }
    }
}

/// How far many tasks have come; made by [`Client::progress`].
///
/// It is a [`Stream`] to await and an [`Iterator`] to block on. The first [`Counts`] come at once. Others come whenever
/// something has changed since: who looks seldom is given fewer of them, and never old ones. The last ones are those with
/// nothing pending; then it ends.
///
/// A task counts once, however often it is given, and the way in which it first ends: what is
/// [retried](Client::retry) after that does not count again. The futures are held until the last counts are given, or this
/// is dropped.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, runtime::Smol};
///
/// let client = Client::<Smol>::local().wait()?;
/// let (small, large) = (client.map(|x: u8| x + 1, 0..3), client.submit(|| u64::MAX, ()));
/// let mut last = None;
/// for counts in client.progress((&small, &large))? {
///     last = Some(counts);
/// }
/// assert_eq!(last.unwrap().finished, 4);
/// # }
/// # Ok::<(), anydask::Error>(())
/// ```
#[must_use = "counts come when it is awaited or iterated"]
pub struct Progress {
    /// Holds the futures until the last counts are given.
    shape: Option<Box<dyn Leaves>>,
    /// The last counts that came out.
    given: Option<Counts>,
    scheduler: Arc<dyn Scheduler>,
    tally: Arc<Tally>,
}

impl Progress {
    /// The counts as they are, without waiting. They come out of [`next`](Self::next) all the same.
    pub fn counts(&self) -> Counts {
        self.tally.lock().counts
    }

    /// The counts, once they are other than those that came last; `None` after the last. Await it, or call
    /// [`wait`](Next::wait); bound it in time with [`timeout`](Next::timeout).
    #[expect(
        clippy::should_implement_trait,
        reason = "both a stream and an iterator have one; this is the one to await"
    )]
    pub fn next(&mut self) -> Next<&mut Self> {
        Next::new(self)
    }

    fn is_over(&self) -> bool {
        self.given.is_some_and(|counts| counts.is_done())
    }

    fn take_news(&mut self) -> Option<Counts> {
        let counts = self.counts();
        (self.given != Some(counts)).then(|| self.give(counts))
    }

    fn give(&mut self, counts: Counts) -> Counts {
        self.given = Some(counts);
        if counts.is_done() {
            self.shape = None;
        }
        counts
    }
}

/// What [`Progress::bar`] needs.
#[cfg(feature = "progress")]
impl Progress {
    /// The tasks that have not ended.
    pub(crate) fn unfinished(&self) -> Vec<Arc<dyn crate::task::Entry>> {
        let mut entries = Vec::new();
        if let Some(shape) = &self.shape {
            shape.visit(&mut |leaf| {
                if leaf.entry().outcome().is_none() {
                    entries.push(leaf.shared_entry());
                }
            });
        }
        entries
    }

    /// The counts as they are. The caller is woken when they are no longer.
    pub(crate) fn watch_counts(&self, cx: &mut Context<'_>) -> Counts {
        loop {
            let counts = self.counts();
            if counts.is_done() || self.tally.poll_other_than(Some(counts), cx).is_pending() {
                return counts;
            }
        }
    }

    pub(crate) fn engine(&self) -> &Arc<dyn Scheduler> {
        &self.scheduler
    }
}

impl Completing for Progress {
    type Item = Counts;

    const NAME: &'static str = "progress";

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Counts>> {
        if self.is_over() {
            return Poll::Ready(None);
        }
        match self.tally.poll_other_than(self.given, cx) {
            Poll::Ready(counts) => Poll::Ready(Some(self.give(counts))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn scheduler(&self) -> Option<Arc<dyn Scheduler>> {
        (!self.is_over()).then(|| Arc::clone(&self.scheduler))
    }
}

impl Stream for Progress {
    type Item = Counts;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Counts>> {
        self.poll_item(cx)
    }
}

/// Blocks for each. Where it may not block, inside an asynchronous task, it gives the counts as they are, if they are
/// other than those that came last, and then ends.
impl Iterator for Progress {
    type Item = Counts;

    fn next(&mut self) -> Option<Counts> {
        match Progress::next(self).wait() {
            Ok(next) => next,
            Err(_) => self.take_news(),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        let mut state = self.tally.lock();
        state.is_abandoned = true;
        let waker = state.waker.take();
        drop(state);
        drop(waker);
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

/// Hears of every task once, and wakes who waits for a change.
#[derive(Default)]
struct Tally {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    counts: Counts,
    waker: Option<Waker>,
    is_abandoned: bool,
}

impl Tally {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more that has not ended.
    fn add(&self) {
        let mut state = self.lock();
        state.counts.total += 1;
        state.counts.pending += 1;
    }

    /// One of them has ended.
    fn count(&self, outcome: &Outcome) {
        let mut state = self.lock();
        state.counts.count(outcome);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll_other_than(&self, given: Option<Counts>, cx: &mut Context<'_>) -> Poll<Counts> {
        let mut state = self.lock();
        if given != Some(state.counts) {
            return Poll::Ready(state.counts);
        }
        let replaced = match &state.waker {
            Some(current) if current.will_wake(cx.waker()) => None,
            _ => state.waker.replace(cx.waker().clone()),
        };
        drop(state);
        // Not under the lock: dropping a waker may run code of the user's executor.
        drop(replaced);
        Poll::Pending
    }
}

impl Watch for Tally {
    fn handle_outcome(self: Arc<Self>, _: usize, outcome: &Outcome) -> Option<(Watchers, Outcome)> {
        self.count(outcome);
        None
    }

    fn is_live(&self) -> bool {
        !self.lock().is_abandoned
    }
}
