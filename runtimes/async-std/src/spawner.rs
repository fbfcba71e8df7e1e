use std::pin::Pin;
use std::task::{Context, Poll};

use anydask_runtime::Spawner;
use anydask_runtime::adapter::{self, Ended, NativeTask};
use async_std::task::{self, JoinHandle};

use crate::AsyncStd;

impl Spawner for AsyncStd {
    type Task<T: Send + 'static> = Task<T>;

    fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Task::spawn(future, |body| Native(task::spawn(body)))
    }

    fn spawn_blocking<F, T>(&self, work: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        Task::spawn_blocking(work, |work| Native(task::spawn_blocking(|| work.run())))
    }
}

/// The handle of a task on async-std; see [`TaskHandle`](anydask_runtime::TaskHandle).
pub type Task<T> = adapter::Task<Native<T>>;

/// async-std's own handle inside a [`Task`].
#[derive(Debug)]
pub struct Native<T>(JoinHandle<Ended<T>>);

impl<T: Send + 'static> NativeTask for Native<T> {
    type Value = T;

    async fn cancel(self) -> Option<Ended<T>> {
        self.0.cancel().await
    }

    fn detach(self) {
        drop(self.0);
    }
}

impl<T> Future for Native<T> {
    type Output = Ended<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended<T>> {
        Pin::new(&mut self.0).poll(cx)
    }
}
