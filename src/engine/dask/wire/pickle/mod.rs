//! Python's pickles: what we write, and what we read without running anything.

mod object;
mod plain;
mod read;
mod repr;
pub(crate) mod task_spec;
mod write;

pub(crate) use object::{Call, Object, Unpickled, View};
pub(crate) use plain::PlainData;
pub(crate) use repr::{repr, repr_float, repr_str};
pub(crate) use write::Pickle;
