use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

pin_project! {
    /// A sleep that yields at least once, as [`Timer::sleep`](crate::Timer::sleep) promises: without that, a loop around
    /// a sleep of zero never lets another task run.
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask_runtime::adapter::YieldFirst;
    /// # use std::task::{Context, Waker};
    ///
    /// let mut cx = Context::from_waker(Waker::noop());
    /// let mut sleep = std::pin::pin!(YieldFirst::new(std::future::ready(())));
    /// assert!(sleep.as_mut().poll(&mut cx).is_pending());
    /// assert!(sleep.as_mut().poll(&mut cx).is_ready());
    /// ```
    #[derive(Debug)]
    #[must_use = "a future does nothing unless it is awaited"]
    pub struct YieldFirst<S> {
        #[pin]
        sleep: S,
        state: State,
    }
}

#[derive(Debug)]
enum State {
    New,
    Yielded,
    /// The sleep was over in the first poll already, and must not be polled again.
    Over,
}

impl<S> YieldFirst<S> {
    /// Wraps `sleep`.
    pub fn new(sleep: S) -> Self {
        Self { sleep, state: State::New }
    }
}

impl<S: Future> Future for YieldFirst<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        match this.state {
            State::New => {
                *this.state = State::Yielded;
                if this.sleep.poll(cx).is_ready() {
                    *this.state = State::Over;
                    cx.waker().wake_by_ref();
                }
                Poll::Pending
            }
            State::Yielded => this.sleep.poll(cx).map(drop),
            State::Over => Poll::Ready(()),
        }
    }
}
