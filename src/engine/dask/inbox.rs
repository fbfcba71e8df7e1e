//! What a driver does next: changed from any thread, taken by the one task that drives.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Work of the kind `W` for one driver.
#[derive(Default)]
pub(super) struct Inbox<W>(Mutex<Inner<W>>);

#[derive(Default)]
struct Inner<W> {
    work: W,
    /// Whether it has changed since the driver looked.
    is_new: bool,
    waker: Option<Waker>,
}

impl<W> Inbox<W> {
    /// Changes what there is to do, and has the driver look.
    pub(super) fn change(&self, change: impl FnOnce(&mut W)) {
        let mut inner = self.lock();
        change(&mut inner.work);
        inner.is_new = true;
        let waker = inner.waker.take();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Takes, of what there is to do, what `take` takes.
    pub(super) fn take<T>(&self, take: impl FnOnce(&mut W) -> T) -> T {
        take(&mut self.lock().work)
    }

    /// Waits until something has changed. It may have been seen by then.
    pub(super) fn poll_changed(&self, cx: &Context<'_>) -> Poll<()> {
        // To clone or to drop a waker may run code of the user's executor.
        let waker = cx.waker().clone();
        let mut inner = self.lock();
        if std::mem::take(&mut inner.is_new) {
            drop(inner);
            return Poll::Ready(());
        }
        let replaced = inner.waker.replace(waker);
        drop(inner);
        drop(replaced);
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, Inner<W>> {
        // Only moves happen under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
