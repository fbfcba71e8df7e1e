//! The arguments of a Python function.

use std::any::{Any, type_name};
use std::fmt;

use serde::Serialize;

use crate::Error;
use crate::task::portable::python::nested_futures::{Held, Nested, encode_with_futures, encode_with_inputs};
use crate::task::portable::python::{EncodeError, PyValue};
use crate::task::{AnyFuture, Arguments, IntoArgs, Part};

/// What a Python function takes: anything; see [`python`](crate::python).
#[derive(Debug)]
pub struct PyArgs(());

/// The arguments as they are kept.
#[doc(hidden)]
#[derive(Clone)]
pub struct PyArguments {
    pub(super) values: Result<Vec<PyValue>, EncodeError>,
    pub(super) inputs: Vec<Held>,
}

/// One argument bare, several as a tuple, none as `()`: values that have `Serialize`, futures of either language, and
/// futures inside of values.
impl<A: Serialize> IntoArgs<PyArgs> for A {
    type Arguments = PyArguments;

    fn into_args(self) -> PyArguments {
        let (encoded, inputs) = encode_with_futures(&self);
        PyArguments::new(encoded.map(each::<A>), inputs)
    }
}

/// The arguments of a lazy call, and the inputs that they have places of.
pub(crate) fn lazy_arguments<A: Serialize>(given: &A) -> (Result<Vec<PyValue>, EncodeError>, Vec<Nested>) {
    let (encoded, inputs) = encode_with_inputs(given);
    (encoded.map(each::<A>), inputs)
}

/// The value of each argument.
fn each<A>(value: PyValue) -> Vec<PyValue> {
    match value {
        PyValue::Tuple(items) if is_tuple::<A>() => items,
        PyValue::None if is_tuple::<A>() => Vec::new(),
        one => vec![one],
    }
}

impl PyArguments {
    pub(crate) fn new(values: Result<Vec<PyValue>, EncodeError>, inputs: Vec<Held>) -> Self {
        Self { values, inputs }
    }
}

/// Whether the arguments were written as a tuple. Serde calls arrays and some structs tuples, too, and these are one
/// argument. The compiler's name of a type is all that tells them apart for every type there is; a test pins it.
fn is_tuple<A>() -> bool {
    type_name::<A>().trim_start_matches('&').starts_with('(')
}

impl Arguments<PyArgs> for PyArguments {
    fn visit(&self, input: &mut dyn FnMut(&dyn AnyFuture)) {
        for future in &self.inputs {
            input(&**future);
        }
    }

    fn parts(&self, part: &mut dyn FnMut(Part<'_>)) {
        // As a whole: the futures stand inside of the values. The function looks for this type.
        part(Part::Plain(self as &dyn Any));
        part(Part::End);
    }

    fn take(self) -> Result<PyArgs, Error> {
        Ok(PyArgs(()))
    }

    fn again(&self) -> Option<Self> {
        Some(self.clone())
    }
}

impl fmt::Debug for PyArguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PyArguments").field("values", &self.values).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;

    fn values<A: IntoArgs<PyArgs, Arguments = PyArguments>>(arguments: A) -> Vec<PyValue> {
        arguments.into_args().values.unwrap()
    }

    #[test]
    fn only_what_is_written_as_a_tuple_is_several_arguments() {
        #[derive(Serialize)]
        struct Point(f64, f64);

        let one = PyValue::Int(1);
        assert_eq!(values(()), []);
        assert_eq!(values(1), slice::from_ref(&one));
        assert_eq!(values((1,)), slice::from_ref(&one));
        assert_eq!(values((1, 1)), [one.clone(), one.clone()]);
        let pair = (1, 1);
        assert_eq!(values(pair), [one.clone(), one.clone()]);
        assert_eq!(values(((1, 1),)), [PyValue::Tuple(vec![one.clone(), one.clone()])]);
        assert_eq!(values([1, 1]), [PyValue::Tuple(vec![one.clone(), one.clone()])]);
        assert_eq!(values(vec![1]), [PyValue::List(vec![one])]);
        assert_eq!(values(None::<i64>), [PyValue::None]);
        assert_eq!(values(((),)), [PyValue::None]);
        assert_eq!(values(Point(1.0, 2.0)), [PyValue::Tuple(vec![PyValue::Float(1.0), PyValue::Float(2.0)])]);
    }
}
