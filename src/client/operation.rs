use std::fmt;
use std::mem::replace;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::Error;
use crate::client::blocking::block_on;
use crate::engine::local::{self, ClientState};
use crate::task::context::is_in_task;
use crate::task::{BoxFuture, Entry, Scheduler, WaitInside};

/// Something that waits: `.await` it, or call [`wait`](Self::wait) in blocking code, with the same result; bound it with
/// [`timeout`](Self::timeout).
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use std::time::Duration;
/// use anydask::{Client, Operation, runtime::Smol};
///
/// let client = Client::<Smol>::local().wait()?;
/// let futures = client.map(|x: i64| x * 2, [1, 2, 3]);
/// let doubled: Operation<Vec<i64>> = client.gather(&futures).timeout(Duration::from_secs(10));
/// assert_eq!(doubled.wait()?, [2, 4, 6]);
/// # }
/// # Ok::<(), anydask::Error>(())
/// ```
#[must_use = "an operation does nothing until it is awaited or waited for"]
pub struct Operation<T> {
    name: &'static str,
    scheduler: Option<Arc<dyn Scheduler>>,
    wait: Pin<Box<dyn Wait<T>>>,
    limit: Option<Duration>,
    /// Runs while the operation is awaited.
    sleep: Option<BoxFuture<()>>,
    /// There while a task waits for it.
    inside: Inside,
}

/// Whether the operation is waited for by a task.
#[derive(Debug)]
enum Inside {
    Unknown,
    Known(#[expect(dead_code, reason = "it says so for as long as it lives")] Option<Box<WaitInside>>),
}

/// What an operation does.
pub(crate) trait Wait<T>: Future<Output = Result<T, Error>> + Send {
    /// Called before it is polled on a thread that blocks.
    fn begin_blocking(self: Pin<&mut Self>) -> Result<(), Error> {
        Ok(())
    }

    /// Runs on this thread what is waited for, as far as that is allowed.
    fn help(&self) {}

    /// The tasks that must all end before it is done.
    fn waits_for(&self) -> Vec<Arc<dyn Entry>> {
        Vec::new()
    }

    /// A sleep for the time limit of an operation that has no client yet; `None` if it never waits.
    fn sleep(&self, _: Duration) -> Option<BoxFuture<()>> {
        None
    }

    /// The error when the time is over first.
    fn out_of_time(&self, operation: &'static str, after: Duration) -> Error {
        Error::Timeout { operation, after }
    }
}

impl<T> Operation<T> {
    pub(crate) fn new(name: &'static str, scheduler: Option<Arc<dyn Scheduler>>, wait: impl Wait<T> + 'static) -> Self {
        Self { name, scheduler, wait: Box::pin(wait), limit: None, sleep: None, inside: Inside::Unknown }
    }

    /// Bounds the operation in time. What it waits for goes on.
    ///
    /// # Errors
    ///
    /// The operation gives [`Error::Timeout`] when the time is over first.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use std::time::Duration;
    /// use anydask::{Client, asynchronous, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let never = client.submit(asynchronous(|| std::future::pending::<i64>()), ());
    /// let late = client.gather(&never).timeout(Duration::from_millis(1)).wait();
    /// assert!(late.unwrap_err().is_timeout());
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self.sleep = None;
        self
    }

    /// Waits on this thread. Inside a task of the engine, the task's slot goes to others meanwhile.
    ///
    /// # Errors
    ///
    /// The operation's own; [`Error::BlockingInAsync`] inside a task of the runtime, where `.await` is right;
    /// [`Error::TooManyBlocked`] when no thread can be had for others.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let futures = client.map(|x: i64| x * x, 0..3);
    /// assert_eq!(client.gather(&futures).wait()?, [0, 1, 4]);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn wait(mut self) -> Result<T, Error> {
        if let Some(scheduler) = &self.scheduler {
            scheduler.check_may_block(self.name)?;
        }
        self.wait.as_mut().begin_blocking()?;
        // What runs here runs to its end: not within a limit.
        if self.limit.is_none() && is_in_task() {
            self.wait.help();
            self.wait_inside()?;
        }
        match block_on(self.scheduler.as_deref(), self.wait.as_mut(), self.limit)? {
            Some(result) => result,
            None => Err(self.wait.out_of_time(self.name, self.limit.unwrap_or_default())),
        }
    }
}

