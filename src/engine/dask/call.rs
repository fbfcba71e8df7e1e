//! The bytes of a call of a registered task, as they stand in a task's annotations beside its name and its inputs.
//!
//! They are the postcard of one of these, and say by themselves what they are:
//!
//! ```text
//! Call          = 0 count Argument*      count <= 8
//!               | 1                      the only input, a result of the task, as a plain Python object
//!               | 2 number               the only input, which has the type of this parameter, counted from 1, likewise
//! Argument      = 0 length byte*         the postcard of a value
//!               | 1 input                the result of an input
//!               | 2 count input*         the results of several inputs, which make one vector
//! count, length, input, number
//!                                       variable-length integers: seven bits a byte, lowest first
//! ```
//!
//! An input is a place in the ordered list of inputs. Its result is whatever a Rust or a Python task gave: see `MARK`.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize, Serializer};

use crate::task::Registration;
use crate::task::portable::{Argument, CallError, ErasedCall, Given, PyValue};

/// Most arguments of a task: as many as `#[task]` takes.
const ARGUMENTS_MAX: usize = 8;

/// What is asked of a registered task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TaskCall {
    /// To be called.
    Call(Vec<Argument>),
    /// To make a plain Python object of its result, or of what has the type of this parameter, counted from 1. That is the only
    /// input. For Python tasks that take it.
    ToPython { parameter: Option<u32> },
}

/// Why the bytes are no call, or the call cannot be made.
#[derive(Clone, Debug)]
pub(crate) enum CallRefused {
    /// They are not the form above.
    Malformed,
    /// It has an input that is not there.
    NoInput { place: u32, inputs: usize },
    /// The task itself refused.
    Task(CallError),
}

impl TaskCall {
    pub(crate) fn to_bytes(&self) -> Bytes {
        let form = match self {
            Self::Call(arguments) => Form::Call(arguments.iter().map(Part::of).collect()),
            Self::ToPython { parameter: None } => Form::ToPython,
            Self::ToPython { parameter: Some(number) } => Form::ParameterToPython(*number),
        };
        // It fails only for what has no length, and all of this has one.
        postcard::to_stdvec(&form).unwrap_or_default().into()
    }

    pub(crate) fn of_bytes(bytes: &Bytes) -> Result<Self, CallRefused> {
        match postcard::take_from_bytes(bytes) {
            Ok((Form::ToPython, [])) => Ok(Self::ToPython { parameter: None }),
            Ok((Form::ParameterToPython(number), [])) => Ok(Self::ToPython { parameter: Some(number) }),
            Ok((Form::Call(parts), [])) if parts.len() <= ARGUMENTS_MAX => {
                Ok(Self::Call(parts.into_iter().map(|part| part.argument(bytes)).collect()))
            }
            _ => Err(CallRefused::Malformed),
        }
    }

    /// Makes the call, with the results of its inputs in their order. Of a task that is not asynchronous, this runs it.
    pub(crate) fn make(&self, task: &Registration, inputs: &[PyValue]) -> Result<MadeCall, CallRefused> {
        let task = &task.travelling;
        let made = match self {
            Self::Call(arguments) => (task.call)(&given(arguments, inputs)?).map(MadeCall::Called),
            Self::ToPython { parameter } => (task.to_python)(*parameter, input(0, inputs)?).map(MadeCall::Value),
        };
        made.map_err(CallRefused::Task)
    }
}

fn given<'a>(arguments: &'a [Argument], inputs: &'a [PyValue]) -> Result<Vec<Given<'a>>, CallRefused> {
    let given = |argument: &'a Argument| match argument {
        Argument::Value(bytes) => Ok(Given::Value(bytes)),
        Argument::Input(place) => input(*place, inputs).map(Given::Input),
        Argument::Inputs(places) => {
            places.iter().map(|place| input(*place, inputs)).collect::<Result<_, _>>().map(Given::Inputs)
        }
    };
    arguments.iter().map(given).collect()
}

fn input(place: u32, inputs: &[PyValue]) -> Result<&PyValue, CallRefused> {
    let input = usize::try_from(place).ok().and_then(|place| inputs.get(place));
    input.ok_or(CallRefused::NoInput { place, inputs: inputs.len() })
}

/// A call that was made.
#[derive(Debug)]
pub(crate) enum MadeCall {
    /// The function was called. The bytes that it gives are to be a Python `bytes` object, as they are.
    Called(ErasedCall),
    /// This is the result.
    Value(PyValue),
}

/// The registered tasks of this program, by their names.
pub(crate) fn registered_tasks() -> BTreeMap<&'static str, &'static Registration> {
    inventory::iter::<Registration>.into_iter().map(|task| (task.name, task)).collect()
}

#[derive(Serialize, Deserialize)]
enum Form<'a> {
    #[serde(borrow)]
    Call(Vec<Part<'a>>),
    ToPython,
    ParameterToPython(u32),
}

#[derive(Serialize, Deserialize)]
enum Part<'a> {
    Value(#[serde(serialize_with = "in_one_piece")] &'a [u8]),
    Input(u32),
    Inputs(Vec<u32>),
}

/// As bytes, not as a sequence of numbers: the same form, without a call for each.
fn in_one_piece<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

impl<'a> Part<'a> {
    fn of(argument: &'a Argument) -> Self {
        match argument {
            Argument::Value(bytes) => Self::Value(bytes),
            Argument::Input(place) => Self::Input(*place),
            Argument::Inputs(places) => Self::Inputs(places.clone()),
        }
    }

    /// Shares its part of the call's `bytes`.
    fn argument(self, bytes: &Bytes) -> Argument {
        match self {
            Self::Value(value) => Argument::Value(bytes.slice_ref(value)),
            Self::Input(place) => Argument::Input(place),
            Self::Inputs(places) => Argument::Inputs(places),
        }
    }
}

impl fmt::Display for CallRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => {
                f.write_str("the bytes of the call are none; build the client and the workers from the same code")
            }
            Self::NoInput { place, inputs } => {
                write!(f, "the call takes input {place}, and the task has {inputs}")
            }
            Self::Task(error) => error.fmt(f),
        }
    }
}

impl StdError for CallRefused {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_the_bytes_that_are_written_down() {
        let call = TaskCall::Call(vec![
            Argument::Value(Bytes::from_static(&[0xac, 2])),
            Argument::Input(300),
            Argument::Inputs(vec![0, 1]),
        ]);
        let bytes = call.to_bytes();
        assert_eq!(*bytes, [0, 3, 0, 2, 0xac, 2, 1, 0xac, 2, 2, 2, 0, 1]);
        assert_eq!(TaskCall::of_bytes(&bytes).unwrap(), call);
        for (parameter, bytes) in [(None, &[1][..]), (Some(3), &[2, 3])] {
            let call = TaskCall::ToPython { parameter };
            assert_eq!(call.to_bytes(), bytes);
            assert_eq!(TaskCall::of_bytes(&Bytes::from_static(bytes)).unwrap(), call);
        }
    }

    #[test]
    fn what_is_no_call_is_refused() {
        let none: [&[u8]; 10] = [
            &[],
            &[2],
            &[3],
            &[1, 0],
            &[0, 1],
            &[0, 0, 0],
            &[0, 1, 0, 2, 7],
            &[0, 1, 3],
            &[0, 9, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0],
            &[0, 0xff, 0xff, 0xff, 0xff, 0x0f],
        ];
        for bytes in none {
            assert!(TaskCall::of_bytes(&Bytes::from_static(bytes)).is_err(), "{bytes:?}");
        }
    }
}
