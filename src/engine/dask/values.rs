//! Python's values, between the wire and the codecs of tasks.

use std::sync::Arc;

use bytes::Bytes;

use crate::engine::dask::client::Argument;
use crate::engine::dask::wire::pickle::{Pickle, PlainData, Unpickled};
use crate::engine::dask::wire::{Budget, Data, Limits, Serialized, TaskKey, Value, WireError};
use crate::task::portable::PyValue;

/// What a datum is.
///
/// # Errors
///
/// It is no plain data.
pub(crate) fn py_value(data: &Serialized) -> Result<PyValue, WireError> {
    within(&Limits { items_max: VALUE_NBYTES_MAX / size_of::<PyValue>(), ..Limits::default() }, data)
}

/// What all the items of one datum may take, without their texts and bytes. As much as those of a message: some millions.
const VALUE_NBYTES_MAX: usize = 512 << 20;

/// All parts of the datum share the limit of items: each may be a pickle, of which a small one can make a large value.
fn within(limits: &Limits, data: &Serialized) -> Result<PyValue, WireError> {
    let mut budget = Budget::new(limits);
    of_data(data.data(&mut budget)?, limits, &mut budget)
}

/// Recurses, but not deeper than what has been read.
fn of_data(data: Data, limits: &Limits, budget: &mut Budget) -> Result<PyValue, WireError> {
    let mut all =
        |items: Vec<Data>| items.into_iter().map(|item| of_data(item, limits, budget)).collect::<Result<Vec<_>, _>>();
    Ok(match data {
        Data::Value(value) => of_value(value)?,
        Data::Pickle { pickle, buffers } => Unpickled::read(&pickle, limits)?.root().to_plain(&buffers, budget)?,
        Data::Bytes(bytes) => PyValue::Bytes(bytes),
        Data::Array(array) => PyValue::Array(array),
        Data::Error(text) => return Err(WireError::Unserializable { text }),
        Data::List(items) => PyValue::List(all(items)?),
        Data::Tuple(items) => PyValue::Tuple(all(items)?),
        Data::Set(items) => PyValue::Set(all(items)?),
        Data::Dict(entries) => {
            let entries = entries.into_iter();
            let entries = entries.map(|(key, item)| Ok((of_value(key)?, of_data(item, limits, budget)?)));
            PyValue::Dict(entries.collect::<Result<_, WireError>>()?)
        }
    })
}

impl PlainData for PyValue {
    fn none() -> Self {
        Self::None
    }

    fn bool(value: bool) -> Self {
        Self::Bool(value)
    }

    fn int(number: i128) -> Option<Self> {
        Some(Self::Int(number))
    }

    fn float(number: f64) -> Self {
        Self::Float(number)
    }

    fn str(text: &Arc<str>) -> Self {
        Self::Str(Arc::clone(text))
    }

    fn bytes(bytes: &Bytes) -> Self {
        Self::Bytes(bytes.clone())
    }

    fn list(items: Vec<Self>) -> Self {
        Self::List(items)
    }

    fn tuple(items: Vec<Self>) -> Self {
        Self::Tuple(items)
    }

    fn set(items: Vec<Self>) -> Self {
        Self::Set(items)
    }

    fn dict(entries: Vec<(Self, Self)>) -> Self {
        Self::Dict(entries)
    }
}

fn of_value(value: Value) -> Result<PyValue, WireError> {
    let all = |items: Vec<Value>| items.into_iter().map(of_value).collect::<Result<Vec<_>, _>>();
    Ok(match value {
        Value::Nil => PyValue::None,
        Value::Bool(value) => PyValue::Bool(value),
        Value::Int(number) => PyValue::Int(number.into()),
        Value::UInt(number) => PyValue::Int(number.into()),
        Value::Float(number) => PyValue::Float(number),
        Value::Str(text) => PyValue::Str(text),
        Value::Bin(bytes) => PyValue::Bytes(bytes),
        Value::List(items) => PyValue::List(all(items)?),
        Value::Set(items) => PyValue::Set(all(items)?),
        Value::Map(entries) => {
            let entries = entries.into_iter().map(|(key, value)| Ok((of_value(key)?, of_value(value)?)));
            PyValue::Dict(entries.collect::<Result<_, WireError>>()?)
        }
        // What comes as msgpack has no frames of its own.
        Value::Serialized(_) | Value::Pickled(_) => {
            return Err(WireError::Inconsistent { of: "a value", problem: "a datum stands inside of it" });
        }
    })
}

/// A value as Python gets it: an array as one of numpy, bytes as `bytes`, and all else as plain builtins.
pub(crate) fn serialized(value: &PyValue) -> Result<Serialized, WireError> {
    Ok(match value {
        PyValue::Bytes(bytes) => Serialized::of_bytes(bytes),
        PyValue::Array(array) => Serialized::of_array(array),
        value => Serialized::of_pickle(&pickle(value)?.dumps()),
    })
}

