//! The key of a task, as Dask has it.

use std::fmt;
use std::sync::Arc;

use crate::engine::dask::wire::Value;

/// The key of a task: a text, or of Dask's collections a tuple such as `("x", 0, 1)`. Cheap to clone, compared by value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TaskKey(Arc<Repr>);

#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Repr {
    Str(Arc<str>),
    Int(i64),
    Bin(Vec<u8>),
    /// The bits, so that a key equals itself.
    Float(u64),
    Nil,
    Bool(bool),
    Tuple(Vec<TaskKey>),
}

impl TaskKey {
    /// `None` for what no key is: maps, sets, and tuples that hold such or are nested deeper than `DEPTH_MAX`.
    pub(crate) fn of_value(value: &Value) -> Option<Self> {
        Self::of_value_within(value, Self::DEPTH_MAX)
    }

    /// How deep the tuples of a key may be nested. Dask's own have one level.
    const DEPTH_MAX: usize = 8;

    fn of_value_within(value: &Value, depth: usize) -> Option<Self> {
        Some(Self(Arc::new(match value {
            Value::Str(text) => Repr::Str(Arc::clone(text)),
            Value::Int(number) => Repr::Int(*number),
            Value::Bin(bytes) => Repr::Bin(bytes.to_vec()),
            Value::Float(number) => Repr::Float(number.to_bits()),
            Value::Nil => Repr::Nil,
            Value::Bool(value) => Repr::Bool(*value),
            Value::List(items) => {
                let depth = depth.checked_sub(1)?;
                Repr::Tuple(items.iter().map(|item| Self::of_value_within(item, depth)).collect::<Option<_>>()?)
            }
            Value::UInt(_) | Value::Map(_) | Value::Set(_) | Value::Serialized(_) | Value::Pickled(_) => return None,
        })))
    }

    pub(crate) fn to_value(&self) -> Value {
        match &*self.0 {
            Repr::Str(text) => Value::Str(Arc::clone(text)),
            Repr::Int(number) => Value::Int(*number),
            Repr::Bin(bytes) => Value::Bin(bytes.clone().into()),
            Repr::Float(bits) => Value::Float(f64::from_bits(*bits)),
            Repr::Nil => Value::Nil,
            Repr::Bool(value) => Value::Bool(*value),
            Repr::Tuple(items) => Value::List(items.iter().map(Self::to_value).collect()),
        }
    }
}

impl From<&str> for TaskKey {
    fn from(text: &str) -> Self {
        Self(Arc::new(Repr::Str(text.into())))
    }
}

impl fmt::Display for TaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Repr::Str(text) => f.write_str(text),
            Repr::Int(number) => write!(f, "{number}"),
            Repr::Bin(bytes) => write!(f, "{bytes:?}"),
            Repr::Float(bits) => write!(f, "{}", f64::from_bits(*bits)),
            Repr::Nil => f.write_str("None"),
            Repr::Bool(value) => write!(f, "{value}"),
            Repr::Tuple(items) => {
                f.write_str("(")?;
                for (index, item) in items.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{item}")?;
                }
                f.write_str(")")
            }
        }
    }
}

impl fmt::Debug for TaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
