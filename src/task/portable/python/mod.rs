//! Python's values and functions.

mod arguments;
mod array;
mod bounded;
mod bulk;
mod decode;
mod elements;
mod encode;
mod error;
mod function;
mod ndarray;
mod nested_futures;
mod node;
#[cfg(test)]
mod tests;
mod value;

pub use arguments::PyArgs;
pub(crate) use arguments::{PyArguments, lazy_arguments};
pub(crate) use array::{PyArray, element_nbytes};
pub(crate) use bounded::Bounds;
pub(crate) use bulk::{append_postcard, encode as array_of};
pub(crate) use error::{DecodeError, EncodeError};
pub use function::{Python, python};
pub(crate) use nested_futures::{Held, Nested, write_input};
pub(crate) use value::{MARK, PyValue};
