//! How the values of one type travel.

use std::any::Any;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};

use crate::task::Registration;
use crate::task::portable::Vector;
use crate::task::portable::python::{self, Bounds, DecodeError, EncodeError, MARK, PyArray, PyValue};

/// Encodes and decodes a `T`: as a part of a call, and as a result that others take.
pub(crate) struct Codec<T> {
    /// Appends the postcard of a value.
    append: fn(&T, Vec<u8>) -> Result<Vec<u8>, EncodeError>,
    /// Of postcard.
    decode: fn(&[u8]) -> Result<T, DecodeError>,
    /// Of postcard with something behind it, which is given back.
    read: ReadFirst<T>,
    /// Of one input, whoever made it.
    decode_input: fn(&PyValue) -> Result<T, DecodeError>,
    /// Of one input for each item.
    decode_inputs: Option<DecodeInputs<T>>,
    /// What is done with a vector without knowing its type.
    vector: Option<Vector>,
    /// As a plain Python object.
    to_python: fn(&T) -> Result<PyValue, EncodeError>,
    /// Of a value that is nothing but an array.
    array: fn(&T) -> Option<PyArray>,
    /// Tells the codecs of the types inside of this one, and whether those travel as this one does.
    parts: Parts,
}

/// The type of a value, as a worker knows it: one of those of a registered task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TypeOf {
    pub(crate) task: &'static str,
    /// That of this parameter, counted from 1; else that of the result.
    pub(crate) parameter: Option<u32>,
}

/// Where a registered task has a type.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// That of a parameter, counted from 1.
    Parameter(u32),
    Result,
    /// Inside of one of those.
    Part,
}

impl Place {
    /// The parameter if it is one, none if it is the result; nothing inside of them.
    pub(crate) fn parameter(self) -> Option<Option<u32>> {
        match self {
            Self::Parameter(number) => Some(Some(number)),
            Self::Result => Some(None),
            Self::Part => None,
        }
    }
}

/// The codec of a type that a registered task takes or gives, also inside of a vector, or that everybody uses; and what a
/// worker knows the type by, if the whole of a parameter or of a result has it.
pub(crate) fn codec_of<T: 'static>() -> Option<(Codec<T>, Option<TypeOf>)> {
    let mut found: Option<(Codec<T>, Option<TypeOf>)> = None;
    for task in inventory::iter::<Registration> {
        (task.travelling.each_codec)(&mut |place, codec| {
            let Some(codec) = codec.downcast_ref::<Codec<T>>() else { return };
            let type_of = place.parameter().map(|parameter| TypeOf { task: task.name, parameter });
            if found.is_none_or(|(_, known)| known.is_none() && type_of.is_some()) {
                found = Some((*codec, type_of));
            }
        });
    }
    found.or_else(|| Some((common_codec()?, None)))
}

fn common_codec<T: 'static>() -> Option<Codec<T>> {
    let mut found = None;
    let mut look = |codec: &dyn Any| {
        if found.is_none() {
            found = codec.downcast_ref::<Codec<T>>().copied();
        }
    };
    macro_rules! common {
        ($($type:ty),*) => {$(
            look(&Codec::<$type>::plain());
            look(&Codec::<Vec<$type>>::of_vector());
        )*};
    }
    common!((), bool, i8, i16, i32, i64, i128, u8, u16, u32, u64, u128, usize, isize, f32, f64, char, String);
    found
}

type Parts = fn(&mut dyn FnMut(bool, &dyn Any));

