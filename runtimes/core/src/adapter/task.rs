use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use crate::adapter::CatchUnwind;
use crate::{JoinError, TaskHandle};

/// The handle of a task as an executor of the async-task family gives it: cancelling is a future, and the output
/// of a task that has been cancelled is nothing.
pub trait NativeTask: Future<Output = Ended<Self::Value>> + Send + Unpin + 'static {
    /// What the task gives.
    type Value: Send + 'static;

    /// Cancels the task in the first poll, then waits until its future has been dropped. Gives the output where that
    /// was there first.
    fn cancel(self) -> impl Future<Output = Option<Ended<Self::Value>>> + Send + 'static;

    /// Lets the task run to its end with nobody watching.
    fn detach(self);
}

/// A [`TaskHandle`] made of a [`NativeTask`].
#[must_use = "dropping the handle aborts the task; call `detach` to let it run"]
pub struct Task<N: NativeTask> {
    // Locked by `is_finished` only, which has no other way to ask than to poll.
    inner: Mutex<Inner<N>>,
    /// The closure of `spawn_blocking` until it starts.
    work: Option<Arc<dyn Queued>>,
}

struct Inner<N: NativeTask> {
    state: State<N>,
    /// Who has polled last, so that another poll does not take the wake from it.
    waker: Option<Waker>,
}

type Cancel<T> = Pin<Box<dyn Future<Output = Option<Ended<T>>> + Send>>;

enum State<N: NativeTask> {
    Running(N),
    Cancelling(Cancel<N::Value>),
    Ended(Ended<N::Value>),
    /// The handle has given the result, or was detached.
    Gone,
}

impl<N: NativeTask> Task<N> {
    /// Hands `future` to `start`, which spawns it natively.
    pub fn spawn<F>(future: F, start: impl FnOnce(Body<F>) -> N) -> Self
    where
        F: Future<Output = N::Value> + Send + 'static,
    {
        Self::new(start(Body { future: CatchUnwind::new(future) }), None)
    }

    /// Hands `work` to `start`, which runs it natively on a thread that may block.
    pub fn spawn_blocking<F>(work: F, start: impl FnOnce(Work<F>) -> N) -> Self
    where
        F: FnOnce() -> N::Value + Send + 'static,
    {
        let queue = Arc::new(Mutex::new(Some(work)));
        Self::new(start(Work(queue.clone())), Some(queue))
    }

    fn new(native: N, work: Option<Arc<dyn Queued>>) -> Self {
        Self { inner: Mutex::new(Inner { state: State::Running(native), waker: None }), work }
    }

