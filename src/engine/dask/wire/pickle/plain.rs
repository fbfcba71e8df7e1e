//! Plain data of pickles.

use std::sync::Arc;

use bytes::Bytes;

use crate::engine::dask::wire::Value;
use crate::engine::dask::wire::error::WireError;
use crate::engine::dask::wire::limits::Budget;
use crate::engine::dask::wire::pickle::object::{Call, Entries, Object, Objects, View};
use crate::engine::dask::wire::pickle::repr::repr;

/// What plain data becomes.
pub(crate) trait PlainData: Sized {
    fn none() -> Self;
    fn bool(value: bool) -> Self;
    /// `None` if the number is too large.
    fn int(number: i128) -> Option<Self>;
    fn float(number: f64) -> Self;
    fn str(text: &Arc<str>) -> Self;
    fn bytes(bytes: &Bytes) -> Self;
    fn list(items: Vec<Self>) -> Self;
    fn tuple(items: Vec<Self>) -> Self;
    fn set(items: Vec<Self>) -> Self;
    fn dict(entries: Vec<(Self, Self)>) -> Self;
}

/// Tuples become lists.
impl PlainData for Value {
    fn none() -> Self {
        Self::Nil
    }

    fn bool(value: bool) -> Self {
        Self::Bool(value)
    }

    fn int(number: i128) -> Option<Self> {
        i64::try_from(number).map(Self::Int).or_else(|_| u64::try_from(number).map(Self::UInt)).ok()
    }

    fn float(number: f64) -> Self {
        Self::Float(number)
    }

    fn str(text: &Arc<str>) -> Self {
        Self::Str(Arc::clone(text))
    }

    fn bytes(bytes: &Bytes) -> Self {
        Self::Bin(bytes.clone())
    }

    fn list(items: Vec<Self>) -> Self {
        Self::List(items)
    }

    fn tuple(items: Vec<Self>) -> Self {
        Self::List(items)
    }

    fn set(items: Vec<Self>) -> Self {
        Self::Set(items)
    }

    fn dict(entries: Vec<(Self, Self)>) -> Self {
        Self::Map(entries)
    }
}

impl Object<'_> {
    /// The value, if it is plain data: bytearrays become bytes, and numbers of numpy become numbers. `buffers` are those
    /// beside the pickle.
    ///
    /// # Errors
    ///
    /// It is something else. Or it is larger or deeper than `budget` allows: what a pickle shares is a value of its own each time,
    /// so that a small pickle can make a large value.
    pub(crate) fn to_plain<T: PlainData>(self, buffers: &[Bytes], budget: &mut Budget) -> Result<T, WireError> {
        Plain { buffers, budget }.value(self, 0)
    }

    /// The same as a message has it.
    #[cfg(test)]
    pub(crate) fn to_value(
        self,
        buffers: &[Bytes],
        limits: &crate::engine::dask::wire::Limits,
    ) -> Result<Value, WireError> {
        self.to_plain(buffers, &mut Budget::new(limits))
    }
}

struct Plain<'a> {
    buffers: &'a [Bytes],
    budget: &'a mut Budget,
}

impl Plain<'_> {
    /// Recurses, but not deeper than the budget allows.
    fn value<T: PlainData>(&mut self, object: Object<'_>, depth: usize) -> Result<T, WireError> {
        Ok(match object.view() {
            View::None => T::none(),
            View::Bool(value) => T::bool(value),
            View::Int(number) => int(number.into(), 8)?,
            View::Float(number) => T::float(number),
            View::Str(text) => T::str(text),
            View::Bytes(bytes) => T::bytes(bytes),
            View::Tuple(items) => T::tuple(self.values(items, depth)?),
            View::List(items) => T::list(self.values(items, depth)?),
            View::Set(items) => T::set(self.values(items, depth)?),
            View::Dict(entries) => self.map(entries, depth)?,
            View::Long(bytes) => match signed(bytes) {
                Some(number) => int(number, bytes.len())?,
                None => return Err(not_plain(format!("a number of {} bytes", bytes.len()))),
            },
            View::Buffer(index) => match self.buffers.get(index) {
                Some(buffer) => T::bytes(buffer),
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

    fn values<T: PlainData>(&mut self, items: Objects<'_>, depth: usize) -> Result<Vec<T>, WireError> {
        let depth = self.enter(items.len(), depth)?;
        items.iter().map(|item| self.value(item, depth)).collect()
    }

    fn map<T: PlainData>(&mut self, entries: Entries<'_>, depth: usize) -> Result<T, WireError> {
        let depth = self.enter(entries.len().saturating_mul(2), depth)?;
        let entries = entries.iter().map(|(key, value)| Ok((self.value(key, depth)?, self.value(value, depth)?)));
        Ok(T::dict(entries.collect::<Result<_, WireError>>()?))
    }

    /// How deep the items are.
    fn enter(&mut self, count: usize, depth: usize) -> Result<usize, WireError> {
        self.budget.take_items(count as u64)?;
        self.budget.check_depth(depth + 1)?;
        Ok(depth + 1)
    }

    /// What is as plain as a builtin, although Python makes it by a call.
    fn call<T: PlainData>(&mut self, object: Object<'_>, call: Call<'_>, depth: usize) -> Result<T, WireError> {
        let plain = match call.callable().as_global() {
            Some(("builtins", "bytearray")) => match call.argument(0).map(Object::view) {
                Some(View::Bytes(bytes)) => Some(T::bytes(bytes)),
                _ => None,
            },
            Some(("collections", "OrderedDict" | "defaultdict")) => Some(self.map(call.entries(), depth)?),
            Some(("collections", "deque")) => Some(T::list(self.values(call.items(), depth)?)),
            Some(("numpy._core.multiarray" | "numpy.core.multiarray", "scalar")) => numpy_scalar(call),
            _ => None,
        };
        plain.ok_or_else(|| not_plain(format!("`{}`", repr(object))))
    }
}

/// `scalar(dtype, bytes)`.
fn numpy_scalar<T: PlainData>(call: Call<'_>) -> Option<T> {
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
    match (kind, bytes.len()) {
        ("b1", 1) => Some(T::bool(bytes != [0])),
        ("i1" | "i2" | "i4" | "i8", 1 | 2 | 4 | 8) => T::int(signed(&bytes)?),
        ("u1" | "u2" | "u4" | "u8", 1 | 2 | 4 | 8) => {
            // Without a sign.
            bytes.push(0);
            T::int(signed(&bytes)?)
        }
        ("f4", 4) => Some(T::float(f32::from_le_bytes(bytes.try_into().ok()?).into())),
        ("f8", 8) => Some(T::float(f64::from_le_bytes(bytes.try_into().ok()?))),
        _ => None,
    }
}

fn int<T: PlainData>(number: i128, nbytes: usize) -> Result<T, WireError> {
    T::int(number).ok_or_else(|| not_plain(format!("a number of {nbytes} bytes")))
}

/// A number in two's complement, from the lowest byte to the highest. `None` if it is larger than an `i128`.
fn signed(bytes: &[u8]) -> Option<i128> {
    let sign = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
    let mut number = [sign; 16];
    number.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(i128::from_le_bytes(number))
}

fn not_plain(found: String) -> WireError {
    WireError::NotPlain { found: found.into() }
}
