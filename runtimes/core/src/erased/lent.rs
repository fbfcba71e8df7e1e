//! A runtime of which no more is known than that it is one.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use crate::{BlockOn, Endpoint, Instant, NestedBlockOn, Runtime, Shutdown, ShutdownReport, Spawner, Timer, Transport};

/// Blocks without the runtime's help, and leaves its end to its owner.
#[derive(Clone, Debug)]
pub(crate) struct Lent<R>(pub(crate) R);

impl<R: Runtime> Spawner for Lent<R> {
    type Task<T: Send + 'static> = R::Task<T>;

    fn spawn<F>(&self, future: F) -> Self::Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0.spawn(future)
    }

    fn spawn_blocking<F, T>(&self, work: F) -> Self::Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.0.spawn_blocking(work)
    }
}

impl<R: Runtime> Timer for Lent<R> {
    type Sleep = R::Sleep;

    fn now(&self) -> Instant {
        self.0.now()
    }

    fn sleep(&self, duration: Duration) -> Self::Sleep {
        self.0.sleep(duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
        self.0.sleep_until(deadline)
    }
}

impl<R: Runtime> Transport for Lent<R> {
    type Stream = R::Stream;
    type Listener = R::Listener;

    fn connect(&self, endpoint: &Endpoint) -> impl Future<Output = io::Result<Self::Stream>> + Send {
        self.0.connect(endpoint)
    }

    fn bind(&self, endpoint: &Endpoint) -> impl Future<Output = io::Result<Self::Listener>> + Send {
        self.0.bind(endpoint)
    }
}

impl<R: Runtime> Runtime for Lent<R> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn in_async_context(&self) -> bool {
        self.0.in_async_context()
    }
}

impl<R: Runtime> BlockOn for Lent<R> {
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, NestedBlockOn> {
        if self.in_async_context() {
            return Err(NestedBlockOn::new(self.name()));
        }
        let parked = Arc::new(Parked { thread: thread::current(), is_woken: AtomicBool::new(false) });
        let waker = Waker::from(Arc::clone(&parked));
        let mut future = pin!(future);
        loop {
            match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(output) => return Ok(output),
                Poll::Pending => parked.wait(),
            }
        }
    }
}

impl<R: Runtime> Shutdown for Lent<R> {
    async fn shutdown(&self, _grace: Duration) -> ShutdownReport {
        ShutdownReport::NotOwned
    }
}

/// A thread that waits to be woken. The thread's own token does not tell: a wait inside the future takes it, too.
struct Parked {
    thread: Thread,
    is_woken: AtomicBool,
}

impl Parked {
    fn wait(&self) {
        while !self.is_woken.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}
