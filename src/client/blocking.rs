//! Waiting on a thread: what `.wait()` does.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::Error;
use crate::task::backoff::look_again;
use crate::task::{Resume, Scheduler};

/// Runs a future to its end on this thread, at most until `limit` is over: then `None`. A task that waits gives its
/// slot to others meanwhile.
///
/// # Errors
///
/// Those of [`Scheduler::block`].
pub(crate) fn block_on<F: Future + ?Sized>(
    scheduler: Option<&dyn Scheduler>,
    mut future: Pin<&mut F>,
    limit: Option<Duration>,
) -> Result<Option<F::Output>, Error> {
    // A time that is too far away to be told is no limit.
    let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
    let parker = Arc::new(Parker { thread: thread::current(), is_woken: AtomicBool::new(false) });
    let waker = Waker::from(Arc::clone(&parker));
    let mut cx = Context::from_waker(&waker);
    // Nobody gives up a slot for a result that is there.
    if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
        return Ok(Some(output));
    }
    let mut output = None;
    let mut wait = || {
        while parker.park(deadline) {
            if let Poll::Ready(ready) = future.as_mut().poll(&mut cx) {
                output = Some(ready);
                return Resume::WithSlot;
            }
        }
        Resume::AtOnce
    };
    match scheduler {
        Some(scheduler) => scheduler.block(&mut wait)?,
        None => _ = wait(),
    }
    Ok(output)
}

/// How often a thread looks whether it was woken before it parks: some microseconds in all, less than a wake-up takes.
const LOOKS: u32 = 12;

/// Wakes one blocked thread. One for each wait, so that nested waits do not take each other's wakes.
struct Parker {
    thread: Thread,
    is_woken: AtomicBool,
}

impl Parker {
    /// Waits for a wake. False if the deadline comes first.
    fn park(&self, deadline: Option<Instant>) -> bool {
        let is_woken = || self.is_woken.load(Ordering::Relaxed).then_some(());
        // What the user's thread waits for is mostly about to come, and to be woken takes longer.
        look_again(LOOKS, is_woken);
        while !self.is_woken.swap(false, Ordering::Acquire) {
            match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                None => thread::park(),
                Some(Duration::ZERO) => return false,
                Some(left) => thread::park_timeout(left),
            }
        }
        true
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_woken.swap(true, Ordering::Release) {
            self.thread.unpark();
        }
    }
}
