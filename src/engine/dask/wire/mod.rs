//! What goes over the wire: frames, messages and pickles. Bytes and values only: no sockets, no async, no clock.

mod task_key;
mod value;

pub(crate) use task_key::TaskKey;
pub(crate) use value::{Pickled, Serialized, Value};
