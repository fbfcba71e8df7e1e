//! Python's pickles: what we write, and what we read without running anything.

mod object;
mod plain;
mod read;
mod repr;
pub(crate) mod task_spec;
mod write;

#[cfg(test)]
pub(crate) use object::View;
pub(crate) use object::{Call, Object, Unpickled};
pub(crate) use plain::PlainData;
#[cfg(test)]
pub(crate) use repr::repr_float;
pub(crate) use repr::{repr, repr_str};
pub(crate) use write::Pickle;
