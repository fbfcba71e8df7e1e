use std::pin::Pin;
use std::task::{Context, Poll};

use anydask_runtime::Spawner;
use anydask_runtime::adapter::{self, Ended, NativeTask};

use crate::Smol;

impl Spawner for Smol {
    type Task<T: Send + 'static> = Task<T>;

    fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Task::spawn(future, |body| Native(smol::spawn(body)))
    }

    fn spawn_blocking<F, T>(&self, work: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        Task::spawn_blocking(work, |work| Native(smol::unblock(|| work.run())))
    }
}

/// The handle of a task on smol; see [`TaskHandle`](anydask_runtime::TaskHandle).
pub type Task<T> = adapter::Task<Native<T>>;

/// smol's own handle inside a [`Task`].
#[derive(Debug)]
pub struct Native<T>(smol::Task<Ended<T>>);

impl<T: Send + 'static> NativeTask for Native<T> {
    type Value = T;

    async fn cancel(self) -> Option<Ended<T>> {
        self.0.cancel().await
    }

    fn detach(self) {
        self.0.detach();
    }
}

impl<T> Future for Native<T> {
    type Output = Ended<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended<T>> {
        Pin::new(&mut self.0).poll(cx)
    }
}
