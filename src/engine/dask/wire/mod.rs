//! What goes over the wire: frames, messages and pickles. Bytes and values only: no sockets, no async, no clock.

mod array;
mod cursor;
mod error;
mod exception;
mod frames;
mod limits;
mod message;
mod msgpack;
pub(crate) mod pickle;
mod serialize;
mod serialized;
mod task_key;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use error::WireError;
#[cfg(test)]
pub(crate) use error::{Limited, Place};
pub(crate) use exception::RemoteException;
pub(crate) use frames::Decoder;
#[cfg(test)]
pub(crate) use frames::EncodedMessage;
pub(crate) use limits::{Budget, Limits};
pub(crate) use message::{decode_message, encode_message, stream_messages};
pub(crate) use serialize::class_pickle;
#[cfg(test)]
pub(crate) use serialize::exception_pickle;
pub(crate) use serialized::Data;
pub(crate) use task_key::TaskKey;
pub(crate) use value::{Pickled, Serialized, Value};