impl<T> Operation<T> {
    /// A task that waits without a limit says so.
    fn wait_inside(&mut self) -> Result<(), Error> {
        if let (Inside::Unknown, Some(scheduler)) = (&self.inside, &self.scheduler) {
            self.inside = Inside::Known(WaitInside::begin(scheduler, || self.wait.waits_for())?);
        }
        Ok(())
    }
}

impl<T> Future for Operation<T> {
    type Output = Result<T, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Poll::Ready(result) = this.wait.as_mut().poll(cx) {
            this.inside = Inside::Known(None);
            return Poll::Ready(result);
        }
        if this.limit.is_none() && is_in_task() {
            this.wait_inside()?;
        }
        let Some(limit) = this.limit else { return Poll::Pending };
        if this.sleep.is_none() {
            this.sleep = match &this.scheduler {
                Some(scheduler) => Some(scheduler.sleep(limit)),
                None => this.wait.sleep(limit),
            };
        }
        let Some(sleep) = &mut this.sleep else { return Poll::Pending };
        match sleep.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(this.wait.out_of_time(this.name, limit))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T> fmt::Debug for Operation<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation").field("name", &self.name).field("timeout", &self.limit).finish_non_exhaustive()
    }
}

/// Closing a client, or an engine.
pub(crate) struct Closed<C> {
    closing: C,
    has_begun: bool,
}

/// What can be closed.
pub(crate) trait Close: Send + Sync + Unpin + 'static {
    /// Begins to close. Idempotent.
    fn begin_close(&self);
    /// Whether all is over.
    fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<()>;
    /// The bodies and threads that are left.
    fn unfinished(&self) -> usize;
}

impl Close for Arc<ClientState> {
    fn begin_close(&self) {
        ClientState::begin_close(self, "the client was closed");
    }

    fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<()> {
        ClientState::poll_closed(self, cx)
    }

    fn unfinished(&self) -> usize {
        ClientState::unfinished(self)
    }
}

impl Close for Arc<local::Engine> {
    fn begin_close(&self) {
        local::Engine::begin_close(self, "the engine was closed");
    }

    fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<()> {
        local::Engine::poll_closed(self, cx)
    }

    fn unfinished(&self) -> usize {
        local::Engine::unfinished(self)
    }
}

impl<C: Close> Closed<C> {
    pub(crate) fn new(closing: C) -> Self {
        Self { closing, has_begun: false }
    }
}

impl<C: Close> Future for Closed<C> {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Once: it looks at all tasks, and each thread and each body that ends has this polled.
        if !replace(&mut self.has_begun, true) {
            self.closing.begin_close();
        }
        self.closing.poll_closed(cx).map(Ok)
    }
}

impl<C: Close> Wait<()> for Closed<C> {
    fn out_of_time(&self, _: &'static str, after: Duration) -> Error {
        Error::StillRunning { tasks: self.closing.unfinished(), after }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Waker;

    use super::*;

    /// Counts how often it is told to close, and never has.
    impl Close for Arc<AtomicUsize> {
        fn begin_close(&self) {
            self.fetch_add(1, Ordering::Relaxed);
        }

        fn poll_closed(&self, _: &mut Context<'_>) -> Poll<()> {
            Poll::Pending
        }

        fn unfinished(&self) -> usize {
            1
        }
    }

    #[test]
    fn however_often_it_is_polled_a_close_begins_once() {
        let begun = Arc::new(AtomicUsize::new(0));
        let mut closed = Closed::new(Arc::clone(&begun));
        for _ in 0..3 {
            assert!(Pin::new(&mut closed).poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        assert_eq!(begun.load(Ordering::Relaxed), 1);
    }
}