/// The class of a value, as `task-finished` names it: module and name.
pub(crate) fn class(value: &PyValue) -> (&'static str, &'static str) {
    match value {
        PyValue::None => ("builtins", "type"),
        PyValue::Bool(_) => ("builtins", "bool"),
        PyValue::Int(_) => ("builtins", "int"),
        PyValue::Float(_) => ("builtins", "float"),
        PyValue::Str(_) => ("builtins", "str"),
        PyValue::Bytes(_) => ("builtins", "bytes"),
        PyValue::List(_) => ("builtins", "list"),
        PyValue::Tuple(_) => ("builtins", "tuple"),
        PyValue::Set(_) => ("builtins", "set"),
        PyValue::Dict(_) => ("builtins", "dict"),
        PyValue::Array(_) => ("numpy", "ndarray"),
        PyValue::Input(_) => ("builtins", "object"),
    }
}

/// An argument of a Python function; `keys` are those of its inputs.
pub(crate) fn python_argument(value: &PyValue, keys: &[TaskKey]) -> Result<Argument, WireError> {
    let all = |items: &[PyValue]| items.iter().map(|item| python_argument(item, keys)).collect::<Result<Vec<_>, _>>();
    Ok(match value {
        PyValue::Input(place) => match keys.get(*place as usize) {
            Some(key) => Argument::Result(key.clone()),
            None => return Err(WireError::Inconsistent { of: "an argument", problem: "it names no input" }),
        },
        PyValue::Array(array) => {
            Argument::Array { dtype: Arc::clone(array.dtype()), shape: array.shape().to_vec(), data: array.c_order() }
        }
        PyValue::List(items) => Argument::List(all(items)?),
        PyValue::Tuple(items) => Argument::Tuple(all(items)?),
        PyValue::Dict(entries) => {
            let entries = entries.iter().map(|(key, item)| Ok((pickle(key)?, python_argument(item, keys)?)));
            Argument::Dict(entries.collect::<Result<_, WireError>>()?)
        }
        value => Argument::Value(pickle(value)?),
    })
}

/// A value as plain builtins.
fn pickle(value: &PyValue) -> Result<Pickle, WireError> {
    let all = |items: &[PyValue]| items.iter().map(pickle).collect::<Result<Vec<_>, _>>();
    Ok(match value {
        PyValue::None => Pickle::None,
        PyValue::Bool(value) => Pickle::Bool(*value),
        PyValue::Int(number) => match (i64::try_from(*number), u64::try_from(*number)) {
            (Ok(number), _) => Pickle::Int(number),
            (_, Ok(number)) => Pickle::UInt(number),
            // As Python itself would read it.
            _ => Pickle::call(Pickle::global("builtins", "int"), [number.to_string().as_str().into()]),
        },
        PyValue::Float(number) => Pickle::Float(*number),
        PyValue::Str(text) => Pickle::Str(Arc::clone(text)),
        PyValue::Bytes(bytes) => Pickle::Bytes(Bytes::clone(bytes)),
        PyValue::List(items) => Pickle::List(all(items)?),
        PyValue::Tuple(items) => Pickle::Tuple(all(items)?),
        PyValue::Set(items) => Pickle::Set(all(items)?),
        PyValue::Dict(entries) => {
            let entries = entries.iter().map(|(key, item)| Ok((pickle(key)?, pickle(item)?)));
            Pickle::Dict(entries.collect::<Result<_, WireError>>()?)
        }
        // Inside of other data: as the one that reads it makes it. It has numpy, since it asked for it.
        PyValue::Array(array) => {
            let flat = Pickle::call(
                Pickle::global("numpy", "frombuffer"),
                [Pickle::Bytes(array.c_order()), Pickle::Str(Arc::clone(array.dtype()))],
            );
            let shape = array.shape().iter().map(|length| Pickle::UInt(*length as u64)).collect();
            Pickle::call(Pickle::global("numpy", "reshape"), [flat, Pickle::Tuple(shape)])
        }
        PyValue::Input(_) => {
            return Err(WireError::Inconsistent { of: "a value", problem: "a future stands inside of it" });
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_of_a_datum_share_the_limit_of_items() {
        // t = (); t = (t, t); and so on: 510 items.
        let pickle = Bytes::from([b"\x80\x04)".as_slice(), &b"2\x86".repeat(8), b"."].concat());
        let part = Value::map([("serializer", "pickle".into())]);
        let read = |count: usize| {
            let header = Value::map([
                ("is-collection", true.into()),
                ("type-serialized", "list".into()),
                ("sub-headers", vec![part.clone(); count].into()),
                ("frame-lengths", vec![Value::Int(1); count].into()),
            ]);
            let data = Serialized { header: Box::new(header), frames: vec![pickle.clone(); count] };
            within(&Limits { items_max: 1000, ..Limits::default() }, &data)
        };
        assert!(matches!(read(1), Ok(PyValue::List(items)) if items.len() == 1));
        assert!(matches!(read(2), Err(WireError::Limit { limit: 1000, .. })));
    }
}
