//! Calling a registered task where its call arrives.

use std::any::{Any, type_name};
use std::error::Error as StdError;
use std::fmt;

use crate::task::portable::codec::Place;
use crate::task::portable::codecs::Codecs;
use crate::task::portable::{DecodeError, PyValue, Slot, Vector, VectorError};
use crate::task::{BoxFuture, Call, Failure, TaskFn};

/// What a worker needs of a registered task.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Travelling {
    /// Whether a call gives a future, which needs no thread of its own.
    pub is_asynchronous: bool,
    /// Decodes the arguments and calls the function. Of a task that is not asynchronous, this runs it.
    pub call: fn(&[Given<'_>]) -> Result<ErasedCall, CallError>,
    /// What is done with vectors of the type of this parameter, counted from 1, or of the result.
    pub vector: fn(Option<u32>) -> Option<Vector>,
    /// Makes a plain Python object of a result of the task, or of what has the type of one of its parameters, counted from 1.
    pub to_python: fn(Option<u32>, &PyValue) -> Result<PyValue, CallError>,
    /// Tells the codecs of its parameters and its result, each a `Codec<T>`.
    pub each_codec: fn(EachCodec<'_>),
}

/// What is told each codec.
type EachCodec<'a> = &'a mut dyn FnMut(Place, &dyn Any);

/// An argument as it arrives.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub enum Given<'a> {
    /// The postcard of a value.
    Value(&'a [u8]),
    /// The result of another task, whoever made it.
    Input(&'a PyValue),
    /// Those of several, which make one vector.
    Inputs(Vec<&'a PyValue>),
}

/// A call in progress, whose result is what a cluster keeps.
#[doc(hidden)]
pub enum ErasedCall {
    /// The function has returned.
    Returned(Result<PyValue, Failure>),
    /// The function is asynchronous: this is what it does.
    Future(BoxFuture<Result<PyValue, Failure>>),
}

/// Why a call was not made, or its result does not go on.
#[doc(hidden)]
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CallError {
    /// A type of the task has no serde.
    WithoutSerde {
        /// Counted from 1; none for the result.
        argument: Option<usize>,
        /// The type.
        r#type: &'static str,
    },
    /// Another number of arguments than the function takes.
    Count {
        /// What it takes.
        takes: usize,
        /// What arrived.
        given: usize,
    },
    /// The argument is none of its type.
    Argument {
        /// Counted from 1.
        number: usize,
        /// What the function takes.
        r#type: &'static str,
        /// What was wrong.
        source: DecodeError,
    },
    /// What is done with vectors of unknown types cannot be done.
    Vectors(VectorError),
    /// A task does not go from item to item.
    NoFold {
        /// What it gives.
        r#type: &'static str,
    },
    /// What should be a result of the task is none.
    Result {
        /// What the function gives.
        r#type: &'static str,
        /// What was wrong.
        source: DecodeError,
    },
    /// The result has no form in Python.
    ToPython {
        /// What the function gives.
        r#type: &'static str,
        /// What was wrong.
        source: super::python::EncodeError,
    },
}

/// What `#[task]` makes the function `call` of.
#[doc(hidden)]
pub fn call<F, C>(
    function: &F,
    codecs: &C,
    output: Slot<F::Output>,
    given: &[Given<'_>],
) -> Result<ErasedCall, CallError>
where
    C: Codecs,
    F: TaskFn<C::Values>,
{
    let Some(output) = output.0 else {
        return Err(CallError::WithoutSerde { argument: None, r#type: type_name::<F::Output>() });
    };
    let values = codecs.decode(given)?;
    let encode = move |value: F::Output| output.encode_result(&value).map_err(|error| Box::new(error) as Failure);
    Ok(match function.call(values) {
        Call::Returned(returned) => ErasedCall::Returned(returned.and_then(encode)),
        Call::Future(future) => ErasedCall::Future(Box::pin(async move { encode(future.await?) })),
    })
}

/// What `#[task]` makes the function `vector` of.
#[doc(hidden)]
pub fn vector<C: Codecs, T: 'static>(codecs: &C, output: Slot<T>, parameter: Option<u32>) -> Option<Vector> {
    match parameter {
        None => output.vector(),
        Some(number) => codecs.vector(number),
    }
}

/// What `#[task]` makes the function `to_python` of.
#[doc(hidden)]
pub fn to_python<C: Codecs, T: 'static>(
    codecs: &C,
    output: Slot<T>,
    parameter: Option<u32>,
    value: &PyValue,
) -> Result<PyValue, CallError> {
    match parameter {
        None => output.to_python(None, value),
        Some(number) => {
            let no_such = CallError::Count { takes: C::COUNT, given: number as usize };
            codecs.to_python(number, value).unwrap_or(Err(no_such))
        }
    }
}

/// What `#[task]` makes the function `each_codec` of.
#[doc(hidden)]
pub fn each_codec<T: 'static>(codecs: &impl Codecs, output: Slot<T>, each: EachCodec<'_>) {
    codecs.each(each);
    if let Some(codec) = &output.0 {
        codec.each(Place::Result, each);
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WithoutSerde { argument: Some(number), r#type } => {
                write!(f, "argument {number} cannot travel: derive `Serialize` and `Deserialize` for `{}`", r#type)
            }
            Self::WithoutSerde { argument: None, r#type } => {
                write!(f, "the result cannot travel: derive `Serialize` and `Deserialize` for `{}`", r#type)
            }
            Self::Count { takes, given } => write!(
                f,
                "{given} arguments arrived and the task takes {takes}; build the client and the workers from the same code"
            ),
            Self::Argument { number, r#type, source } => {
                write!(f, "argument {number} does not give a `{}`: {source}", r#type)
            }
            Self::Vectors(error) => error.fmt(f),
            Self::NoFold { r#type } => {
                write!(f, "the task gives a `{}`, which is not its first argument of two", r#type)
            }
            Self::Result { r#type, source } => write!(f, "the result does not give a `{}`: {source}", r#type),
            Self::ToPython { r#type, source } => {
                write!(f, "the result, a `{}`, has no form in Python: {source}", r#type)
            }
        }
    }
}

impl StdError for CallError {}

impl fmt::Debug for Travelling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Travelling").field("is_asynchronous", &self.is_asynchronous).finish_non_exhaustive()
    }
}

impl fmt::Debug for ErasedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Returned(_) => "Returned",
            Self::Future(_) => "Future",
        })
    }
}
