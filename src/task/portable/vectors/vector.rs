//! What depends on the type of a vector's items.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::task::place_of;
use crate::task::portable::python::{EncodeError, PyValue};
use crate::task::portable::vectors::{Pieces, VectorError};

/// What can be done with a vector whose type is not known where it is done.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Vector {
    pieces: fn(&PyValue) -> Result<Pieces, VectorError>,
    keys: Option<Keys>,
}

/// Items, and the place of each.
type Spread = (Pieces, Vec<u32>);

/// The same where items can be told apart.
#[derive(Clone, Copy)]
pub(super) struct Keys {
    /// The items, and the place of each of so many.
    pub(super) spread: fn(&PyValue, u32) -> Result<Spread, VectorError>,
    /// A number for each item of the postcard: equal ones have equal numbers, and a new one has the next.
    pub(super) numbers: fn(&[u8]) -> Result<Vec<usize>, VectorError>,
}

impl Vector {
    pub(crate) const fn of<T: Serialize + DeserializeOwned + 'static>() -> Self {
        Self { pieces: |value| pieces(&value.decode::<Vec<T>>()?), keys: None }
    }

    pub(crate) const fn of_keys<K: Serialize + DeserializeOwned + Hash + Eq + 'static>() -> Self {
        Self { keys: Some(Keys { spread: spread::<K>, numbers: numbers::<K> }), ..Self::of::<K>() }
    }

    /// The items, whoever has made the vector.
    pub(super) fn pieces(&self, value: &PyValue) -> Result<Pieces, VectorError> {
        (self.pieces)(value)
    }

    /// `None` if the items have no `Hash` and `Eq`.
    pub(super) fn keys(&self) -> Option<Keys> {
        self.keys
    }
}

fn pieces<T: Serialize>(items: &[T]) -> Result<Pieces, VectorError> {
    let mut pieces = Pieces::default();
    for item in items {
        pieces.push_with(|bytes| postcard::to_extend(item, bytes).map_err(EncodeError::postcard))?;
    }
    Ok(pieces)
}

fn spread<K>(value: &PyValue, count: u32) -> Result<Spread, VectorError>
where
    K: Serialize + DeserializeOwned + Hash + 'static,
{
    let keys: Vec<K> = value.decode()?;
    let places = keys.iter().map(|key| place_of(key, count as usize) as u32).collect();
    Ok((pieces(&keys)?, places))
}

fn numbers<K: DeserializeOwned + Hash + Eq + 'static>(bytes: &[u8]) -> Result<Vec<usize>, VectorError> {
    let keys: Vec<K> = PyValue::decode_postcard(bytes)?;
    let mut known = HashMap::new();
    let number = |key| {
        let next = known.len();
        *known.entry(key).or_insert(next)
    };
    Ok(keys.into_iter().map(number).collect())
}

impl fmt::Debug for Vector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vector").field("has_keys", &self.keys.is_some()).finish_non_exhaustive()
    }
}
