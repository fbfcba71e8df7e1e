//! tokio's runtime with several threads.

use std::hint::black_box;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};

use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinHandle, JoinSet};

use super::executor::{self, Executor};
use crate::work::{Body, THREADS, Work};

pub(super) fn outside(work: Work) -> Option<Body> {
    executor::body::<Tokio, false>(work)
}

pub(super) fn inside(work: Work) -> Option<Body> {
    executor::body::<Tokio, true>(work)
}

pub(super) static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(THREADS).build().expect("a runtime starts"));

struct Tokio;

impl Executor for Tokio {
    type Handle<T: Send + 'static> = Joined<T>;

    fn spawn<F: Future<Output: Send> + Send + 'static>(future: F) -> Joined<F::Output> {
        Joined(RUNTIME.spawn(future))
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        RUNTIME.block_on(future)
    }

    fn cancel<T: Send + 'static>(handle: Joined<T>) {
        handle.0.abort();
    }

    async fn map(n: usize) {
        black_box(spawn_set(n).join_all().await);
    }

    async fn completed(n: usize) {
        let mut set = spawn_set(n);
        let mut sum = 0;
        while let Some(i) = set.join_next().await {
            sum += i.expect("the task finishes");
        }
        assert_eq!(sum, n * (n - 1) / 2);
    }
}

fn spawn_set(n: usize) -> JoinSet<usize> {
    let mut set = JoinSet::new();
    for i in 0..n {
        set.spawn_on(async move { black_box(i) }, RUNTIME.handle());
    }
    set
}

/// A handle whose task does not panic.
pub(super) struct Joined<T>(JoinHandle<T>);

impl<T> Future for Joined<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        Pin::new(&mut self.0).poll(cx).map(|result| result.expect("the task finishes"))
    }
}
