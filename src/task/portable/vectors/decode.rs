//! Reads a vector of pairs or groups, whose type no registered task need have: those of its parts do.

use std::any::type_name;

use crate::task::portable::python::{Bounds, DecodeError, PyValue};
use crate::task::portable::{Codec, codec_of};

/// Reads a vector where it is a result.
pub(crate) type ReadVector<T> = fn(&PyValue) -> Result<Vec<T>, DecodeError>;

/// Pairs, as a join gives them.
pub(crate) fn read_pairs<A: 'static, B: 'static>(value: &PyValue) -> Result<Vec<(A, B)>, DecodeError> {
    let (left, right) = (codec::<A>()?, codec::<B>()?);
    read_all(value, |bytes, bounds| {
        let (left, bytes) = left.read(bytes, bounds)?;
        let (right, bytes) = right.read(bytes, bounds)?;
        Ok(((left, right), bytes))
    })
}

/// Keys, each with its items.
pub(crate) fn read_groups<K: 'static, T: 'static>(value: &PyValue) -> Result<Vec<(K, Vec<T>)>, DecodeError> {
    let (key, item) = (codec::<K>()?, codec::<T>()?);
    read_all(value, |bytes, bounds| {
        let (key, bytes) = key.read(bytes, bounds)?;
        let (items, bytes) = read_vector(bytes, bounds, |bytes, bounds| item.read(bytes, bounds))?;
        Ok(((key, items), bytes))
    })
}

/// What only other tasks of the same operation take.
pub(crate) fn no_value<T>(_: &PyValue) -> Result<T, DecodeError> {
    Err(DecodeError::unknown(type_name::<T>()))
}

fn codec<T: 'static>() -> Result<Codec<T>, DecodeError> {
    codec_of::<T>().map(|(codec, _)| codec).ok_or_else(|| DecodeError::unknown(type_name::<T>()))
}

fn read_all<T>(
    value: &PyValue,
    read: impl for<'a> Fn(&'a [u8], &Bounds) -> Result<(T, &'a [u8]), DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let bytes = value.postcard().ok_or_else(|| DecodeError::mismatch("what a Rust task gives", value))?;
    match read_vector(bytes, &Bounds::of(bytes.len()), read)? {
        (items, []) => Ok(items),
        (_, rest) => Err(DecodeError::too_many_bytes::<Vec<T>>(rest.len())),
    }
}

fn read_vector<'a, T>(
    bytes: &'a [u8],
    bounds: &Bounds,
    read: impl Fn(&'a [u8], &Bounds) -> Result<(T, &'a [u8]), DecodeError>,
) -> Result<(Vec<T>, &'a [u8]), DecodeError> {
    let (count, mut bytes) = PyValue::read::<usize>(bytes, bounds)?;
    // Items that take no bytes would be as many as the count says.
    if !bounds.take(count) {
        return Err(DecodeError::too_many_items::<Vec<T>>());
    }
    let mut items = Vec::new();
    for _ in 0..count {
        let (item, rest) = read(bytes, bounds)?;
        items.push(item);
        bytes = rest;
    }
    Ok((items, bytes))
}
