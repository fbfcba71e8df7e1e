//! The operations, and the registered task that they are.

use serde::{Deserialize, Serialize};

use crate::task::Registration;
use crate::task::portable::python::PyValue;
use crate::task::portable::vectors::VectorError;
use crate::task::portable::vectors::buckets::{all_of, buckets_of};
use crate::task::portable::vectors::operations::{
    Arrived, concat, count, counts, distinct, frequencies, group, join, select, take,
};
use crate::task::portable::vectors::vector::Keys;
use crate::task::portable::{CallError, ErasedCall, Given, Travelling, TypeOf, Vector};

/// The name of the task.
pub(crate) const NAME: &str = "anydask::vectors";

inventory::submit! {
    Registration {
        name: NAME,
        location: concat!(file!(), ":", line!()),
        travelling: Travelling {
            is_asynchronous: false,
            call: |given| Ok(ErasedCall::Returned(Ok(run(given).map_err(CallError::Vectors)?))),
            vector: |_| None,
            // Whose type a registered task has, is a result of that task's for who asks.
            to_python: |_, _| Err(CallError::Vectors(VectorError::NoType)),
            each_codec: |_| (),
        },
    }
}

/// The name of a vector's type: that of a parameter of a registered task, counted from 1, or of its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct TypeName<'a> {
    task: &'a str,
    parameter: Option<u32>,
}

/// What is done: the first argument. It stands before what it is done with, of which `..` is any number of inputs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum VectorCall<'a> {
    /// `(..)`: all items. The type is needed where Python has made a vector.
    Concat { of: Option<TypeName<'a>> },
    /// `(vector)`: how many items there are.
    Count,
    /// `(..)`: the first items.
    Take {
        #[serde(borrow)]
        of: TypeName<'a>,
        count: usize,
    },
    /// `(vector, Vec<bool>)`: the items of which it says yes.
    Select { of: TypeName<'a> },
    /// `(vector of vectors)`: all items of the items.
    Flatten { of: TypeName<'a> },
    /// `(items, keys)`: each item, with its key, to a place of so many. The result is for those that follow.
    Split { items: TypeName<'a>, keys: TypeName<'a>, places: u32 },
    /// `(items)`: the same of each distinct item, which is its own key, with how often it is there.
    Counts { of: TypeName<'a>, places: u32 },
    /// `(..)`: of what has come to a place, the items of each key, with the key.
    Group { keys: TypeName<'a>, place: u32 },
    /// `(.., ..)`: pairs of items of the left and of the right that have equal keys.
    Join { keys: TypeName<'a>, place: u32 },
    /// `(..)`: the distinct items, with the sums of their counts.
    Frequencies { of: TypeName<'a>, place: u32 },
    /// `(..)`: the distinct items.
    Distinct { of: TypeName<'a>, place: u32 },
}

impl From<TypeOf> for TypeName<'static> {
    fn from(type_of: TypeOf) -> Self {
        Self { task: type_of.task, parameter: type_of.parameter }
    }
}

impl TypeName<'_> {
    fn vector(&self) -> Result<Vector, VectorError> {
        let task = inventory::iter::<Registration>.into_iter().find(|task| task.name == self.task);
        task.and_then(|task| (task.travelling.vector)(self.parameter)).ok_or_else(|| self.unknown())
    }

    fn keys(&self) -> Result<Keys, VectorError> {
        self.vector()?.keys().ok_or_else(|| self.unknown())
    }

    fn unknown(&self) -> VectorError {
        VectorError::UnknownType { task: self.task.into() }
    }
}

/// Does what the first argument says.
pub(super) fn run(given: &[Given<'_>]) -> Result<PyValue, VectorError> {
    let [Given::Value(call), given @ ..] = given else { return Err(VectorError::Malformed) };
    match (all_of::<VectorCall<'_>>(call)?, given) {
        (VectorCall::Concat { of }, [parts]) => {
            // Looked for only where it is needed: the client may have named a task that this worker does not have.
            let vector = || of.as_ref().map(TypeName::vector).transpose();
            match parts {
                Given::Value(bytes) => concat(vector, [Arrived::Postcard(bytes)].into_iter()),
                Given::Input(part) => concat(vector, [Arrived::of(part)].into_iter()),
                Given::Inputs(parts) => concat(vector, parts.iter().map(|part| Arrived::of(part))),
            }
        }
        (VectorCall::Count, [Given::Input(vector)]) => count(vector),
        (VectorCall::Take { of, count }, [Given::Inputs(parts)]) => take(of.vector()?, count, parts),
        (VectorCall::Select { of }, [Given::Input(items), Given::Input(flags)]) => select(of.vector()?, items, flags),
        (VectorCall::Flatten { of }, [Given::Input(vectors)]) => {
            concat(|| Ok(None), of.vector()?.pieces(vectors)?.iter().map(Arrived::Postcard))
        }
        (VectorCall::Split { items, keys, places }, [Given::Input(vector), Given::Input(of_each)]) => {
            let (keys, places) = (keys.keys()?.spread)(of_each, places)?;
            buckets_of(&keys, &items.vector()?.pieces(vector)?, &places)
        }
        (VectorCall::Counts { of, places }, [Given::Input(items)]) => counts(of.keys()?, items, places),
        (VectorCall::Group { keys, place }, [Given::Inputs(parts)]) => group(keys.keys()?, place, parts),
        (VectorCall::Join { keys, place }, [Given::Inputs(left), Given::Inputs(right)]) => {
            join(keys.keys()?, place, left, right)
        }
        (VectorCall::Frequencies { of, place }, [Given::Inputs(parts)]) => frequencies(of.keys()?, place, parts),
        (VectorCall::Distinct { of, place }, [Given::Inputs(parts)]) => distinct(of.keys()?, place, parts),
        _ => Err(VectorError::Malformed),
    }
}
