//! What is wrong with a value on its way.

use std::any::type_name;
use std::error::Error as StdError;
use std::fmt;

use crate::task::portable::python::bounded::Exceeded;

/// Why a value is none of the type that is asked for, and where in it.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    kind: Kind,
    /// From the inside to the outside.
    path: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Mismatch {
        expected: String,
        found: String,
    },
    /// The bytes of a Rust value.
    Postcard {
        expected: &'static str,
        reason: String,
    },
    /// They would be too deep or too many.
    Exceeded {
        expected: &'static str,
        bound: Exceeded,
    },
    /// What the type itself says.
    Message(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Item(usize),
}

impl DecodeError {
    pub(crate) fn mismatch(expected: impl fmt::Display, found: impl fmt::Display) -> Self {
        Self::new(Kind::Mismatch { expected: expected.to_string(), found: found.to_string() })
    }

    pub(super) fn postcard<T>(error: &postcard::Error) -> Self {
        let reason = match error {
            // What asks the data for its form finds none in postcard, which is only values.
            postcard::Error::WontImplement => {
                "types whose form depends on the data, such as untagged or flattened ones, cannot be read from it"
                    .into()
            }
            error => error.to_string(),
        };
        Self::new(Kind::Postcard { expected: type_name::<T>(), reason })
    }

    pub(super) fn exceeded<T>(bound: Exceeded) -> Self {
        Self::new(Kind::Exceeded { expected: type_name::<T>(), bound })
    }

    pub(crate) fn too_many_bytes<T>(nbytes: usize) -> Self {
        Self::new(Kind::Postcard { expected: type_name::<T>(), reason: format!("{nbytes} bytes are left over") })
    }

    /// More items than there may be of those that take no bytes.
    pub(crate) fn too_many_items<T>() -> Self {
        Self::exceeded::<T>(Exceeded::Items)
    }

    /// Nothing tells how such a value travels.
    pub(crate) fn unknown(r#type: &str) -> Self {
        Self::new(Kind::Message(format!("no registered task takes or gives a `{}`", r#type)))
    }

    /// Several inputs arrived where one goes.
    pub(crate) fn several(expected: &str) -> Self {
        Self::mismatch(expected, "several results")
    }

    pub(crate) fn in_item(mut self, index: usize) -> Self {
        self.path.push(Step::Item(index));
        self
    }

    pub(super) fn in_field(mut self, name: impl Into<String>) -> Self {
        self.path.push(Step::Field(name.into()));
        self
    }

    fn new(kind: Kind) -> Self {
        Self { kind, path: Vec::new() }
    }

    /// ` for item 3`, ` for field "rows[3].n"`, or nothing.
    fn place(&self) -> String {
        if let [Step::Item(index)] = &self.path[..] {
            return format!(" for item {index}");
        }
        let mut text = String::new();
        for step in self.path.iter().rev() {
            match step {
                Step::Field(name) if text.is_empty() => text.push_str(name),
                Step::Field(name) => {
                    text.push('.');
                    text.push_str(name);
                }
                Step::Item(index) => text.push_str(&format!("[{index}]")),
            }
        }
        if text.is_empty() { text } else { format!(" for field \"{text}\"") }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place();
        match &self.kind {
            Kind::Mismatch { expected, found } => write!(f, "expected {expected}{place}, Python gave {found}"),
            Kind::Postcard { expected, reason } => write!(
                f,
                "expected the bytes of {expected}{place}: {reason}; build the client and the workers from the same code"
            ),
            Kind::Exceeded { expected, bound } => write!(f, "the bytes of {expected}{place} are refused: {bound}"),
            Kind::Message(message) => write!(f, "{message}{place}"),
        }
    }
}

impl StdError for DecodeError {}

impl serde::de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Kind::Message(message.to_string()))
    }

    fn invalid_type(found: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self::mismatch(expected, found)
    }

    fn invalid_value(found: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        Self::mismatch(expected, found)
    }

    fn invalid_length(length: usize, expected: &dyn serde::de::Expected) -> Self {
        Self::mismatch(expected, format_args!("{length} items"))
    }
}

/// Why a value has no form outside of this process.
#[doc(hidden)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeError(String);

impl EncodeError {
    pub(crate) fn postcard(error: postcard::Error) -> Self {
        Self(match error {
            postcard::Error::SerializeSeqLengthUnknown => {
                "it has a sequence of unknown length; flattened structs are such".to_owned()
            }
            error => error.to_string(),
        })
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for EncodeError {}

impl serde::ser::Error for EncodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}
