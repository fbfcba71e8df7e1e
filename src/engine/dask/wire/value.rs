//! The values that messages are made of.

use std::sync::Arc;

use bytes::Bytes;

/// A value of a message: msgpack's, with Dask's placeholders resolved.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    /// Above what an `i64` holds.
    UInt(u64),
    Float(f64),
    Str(Arc<str>),
    Bin(Bytes),
    List(Vec<Value>),
    /// In the order of the wire. Keys may be of any kind.
    Map(Vec<(Value, Value)>),
    Set(Vec<Value>),
    /// Data that the scheduler passes on as it is.
    Serialized(Serialized),
    /// A pickle that every receiver, also the scheduler, reads.
    Pickled(Pickled),
}

/// Serialised data: a header that says how, and its frames.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Serialized {
    /// A `Value::Map`.
    pub(crate) header: Box<Value>,
    pub(crate) frames: Vec<Bytes>,
}

/// A pickle and the buffers that it refers to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pickled {
    pub(crate) pickle: Bytes,
    pub(crate) buffers: Vec<Bytes>,
}

impl Value {
    /// The value of `key` in a map. `None` in all else.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Map(entries) => entries
                .iter()
                .find(|(name, _)| matches!(name, Self::Str(name) if &**name == key))
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// A map from names.
    pub(crate) fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        Self::Map(entries.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// Of any number.
    pub(crate) fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::UInt(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// The items of a list or a set.
    pub(crate) fn items(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) | Self::Set(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn entries(&self) -> Option<&[(Value, Value)]> {
        match self {
            Self::Map(entries) => Some(entries),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text.into())
    }
}

impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Self {
        Self::Str(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or(Self::UInt(number), Self::Int)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<Bytes> for Value {
    fn from(bytes: Bytes) -> Self {
        Self::Bin(bytes)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::List(items)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nil, Into::into)
    }
}
