//! Panics of task bodies: caught, and told with the place where they happened.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Once};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::Error;
use crate::runtime::adapter;
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

/// Runs a piece of a body.
pub(crate) fn catch<T>(body: impl FnOnce() -> T) -> Result<T, BodyPanic> {
    in_body(|| catch_unwind(AssertUnwindSafe(body))).map_err(BodyPanic::new)
}

/// Runs a piece of a body that does not unwind.
fn in_body<T>(body: impl FnOnce() -> T) -> T {
    let outer = IN_BODY.replace(true);
    // That of a panic which a body caught by itself.
    LOCATION.set(None);
    let result = body();
    IN_BODY.set(outer);
    result
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
        let polled = in_body(|| self.project().future.poll(cx));
        polled.map_err(BodyPanic::new)
    }
}
