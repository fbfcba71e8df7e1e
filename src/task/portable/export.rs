//! A submission as it goes to a cluster.

use std::any::{Any, type_name};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::Error;
use crate::task::portable::codecs::Codecs;
use crate::task::portable::python::EncodeError;
use crate::task::portable::{DecodeError, PyValue, Slot, TypeOf};
use crate::task::{AnyFuture, Entry, Part};

/// The parts of a call's arguments, whatever their types: `Arguments::parts`.
#[doc(hidden)]
pub type Parts<'a> = &'a dyn Fn(&mut dyn FnMut(Part<'_>));

/// A call for a cluster.
#[doc(hidden)]
pub struct Export<T> {
    pub(crate) call: ExportedCall,
    /// The tasks that the call takes results of, each once; the call has their places in this list. They are kept by the
    /// function and the arguments, not by this.
    pub(crate) inputs: Vec<Arc<dyn Entry>>,
    /// Makes the value of the result.
    pub(crate) decode: fn(&PyValue) -> Result<T, DecodeError>,
}

/// What is called.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ExportedCall {
    /// A registered task, whose result has this type.
    Rust { task: &'static str, arguments: Vec<Argument>, type_of: TypeOf },
    /// A Python function, by `module:qualname`.
    Python { function: Arc<str>, arguments: Vec<PyValue>, keywords: Vec<(Arc<str>, PyValue)> },
}

/// One argument of a registered task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Argument {
    /// The postcard of a value.
    Value(Bytes),
    /// The result of an input.
    Input(u32),
    /// Those of several inputs, which make one vector.
    Inputs(Vec<u32>),
}

/// What `#[task]` makes the function `export` of.
#[doc(hidden)]
pub fn export<C: Codecs, T>(
    task: &'static str,
    codecs: &C,
    output: Slot<T>,
    parts: Parts<'_>,
) -> Result<Export<T>, Error> {
    if let Some((number, r#type)) = codecs.without() {
        return Err(without_serde(task, r#type, &format!("its argument {number}")));
    }
    let codec = output.0.ok_or_else(|| without_serde(task, type_name::<T>(), "its result"))?;

    let mut failed = None;
    let (arguments, inputs) = arguments_of(parts, |number, value| match codecs.encode(number, value)? {
        Ok(bytes) => Some(bytes),
        Err((r#type, error)) => {
            failed.get_or_insert_with(|| not_encoded(task, number, r#type, error));
            None
        }
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(Export {
            call: ExportedCall::Rust { task, arguments, type_of: TypeOf { task, parameter: None } },
            inputs,
            decode: codec.input_decoder(),
        }),
    }
}

/// The arguments of a call, and the inputs that they name. `encode` makes bytes of the plain value of an argument, by its number
/// from 1; where it makes none, the call does not go out.
pub(super) fn arguments_of(
    parts: Parts<'_>,
    mut encode: impl FnMut(usize, &dyn Any) -> Option<Bytes>,
) -> (Vec<Argument>, Vec<Arc<dyn Entry>>) {
    let mut inputs = Inputs::default();
    let mut arguments = Vec::new();
    let mut places = Vec::new();
    let mut argument = None;
    parts(&mut |part| match part {
        Part::Several => argument = Some(Argument::Inputs(Vec::new())),
        Part::Input(input) => places.push(inputs.place(input)),
        Part::Plain(value) => argument = encode(arguments.len() + 1, value).map(Argument::Value),
        Part::End => {
            let places = std::mem::take(&mut places);
            arguments.push(match (argument.take(), places.first()) {
                (Some(Argument::Inputs(_)), _) => Argument::Inputs(places),
                (Some(argument), _) => argument,
                (None, Some(place)) => Argument::Input(*place),
                (None, None) => Argument::Inputs(places),
            });
        }
    });
    (arguments, inputs.entries)
}

/// The inputs of a call, each once.
#[derive(Default)]
pub(crate) struct Inputs {
    pub(crate) entries: Vec<Arc<dyn Entry>>,
    places: BTreeMap<(usize, u64), u32>,
}

impl Inputs {
    /// The place of an input in the list.
    pub(crate) fn place(&mut self, input: &dyn AnyFuture) -> u32 {
        let next = self.entries.len() as u32;
        // Not by the number of the task alone: one of another client may have the same.
        let place = *self.places.entry((input.entry().scheduler_id(), input.entry().id())).or_insert(next);
        if place == next {
            self.entries.push(input.shared_entry());
        }
        place
    }
}

fn without_serde(task: &'static str, r#type: &str, what: &str) -> Error {
    let fix = format!("derive `Serialize` and `Deserialize` for `{}`, {what}", r#type);
    Error::NotPortable { task: task.into(), fix: fix.into() }
}

pub(super) fn not_encoded(task: &'static str, number: usize, r#type: &str, error: EncodeError) -> Error {
    let value = format!("argument {number}, a `{}`,", r#type);
    Error::NotEncoded { task: task.into(), value: value.into(), source: Arc::new(error) }
}

impl<T> fmt::Debug for Export<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export").field("call", &self.call).field("inputs", &self.inputs).finish_non_exhaustive()
    }
}
