//! The beginning and the end of what is driven elsewhere, for those who wait for them.

use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::Error;
use crate::engine::local::wake_all;

/// Whether something has begun, and whether it is over.
#[derive(Default)]
pub(super) struct Milestones(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    opened: Option<Result<(), Error>>,
    over: Option<Result<(), Error>>,
    wakers: Vec<Waker>,
}

impl Milestones {
    /// It has begun, or it will not. The first word counts.
    pub(super) fn open(&self, result: Result<(), Error>) {
        self.set(|inner| _ = inner.opened.get_or_insert(result));
    }

    /// It is over. The first word counts.
    pub(super) fn end(&self, result: Result<(), Error>) {
        self.set(|inner| _ = inner.over.get_or_insert(result));
    }

    pub(super) fn poll_opened(&self, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        self.poll(cx, |inner| inner.opened.clone())
    }

    pub(super) fn poll_over(&self, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        self.poll(cx, |inner| inner.over.clone())
    }

    fn set(&self, set: impl FnOnce(&mut Inner)) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        set(&mut inner);
        let wakers = std::mem::take(&mut inner.wakers);
        drop(inner);
        wake_all(wakers);
    }

    fn poll<T>(&self, cx: &Context<'_>, look: impl FnOnce(&Inner) -> Option<T>) -> Poll<T> {
        // To clone a waker, or to drop the one that is not needed, may run code of the user's executor.
        let mut waker = Some(cx.waker().clone());
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = look(&inner) {
            drop(inner);
            return Poll::Ready(found);
        }
        if !inner.wakers.iter().any(|there| there.will_wake(cx.waker())) {
            inner.wakers.extend(waker.take());
        }
        drop(inner);
        Poll::Pending
    }
}
