//! What goes over the wire: frames, messages and pickles. Bytes and values only: no sockets, no async, no clock.

#![allow(unused_imports)] // Until all of it is used.

mod error;
mod frames;
mod limits;
mod message;
mod msgpack;
pub(crate) mod pickle;
mod task_key;
mod value;

pub(crate) use error::{Limited, Place, WireError};
pub(crate) use frames::{Decoder, EncodedMessage};
pub(crate) use limits::Limits;
pub(crate) use message::{decode_message, encode_message, stream_messages};
pub(crate) use task_key::TaskKey;
pub(crate) use value::{Pickled, Serialized, Value};