    fn inner(&mut self) -> &mut Inner<N> {
        self.inner.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

// Nothing in it is pinned where it stands.
impl<N: NativeTask> Unpin for Task<N> {}

impl<N: NativeTask> TaskHandle<N::Value> for Task<N> {
    fn abort(&mut self) {
        if let Some(work) = &self.work {
            // A closure that has started goes on to its end, and gives its value.
            if work.remove() {
                self.inner().state = State::Ended(Ended::aborted());
            }
            return;
        }
        let inner = self.inner();
        match std::mem::replace(&mut inner.state, State::Gone) {
            State::Running(native) => {
                inner.state = State::Cancelling(Box::pin(native.cancel()));
                inner.poll_again();
            }
            other => inner.state = other,
        }
    }

    fn detach(mut self) {
        if let State::Running(native) = std::mem::replace(&mut self.inner().state, State::Gone) {
            native.detach();
        }
    }

    fn is_finished(&self) -> bool {
        let mut inner = lock(&self.inner);
        inner.poll_again();
        matches!(inner.state, State::Ended(_) | State::Gone)
    }
}

impl<N: NativeTask> Inner<N> {
    /// Polls for nobody new.
    fn poll_again(&mut self) {
        let waker = self.waker.take();
        self.poll(&mut Context::from_waker(waker.as_ref().unwrap_or(Waker::noop())));
        self.waker = waker;
    }

    fn poll(&mut self, cx: &mut Context<'_>) {
        let ended = match &mut self.state {
            State::Running(native) => Pin::new(native).poll(cx),
            State::Cancelling(cancel) => cancel.as_mut().poll(cx).map(|ended| ended.unwrap_or_else(Ended::aborted)),
            State::Ended(_) | State::Gone => return,
        };
        if let Poll::Ready(ended) = ended {
            self.state = State::Ended(ended);
        }
    }
}

impl<N: NativeTask> Future for Task<N> {
    type Output = Result<N::Value, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let inner = self.inner();
        inner.poll(cx);
        match std::mem::replace(&mut inner.state, State::Gone) {
            State::Ended(ended) => Poll::Ready(ended.into_result()),
            State::Gone => panic!("the handle of a task was polled after it had given its result"),
            waiting => {
                inner.state = waiting;
                match &mut inner.waker {
                    Some(waker) => waker.clone_from(cx.waker()),
                    none => *none = Some(cx.waker().clone()),
                }
                Poll::Pending
            }
        }
    }
}

impl<N: NativeTask> Drop for Task<N> {
    fn drop(&mut self) {
        if let Some(work) = &self.work
            && matches!(self.inner.get_mut().unwrap_or_else(PoisonError::into_inner).state, State::Running(_))
        {
            work.remove();
        }
        if let State::Running(native) = std::mem::replace(&mut self.inner().state, State::Gone) {
            let _ = pin!(native.cancel()).poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}

impl<N: NativeTask> fmt::Debug for Task<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("finished", &self.is_finished()).finish_non_exhaustive()
    }
}

pin_project! {
    /// What [`Task::spawn`] gives an executor to run.
    #[must_use = "a future does nothing unless it is awaited"]
    pub struct Body<F> {
        #[pin]
        future: CatchUnwind<F>,
    }
}

impl<F: Future> Future for Body<F> {
    type Output = Ended<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().future.poll(cx).map(|result| Ended::new(result.map_err(JoinError::Panicked)))
    }
}

impl<F> fmt::Debug for Body<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").finish_non_exhaustive()
    }
}

/// What [`Task::spawn_blocking`] gives a thread to run.
#[must_use = "work does nothing unless it is run"]
pub struct Work<F>(Arc<Mutex<Option<F>>>);

impl<F> Work<F> {
    /// Runs the closure, unless it has been aborted.
    pub fn run<T>(self) -> Ended<T>
    where
        F: FnOnce() -> T,
    {
        let work = lock(&self.0).take();
        match work {
            Some(work) => Ended::new(catch_unwind(AssertUnwindSafe(work)).map_err(JoinError::Panicked)),
            None => Ended::aborted(),
        }
    }
}

impl<F> fmt::Debug for Work<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work").finish_non_exhaustive()
    }
}

/// How a task has ended.
///
/// Where nobody takes the value, a panic of its destructor is swallowed: async-task would abort the process.
pub struct Ended<T>(Option<Result<T, JoinError>>);

impl<T> Ended<T> {
    fn new(result: Result<T, JoinError>) -> Self {
        Self(Some(result))
    }

    fn aborted() -> Self {
        Self::new(Err(JoinError::Aborted))
    }

    fn into_result(mut self) -> Result<T, JoinError> {
        // It is there: only this takes it.
        self.0.take().unwrap_or(Err(JoinError::Aborted))
    }
}

impl<T> Drop for Ended<T> {
    fn drop(&mut self) {
        if let Some(result) = self.0.take() {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(result)));
        }
    }
}

impl<T> fmt::Debug for Ended<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ended").finish_non_exhaustive()
    }
}

/// A closure in a queue.
trait Queued: Send + Sync {
    /// Drops the closure, and says whether it was still there.
    fn remove(&self) -> bool;
}

impl<F: Send> Queued for Mutex<Option<F>> {
    fn remove(&self) -> bool {
        let work = lock(self).take();
        work.is_some()
    }
}

/// What these locks guard is as good after a panic as before.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
