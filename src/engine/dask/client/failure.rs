//! Why a task of a cluster has no value, as its futures tell it.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::Error;
use crate::engine::dask::client::Loss;
use crate::engine::dask::wire::{Limits, RemoteException, Value};
use crate::task::Key;

/// The error of a task that failed on a worker. One that ran in Rust has that of the embedded engine.
pub(super) fn error_of_exception(key: Key, exception: &Value, traceback: &Value) -> Error {
    let RemoteException { class, message, traceback_text, rust } =
        RemoteException::read(exception, traceback, &Limits::default());
    match rust.as_deref() {
        Some("failed") => Error::Failed { key, source: Arc::new(Text(message)) },
        Some("panicked") => Error::Panicked { key, message: message.into(), location: None },
        _ => Error::Exception { key, class: class.into(), message: message.into(), traceback: traceback_text.into() },
    }
}

pub(super) fn error_of_loss(key: Key, loss: &Loss) -> Error {
    let reason = match loss {
        Loss::Connection => "the connection to the scheduler was lost".into(),
        Loss::Scattered => "the worker that had the scattered value went away".into(),
        Loss::NotScattered(why) => format!("no worker has taken the scattered value: {why}").into(),
        Loss::Input(input) => format!("it takes the result of `{input}`, which is lost").into(),
        Loss::Unavailable => "the scheduler says that it is there, and no worker gives it".into(),
    };
    Error::Lost { key, reason }
}

/// An error of another process: what it said.
#[derive(Debug)]
struct Text(String);

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Text {}
