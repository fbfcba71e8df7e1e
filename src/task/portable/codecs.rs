//! The codecs of all parameters of a task.

use std::any::{Any, type_name};

use bytes::Bytes;

use crate::task::portable::call::{CallError, Given};
use crate::task::portable::codec::Place;
use crate::task::portable::python::{DecodeError, EncodeError};
use crate::task::portable::{PyValue, Slot, Vector};

/// A tuple with a [`Slot`] for each parameter.
pub trait Codecs {
    /// The values of the parameters, as a tuple.
    type Values;

    /// How many parameters there are.
    const COUNT: usize;

    /// The first parameter whose type has no serde, by its number from 1, and that type.
    fn without(&self) -> Option<(usize, &'static str)>;

    /// Encodes the plain value of a parameter, by its number from 1. `None` if that is no value of it.
    fn encode(&self, number: usize, value: &dyn Any) -> Option<Result<Bytes, (&'static str, EncodeError)>>;

    /// Makes the values.
    fn decode(&self, given: &[Given<'_>]) -> Result<Self::Values, CallError>;

    /// What is done with the type of a parameter, by its number from 1, if that is a vector.
    fn vector(&self, number: u32) -> Option<Vector>;

    /// Makes a plain Python object of a value of a parameter, by its number from 1. `None` if there is no such parameter.
    fn to_python(&self, number: u32, value: &PyValue) -> Option<Result<PyValue, CallError>>;

    /// Tells each codec that there is.
    fn each(&self, each: &mut dyn FnMut(Place, &dyn Any));
}

impl<T: 'static> Slot<T> {
    fn decode(&self, number: usize, given: &Given<'_>) -> Result<T, CallError> {
        let r#type = type_name::<T>();
        let codec = self.0.as_ref().ok_or(CallError::WithoutSerde { argument: Some(number), r#type })?;
        let decoded = match given {
            Given::Value(bytes) => codec.decode(bytes),
            Given::Input(input) => codec.decode_input(input),
            Given::Inputs(inputs) => codec.decode_inputs(inputs).unwrap_or_else(|| Err(DecodeError::several(r#type))),
        };
        decoded.map_err(|source| CallError::Argument { number, r#type, source })
    }

    /// What is done with a `T` if it is a vector.
    pub(super) fn vector(&self) -> Option<Vector> {
        self.0.as_ref()?.vector()
    }

    /// Makes a plain Python object of a value of the parameter with this number, or of the result.
    pub(super) fn to_python(self, argument: Option<usize>, value: &PyValue) -> Result<PyValue, CallError> {
        if let PyValue::Array(_) = value {
            // It is one already.
            return Ok(value.clone());
        }
        let r#type = type_name::<T>();
        let codec = self.0.as_ref().ok_or(CallError::WithoutSerde { argument, r#type })?;
        let value = codec.decode_input(value).map_err(|source| match argument {
            Some(number) => CallError::Argument { number, r#type, source },
            None => CallError::Result { r#type, source },
        })?;
        codec.python_of(&value).map_err(|source| CallError::ToPython { r#type, source })
    }
}

macro_rules! codecs {
    ($count:literal; $($arg:ident $slot:ident $number:literal)*) => {
        impl<$($arg: 'static),*> Codecs for ($(Slot<$arg>,)*) {
            type Values = ($($arg,)*);

            const COUNT: usize = $count;

            fn without(&self) -> Option<(usize, &'static str)> {
                let ($($slot,)*) = self;
                $(
                    if $slot.0.is_none() {
                        return Some(($number, type_name::<$arg>()));
                    }
                )*
                None
            }

            #[allow(unused_variables)]
            fn encode(&self, number: usize, value: &dyn Any) -> Option<Result<Bytes, (&'static str, EncodeError)>> {
                let ($($slot,)*) = self;
                match number {
                    $($number => {
                        let encoded = $slot.0?.encode(value.downcast_ref::<$arg>()?);
                        Some(encoded.map_err(|error| (type_name::<$arg>(), error)))
                    })*
                    _ => None,
                }
            }

            #[allow(non_snake_case, clippy::unused_unit)]
            fn decode(&self, given: &[Given<'_>]) -> Result<Self::Values, CallError> {
                let ($($slot,)*) = self;
                let [$($arg,)*] = given else {
                    return Err(CallError::Count { takes: $count, given: given.len() });
                };
                Ok(($($slot.decode($number, $arg)?,)*))
            }

            #[allow(unused_variables)]
            fn vector(&self, number: u32) -> Option<Vector> {
                let ($($slot,)*) = self;
                match number {
                    $($number => $slot.vector(),)*
                    _ => None,
                }
            }

            #[allow(unused_variables)]
            fn to_python(&self, number: u32, value: &PyValue) -> Option<Result<PyValue, CallError>> {
                let ($($slot,)*) = self;
                match number {
                    $($number => Some($slot.to_python(Some($number), value)),)*
                    _ => None,
                }
            }

            #[allow(unused_variables)]
            fn each(&self, each: &mut dyn FnMut(Place, &dyn Any)) {
                let ($($slot,)*) = self;
                $(
                    if let Some(codec) = &$slot.0 {
                        codec.each(Place::Parameter($number), each);
                    }
                )*
            }
        }
    };
}

codecs!(0;);
codecs!(1; A a 1);
codecs!(2; A a 1 B b 2);
codecs!(3; A a 1 B b 2 C c 3);
codecs!(4; A a 1 B b 2 C c 3 D d 4);
codecs!(5; A a 1 B b 2 C c 3 D d 4 E e 5);
codecs!(6; A a 1 B b 2 C c 3 D d 4 E e 5 F f 6);
codecs!(7; A a 1 B b 2 C c 3 D d 4 E e 5 F f 6 G g 7);
codecs!(8; A a 1 B b 2 C c 3 D d 4 E e 5 F f 6 G g 7 H h 8);
