//! A value as Python has it.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::task::portable::python::bounded::{Bounded, Bounds};
use crate::task::portable::python::node::Node;
use crate::task::portable::python::{DecodeError, EncodeError, PyArray, bulk, encode};

/// What the postcard of a Rust value begins with where Python sees a `bytes` object.
///
/// The mark is in the bytes, not in the header that Dask puts before them: a Python worker that passes a value on
/// writes a header of its own, and only the bytes stay as they were. No text, pickle or msgpack begins with `0xc1`. Another
/// form would have another mark.
pub(crate) const MARK: [u8; 8] = *b"\xc1anydask";

/// Deepest nesting of a value that is sent. What reads it on the other side has bounds of its own, and a caller with a
/// list that contains itself in some way hears of it here.
pub(crate) const DEPTH_MAX: usize = 128;

/// A value as Python has it: plain data, and what Rust tasks give.
///
/// | in Rust | sent to Python | taken from Python |
/// |---|---|---|
/// | `None`, `()` | `None` | `None` |
/// | integers | `int` | `int`, if it is in range |
/// | floats | `float` | `float`, `int` |
/// | `String`, `char` | `str` | `str` |
/// | byte buffers | `bytes` | `bytes` |
/// | `Vec` and other sequences | `list` | `list`, `tuple`, `set`, `bytes`, array |
/// | tuples, arrays | `tuple` | the same, of that length |
/// | maps | `dict` | `dict` |
/// | structs | `dict` | `dict` with their fields, and more |
/// | variants of enums | `"A"`, `{"A": ..}` | `"A"`, `{"A": ..}` |
/// | arrays of `ndarray` | array | array |
#[doc(hidden)]
#[derive(Clone, PartialEq)]
pub enum PyValue {
    None,
    Bool(bool),
    /// Python's have no bound; beyond these there is nothing in Rust to decode them as.
    Int(i128),
    Float(f64),
    Str(Arc<str>),
    /// Or the result of a Rust task, if it begins with [`MARK`].
    Bytes(Bytes),
    List(Vec<PyValue>),
    Tuple(Vec<PyValue>),
    Set(Vec<PyValue>),
    /// In an order. Keys may be of any kind.
    Dict(Vec<(PyValue, PyValue)>),
    Array(PyArray),
    /// The result of an input, by its place in the list of inputs. Only in arguments.
    Input(u32),
}

/// Reads postcard.
pub(super) type Postcard<'de> = postcard::Deserializer<'de, postcard::de_flavors::Slice<'de>>;

impl PyValue {
    /// The plain Python object of a value. A future in it is an error.
    pub(crate) fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, EncodeError> {
        encode::encode(value)
    }

    /// The Rust value that this is, whether a Rust task or Python has made it, or Python something of both.
    pub(crate) fn decode<T: DeserializeOwned + 'static>(&self) -> Result<T, DecodeError> {
        if let Self::Array(array) = self
            && let Some(value) = bulk::decode(array)
        {
            return Ok(value);
        }
        match self.postcard() {
            Some(bytes) => Self::decode_postcard(bytes),
            None => T::deserialize(Node::of(self)),
        }
    }

    /// What is behind the mark of a Rust task's result.
    pub(crate) fn postcard(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => bytes.strip_prefix(&MARK),
            _ => None,
        }
    }

    pub(crate) fn decode_postcard<T: DeserializeOwned + 'static>(bytes: &[u8]) -> Result<T, DecodeError> {
        if let Some(value) = bulk::decode_postcard(bytes) {
            return Ok(value);
        }
        Self::read_postcard(bytes, |reader| T::deserialize(reader))
    }

    /// Reads a value of postcard that is a part of the one that the bounds are of, and gives what stands behind it.
    pub(crate) fn read<'a, T: DeserializeOwned>(
        bytes: &'a [u8],
        bounds: &Bounds,
    ) -> Result<(T, &'a [u8]), DecodeError> {
        Self::read_first(bytes, bounds, |reader| T::deserialize(reader))
    }

    /// Reads all of the bytes, within bounds.
    pub(super) fn read_postcard<'de, T>(
        bytes: &'de [u8],
        read: impl FnOnce(Bounded<'_, &mut Postcard<'de>>) -> Result<T, postcard::Error>,
    ) -> Result<T, DecodeError> {
        match Self::read_first(bytes, &Bounds::of(bytes.len()), read)? {
            (value, []) => Ok(value),
            (_, rest) => Err(DecodeError::too_many_bytes::<T>(rest.len())),
        }
    }

    fn read_first<'de, T>(
        bytes: &'de [u8],
        bounds: &Bounds,
        read: impl FnOnce(Bounded<'_, &mut Postcard<'de>>) -> Result<T, postcard::Error>,
    ) -> Result<(T, &'de [u8]), DecodeError> {
        let mut reader = postcard::Deserializer::from_bytes(bytes);
        let read = read(bounds.within(&mut reader)).and_then(|value| Ok((value, reader.finalize()?)));
        match (read, bounds.exceeded()) {
            (Ok(read), _) => Ok(read),
            (Err(_), Some(exceeded)) => Err(DecodeError::exceeded::<T>(exceeded)),
            (Err(error), None) => Err(DecodeError::postcard::<T>(&error)),
        }
    }

    /// Calls `place` for each input, and has what it says in its place.
    pub(crate) fn place_inputs(&mut self, place: &mut dyn FnMut(u32) -> u32) {
        match self {
            Self::Input(input) => *input = place(*input),
            Self::List(items) | Self::Tuple(items) | Self::Set(items) => {
                items.iter_mut().for_each(|item| item.place_inputs(place));
            }
            Self::Dict(entries) => {
                for (key, value) in entries {
                    key.place_inputs(place);
                    value.place_inputs(place);
                }
            }
            Self::None
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Float(_)
            | Self::Str(_)
            | Self::Bytes(_)
            | Self::Array(_) => {}
        }
    }
}

/// What an error says of it: its kind, and what it is if that is short.
impl fmt::Display for PyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Node::of(self).fmt(f)
    }
}

impl fmt::Debug for PyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Bool(value) => value.fmt(f),
            Self::Int(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
            Self::Str(text) => text.fmt(f),
            Self::Bytes(bytes) => bytes.fmt(f),
            Self::List(items) => f.debug_list().entries(items).finish(),
            Self::Tuple(items) => {
                f.write_str("tuple")?;
                f.debug_list().entries(items).finish()
            }
            Self::Set(items) => f.debug_set().entries(items).finish(),
            Self::Dict(entries) => f.debug_map().entries(entries.iter().map(|(key, value)| (key, value))).finish(),
            Self::Array(array) => array.fmt(f),
            Self::Input(place) => write!(f, "<input {place}>"),
        }
    }
}
