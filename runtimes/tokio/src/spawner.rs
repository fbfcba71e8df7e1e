use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use anydask_runtime::{JoinError, Spawner, TaskHandle};
use tokio::task::JoinHandle;

use crate::Tokio;

impl Spawner for Tokio {
    type Task<T: Send + 'static> = Task<T>;

    fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Task::new(self.handle().spawn(future))
    }

    fn spawn_blocking<F, T>(&self, work: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        Task::new(self.handle().spawn_blocking(work))
    }
}

/// The handle of a task on tokio; see [`TaskHandle`].
#[must_use = "dropping the handle aborts the task; call `detach` to let it run"]
pub struct Task<T> {
    handle: JoinHandle<T>,
    aborted: bool,
    detached: bool,
}

impl<T> Task<T> {
    fn new(handle: JoinHandle<T>) -> Self {
        Self { handle, aborted: false, detached: false }
    }
}

impl<T: Send + 'static> TaskHandle<T> for Task<T> {
    fn abort(&mut self) {
        // What has ended already was not ended by this: it may have been the runtime's shutdown.
        self.aborted |= !self.handle.is_finished();
        self.handle.abort();
    }

    fn detach(mut self) {
        self.detached = true;
    }

    fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let aborted = self.aborted;
        Pin::new(&mut self.handle).poll(cx).map(|result| {
            result.map_err(|error| match error.try_into_panic() {
                Ok(payload) => JoinError::Panicked(payload),
                Err(_) if aborted => JoinError::Aborted,
                // Nobody but this handle and the runtime can.
                Err(_) => JoinError::Shutdown,
            })
        })
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if !self.detached {
            self.handle.abort();
        }
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("id", &self.handle.id()).finish_non_exhaustive()
    }
}
