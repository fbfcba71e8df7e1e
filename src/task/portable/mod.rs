//! Tasks that can travel: what a call and its result are outside of this process.
//!
//! `#[task]` looks for each type of its function whether it has serde ([`probe`]), and if so has a [`Codec`] of it. With
//! these, [`export`] makes of a submission what goes to a cluster, and [`call`] makes the call where it arrives.
//! All values on a cluster are Python's ([`python::PyValue`]); what a Rust task gave is a `bytes` object there, with a
//! mark in front of its postcard.

mod call;
mod codec;
mod codecs;
mod export;
#[macro_use]
mod macros;
#[doc(hidden)]
pub mod probe;
pub(crate) mod python;
#[cfg(test)]
mod tests;
pub(crate) mod vectors;

pub(crate) use call::{CallError, ErasedCall, Given};
pub use call::{Travelling, call, each_codec, to_python, vector};
pub(crate) use codec::Codec;
pub(crate) use codec::{TypeOf, codec_of};
pub(crate) use export::{Argument, ExportedCall};
pub use export::{Export, Parts, export};
pub(crate) use probe::Slot;
pub(crate) use vectors::{Vector, VectorError};

pub(crate) use python::{
    DecodeError, EncodeError, Held, Nested, PyArguments, PyArray, PyValue, element_nbytes, lazy_arguments, write_input,
};
