//! Arrays that go to numpy and come back in one piece: about as fast as memory is copied.
//!
//! Vectors of bytes and of floats are in one piece in postcard, too.
//!
//! Serde hands over one element at a time, which takes some ten times as long. So a type whose elements lie side by side
//! is recognised for what it is, where it stands alone: as a result, or as an argument of a task. Inside of other values,
//! and with an element or a number of axes that do not fit, serde goes on to be asked.

use std::any::Any;

use crate::task::portable::python::PyArray;
#[cfg(feature = "array")]
use crate::task::portable::python::array::Order;

/// The value, if a `T` is an array or a vector of just these elements.
pub(super) fn decode<T: 'static>(array: &PyArray) -> Option<T> {
    let mut found: Option<T> = None;
    let slot: &mut dyn Any = &mut found;
    let (order, dtype) = array.dtype().split_at_checked(1)?;
    let is_big_endian = match order {
        "<" | "|" => false,
        ">" => true,
        _ => return None,
    };
    macro_rules! by_dtype {
        ($($dtype:literal $element:ty;)*) => {
            match dtype {
                $($dtype => fill::<$element>(slot, array, is_big_endian)?,)*
                _ => return None,
            }
        };
    }
    by_dtype! {
        "b1" bool;
        "i1" i8;
        "i2" i16;
        "i4" i32;
        "i8" i64;
        "u1" u8;
        "u2" u16;
        "u4" u32;
        "u8" u64;
        "f4" f32;
        "f8" f64;
    }
    #[cfg(feature = "array")]
    {
        // Beside the others, since these are of another crate.
        if dtype == "c8" {
            fill::<num_complex::Complex32>(slot, array, is_big_endian)?;
        } else if dtype == "c16" {
            fill::<num_complex::Complex64>(slot, array, is_big_endian)?;
        }
    }
    found
}

/// Puts the value into `slot`, if that is for one of these elements.
fn fill<E: Element>(slot: &mut dyn Any, array: &PyArray, is_big_endian: bool) -> Option<()> {
    let elements = || E::read(array.data(), is_big_endian);
    if let Some(slot) = slot.downcast_mut::<Option<Vec<E>>>() {
        *slot = (array.shape().len() == 1).then(elements);
        return Some(());
    }
    #[cfg(feature = "array")]
    shapes::fill(slot, array, elements)?;
    Some(())
}

/// The array of a value, if it is one of `ndarray` with elements that numpy has.
#[cfg(feature = "array")]
pub(crate) fn encode<T: 'static>(value: &T) -> Option<PyArray> {
    shapes::encode(value)
}

/// Of postcard, where floats and bytes lie as they do in memory of little-endian machines. `None` if a `T` is nothing of that, or
/// these bytes are none.
pub(super) fn decode_postcard<T: 'static>(bytes: &[u8]) -> Option<T> {
    let mut found: Option<T> = None;
    let slot: &mut dyn Any = &mut found;
    macro_rules! vectors {
        ($($element:ty),*) => {$(
            if let Some(slot) = slot.downcast_mut::<Option<Vec<$element>>>() {
                let (count, elements) = postcard::take_from_bytes::<usize>(bytes).ok()?;
                let is_whole = count.checked_mul(size_of::<$element>()) == Some(elements.len());
                *slot = is_whole.then(|| <$element>::read(elements, false));
            }
        )*};
    }
    vectors!(u8, i8, f32, f64);
    found
}

/// Appends the same, if a `T` is such a vector.
pub(crate) fn append_postcard<T: 'static>(value: &T, bytes: &mut Vec<u8>) -> Option<()> {
    let value: &dyn Any = value;
    macro_rules! vectors {
        ($($element:ty),*) => {$(
            if let Some(elements) = value.downcast_ref::<Vec<$element>>() {
                *bytes = postcard::to_extend(&elements.len(), std::mem::take(bytes)).ok()?;
                <$element>::append(elements, bytes);
                return Some(());
            }
        )*};
    }
    vectors!(u8, i8, f32, f64);
    None
}

/// Without the feature `array`, serde says what an array is, and its bytes are a Rust task's.
#[cfg(not(feature = "array"))]
pub(crate) fn encode<T: 'static>(_: &T) -> Option<PyArray> {
    None
}

