//! Makes Rust values of Python's, with Python's conventions.
//!
//! Nothing is guessed: a text is no number, a `bool` no integer, and a float no integer. How deep it goes is bounded by how
//! deep the value is, which its reader has bounded.

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

use crate::task::portable::python::ndarray::{ArrayFields, is_ndarray};
use crate::task::portable::python::node::{Node, View};
use crate::task::portable::python::{DecodeError, PyValue};

/// Has the bytes of a Rust value read by postcard, in whichever place they stand.
macro_rules! postcard {
    ($bytes:expr, |$reader:ident| $read:expr) => {
        PyValue::read_postcard($bytes, |$reader| $read)
    };
}

macro_rules! integers {
    ($($deserialize:ident $visit:ident $type:ident;)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            match self {
                Self::Int(number) => match $type::try_from(number) {
                    Ok(number) => visitor.$visit(number),
                    Err(_) => Err(DecodeError::mismatch(stringify!($type), self)),
                },
                Self::Postcard(bytes) => postcard!(bytes, |reader| reader.$deserialize(visitor)),
                _ => Err(DecodeError::mismatch(stringify!($type), self)),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = DecodeError;

    integers! {
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_i128 visit_i128 i128;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
        deserialize_u128 visit_u128 u128;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Self::None => visitor.visit_unit(),
            Self::Bool(value) => visitor.visit_bool(value),
            Self::Int(number) => match (i64::try_from(number), u64::try_from(number)) {
                (Ok(number), _) => visitor.visit_i64(number),
                (_, Ok(number)) => visitor.visit_u64(number),
                _ => visitor.visit_i128(number),
            },
            Self::Float(number) => visitor.visit_f64(number),
            Self::Str(text) => visitor.visit_str(text),
            Self::Bytes(bytes) => visitor.visit_bytes(bytes),
            Self::Postcard(bytes) => postcard!(bytes, |reader| reader.deserialize_any(visitor)),
            Self::List(_) | Self::Tuple(_) | Self::Set(_) | Self::Array(_) => self.deserialize_seq(visitor),
            Self::Dict(_) => self.deserialize_map(visitor),
            Self::Input => Err(DecodeError::mismatch("a value", self)),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Self::Bool(value) => visitor.visit_bool(value),
            Self::Postcard(bytes) => postcard!(bytes, |reader| reader.deserialize_bool(visitor)),
            _ => Err(DecodeError::mismatch("bool", self)),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            // As Python itself rounds; but what is finite stays so.
            Self::Float(number) if number.is_finite() && !(number as f32).is_finite() => {
                Err(DecodeError::mismatch("f32", self))
            }
            Self::Float(number) => visitor.visit_f32(number as f32),
            Self::Int(number) => visitor.visit_f32(number as f32),
            Self::Postcard(bytes) => postcard!(bytes, |reader| reader.deserialize_f32(visitor)),
            _ => Err(DecodeError::mismatch("f32", self)),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Self::Float(number) => visitor.visit_f64(number),
            Self::Int(number) => visitor.visit_f64(number as f64),
            Self::Postcard(bytes) => postcard!(bytes, |reader| reader.deserialize_f64(visitor)),
            _ => Err(DecodeError::mismatch("f64", self)),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Self::Str(text) if text.chars().count() == 1 => visitor.visit_str(text),
            Self::Postcard(bytes) => postcard!(bytes, |reader| reader.deserialize_char(visitor)),
            _ => Err(DecodeError::mismatch("a character", self)),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Self::Str(text) => visitor.visit_str(text),
            Self::Postcard(bytes) => postcard!(bytes, |reader| reader.deserialize_str(visitor)),
            _ => Err(DecodeError::mismatch("a text", self)),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Self::Bytes(bytes) => visitor.visit_bytes(bytes),
            Self::List(_) | Self::Tuple(_) | Self::Array(_) => self.deserialize_seq(visitor),
            Self::Postcard(bytes) => postcard!(bytes, |reader| reader.deserialize_bytes(visitor)),
            _ => Err(DecodeError::mismatch("bytes", self)),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Self::None => visitor.visit_none(),
            Self::Postcard(bytes) => postcard!(bytes, |reader| reader.deserialize_option(visitor)),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Self::None => visitor.visit_unit(),
            Self::Postcard(bytes) => postcard!(bytes, |reader| reader.deserialize_unit(visitor)),
            _ => Err(DecodeError::mismatch("None", self)),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DecodeError> {
        // Postcard has nothing for it either.
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match (self, Items::of(self)) {
            (Self::Postcard(bytes), _) => postcard!(bytes, |reader| reader.deserialize_seq(visitor)),
            (_, Some(items)) => visitor.visit_seq(items),
            (_, None) => Err(DecodeError::mismatch("a list", self)),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, DecodeError> {
        match (self, Items::of(self)) {
            (Self::Postcard(bytes), _) => postcard!(bytes, |reader| reader.deserialize_tuple(length, visitor)),
            // A set has no order.
            (Self::Set(_), _) | (_, None) => Err(DecodeError::mismatch(format_args!("a tuple of {length}"), self)),
            (_, Some(items)) if items.len() != length => {
                Err(DecodeError::mismatch(format_args!("a tuple of {length}"), self))
            }
            (_, Some(items)) => visitor.visit_seq(items),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Self::Dict(entries) => visitor.visit_map(Entries { entries: entries.iter(), value: None }),
            Self::Postcard(bytes) => postcard!(bytes, |reader| reader.deserialize_map(visitor)),
            _ => Err(DecodeError::mismatch("a dict", self)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self {
            Self::Dict(_) => self.deserialize_map(visitor),
            Self::Array(view) if is_ndarray(name, fields) => visitor.visit_map(ArrayFields::of(view)),
            Self::Postcard(bytes) => postcard!(bytes, |reader| reader.deserialize_struct(name, fields, visitor)),
            _ => Err(DecodeError::mismatch(format_args!("a dict for `{name}`"), self)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self {
            Self::Str(variant) => visitor.visit_enum(Variant { name: variant, content: None }),
            Self::Dict([(PyValue::Str(variant), content)]) => {
                visitor.visit_enum(Variant { name: variant, content: Some(Self::of(content)) })
            }
            Self::Postcard(bytes) => postcard!(bytes, |reader| reader.deserialize_enum(name, variants, visitor)),
            _ => Err(DecodeError::mismatch(format_args!("a variant of `{name}`"), self)),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }
}

/// The items of what is a sequence.
struct Items<'de> {
    of: Sequence<'de>,
    next: usize,
}

#[derive(Clone, Copy)]
enum Sequence<'de> {
    Values(&'de [PyValue]),
    Bytes(&'de [u8]),
    Array(View<'de>),
}

impl<'de> Items<'de> {
    fn of(node: Node<'de>) -> Option<Self> {
        let of = match node {
            Node::List(items) | Node::Tuple(items) | Node::Set(items) => Sequence::Values(items),
            Node::Bytes(bytes) => Sequence::Bytes(bytes),
            // Its elements would have no form.
            Node::Array(view) => Sequence::Array(view.element().map(|_| view)?),
            _ => return None,
        };
        Some(Self { of, next: 0 })
    }

    fn len(&self) -> usize {
        match self.of {
            Sequence::Values(items) => items.len(),
            Sequence::Bytes(bytes) => bytes.len(),
            Sequence::Array(view) => view.len(),
        }
    }
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        let index = self.next;
        let item = match self.of {
            Sequence::Values(items) => items.get(index).map(Node::of),
            Sequence::Bytes(bytes) => bytes.get(index).map(|byte| Node::Int((*byte).into())),
            Sequence::Array(view) => view.item(index),
        };
        let Some(item) = item else { return Ok(None) };
        self.next += 1;
        seed.deserialize(item).map(Some).map_err(|error| error.in_item(index))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.len().saturating_sub(self.next))
    }
}

/// The entries of a dict.
struct Entries<'de> {
    entries: std::slice::Iter<'de, (PyValue, PyValue)>,
    value: Option<&'de (PyValue, PyValue)>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        self.value = self.entries.next();
        match self.value {
            Some((key, _)) => {
                seed.deserialize(Node::of(key)).map(Some).map_err(|error| error.in_field(format!("key {key:?}")))
            }
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DecodeError> {
        let Some((key, value)) = self.value.take() else { return Err(DecodeError::custom("a value without a key")) };
        seed.deserialize(Node::of(value)).map_err(|error| {
            error.in_field(match key {
                PyValue::Str(name) => name.to_string(),
                key => format!("{key:?}"),
            })
        })
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

/// A variant of an enum, by its name.
struct Variant<'de> {
    name: &'de str,
    content: Option<Node<'de>>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), DecodeError> {
        let name: StrDeserializer<'_, DecodeError> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> Variant<'de> {
    fn content(&self) -> Result<Node<'de>, DecodeError> {
        self.content.ok_or_else(|| {
            let expected = format_args!("a dict {{\"{0}\": ..}}", self.name).to_string();
            DecodeError::mismatch(expected, Node::Str(self.name))
        })
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        match self.content {
            None | Some(Node::None) => Ok(()),
            Some(content) => Err(DecodeError::mismatch("None", content).in_field(self.name)),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DecodeError> {
        seed.deserialize(self.content()?).map_err(|error| error.in_field(self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.content()?.deserialize_tuple(length, visitor).map_err(|error| error.in_field(self.name))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, DecodeError> {
        self.content()?.deserialize_map(visitor).map_err(|error| error.in_field(self.name))
    }
}
