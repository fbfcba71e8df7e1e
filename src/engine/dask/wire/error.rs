//! What can be wrong with a peer's bytes.

use std::fmt;
use std::sync::Arc;

/// Why bytes or values are not what Dask sends. Says what was found, where, and what the limit was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum WireError {
    /// More than we take, or than the format can hold.
    Limit { what: Limited, found: u64, limit: u64 },
    /// The bytes end before the value does.
    Truncated { place: Place, at: u64, needed: u64 },
    /// The value ends before the bytes do.
    Trailing { place: Place, at: u64, nbytes: u64 },
    /// The first number of a message does not fit the lengths of its frames.
    Prefix { found: u64, head_nbytes: u64, total_nbytes: u64 },
    /// A byte that starts no value of msgpack, or one of a kind that Dask does not send.
    Marker { at: u64, found: u8 },
    /// A text that is not UTF-8.
    Utf8 { place: Place, at: u64 },
    /// A placeholder that names frames which are not there, or which another one has named.
    Frames { placeholder: &'static str, first: u64, count: u64, available: u64 },
    /// A part of a header or of a message that is missing or of another kind.
    Field { of: &'static str, name: &'static str, expected: &'static str },
    /// A datum that is made of parts that do not fit together.
    Inconsistent { of: &'static str, problem: &'static str },
    /// A frame is compressed, although we have asked for no compression.
    Compressed { method: Arc<str> },
    /// The peer could not serialise a datum, and sent why.
    Unserializable { text: Arc<str> },
    /// A datum was serialised in a way that we do not read.
    Unsupported { what: &'static str, found: Arc<str> },
    /// An instruction of a pickle that we do not know, or that would have to run something.
    Opcode { at: u64, found: u8 },
    /// An instruction of a pickle that asks for what is not there.
    Pickle { at: u64, problem: &'static str },
    /// A pickle that holds more than plain data.
    NotPlain { found: Arc<str> },
}

/// What there is a limit of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum Limited {
    MessageBytes,
    Frames,
    Depth,
    Items,
    PickleBytes,
    /// The length of one text, byte string, list or map in msgpack.
    Length,
}

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Message,
    Msgpack,
    Pickle,
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit { what, found, limit } => write!(f, "{what}: {found}, the limit is {limit}"),
            Self::Truncated { place, at, needed } => {
                write!(f, "{place} ends at byte {at}, where {needed} more are needed")
            }
            Self::Trailing { place, at, nbytes } => write!(f, "{place} ends at byte {at}, but {nbytes} more follow"),
            Self::Prefix { found, head_nbytes, total_nbytes } => write!(
                f,
                "a message says that its first part has {found} bytes, which is no end of one of its frames: \
                 the head has {head_nbytes}, all of it {total_nbytes}"
            ),
            Self::Marker { at, found } => {
                write!(f, "byte {found:#04x} at {at} starts no value of msgpack that Dask sends")
            }
            Self::Utf8 { place, at } => write!(f, "a text at byte {at} of {place} is not UTF-8"),
            Self::Frames { placeholder, first, count, available } => write!(
                f,
                "{placeholder} names {count} frames from frame {first} on, of which some are missing or used twice: \
                 the message has {available}"
            ),
            Self::Field { of, name, expected } => write!(f, "`{name}` of {of} is not {expected}"),
            Self::Inconsistent { of, problem } => write!(f, "{of}: {problem}"),
            Self::Compressed { method } => {
                write!(f, "a frame is compressed with `{method}`, although no compression was agreed")
            }
            Self::Unserializable { text } => write!(f, "the peer could not serialise it: {text}"),
            Self::Unsupported { what, found } => write!(f, "cannot read {what} `{found}`"),
            Self::Opcode { at, found } => write!(f, "pickle: instruction {found:#04x} at byte {at} is not supported"),
            Self::Pickle { at, problem } => write!(f, "pickle: at byte {at}: {problem}"),
            Self::NotPlain { found } => write!(f, "the pickle holds {found}, which is no plain data"),
        }
    }
}

impl std::error::Error for WireError {}

impl fmt::Display for Limited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MessageBytes => "bytes of a message",
            Self::Frames => "frames of a message",
            Self::Depth => "depth of nested values",
            Self::Items => "items of a message",
            Self::PickleBytes => "bytes of a pickle",
            Self::Length => "length of one value",
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Message => "the message",
            Self::Msgpack => "the msgpack value",
            Self::Pickle => "the pickle",
        })
    }
}
