use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;
use std::{env, fs, process};

use crate::{Endpoint, Timer};

/// How often a condition is looked at that nothing announces.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// A flag that is raised once. Tasks await it, plain threads wait for it.
///
/// Of the suite's own, because what a runtime wakes must not depend on that runtime.
#[derive(Clone, Debug, Default)]
pub(super) struct Signal(Arc<SignalState>);

#[derive(Debug, Default)]
struct SignalState {
    raised: Mutex<(bool, Vec<Waker>)>,
    changed: Condvar,
}

impl Signal {
    pub(super) fn raise(&self) {
        let wakers = {
            let mut raised = self.lock();
            raised.0 = true;
            std::mem::take(&mut raised.1)
        };
        self.0.changed.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(super) fn is_raised(&self) -> bool {
        self.lock().0
    }

    pub(super) async fn raised(&self) {
        std::future::poll_fn(|cx| self.poll_raised(cx)).await;
    }

    pub(super) fn poll_raised(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut raised = self.lock();
        if raised.0 {
            return Poll::Ready(());
        }
        if !raised.1.iter().any(|waker| waker.will_wake(cx.waker())) {
            raised.1.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Blocks the calling thread.
    pub(super) fn wait(&self) {
        let mut raised = self.lock();
        while !raised.0 {
            raised = self.0.changed.wait(raised).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Raises the signal when dropped. Shows that something is gone, never that something ran.
    pub(super) fn on_drop(&self) -> RaiseOnDrop {
        RaiseOnDrop(self.clone())
    }

    fn lock(&self) -> MutexGuard<'_, (bool, Vec<Waker>)> {
        self.0.raised.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`Signal::on_drop`].
#[derive(Debug)]
pub(super) struct RaiseOnDrop(Signal);

impl Drop for RaiseOnDrop {
    fn drop(&mut self) {
        self.0.raise();
    }
}

/// Calls a closure when dropped.
pub(super) struct OnDrop<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> OnDrop<F> {
    pub(super) fn new(call: F) -> Self {
        Self(Some(call))
    }
}

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(call) = self.0.take() {
            call();
        }
    }
}

/// A waker that counts, and whose clones can be counted.
#[derive(Debug, Default)]
pub(super) struct CountingWaker(AtomicUsize);

impl CountingWaker {
    pub(super) fn wakes(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for CountingWaker {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A directory for the files of Unix sockets. Removed when dropped.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        // Short: the path of a Unix socket has about 100 bytes in all.
        let name = format!("anydask-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a directory for the sockets of the suite");
        Self(path)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(super) fn endpoint(&self, name: &str) -> Endpoint {
        Endpoint::Unix(self.path(name))
    }
}

impl AsRef<Path> for Scratch {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Panics without the message that the panic hook would print: the suite's output is for what fails.
pub(super) fn panic_silently<T>(text: &'static str) -> T {
    resume_unwind(Box::new(text))
}

/// Polls a sleep until it waits for its deadline: its first poll may only have yielded.
pub(super) fn start_waiting<S: Future<Output = ()> + ?Sized>(mut sleep: Pin<&mut S>, waker: &Waker) {
    for _ in 0..2 {
        assert!(sleep.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
    }
}

/// Waits, in a task, for what no event announces.
pub(super) async fn eventually<T: Timer>(timer: &T, mut holds: impl FnMut() -> bool) {
    while !holds() {
        timer.sleep(LOOK_EVERY).await;
    }
}

/// Waits, on a plain thread, for what no event announces.
pub(super) fn eventually_blocking(mut holds: impl FnMut() -> bool) {
    while !holds() {
        thread::sleep(LOOK_EVERY);
    }
}

/// Drives a future on the calling thread: the executor that belongs to no runtime.
///
/// Of the suite's own, because that of `futures-lite` is smol's.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Drives a future on the calling thread, without any runtime, for at most `duration`.
pub(super) fn drive_for<F: Future>(duration: Duration, future: F) -> Option<F::Output> {
    let over = Signal::default();
    let clock = over.clone();
    thread::spawn(move || {
        thread::sleep(duration);
        clock.raise();
    });
    block_on(futures_lite::future::or(async { Some(future.await) }, async {
        over.raised().await;
        None
    }))
}