/// What an array of numpy may consist of.
trait Element: Clone + 'static {
    /// As it is written.
    #[cfg_attr(not(feature = "array"), allow(dead_code))]
    const DTYPE: &'static str;

    fn read(bytes: &[u8], is_big_endian: bool) -> Vec<Self>;

    fn append(elements: &[Self], bytes: &mut Vec<u8>);
}

macro_rules! numbers {
    ($($type:ident $dtype:literal;)*) => {$(
        impl Element for $type {
            const DTYPE: &'static str = $dtype;

            fn read(bytes: &[u8], is_big_endian: bool) -> Vec<Self> {
                let (chunks, _) = bytes.as_chunks();
                if is_big_endian {
                    chunks.iter().map(|chunk| Self::from_be_bytes(*chunk)).collect()
                } else {
                    chunks.iter().map(|chunk| Self::from_le_bytes(*chunk)).collect()
                }
            }

            fn append(elements: &[Self], bytes: &mut Vec<u8>) {
                for_each_chunk(bytes, size_of_val(elements), |chunks| {
                    for (chunk, element) in chunks.iter_mut().zip(elements) {
                        *chunk = element.to_le_bytes();
                    }
                });
            }
        }
    )*};
}

/// Makes room for `nbytes` more, and has it filled in chunks of `N`.
fn for_each_chunk<const N: usize>(bytes: &mut Vec<u8>, nbytes: usize, fill: impl FnOnce(&mut [[u8; N]])) {
    let start = bytes.len();
    if bytes.is_empty() {
        // Fresh memory is zero already.
        *bytes = vec![0; nbytes];
    } else {
        bytes.resize(start + nbytes, 0);
    }
    fill(bytes.get_mut(start..).unwrap_or_default().as_chunks_mut().0);
}

numbers! {
    i8 "|i1";
    i16 "<i2";
    i32 "<i4";
    i64 "<i8";
    u8 "|u1";
    u16 "<u2";
    u32 "<u4";
    u64 "<u8";
    f32 "<f4";
    f64 "<f8";
}

impl Element for bool {
    const DTYPE: &'static str = "|b1";

    fn read(bytes: &[u8], _: bool) -> Vec<Self> {
        bytes.iter().map(|byte| *byte != 0).collect()
    }

    fn append(elements: &[Self], bytes: &mut Vec<u8>) {
        bytes.extend(elements.iter().map(|element| u8::from(*element)));
    }
}

/// Two floats.
#[cfg(feature = "array")]
macro_rules! complex {
    ($($type:ident $part:ident $dtype:literal;)*) => {$(
        impl Element for num_complex::$type {
            const DTYPE: &'static str = $dtype;

            fn read(bytes: &[u8], is_big_endian: bool) -> Vec<Self> {
                let parts = <$part as Element>::read(bytes, is_big_endian);
                parts.as_chunks::<2>().0.iter().map(|[re, im]| Self::new(*re, *im)).collect()
            }

            fn append(elements: &[Self], bytes: &mut Vec<u8>) {
                for_each_chunk(bytes, size_of_val(elements), |chunks| {
                    for ([re, im], element) in chunks.as_chunks_mut::<2>().0.iter_mut().zip(elements) {
                        (*re, *im) = (element.re.to_le_bytes(), element.im.to_le_bytes());
                    }
                });
            }
        }
    )*};
}

#[cfg(feature = "array")]
complex! {
    Complex32 f32 "<c8";
    Complex64 f64 "<c16";
}

/// The arrays of `ndarray`, with each number of axes that it has a type for.
#[cfg(feature = "array")]
mod shapes {
    use std::any::{Any, TypeId};

    use ndarray::{
        ArcArray, Array, ArrayBase, Data, DataOwned, Dimension, Ix0, Ix1, Ix2, Ix3, Ix4, Ix5, Ix6, IxDyn, ShapeBuilder,
    };

    use super::*;

