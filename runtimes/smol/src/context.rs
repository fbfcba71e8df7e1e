use std::cell::OnceCell;
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// Whether the calling thread is polling something for smol: a task, or the future of a `block_on`.
///
/// smol has no question for that. But everything it polls, it polls inside of a `block_on`, its executor's threads too;
/// and a `block_on` uses the one waker that its thread keeps, unless it is inside of another: then it makes
/// one of its own. So a `block_on` that does nothing but show its waker tells whether there is one around it.
///
/// Costs about 0.05 µs on a plain thread and 0.3 µs inside of a task. Asking for the first time in a process starts
/// smol's reactor thread, as any use of smol does.
pub(crate) fn in_async_context() -> bool {
    thread_local! {
        static FUTURE_WAKER: OnceCell<Waker> = const { OnceCell::new() };
        static REACTOR_WAKER: OnceCell<Waker> = const { OnceCell::new() };
    }
    let show_waker = || poll_fn(|cx| Poll::Ready(cx.waker().clone()));
    // There are two, which know nothing of each other: one that only parks the thread, one that drives the reactor.
    FUTURE_WAKER.with(|known| is_nested(known, || smol::future::block_on(show_waker())))
        || REACTOR_WAKER.with(|known| is_nested(known, || smol::block_on(show_waker())))
}

/// Whether `block_on` is inside of another, by the waker that it shows. `known` is the one that its thread keeps, once
/// it has been seen.
fn is_nested(known: &OnceCell<Waker>, block_on: impl Fn() -> Waker) -> bool {
    let waker = block_on();
    if let Some(known) = known.get() {
        return !known.will_wake(&waker);
    }
    // The first is still there, so that a new one has to be another.
    if !block_on().will_wake(&waker) {
        return true;
    }
    let _ = known.set(waker);
    false
}
