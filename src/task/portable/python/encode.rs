//! Makes Python values of Rust's.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde::ser::{
    Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use crate::task::portable::python::array::Order;
use crate::task::portable::python::elements::Elements;
use crate::task::portable::python::ndarray::{NDARRAY, NDARRAY_FIELDS};
use crate::task::portable::python::value::DEPTH_MAX;
use crate::task::portable::python::{EncodeError, PyArray, PyValue, nested_futures};

pub(super) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<PyValue, EncodeError> {
    value.serialize(Writer { depth: DEPTH_MAX })
}

/// Writes one value.
#[derive(Clone, Copy)]
struct Writer {
    /// How deep it may still nest.
    depth: usize,
}

impl Writer {
    /// For what is inside.
    fn inside(self) -> Result<Self, EncodeError> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth }),
            None => Err(EncodeError::custom(format_args!("it is nested deeper than {DEPTH_MAX}"))),
        }
    }
}

macro_rules! integers {
    ($($serialize:ident $type:ident;)*) => {$(
        fn $serialize(self, number: $type) -> Result<PyValue, EncodeError> {
            Ok(PyValue::Int(number.into()))
        }
    )*};
}

impl Serializer for Writer {
    type Ok = PyValue;
    type Error = EncodeError;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    integers! {
        serialize_i8 i8;
        serialize_i16 i16;
        serialize_i32 i32;
        serialize_i64 i64;
        serialize_i128 i128;
        serialize_u8 u8;
        serialize_u16 u16;
        serialize_u32 u32;
        serialize_u64 u64;
    }

    fn serialize_u128(self, number: u128) -> Result<PyValue, EncodeError> {
        let number = i128::try_from(number);
        number.map(PyValue::Int).map_err(|_| EncodeError::custom("an integer is larger than an `i128` can be"))
    }

    fn serialize_bool(self, value: bool) -> Result<PyValue, EncodeError> {
        Ok(PyValue::Bool(value))
    }

    fn serialize_f32(self, number: f32) -> Result<PyValue, EncodeError> {
        Ok(PyValue::Float(number.into()))
    }

    fn serialize_f64(self, number: f64) -> Result<PyValue, EncodeError> {
        Ok(PyValue::Float(number))
    }