    pub(super) fn fill<E: Element>(
        slot: &mut dyn Any,
        array: &PyArray,
        elements: impl Fn() -> Vec<E> + Copy,
    ) -> Option<()> {
        macro_rules! shapes {
            ($($dimension:ty),*) => {$(
                if let Some(slot) = slot.downcast_mut::<Option<Array<E, $dimension>>>() {
                    *slot = of_elements(array, elements);
                } else if let Some(slot) = slot.downcast_mut::<Option<ArcArray<E, $dimension>>>() {
                    *slot = of_elements(array, elements);
                }
            )*};
        }
        shapes!(Ix0, Ix1, Ix2, Ix3, Ix4, Ix5, Ix6, IxDyn);
        Some(())
    }

    /// `None` if it has another number of axes.
    fn of_elements<E: Element, S: DataOwned<Elem = E>, D: Dimension>(
        array: &PyArray,
        elements: impl FnOnce() -> Vec<E>,
    ) -> Option<ArrayBase<S, D>> {
        let mut shape = D::zeros(array.shape().len().min(D::NDIM.unwrap_or(usize::MAX)));
        if shape.ndim() != array.shape().len() {
            return None;
        }
        shape.slice_mut().copy_from_slice(array.shape());
        let shape = shape.set_f(array.order() == Order::Fortran);
        ArrayBase::from_shape_vec(shape, elements()).ok()
    }

    pub(super) fn encode<T: 'static>(value: &T) -> Option<PyArray> {
        let value: &dyn Any = value;
        macro_rules! shapes {
            ($element:ty: $($dimension:ty),*) => {$(
                if TypeId::of::<T>() == TypeId::of::<Array<$element, $dimension>>() {
                    return of_array(value.downcast_ref::<Array<$element, $dimension>>()?);
                }
                if TypeId::of::<T>() == TypeId::of::<ArcArray<$element, $dimension>>() {
                    return of_array(value.downcast_ref::<ArcArray<$element, $dimension>>()?);
                }
            )*};
        }
        macro_rules! elements {
            ($($element:ty),*) => {$( shapes!($element: Ix0, Ix1, Ix2, Ix3, Ix4, Ix5, Ix6, IxDyn); )*};
        }
        elements!(bool, i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, num_complex::Complex32, num_complex::Complex64);
        None
    }

    fn of_array<E: Element, S: Data<Elem = E>, D: Dimension>(array: &ArrayBase<S, D>) -> Option<PyArray> {
        let shape = array.shape().to_vec();
        let mut data = Vec::new();
        let order = if let Some(elements) = array.as_slice() {
            E::append(elements, &mut data);
            Order::C
        } else if let Some(elements) = array.t().as_slice() {
            E::append(elements, &mut data);
            Order::Fortran
        } else {
            E::append(array.as_standard_layout().as_slice()?, &mut data);
            Order::C
        };
        PyArray::new(E::DTYPE.into(), shape, order, data.into())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use serde::{Deserialize, Serialize};

    use super::*;

    fn is_the_same<'de, T: Serialize + Deserialize<'de> + PartialEq + Debug + 'static>(value: &T) {
        let expected = postcard::to_stdvec(value).unwrap();
        let mut bytes = Vec::new();
        append_postcard(value, &mut bytes).unwrap();
        assert_eq!(bytes, expected);
        let mut behind = vec![7];
        append_postcard(value, &mut behind).unwrap();
        assert_eq!(behind[1..], expected);
        assert_eq!(decode_postcard::<T>(&expected).as_ref(), Some(value));
        assert_eq!(decode_postcard::<T>(&expected[..expected.len() - 1]), None);
        assert_eq!(decode_postcard::<T>(&[&expected[..], &[0]].concat()), None);
    }

    #[test]
    fn vectors_in_one_piece_are_the_postcard_that_serde_makes() {
        for length in [1, 127, 128, 20_000] {
            is_the_same(&vec![200_u8; length]);
            is_the_same(&vec![-3_i8; length]);
            is_the_same(&vec![1.5_f32; length]);
            is_the_same(&vec![f64::MIN_POSITIVE; length]);
        }
        assert_eq!(decode_postcard::<Vec<f64>>(&[0]), Some(vec![]));
        assert_eq!(decode_postcard::<Vec<f64>>(&postcard::to_stdvec(&u64::MAX).unwrap()), None);
        // These are as long as they are large.
        assert!(
            append_postcard(&vec![1_i64], &mut Vec::new()).is_none() && decode_postcard::<Vec<i64>>(&[1, 2]).is_none()
        );
    }
}
