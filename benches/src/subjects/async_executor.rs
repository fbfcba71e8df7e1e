//! The executor under smol, with as many threads as the others.

use std::hint::black_box;
use std::sync::LazyLock;
use std::thread;

use async_executor::{Executor as Threads, Task};
use futures_lite::future;

use super::executor::{self, Executor};
use crate::work::{Body, THREADS, Work};

pub(super) fn outside(work: Work) -> Option<Body> {
    executor::body::<AsyncExecutor, false>(work)
}

pub(super) fn inside(work: Work) -> Option<Body> {
    executor::body::<AsyncExecutor, true>(work)
}

static EXECUTOR: LazyLock<&Threads<'_>> = LazyLock::new(|| {
    let executor: &Threads<'_> = Box::leak(Box::new(Threads::new()));
    for _ in 0..THREADS {
        thread::spawn(|| future::block_on(executor.run(future::pending::<()>())));
    }
    executor
});

struct AsyncExecutor;

impl Executor for AsyncExecutor {
    type Handle<T: Send + 'static> = Task<T>;

    fn spawn<F: Future<Output: Send> + Send + 'static>(future: F) -> Task<F::Output> {
        EXECUTOR.spawn(future)
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        future::block_on(future)
    }

    fn cancel<T: Send + 'static>(handle: Task<T>) {
        // That is what dropping means here.
        drop(handle);
    }

    async fn map(n: usize) {
        let mut tasks = Vec::with_capacity(n);
        EXECUTOR.spawn_many((0..n).map(|i| async move { black_box(i) }), &mut tasks);
        for task in tasks {
            black_box(task.await);
        }
    }
}