type ReadFirst<T> = for<'a> fn(&'a [u8], &Bounds) -> Result<(T, &'a [u8]), DecodeError>;

type DecodeInputs<T> = fn(&[&PyValue]) -> Result<T, DecodeError>;

impl<T> Codec<T> {
    /// What goes into a call.
    pub(crate) fn encode(&self, value: &T) -> Result<Bytes, EncodeError> {
        (self.append)(value, Vec::new()).map(Bytes::from)
    }

    /// What a cluster keeps as a result: an array of numpy if it is one, else a `bytes` object.
    pub(crate) fn encode_result(&self, value: &T) -> Result<PyValue, EncodeError> {
        if let Some(array) = (self.array)(value) {
            return Ok(PyValue::Array(array));
        }
        (self.append)(value, MARK.to_vec()).map(|bytes| PyValue::Bytes(bytes.into()))
    }

    pub(crate) fn decode(&self, bytes: &[u8]) -> Result<T, DecodeError> {
        (self.decode)(bytes)
    }

    pub(crate) fn decode_input(&self, input: &PyValue) -> Result<T, DecodeError> {
        (self.decode_input)(input)
    }

    /// The function behind [`decode_input`](Self::decode_input), to keep.
    pub(crate) fn input_decoder(&self) -> fn(&PyValue) -> Result<T, DecodeError> {
        self.decode_input
    }

    /// Tells this codec, as that of a type in its place, and those of the types inside of it.
    pub(crate) fn each(&self, place: Place, each: &mut dyn FnMut(Place, &dyn Any))
    where
        T: 'static,
    {
        each(place, self);
        (self.parts)(&mut |is_alike, part| each(if is_alike { place } else { Place::Part }, part));
    }

    /// Decodes a value, and gives what stands behind it.
    pub(crate) fn read<'a>(&self, bytes: &'a [u8], bounds: &Bounds) -> Result<(T, &'a [u8]), DecodeError> {
        (self.read)(bytes, bounds)
    }

    /// `None` if a `T` is no vector.
    pub(crate) fn vector(&self) -> Option<Vector> {
        self.vector
    }

    /// `None` if a `T` is not made of several.
    pub(crate) fn decode_inputs(&self, inputs: &[&PyValue]) -> Option<Result<T, DecodeError>> {
        self.decode_inputs.map(|decode| decode(inputs))
    }

    pub(crate) fn python_of(&self, value: &T) -> Result<PyValue, EncodeError> {
        (self.array)(value).map_or_else(|| (self.to_python)(value), |array| Ok(PyValue::Array(array)))
    }
}

impl<T: Serialize + DeserializeOwned + 'static> Codec<T> {
    /// That of a value by itself.
    pub(crate) fn plain() -> Self {
        Self {
            append,
            decode: of_postcard,
            read: PyValue::read,
            decode_input: PyValue::decode,
            decode_inputs: None,
            vector: None,
            to_python: |value| PyValue::of(value),
            array: python::array_of,
            parts: |_| (),
        }
    }
}

impl<T: Serialize + DeserializeOwned + 'static> Codec<Arc<T>> {
    /// That of what is shared: it travels as what it points to.
    pub(crate) fn shared() -> Self {
        Self {
            append: |value, bytes| append(&**value, bytes),
            decode: |bytes| of_postcard(bytes).map(Arc::new),
            read: |bytes, bounds| PyValue::read(bytes, bounds).map(|(value, rest)| (Arc::new(value), rest)),
            decode_input: |input| input.decode().map(Arc::new),
            decode_inputs: None,
            vector: None,
            to_python: |value| PyValue::of(&**value),
            array: |value| python::array_of(&**value),
            parts: |each| each(true, &Codec::<T>::plain()),
        }
    }
}

impl<T: Serialize + DeserializeOwned + 'static> Codec<Vec<T>> {
    /// That of a vector, which several futures can make.
    pub(crate) fn of_vector() -> Self {
        let parts: Parts = |each| each(false, &Codec::<T>::plain());
        Self { decode_inputs: Some(decode_each), vector: Some(Vector::of::<T>()), parts, ..Codec::plain() }
    }
}

impl<T: Serialize + DeserializeOwned + 'static> Codec<Vec<Arc<T>>> {
    /// That of a vector of what is shared.
    pub(crate) fn of_shared_vector() -> Self {
        Self {
            append: |values, bytes| append_by_serde(&Pointees(values), bytes),
            decode: |bytes| of_postcard(bytes).map(share_each),
            read: |bytes, bounds| PyValue::read(bytes, bounds).map(|(values, rest)| (share_each(values), rest)),
            decode_input: |input| input.decode().map(share_each),
            decode_inputs: Some(|inputs| decode_each(inputs).map(share_each)),
            vector: Some(Vector::of::<T>()),
            to_python: |values| PyValue::of(&Pointees(values)),
            array: |_| None,
            parts: |each| {
                each(true, &Codec::<Vec<T>>::of_vector());
                each(false, &Codec::<T>::plain());
            },
        }
    }
}

