use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::Error;
use crate::client::blocking::block_on;
use crate::task::{BoxFuture, Scheduler};

/// Something that gives items as tasks end.
#[doc(hidden)]
pub trait Completing: Unpin {
    /// What it gives.
    type Item;

    /// What it is called in errors.
    const NAME: &'static str;

    /// The next item; none when there will be no more.
    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Self::Item>>;

    /// The engine whose tasks are waited for, if any are.
    fn scheduler(&self) -> Option<Arc<dyn Scheduler>>;

    /// Runs on this thread what the next item needs for certain, as far as that is allowed. Nothing, where any of several
    /// tasks will do: one of the others could run for as long as the waiter does not tell it to stop.
    fn help(&mut self) {}
}

impl<C: Completing> Completing for &mut C {
    type Item = C::Item;

    const NAME: &'static str = C::NAME;

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<C::Item>> {
        C::poll_item(self, cx)
    }

    fn scheduler(&self) -> Option<Arc<dyn Scheduler>> {
        C::scheduler(self)
    }

    fn help(&mut self) {
        C::help(self);
    }
}

/// The next of what comes as tasks end, or none when nothing more will come: `.await` it, or call [`wait`](Self::wait) in
/// blocking code; bound it with [`timeout`](Self::timeout).
///
/// Made by `next` of [`AsCompleted`](crate::AsCompleted) and the like.
///
/// # Cancel safety
///
/// Dropping it loses nothing.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, as_completed, runtime::Smol};
///
/// let client = Client::<Smol>::local().wait()?;
/// let mut completed = as_completed(client.map(|x: u64| x * x, 0..4));
/// let mut sum = 0;
/// while let Some(done) = completed.next().wait()? {
///     sum += done.wait()?;
/// }
/// assert_eq!(sum, 14);
/// # }
/// # Ok::<(), anydask::Error>(())
/// ```
#[must_use = "nothing comes until it is awaited or waited for"]
pub struct Next<C> {
    source: C,
}

impl<C: Completing> Next<C> {
    pub(crate) fn new(source: C) -> Self {
        Self { source }
    }

    /// Bounds the wait in time. What is waited for goes on, and comes later.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use std::time::Duration;
    /// use anydask::{Client, as_completed, asynchronous, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let never = client.submit(asynchronous(|| std::future::pending::<i64>()), ());
    /// let mut completed = as_completed([&never]);
    /// let late = completed.next().timeout(Duration::from_millis(1)).wait();
    /// assert!(late.unwrap_err().is_timeout());
    /// assert_eq!(completed.len(), 1);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn timeout(self, limit: Duration) -> NextWithin<C> {
        NextWithin { source: self.source, limit, sleep: None }
    }

    /// Waits on this thread. Inside a task, the task's slot goes to others meanwhile.
    ///
    /// # Errors
    ///
    /// [`Error::BlockingInAsync`] inside a task of the runtime, where `.await` is right; [`Error::TooManyBlocked`].
    pub fn wait(self) -> Result<Option<C::Item>, Error> {
        wait_on_thread(self.source, None)
    }
}

impl<C: Completing> Future for Next<C> {
    type Output = Option<C::Item>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.source.poll_item(cx)
    }
}

impl<C> fmt::Debug for Next<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").finish_non_exhaustive()
    }
}

/// The same within a limit in time; made by [`Next::timeout`].
///
/// # Cancel safety
///
/// Dropping it loses nothing.
///
/// # Errors
///
/// [`Error::Timeout`] when the time is over first.
#[must_use = "nothing comes until it is awaited or waited for"]
pub struct NextWithin<C> {
    source: C,
    limit: Duration,
    /// Runs while it is awaited.
    sleep: Option<BoxFuture<()>>,
}

impl<C: Completing> NextWithin<C> {
    /// Waits on this thread. Inside a task, the task's slot goes to others meanwhile.
    ///
    /// # Errors
    ///
    /// [`Error::Timeout`]; those of [`Next::wait`].
    pub fn wait(self) -> Result<Option<C::Item>, Error> {
        wait_on_thread(self.source, Some(self.limit))
    }
}

impl<C: Completing> Future for NextWithin<C> {
    type Output = Result<Option<C::Item>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Poll::Ready(item) = this.source.poll_item(cx) {
            return Poll::Ready(Ok(item));
        }
        let Some(scheduler) = this.source.scheduler() else { return Poll::Pending };
        let sleep = this.sleep.get_or_insert_with(|| scheduler.sleep(this.limit));
        sleep.as_mut().poll(cx).map(|()| Err(out_of_time::<C>(this.limit)))
    }
}

impl<C> fmt::Debug for NextWithin<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NextWithin").field("timeout", &self.limit).finish_non_exhaustive()
    }
}

fn wait_on_thread<C: Completing>(mut source: C, limit: Option<Duration>) -> Result<Option<C::Item>, Error> {
    let scheduler = source.scheduler();
    if let Some(scheduler) = &scheduler {
        scheduler.check_may_block(C::NAME)?;
        // What runs here runs to its end: not within a limit, and not if there is something already.
        if limit.is_none() {
            if let Poll::Ready(item) = source.poll_item(&mut Context::from_waker(Waker::noop())) {
                return Ok(item);
            }
            source.help();
        }
    }
    let waited = block_on(scheduler.as_deref(), pin!(Next::new(source)), limit)?;
    waited.ok_or_else(|| out_of_time::<C>(limit.unwrap_or_default()))
}

fn out_of_time<C: Completing>(after: Duration) -> Error {
    Error::Timeout { operation: C::NAME, after }
}
