//! Whether a thread is polling a task: for runtimes that cannot tell by themselves.
//!
//! # Examples
//!
//! ```
//! use anydask_runtime::context;
//! # use std::task::{Context, Poll, Waker};
//!
//! let mut task = std::pin::pin!(context::Entered::new(async { context::is_entered() }));
//! let polled = task.as_mut().poll(&mut Context::from_waker(Waker::noop()));
//! assert_eq!(polled, Poll::Ready(true));
//! assert!(!context::is_entered());
//! ```

use std::cell::Cell;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

thread_local! {
    // Without a destructor, so that it is there until the thread's very end.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Whether the calling thread is polling an [`Entered`] future, or holds a [`Guard`].
///
/// The mark is one for all runtimes that use it. It tells whether blocking would stall somebody, and not whom.
///
/// # Examples
///
/// ```
/// assert!(!anydask_runtime::context::is_entered());
/// ```
pub fn is_entered() -> bool {
    DEPTH.get() > 0
}

/// Marks the calling thread until the guard is dropped.
///
/// # Examples
///
/// ```
/// use anydask_runtime::context;
///
/// let guard = context::enter();
/// assert!(context::is_entered());
/// drop(guard);
/// assert!(!context::is_entered());
/// ```
#[must_use = "the mark goes with the guard"]
pub fn enter() -> Guard {
    DEPTH.set(DEPTH.get() + 1);
    Guard { not_send: PhantomData }
}

/// Takes the marks off the calling thread until the guard is dropped: for a thread of a runtime that has been handed
/// to code which may block.
///
/// # Examples
///
/// ```
/// use anydask_runtime::context;
///
/// let _task = context::enter();
/// let blocking = context::leave();
/// assert!(!context::is_entered());
/// drop(blocking);
/// assert!(context::is_entered());
/// ```
#[must_use = "the marks come back with the guard's end"]
pub fn leave() -> LeaveGuard {
    LeaveGuard { depth: DEPTH.replace(0), not_send: PhantomData }
}

/// See [`enter`].
#[derive(Debug)]
pub struct Guard {
    not_send: PhantomData<*const ()>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get().saturating_sub(1));
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
        DEPTH.set(self.depth);
    }
}

pin_project! {
    /// A future during whose polls [`is_entered`] is true.
    #[must_use = "a future does nothing unless it is awaited"]
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
