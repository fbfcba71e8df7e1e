//! Plain data of pickles, as values.

use std::sync::Arc;

use bytes::Bytes;

use crate::engine::dask::wire::Value;
use crate::engine::dask::wire::error::{Limited, WireError};
use crate::engine::dask::wire::limits::Limits;
use crate::engine::dask::wire::pickle::object::{Call, Entries, Object, Objects, View};
use crate::engine::dask::wire::pickle::repr::repr;

impl Object<'_> {
    /// The value, if it is plain data: tuples become lists, bytearrays become bytes, and numbers of numpy become numbers.
    /// `buffers` are those beside the pickle.
    ///
    /// # Errors
    ///
    /// It is something else. Or it is larger or deeper than `limits` allow: what a pickle shares is a value of its own each time,
    /// so that a small pickle can make a large value.
    pub(crate) fn to_value(self, buffers: &[Bytes], limits: &Limits) -> Result<Value, WireError> {
        let mut items_left = limits.items_max;
        Plain { buffers, limits, items_left: &mut items_left }.value(self, limits.depth_max)
    }
}

struct Plain<'a> {
    buffers: &'a [Bytes],
    limits: &'a Limits,
    items_left: &'a mut usize,
}

impl Plain<'_> {
    /// Recurses, but not deeper than `depth`.
    fn value(&mut self, object: Object<'_>, depth: usize) -> Result<Value, WireError> {
        Ok(match object.view() {
            View::None => Value::Nil,
            View::Bool(value) => Value::Bool(value),
            View::Int(number) => Value::Int(number),
            View::Float(number) => Value::Float(number),
            View::Str(text) => Value::Str(Arc::clone(text)),
            View::Bytes(bytes) => Value::Bin(bytes.clone()),
            View::Tuple(items) | View::List(items) => Value::List(self.values(items, depth)?),
            View::Set(items) => Value::Set(self.values(items, depth)?),
            View::Dict(entries) => self.map(entries, depth)?,
            View::Long(bytes) => match unsigned(bytes) {
                Some(number) => Value::UInt(number),
                None => return Err(not_plain(format!("a number of {} bytes", bytes.len()))),
            },
            View::Buffer(index) => match self.buffers.get(index) {
                Some(buffer) => Value::Bin(buffer.clone()),
                None => {
                    return Err(WireError::Inconsistent {
                        of: "a pickle",
                        problem: "it names a buffer that is not there",
                    });
                }
            },
            View::Global { module, name } => return Err(not_plain(format!("`{module}.{name}`"))),
            View::Call(call) => return self.call(object, call, depth),
        })
    }

    fn values(&mut self, items: Objects<'_>, depth: usize) -> Result<Vec<Value>, WireError> {
        let depth = self.enter(items.len(), depth)?;
        items.iter().map(|item| self.value(item, depth)).collect()
    }

    fn map(&mut self, entries: Entries<'_>, depth: usize) -> Result<Value, WireError> {
        let depth = self.enter(entries.len().saturating_mul(2), depth)?;
        let entries = entries.iter().map(|(key, value)| Ok((self.value(key, depth)?, self.value(value, depth)?)));
        Ok(Value::Map(entries.collect::<Result<_, _>>()?))
    }

    /// How deep the items may be nested.
    fn enter(&mut self, count: usize, depth: usize) -> Result<usize, WireError> {
        let limit =
            |what, found: usize, limit: usize| WireError::Limit { what, found: found as u64, limit: limit as u64 };
        let taken = self.limits.items_max - *self.items_left;
        *self.items_left = self
            .items_left
            .checked_sub(count)
            .ok_or_else(|| limit(Limited::Items, taken.saturating_add(count), self.limits.items_max))?;
        let depth_max = self.limits.depth_max;
        depth.checked_sub(1).ok_or_else(|| limit(Limited::Depth, depth_max.saturating_add(1), depth_max))
    }

    /// What is as plain as a builtin, although Python makes it by a call.
    fn call(&mut self, object: Object<'_>, call: Call<'_>, depth: usize) -> Result<Value, WireError> {
        let plain = match call.callable().as_global() {
            Some(("builtins", "bytearray")) => match call.argument(0).map(Object::view) {
                Some(View::Bytes(bytes)) => Some(Value::Bin(bytes.clone())),
                _ => None,
            },
            Some(("collections", "OrderedDict" | "defaultdict")) => Some(self.map(call.entries(), depth)?),
            Some(("collections", "deque")) => Some(Value::List(self.values(call.items(), depth)?)),
            Some(("numpy._core.multiarray" | "numpy.core.multiarray", "scalar")) => numpy_scalar(call),
            _ => None,
        };
        plain.ok_or_else(|| not_plain(format!("`{}`", repr(object))))
    }
}

/// `scalar(dtype, bytes)`.
fn numpy_scalar(call: Call<'_>) -> Option<Value> {
    let dtype = call.argument(0)?.as_call()?;
    if dtype.callable().as_global() != Some(("numpy", "dtype")) {
        return None;
    }
    let kind = dtype.argument(0)?.as_str()?;
    // The state is `(version, byte order, ..)`. Small numbers have none.
    let is_big = dtype.state().and_then(Object::items).and_then(|state| state.get(1)?.as_str()) == Some(">");
    let View::Bytes(bytes) = call.argument(1)?.view() else { return None };
    let mut bytes = bytes.to_vec();
    if is_big {
        bytes.reverse();
    }
    let bytes = bytes.as_slice();
    Some(match (kind, bytes.len()) {
        ("b1", 1) => Value::Bool(bytes != [0]),
        ("i1" | "i2" | "i4" | "i8", 1 | 2 | 4 | 8) => Value::Int(signed(bytes)?),
        ("u1" | "u2" | "u4" | "u8", 1 | 2 | 4 | 8) => Value::from(unsigned(bytes)?),
        ("f4", 4) => Value::Float(f32::from_le_bytes(bytes.try_into().ok()?).into()),
        ("f8", 8) => Value::Float(f64::from_le_bytes(bytes.try_into().ok()?)),
        _ => return None,
    })
}

/// A number without a sign, from the lowest byte to the highest. `None` if it is larger than an `u64`.
fn unsigned(bytes: &[u8]) -> Option<u64> {
    let (low, high) = bytes.split_at(bytes.len().min(8));
    let mut number = [0; 8];
    number.get_mut(..low.len())?.copy_from_slice(low);
    high.iter().all(|byte| *byte == 0).then_some(u64::from_le_bytes(number))
}

/// A number in two's complement of up to 8 bytes.
fn signed(bytes: &[u8]) -> Option<i64> {
    let sign = if bytes.last()? & 0x80 == 0 { 0 } else { 0xff };
    let mut number = [sign; 8];
    number.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(i64::from_le_bytes(number))
}

fn not_plain(found: String) -> WireError {
    WireError::NotPlain { found: found.into() }
}
