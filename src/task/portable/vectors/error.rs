//! Why a worker does nothing with vectors that arrived.

use std::error::Error as StdError;
use std::fmt;

use crate::task::portable::python::{DecodeError, EncodeError};

/// Why what is done with vectors of unknown types cannot be done.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VectorError {
    /// The bytes say nothing that can be done, or are none of what is done something with.
    Malformed,
    /// No registered task of this worker has the type, or it is none that this can be done with.
    UnknownType {
        /// The task that should have it.
        task: String,
    },
    /// What Python is to have has a type that is not known.
    NoType,
    /// What Python has made has a type that is not known.
    NotTyped {
        /// What it is.
        found: String,
    },
    /// There are more of one kind than of another that belongs to it.
    Uneven {
        /// How many items.
        items: usize,
        /// How many of the other kind.
        others: usize,
    },
    /// The vector is none of its type.
    Decode(DecodeError),
    /// An item cannot travel.
    Encode(EncodeError),
}

impl From<DecodeError> for VectorError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl From<EncodeError> for VectorError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl fmt::Display for VectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str(
                "the bytes of the operation or of what it takes are none; build the client and the workers from the \
                 same code",
            ),
            Self::UnknownType { task } => write!(
                f,
                "no vector of items that this is done with is known by the task `{task}`; build the client and the \
                 workers from the same code"
            ),
            Self::NoType => f.write_str(
                "no registered task has the type of what Python is to have; write a `#[task]` that takes or gives it",
            ),
            Self::NotTyped { found } => write!(
                f,
                "Python gave {found}, and no registered task has the type that it is to have; write a `#[task]` that \
                 takes or gives it"
            ),
            Self::Uneven { items, others } => write!(
                f,
                "{others} values belong to {items} items; build the client and the workers from the same code"
            ),
            Self::Decode(error) => error.fmt(f),
            Self::Encode(error) => write!(f, "an item cannot travel: {error}"),
        }
    }
}

impl StdError for VectorError {}
