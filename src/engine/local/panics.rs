//! Panics of task bodies: caught, and told with the place where they happened.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Once};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::Error;
use crate::runtime::adapter;
use crate::task::Key;
use crate::task::context::is_in_task;

thread_local! {
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
            if is_in_task() {
                let location = info.location().map(|location| location.to_string().into());
                let _ = LOCATION.try_with(|last| *last.borrow_mut() = location);
            }
            previous(info);
        }));
    });
}

/// A panic of a body.
pub(crate) struct BodyPanic {
    payload: Box<dyn Any + Send>,
    location: Option<Arc<str>>,
}

impl BodyPanic {
    fn new(payload: Box<dyn Any + Send>) -> Self {
        Self { payload, location: LOCATION.take() }
    }

    pub(crate) fn into_error(self, key: Key) -> Error {
        let text = self.payload.downcast_ref::<&'static str>().copied();
        let message = text.or_else(|| self.payload.downcast_ref::<String>().map(String::as_str));
        let message = message.unwrap_or("(no text)").into();
        // A payload may panic in its own `Drop`.
        std::mem::forget(self.payload);
        Error::Panicked { key, message, location: self.location }
    }
}

/// Runs a piece of a body, inside of its task's context.
pub(crate) fn catch<T>(body: impl FnOnce() -> T) -> Result<T, BodyPanic> {
    forget_location();
    catch_unwind(AssertUnwindSafe(body)).map_err(BodyPanic::new)
}

/// That of a panic which a body caught by itself.
fn forget_location() {
    // Looked at first: that costs less, and there is one only after a panic.
    if LOCATION.with_borrow(Option::is_some) {
        LOCATION.set(None);
    }
}

pin_project! {
    /// A future whose panics are caught, as [`catch`] catches those of a function.
    pub(crate) struct CatchUnwind<F> {
        #[pin]
        future: adapter::CatchUnwind<F>,
    }
}

impl<F> CatchUnwind<F> {
    pub(crate) fn new(future: F) -> Self {
        Self { future: adapter::CatchUnwind::new(future) }
    }
}

impl<F: Future> Future for CatchUnwind<F> {
    type Output = Result<F::Output, BodyPanic>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        forget_location();
        self.project().future.poll(cx).map_err(BodyPanic::new)
    }
}