    fn serialize_char(self, character: char) -> Result<PyValue, EncodeError> {
        self.serialize_str(character.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> Result<PyValue, EncodeError> {
        Ok(PyValue::Str(text.into()))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<PyValue, EncodeError> {
        Ok(PyValue::Bytes(Bytes::copy_from_slice(bytes)))
    }

    fn serialize_none(self) -> Result<PyValue, EncodeError> {
        Ok(PyValue::None)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<PyValue, EncodeError> {
        value.serialize(self.inside()?)
    }

    fn serialize_unit(self) -> Result<PyValue, EncodeError> {
        Ok(PyValue::None)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<PyValue, EncodeError> {
        Ok(PyValue::None)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<PyValue, EncodeError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<PyValue, EncodeError> {
        let value = value.serialize(self.inside()?)?;
        Ok(nested_futures::input_of(name, value))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<PyValue, EncodeError> {
        Ok(PyValue::Dict(vec![(PyValue::Str(variant.into()), value.serialize(self.inside()?)?)]))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items, EncodeError> {
        Items::new(self, PyValue::List, None)
    }

    fn serialize_tuple(self, _: usize) -> Result<Items, EncodeError> {
        Items::new(self, PyValue::Tuple, None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items, EncodeError> {
        Items::new(self, PyValue::Tuple, None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items, EncodeError> {
        Items::new(self, PyValue::Tuple, Some(variant))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries, EncodeError> {
        Entries::new(self, "", None)
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Entries, EncodeError> {
        Entries::new(self, name, None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Entries, EncodeError> {
        Entries::new(self, "", Some(variant))
    }
}

fn in_variant(variant: Option<&'static str>, value: PyValue) -> PyValue {
    match variant {
        Some(variant) => PyValue::Dict(vec![(PyValue::Str(variant.into()), value)]),
        None => value,
    }
}

/// The items of a list or a tuple.
struct Items {
    writer: Writer,
    collection: fn(Vec<PyValue>) -> PyValue,
    variant: Option<&'static str>,
    items: Vec<PyValue>,
}

impl Items {
    fn new(
        writer: Writer,
        collection: fn(Vec<PyValue>) -> PyValue,
        variant: Option<&'static str>,
    ) -> Result<Self, EncodeError> {
        Ok(Self { writer: writer.inside()?, collection, variant, items: Vec::new() })
    }

    fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.items.push(value.serialize(self.writer)?);
        Ok(())
    }

    fn finish(self) -> PyValue {
        in_variant(self.variant, (self.collection)(self.items))
    }
}

macro_rules! items {
    ($($trait:ident $add:ident;)*) => {$(
        impl $trait for Items {
            type Ok = PyValue;
            type Error = EncodeError;

            fn $add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
                self.add(value)
            }

            fn end(self) -> Result<PyValue, EncodeError> {
                Ok(self.finish())
            }
        }
    )*};
}

items! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

/// The entries of a dict.
struct Entries {
    writer: Writer,
    /// Of the struct, if it is one.
    name: &'static str,
    variant: Option<&'static str>,
    entries: Vec<(PyValue, PyValue)>,
    key: Option<PyValue>,
    /// The elements of an array, if this is one.
    elements: Option<Elements>,
}

impl Entries {
    fn new(writer: Writer, name: &'static str, variant: Option<&'static str>) -> Result<Self, EncodeError> {
        Ok(Self { writer: writer.inside()?, name, variant, entries: Vec::new(), key: None, elements: None })
    }

    fn add<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), EncodeError> {
        if self.name == NDARRAY && name == NDARRAY_FIELDS[2] && self.entries.len() == 2 {
            self.elements = Elements::of(value);
            if self.elements.is_some() {
                return Ok(());
            }
        }
        self.entries.push((PyValue::Str(name.into()), value.serialize(self.writer)?));
        Ok(())
    }

    fn finish(self) -> Result<PyValue, EncodeError> {
        match self.elements {
            Some(elements) => array(&self.entries, elements),
            None => Ok(in_variant(self.variant, PyValue::Dict(self.entries))),
        }
    }
}

/// An array of its version, its shape and its elements.
fn array(fields: &[(PyValue, PyValue)], elements: Elements) -> Result<PyValue, EncodeError> {
    let shape = match fields {
        [_, (_, PyValue::List(lengths) | PyValue::Tuple(lengths))] => lengths.iter().map(length).collect(),
        [_, (_, one)] => length(one).map(|length| vec![length]),
        _ => None,
    };
    // An array without elements has them of no kind. These are numpy's own.
    let dtype: Arc<str> = elements.dtype.unwrap_or("<f8").into();
    let array = shape.and_then(|shape| PyArray::new(dtype, shape, Order::C, elements.data.into()));
    array.map(PyValue::Array).ok_or_else(|| EncodeError::custom("an array has not as many elements as its shape says"))
}

fn length(value: &PyValue) -> Option<usize> {
    match value {
        PyValue::Int(number) => usize::try_from(*number).ok(),
        _ => None,
    }
}

/// A key of a dict, which Python asks to be hashable: a list is a tuple there.
fn key(value: PyValue) -> Result<PyValue, EncodeError> {
    match value {
        PyValue::List(items) | PyValue::Tuple(items) => {
            Ok(PyValue::Tuple(items.into_iter().map(key).collect::<Result<_, _>>()?))
        }
        PyValue::Dict(_) | PyValue::Set(_) | PyValue::Array(_) => {
            Err(EncodeError::custom("Python has no maps whose keys are maps, structs or arrays"))
        }
        PyValue::Input(_) => Err(EncodeError::custom("a future cannot be the key of a map")),
        key => Ok(key),
    }
}

impl SerializeMap for Entries {
    type Ok = PyValue;
    type Error = EncodeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.key = Some(key(value.serialize(self.writer)?)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let key = self.key.take().ok_or_else(|| EncodeError::custom("a value without a key"))?;
        self.entries.push((key, value.serialize(self.writer)?));
        Ok(())
    }

    fn end(self) -> Result<PyValue, EncodeError> {
        self.finish()
    }
}

impl SerializeStruct for Entries {
    type Ok = PyValue;
    type Error = EncodeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), EncodeError> {
        self.add(name, value)
    }

    fn end(self) -> Result<PyValue, EncodeError> {
        self.finish()
    }
}

impl SerializeStructVariant for Entries {
    type Ok = PyValue;
    type Error = EncodeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), EncodeError> {
        self.add(name, value)
    }

    fn end(self) -> Result<PyValue, EncodeError> {
        self.finish()
    }
}
