//! Panics of task bodies: caught, and told with the place where they happened.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Once};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::Error;
use crate::task::Key;

thread_local! {
    /// Whether a piece of a body is being caught on this thread.
    static IN_BODY: Cell<bool> = const { Cell::new(false) };
    /// Where the last panic of a body on this thread happened.
    static LOCATION: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
}

/// Has the panic hook note where task bodies panic. A payload does not tell, and only the hook is told.
///
/// The hook that was there goes on being called, for every panic.
pub(crate) fn install_hook() {
    static INSTALLED: Once = Once::new();
    // Taking the hook is not allowed while this thread panics: then this is left to the next engine.
    if std::thread::panicking() {
        return;
    }
    INSTALLED.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if is_in_body() {
                let location = info.location().map(|location| location.to_string().into());
                let _ = LOCATION.try_with(|last| *last.borrow_mut() = location);
            }
            previous(info);
        }));
    });
}

/// Whether a task body runs on this thread.
pub(crate) fn is_in_body() -> bool {
    IN_BODY.try_with(Cell::get).unwrap_or(false)
}

/// A panic of a body.
pub(crate) struct BodyPanic {
    payload: Box<dyn Any + Send>,
    location: Option<Arc<str>>,
}

impl BodyPanic {
    pub(crate) fn into_error(self, key: Key) -> Error {
        let text = self.payload.downcast_ref::<&'static str>().copied();
        let message = text.or_else(|| self.payload.downcast_ref::<String>().map(String::as_str));
        let message = message.unwrap_or("(no text)").into();
        // A payload may panic in its own `Drop`.
        std::mem::forget(self.payload);
        Error::Panicked { key, message, location: self.location }
    }
}

/// Runs a piece of a body.
pub(crate) fn catch<T>(body: impl FnOnce() -> T) -> Result<T, BodyPanic> {
    let outer = IN_BODY.replace(true);
    // That of a panic which a body caught by itself.
    LOCATION.set(None);
    let result = catch_unwind(AssertUnwindSafe(body));
    IN_BODY.set(outer);
    result.map_err(|payload| BodyPanic { payload, location: LOCATION.take() })
}

pin_project! {
    /// A future whose panics are caught.
    pub(crate) struct CatchUnwind<F> {
        // Dropped under the same protection: what a future captures may panic in its `Drop`.
        #[pin]
        future: Option<F>,
    }
}

impl<F> CatchUnwind<F> {
    pub(crate) fn new(future: F) -> Self {
        Self { future: Some(future) }
    }
}

impl<F: Future> Future for CatchUnwind<F> {
    type Output = Result<F::Output, BodyPanic>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let polled = catch(|| {
            let polled = this.future.as_mut().as_pin_mut().map(|future| future.poll(cx));
            if matches!(polled, Some(Poll::Ready(_))) {
                this.future.as_mut().set(None);
            }
            polled
        });
        match polled {
            Ok(Some(Poll::Ready(value))) => Poll::Ready(Ok(value)),
            // A future that has completed is not polled again by `async` blocks.
            Ok(Some(Poll::Pending) | None) => Poll::Pending,
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}
