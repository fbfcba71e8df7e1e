//! What a reader looks at: a Python value, or a part of one that is no value by itself.

use std::borrow::Cow;
use std::fmt;

use crate::task::portable::python::PyValue;
use crate::task::portable::python::array::{Element, Item, PyArray};
use crate::task::portable::python::value::MARK;

/// A value that is read.
#[derive(Clone, Copy)]
pub(super) enum Node<'a> {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(&'a str),
    Bytes(&'a [u8]),
    /// The result of a Rust task, without its mark.
    Postcard(&'a [u8]),
    List(&'a [PyValue]),
    Tuple(&'a [PyValue]),
    Set(&'a [PyValue]),
    Dict(&'a [(PyValue, PyValue)]),
    Array(View<'a>),
    Input,
}

/// An array, or what is left of it behind the first indices.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    array: &'a PyArray,
    pub(super) shape: &'a [usize],
    /// Of its first element.
    offset: usize,
}

/// Most bytes of a text that an error repeats.
const SHOWN_NBYTES_MAX: usize = 40;

impl<'a> Node<'a> {
    pub(super) fn of(value: &'a PyValue) -> Self {
        match value {
            PyValue::None => Self::None,
            PyValue::Bool(value) => Self::Bool(*value),
            PyValue::Int(number) => Self::Int(*number),
            PyValue::Float(number) => Self::Float(*number),
            PyValue::Str(text) => Self::Str(text),
            PyValue::Bytes(bytes) => match bytes.strip_prefix(&MARK) {
                Some(postcard) => Self::Postcard(postcard),
                None => Self::Bytes(bytes),
            },
            PyValue::List(items) => Self::List(items),
            PyValue::Tuple(items) => Self::Tuple(items),
            PyValue::Set(items) => Self::Set(items),
            PyValue::Dict(entries) => Self::Dict(entries),
            // One without axes is a number.
            PyValue::Array(array) => match View::of(array) {
                view if view.shape.is_empty() => view.number().unwrap_or(Self::Array(view)),
                view => Self::Array(view),
            },
            PyValue::Input(_) => Self::Input,
        }
    }
}

impl<'a> View<'a> {
    fn of(array: &'a PyArray) -> Self {
        Self { array, shape: array.shape(), offset: 0 }
    }

    /// What the elements are, if they are numbers.
    pub(super) fn element(&self) -> Option<Element> {
        self.array.element()
    }

    /// The bytes of the elements, with those along the last axis beside each other.
    pub(super) fn in_c_order(&self) -> Cow<'a, [u8]> {
        self.array.in_c_order(self.axes(), self.offset)
    }

    /// How many there are along the first axis.
    pub(super) fn len(&self) -> usize {
        self.shape.first().copied().unwrap_or_default()
    }

    /// What is at `index` of the first axis.
    pub(super) fn item(&self, index: usize) -> Option<Node<'a>> {
        let (length, shape) = self.shape.split_first()?;
        let offset = self.offset + (index < *length).then_some(index)? * self.array.stride(self.axes());
        let part = Self { array: self.array, shape, offset };
        if shape.is_empty() { part.number() } else { Some(Node::Array(part)) }
    }

    /// How many are behind it.
    fn axes(&self) -> usize {
        self.array.shape().len() - self.shape.len()
    }

    fn number(&self) -> Option<Node<'a>> {
        Some(self.element()?.item(self.array.element_at(self.offset)?).into())
    }
}

impl From<Item> for Node<'_> {
    fn from(item: Item) -> Self {
        match item {
            Item::Bool(value) => Self::Bool(value),
            Item::Int(number) => Self::Int(number),
            Item::Float(number) => Self::Float(number),
        }
    }
}

/// What an error says of it.
impl fmt::Display for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Bool(true) => f.write_str("True"),
            Self::Bool(false) => f.write_str("False"),
            Self::Int(number) => write!(f, "the integer {number}"),
            Self::Float(number) => write!(f, "the float {number:?}"),
            Self::Str(text) => {
                let shown = &text[..text.floor_char_boundary(SHOWN_NBYTES_MAX)];
                let dots = if shown.len() < text.len() { ".." } else { "" };
                write!(f, "the text {shown:?}{dots}")
            }
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::Postcard(_) => f.write_str("the result of a Rust task"),
            Self::List(items) => write!(f, "a list of {}", items.len()),
            Self::Tuple(items) => write!(f, "a tuple of {}", items.len()),
            Self::Set(items) => write!(f, "a set of {}", items.len()),
            Self::Dict(entries) => write!(f, "a dict of {}", entries.len()),
            Self::Array(view) => view.array.fmt(f),
            Self::Input => f.write_str("a result that is not there yet"),
        }
    }
}
