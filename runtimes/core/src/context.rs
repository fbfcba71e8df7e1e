//! Whether a thread is polling a task: for runtimes that cannot tell by themselves.

use std::cell::Cell;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Whether the calling thread is polling an [`Entered`] future, or holds a [`Guard`].
pub fn is_entered() -> bool {
    DEPTH.try_with(Cell::get).unwrap_or(0) > 0
}

/// Marks the calling thread until the guard is dropped.
pub fn enter() -> Guard {
    DEPTH.with(|depth| depth.set(depth.get() + 1));
    Guard { not_send: PhantomData }
}

/// Takes the marks off the calling thread until the guard is dropped: for a thread of a runtime that has been handed
/// to code which may block.
pub fn leave() -> LeaveGuard {
    LeaveGuard { depth: DEPTH.with(|depth| depth.replace(0)), not_send: PhantomData }
}

/// See [`enter`].
#[derive(Debug)]
pub struct Guard {
    not_send: PhantomData<*const ()>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        // A thread that ends drops its locals first: then nobody is left to ask.
        let _ = DEPTH.try_with(|depth| depth.set(depth.get().saturating_sub(1)));
    }
}

/// See [`leave`].
#[derive(Debug)]
pub struct LeaveGuard {
    depth: usize,
    not_send: PhantomData<*const ()>,
}

impl Drop for LeaveGuard {
    fn drop(&mut self) {
        let _ = DEPTH.try_with(|depth| depth.set(self.depth));
    }
}

pin_project! {
    /// A future during whose polls [`is_entered`] is true.
    #[derive(Debug)]
    pub struct Entered<F> {
        #[pin]
        future: F,
    }
}

impl<F> Entered<F> {
    /// Wraps `future`.
    pub fn new(future: F) -> Self {
        Self { future }
    }
}

impl<F: Future> Future for Entered<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let _guard = enter();
        self.project().future.poll(cx)
    }
}
