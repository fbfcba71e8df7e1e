//! Futures inside of values: `(&a, vec![&b, &c])` as arguments of a Python function.
//!
//! A future has `Serialize`, so that it can stand wherever a value can. What it writes is its place in a list that is
//! kept beside, for this thread, while arguments are taken. There is none when another serialiser asks, who gets an error.
//! So it is with the calls of a lazy graph, where there is one.

use std::any::Any;
use std::cell::RefCell;
use std::sync::Arc;

use serde::ser::Error as _;
use serde::{Serialize, Serializer};

use crate::task::portable::python::{EncodeError, PyValue};
use crate::task::{AnyFuture, TaskFuture};

/// A future that is kept as an input.
pub(crate) type Held = Arc<dyn AnyFuture + Send + Sync>;

/// What stands inside of a value in the place of one that is not there yet.
#[derive(Clone)]
pub(crate) enum Nested {
    Future(Held),
    /// A call of a lazy graph, which knows what this is.
    Lazy(Arc<dyn Any + Send + Sync>),
}

/// What a place in the list of inputs is called where it is written.
const INPUT: &str = "$anydask::input";

thread_local! {
    static INPUTS: RefCell<Option<Vec<Nested>>> = const { RefCell::new(None) };
}

/// The Python value of one that may have futures in it, and these.
pub(super) fn encode_with_futures<T: Serialize + ?Sized>(value: &T) -> (Result<PyValue, EncodeError>, Vec<Held>) {
    let (encoded, inputs) = encode_with_inputs(value);
    let future = |input| match input {
        Nested::Future(future) => Ok(future),
        Nested::Lazy(_) => Err(EncodeError::custom(
            "a lazy call stands in it; compute that and give the future, or call this lazily, too",
        )),
    };
    match inputs.into_iter().map(future).collect() {
        Ok(futures) => (encoded, futures),
        Err(error) => (encoded.and(Err(error)), Vec::new()),
    }
}

/// The Python value of one that may have futures and lazy calls in it, and these.
pub(super) fn encode_with_inputs<T: Serialize + ?Sized>(value: &T) -> (Result<PyValue, EncodeError>, Vec<Nested>) {
    /// Puts back what was there before, also when a `Serialize` panics, or submits something itself.
    struct Restore(Option<Vec<Nested>>);

    impl Drop for Restore {
        fn drop(&mut self) {
            INPUTS.set(self.0.take());
        }
    }

    let _restore = Restore(INPUTS.replace(Some(Vec::new())));
    let encoded = PyValue::of(value);
    (encoded, INPUTS.take().unwrap_or_default())
}

/// The input that a value stands for, if it was written by a future; else the value.
pub(super) fn input_of(name: &str, value: PyValue) -> PyValue {
    match value {
        PyValue::Int(place) if name == INPUT => u32::try_from(place).map_or(value, PyValue::Input),
        value => value,
    }
}

/// Only as an argument of a Python function; see [`python`](crate::python). To write the value, await the future.
impl<T: 'static> Serialize for TaskFuture<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let future = || Nested::Future(Arc::new(self.clone()));
        write_input(serializer, future, "a future is not its value; await it, and write that")
    }
}

/// Writes the place of an input, where there is a list of them.
pub(crate) fn write_input<S: Serializer>(
    serializer: S,
    input: impl FnOnce() -> Nested,
    elsewhere: &str,
) -> Result<S::Ok, S::Error> {
    let place = INPUTS.with_borrow_mut(|inputs| {
        let inputs = inputs.as_mut()?;
        inputs.push(input());
        u32::try_from(inputs.len() - 1).ok()
    });
    match place {
        Some(place) => serializer.serialize_newtype_struct(INPUT, &place),
        None => Err(S::Error::custom(elsewhere)),
    }
}