impl<T> Codec<T> {
    /// That of a vector whose items can be keys.
    pub(crate) fn with_keys<K: Serialize + DeserializeOwned + Hash + Eq + 'static>(self) -> Self {
        Self { vector: Some(Vector::of_keys::<K>()), ..self }
    }
}

fn append<T: Serialize + 'static>(value: &T, mut bytes: Vec<u8>) -> Result<Vec<u8>, EncodeError> {
    if python::append_postcard(value, &mut bytes).is_some() {
        return Ok(bytes);
    }
    append_by_serde(value, bytes)
}

fn append_by_serde<T: Serialize>(value: &T, bytes: Vec<u8>) -> Result<Vec<u8>, EncodeError> {
    postcard::to_extend(value, bytes).map_err(EncodeError::postcard)
}

fn of_postcard<T: DeserializeOwned + 'static>(bytes: &[u8]) -> Result<T, DecodeError> {
    PyValue::decode_postcard(bytes)
}

fn decode_each<T: DeserializeOwned + 'static>(inputs: &[&PyValue]) -> Result<Vec<T>, DecodeError> {
    inputs.iter().enumerate().map(|(index, input)| input.decode().map_err(|error| error.in_item(index))).collect()
}

fn share_each<T>(values: Vec<T>) -> Vec<Arc<T>> {
    values.into_iter().map(Arc::new).collect()
}

/// What shared values point to, since `Arc` itself has serde only if the user asks for it.
struct Pointees<'a, T>(&'a [Arc<T>]);

impl<T: Serialize> Serialize for Pointees<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|value| &**value))
    }
}

impl<T> Clone for Codec<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Codec<T> {}

impl<T> fmt::Debug for Codec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Codec<{}>", std::any::type_name::<T>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_the_same_after_its_way_as_an_argument_and_as_a_result() {
        let codec = Codec::<Vec<String>>::of_vector();
        let value = vec!["a".to_owned(), String::new()];
        assert_eq!(codec.decode(&codec.encode(&value).unwrap()).unwrap(), value);
        let result = codec.encode_result(&value).unwrap();
        assert_eq!(codec.decode_input(&result).unwrap(), value);
        assert_eq!(codec.decode_input(&codec.python_of(&value).unwrap()).unwrap(), value);
    }

    #[test]
    fn what_is_shared_travels_as_what_it_points_to() {
        let (plain, shared) = (Codec::<i64>::plain(), Codec::<Arc<i64>>::shared());
        assert_eq!(plain.encode(&-7).unwrap(), shared.encode(&Arc::new(-7)).unwrap());
        let (plain, shared) = (Codec::<Vec<i64>>::of_vector(), Codec::<Vec<Arc<i64>>>::of_shared_vector());
        let bytes = plain.encode(&vec![1, 300]).unwrap();
        assert_eq!(bytes, shared.encode(&vec![Arc::new(1), Arc::new(300)]).unwrap());
        assert_eq!(shared.decode(&bytes).unwrap(), [Arc::new(1), Arc::new(300)]);
        assert_eq!(shared.decode_input(&PyValue::List(vec![PyValue::Int(5)])).unwrap(), [Arc::new(5)]);
    }

    #[test]
    fn a_vector_takes_inputs_of_both_languages() {
        let element = Codec::<f64>::plain();
        let rust = element.encode_result(&1.5).unwrap();
        let python = PyValue::Int(2);
        let codec = Codec::<Vec<f64>>::of_vector();
        assert_eq!(codec.decode_inputs(&[&rust, &python]).unwrap().unwrap(), [1.5, 2.0]);
        // Also a list that Python has made of them.
        let list = PyValue::List(vec![rust, python]);
        assert_eq!(codec.decode_input(&list).unwrap(), [1.5, 2.0]);
        let error = codec.decode_inputs(&[&PyValue::Int(1), &PyValue::Str("x".into())]).unwrap().unwrap_err();
        assert_eq!(error.to_string(), "expected f64 for item 1, Python gave the text \"x\"");
    }

    #[test]
    fn postcard_with_bytes_too_many_or_too_few_is_refused() {
        let codec = Codec::<(u8, u8)>::plain();
        assert!(codec.decode(&[1, 2]).is_ok());
        assert!(codec.decode(&[1]).is_err() && codec.decode(&[1, 2, 3]).is_err());
    }
}
