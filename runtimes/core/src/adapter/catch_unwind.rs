use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

pin_project! {
    /// A future whose panic is its output.
    ///
    /// It drops the inner future before it completes. A panic of that destructor is the output as well; one that
    /// comes when this is dropped is swallowed, because some executors abort the process for it.
    ///
    /// # Panics
    ///
    /// When it is polled after it has completed.
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask_runtime::adapter::CatchUnwind;
    /// # use std::task::{Context, Poll, Waker};
    /// # std::panic::set_hook(Box::new(|_| ()));
    ///
    /// let mut future = std::pin::pin!(CatchUnwind::new(async { panic!("no such page") }));
    /// let Poll::Ready(Err(payload)) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
    ///     unreachable!()
    /// };
    /// assert_eq!(payload.downcast_ref(), Some(&"no such page"));
    /// # let _: Result<(), _> = Err(payload);
    /// ```
    #[derive(Debug)]
    #[must_use = "a future does nothing unless it is awaited"]
    pub struct CatchUnwind<F> {
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for CatchUnwind<F> {
        fn drop(this: Pin<&mut Self>) {
            drop_future(this.project().future);
        }
    }
}

impl<F> CatchUnwind<F> {
    /// Wraps `future`.
    pub fn new(future: F) -> Self {
        Self { future: Some(future) }
    }
}

impl<F: Future> Future for CatchUnwind<F> {
    type Output = Result<F::Output, Box<dyn Any + Send>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut slot = self.project().future;
        let future = slot.as_mut().as_pin_mut().expect("a future was polled after it had completed");
        // Unwind safe because nothing looks into the future again: it is dropped.
        match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(drop_future(slot).map_or(Ok(output), Err)),
            Err(payload) => {
                drop_future(slot);
                Poll::Ready(Err(payload))
            }
        }
    }
}

/// Drops the future, and gives the payload if that panics.
fn drop_future<F>(mut slot: Pin<&mut Option<F>>) -> Option<Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(|| slot.set(None))).err()
}
