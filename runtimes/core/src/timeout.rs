use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

pin_project! {
    /// A future bounded in time; see [`TimerExt::timeout`](crate::TimerExt::timeout).
    #[must_use = "a future does nothing unless it is awaited"]
    #[derive(Debug)]
    pub struct Timeout<F, S> {
        // Dropped before the error is returned, so that what the caller sees next is a world without it.
        #[pin]
        future: Option<F>,
        #[pin]
        sleep: S,
        after: Duration,
    }
}

impl<F, S> Timeout<F, S> {
    pub(crate) fn new(future: F, sleep: S, after: Duration) -> Self {
        Self { future: Some(future), sleep, after }
    }
}

impl<F: Future, S: Future<Output = ()>> Future for Timeout<F, S> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            return Poll::Ready(Err(Elapsed { after: *this.after }));
        };
        // The value first: a result that is there must not be thrown away because the deadline is there too.
        if let Poll::Ready(value) = future.poll(cx) {
            return Poll::Ready(Ok(value));
        }
        if this.sleep.poll(cx).is_pending() {
            return Poll::Pending;
        }
        this.future.set(None);
        Poll::Ready(Err(Elapsed { after: *this.after }))
    }
}

/// A future did not complete in time. It has been dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed {
    /// The time that it was given.
    pub after: Duration,
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not completed within {:?}", self.after)
    }
}

impl Error for Elapsed {}
