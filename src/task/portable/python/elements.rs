//! Writes the elements of an array as bytes, if all of them are numbers of one kind.

use serde::ser::{Impossible, SerializeSeq, Serializer};
use serde::{Serialize, ser};

use crate::task::portable::python::EncodeError;

/// The elements so far.
#[derive(Default)]
pub(super) struct Elements {
    /// None before the first.
    pub(super) dtype: Option<&'static str>,
    pub(super) data: Vec<u8>,
}

impl Elements {
    /// `None` if they are not numbers of one kind.
    pub(super) fn of<T: Serialize + ?Sized>(sequence: &T) -> Option<Self> {
        sequence.serialize(Writer(Self::default(), Level::Sequence)).ok()
    }
}

struct Writer(Elements, Level);

#[derive(PartialEq)]
enum Level {
    Sequence,
    Element,
}

fn no_number() -> EncodeError {
    ser::Error::custom("no number")
}

macro_rules! numbers {
    ($($serialize:ident $type:ident $dtype:literal;)*) => {$(
        fn $serialize(mut self, number: $type) -> Result<Elements, EncodeError> {
            if self.1 == Level::Sequence || *self.0.dtype.get_or_insert($dtype) != $dtype {
                return Err(no_number());
            }
            self.0.data.extend_from_slice(&number.to_le_bytes());
            Ok(self.0)
        }
    )*};
}

macro_rules! none_of {
    ($($serialize:ident($($argument:ty),*) -> $result:ty;)*) => {$(
        fn $serialize(self, $(_: $argument),*) -> Result<$result, EncodeError> {
            Err(no_number())
        }
    )*};
}

type Never = Impossible<Elements, EncodeError>;

impl Serializer for Writer {
    type Ok = Elements;
    type Error = EncodeError;
    type SerializeSeq = Sequence;
    type SerializeTuple = Never;
    type SerializeTupleStruct = Never;
    type SerializeTupleVariant = Never;
    type SerializeMap = Never;
    type SerializeStruct = Never;
    type SerializeStructVariant = Never;

    numbers! {
        serialize_i8 i8 "|i1";
        serialize_i16 i16 "<i2";
        serialize_i32 i32 "<i4";
        serialize_i64 i64 "<i8";
        serialize_u8 u8 "|u1";
        serialize_u16 u16 "<u2";
        serialize_u32 u32 "<u4";
        serialize_u64 u64 "<u8";
        serialize_f32 f32 "<f4";
        serialize_f64 f64 "<f8";
    }

    fn serialize_bool(mut self, value: bool) -> Result<Elements, EncodeError> {
        if self.1 == Level::Sequence || *self.0.dtype.get_or_insert("|b1") != "|b1" {
            return Err(no_number());
        }
        self.0.data.push(value.into());
        Ok(self.0)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Sequence, EncodeError> {
        if self.1 == Level::Element {
            return Err(no_number());
        }
        Ok(Sequence { elements: self.0, length: length.unwrap_or_default() })
    }

    none_of! {
        serialize_i128(i128) -> Elements;
        serialize_u128(u128) -> Elements;
        serialize_char(char) -> Elements;
        serialize_str(&str) -> Elements;
        serialize_bytes(&[u8]) -> Elements;
        serialize_none() -> Elements;
        serialize_unit() -> Elements;
        serialize_unit_struct(&'static str) -> Elements;
        serialize_unit_variant(&'static str, u32, &'static str) -> Elements;
        serialize_tuple(usize) -> Never;
        serialize_tuple_struct(&'static str, usize) -> Never;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Never;
        serialize_map(Option<usize>) -> Never;
        serialize_struct(&'static str, usize) -> Never;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Never;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<Elements, EncodeError> {
        Err(no_number())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Elements, EncodeError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Elements, EncodeError> {
        Err(no_number())
    }
}

struct Sequence {
    elements: Elements,
    /// How many are announced.
    length: usize,
}

impl SerializeSeq for Sequence {
    type Ok = Elements;
    type Error = EncodeError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, element: &T) -> Result<(), EncodeError> {
        let is_first = self.elements.data.is_empty();
        self.elements = element.serialize(Writer(std::mem::take(&mut self.elements), Level::Element))?;
        if is_first {
            // All are as wide as the first.
            let rest = self.length.saturating_sub(1).saturating_mul(self.elements.data.len());
            self.elements.data.reserve_exact(rest);
        }
        Ok(())
    }

    fn end(self) -> Result<Elements, EncodeError> {
        Ok(self.elements)
    }
}
