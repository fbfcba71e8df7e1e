//! The arrays of `ndarray`, which are arrays of numpy for Python.
//!
//! In serde, they are a version, a shape and the elements. They are known by this form, so that nobody here depends on that
//! crate, and an array can stand anywhere in a value.

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::task::portable::python::DecodeError;
use crate::task::portable::python::array::ElementKind;
use crate::task::portable::python::node::{Node, View};

/// Whether a struct is such an array.
pub(super) fn is_ndarray(name: &str, fields: &[&str]) -> bool {
    name == NDARRAY && fields == NDARRAY_FIELDS
}

pub(super) const NDARRAY: &str = "Array";
pub(super) const NDARRAY_FIELDS: [&str; 3] = ["v", "dim", "data"];

/// The version of the form. There has been one since 2016.
pub(super) const NDARRAY_VERSION: u8 = 1;

/// An array as `ndarray` reads it.
pub(super) struct ArrayFields<'de> {
    view: View<'de>,
    next: usize,
}

impl<'de> ArrayFields<'de> {
    pub(super) fn of(view: View<'de>) -> Self {
        Self { view, next: 0 }
    }
}

impl<'de> MapAccess<'de> for ArrayFields<'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        match NDARRAY_FIELDS.get(self.next) {
            Some(name) => seed.deserialize(Node::Str(name)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DecodeError> {
        self.next += 1;
        match self.next {
            1 => seed.deserialize(Node::Int(NDARRAY_VERSION.into())),
            2 => seed
                .deserialize(Shape(self.view.shape))
                .map_err(|_| DecodeError::mismatch("an array with another number of axes", Node::Array(self.view))),
            _ => seed.deserialize(Flat(self.view)),
        }
    }
}

/// A shape, as a sequence or a tuple.
struct Shape<'de>(&'de [usize]);

impl<'de> Deserializer<'de> for Shape<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_seq(serde::de::value::SeqDeserializer::new(self.0.iter().copied()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, DecodeError> {
        if self.0.len() != length {
            return Err(DecodeError::invalid_length(self.0.len(), &"as many axes"));
        }
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple_struct map struct enum identifier ignored_any
    }
}

/// All elements of an array, whatever its shape.
struct Flat<'de>(View<'de>);

impl<'de> Deserializer<'de> for Flat<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let Some(element) = self.0.element() else {
            return Err(DecodeError::mismatch("an array of numbers", Node::Array(self.0)));
        };
        let data = self.0.in_c_order();
        // The usual ones without a question at each element: a nanosecond instead of ten.
        macro_rules! numbers {
            ($type:ident, $node:expr) => {{
                let (chunks, _) = data.as_chunks::<{ size_of::<$type>() }>();
                visitor.visit_seq(Elements::of(chunks.iter().map(|bytes| $node($type::from_le_bytes(*bytes).into()))))
            }};
        }
        match (element.kind, element.nbytes) {
            (ElementKind::Float, 4) if !element.is_big_endian => numbers!(f32, Node::Float),
            (ElementKind::Float, 8) if !element.is_big_endian => numbers!(f64, Node::Float),
            (ElementKind::Int, 4) if !element.is_big_endian => numbers!(i32, Node::Int),
            (ElementKind::Int, 8) if !element.is_big_endian => numbers!(i64, Node::Int),
            (ElementKind::UInt, 1) => numbers!(u8, Node::Int),
            _ => {
                let numbers = data.chunks_exact(element.nbytes).map(|bytes| Node::from(element.item(bytes)));
                visitor.visit_seq(Elements::of(numbers))
            }
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Elements<I> {
    items: I,
    next: usize,
}

impl<I> Elements<I> {
    fn of(items: I) -> Self {
        Self { items, next: 0 }
    }
}

impl<'de, I: ExactSizeIterator<Item = Node<'de>>> SeqAccess<'de> for Elements<I> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        let index = self.next;
        let Some(item) = self.items.next() else { return Ok(None) };
        self.next += 1;
        seed.deserialize(item).map(Some).map_err(|error| error.in_item(index))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}
