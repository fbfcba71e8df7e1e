//! Arrays of numpy, as Dask sends them: a buffer, and how to walk through it.

use std::sync::Arc;

use bytes::Bytes;

use crate::engine::dask::wire::{Value, WireError};
use crate::task::portable::{PyArray, element_nbytes};

const ARRAY: &str = "an array";

/// From the header of a datum, and its frame.
pub(super) fn read_array(header: &Value, buffer: Bytes) -> Result<PyArray, WireError> {
    let field = |name, expected| WireError::Field { of: ARRAY, name, expected };
    let unsupported = |found| WireError::Unsupported { what: "an array of numpy with", found };
    let header = header.get("sub-header").ok_or_else(|| field("sub-header", "there"))?;
    // Arrays of objects, and those that repeat what they have.
    for name in ["pickle", "broadcast_to"] {
        if header.get(name).is_some() {
            return Err(unsupported(name.into()));
        }
    }
    let dtype = match header.get("dtype").and_then(Value::items) {
        Some([Value::Int(0), Value::Str(dtype)]) => dtype,
        Some([Value::Int(_), _]) => return Err(unsupported("a dtype with fields".into())),
        _ => return Err(field("dtype", "a number and a text")),
    };
    if element_nbytes(dtype).is_none() {
        return Err(unsupported(format!("the dtype {dtype}").into()));
    }
    let numbers = |name| {
        let items = header.get(name).and_then(Value::items);
        let numbers: Option<Vec<usize>> =
            items.and_then(|items| items.iter().map(|item| item.as_i64()?.try_into().ok()).collect());
        numbers.ok_or_else(|| field(name, "numbers, none of them negative"))
    };
    let array = PyArray::with_strides(Arc::clone(dtype), numbers("shape")?, &numbers("strides")?, buffer);
    let problem = "its shape and its strides do not fit its bytes";
    array.ok_or(WireError::Inconsistent { of: ARRAY, problem })
}

/// What `read_array` reads.
pub(super) fn sub_header(array: &PyArray) -> Value {
    let numbers =
        |numbers: &mut dyn Iterator<Item = usize>| Value::List(numbers.map(|number| (number as u64).into()).collect());
    let axes = 0..array.shape().len();
    Value::map([
        ("dtype", vec![Value::Int(0), Value::Str(Arc::clone(array.dtype()))].into()),
        ("shape", numbers(&mut array.shape().iter().copied())),
        ("strides", numbers(&mut axes.map(|axis| array.stride(axis)))),
        ("writeable", vec![Value::Bool(true)].into()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(dtype: &str, shape: &[i64], strides: &[i64], buffer: &[u8]) -> Result<PyArray, WireError> {
        let numbers = |numbers: &[i64]| Value::List(numbers.iter().map(|number| (*number).into()).collect());
        let header = Value::map([(
            "sub-header",
            Value::map([
                ("dtype", vec![Value::Int(0), dtype.into()].into()),
                ("shape", numbers(shape)),
                ("strides", numbers(strides)),
            ]),
        )]);
        read_array(&header, Bytes::copy_from_slice(buffer))
    }

    #[test]
    fn an_array_is_put_into_the_order_of_c_from_whatever_order() {
        for (shape, strides, buffer, ordered) in [
            (&[2, 3][..], &[3, 1][..], &[1, 2, 3, 4, 5, 6][..], &[1, 2, 3, 4, 5, 6][..]),
            (&[2, 3], &[1, 2], &[1, 4, 2, 5, 3, 6], &[1, 2, 3, 4, 5, 6]),
            // The axes of a cube in an order of their own, and an axis that repeats its only row.
            (&[2, 1, 3], &[3, i64::MAX, 1], &[1, 2, 3, 4, 5, 6], &[1, 2, 3, 4, 5, 6]),
            (&[2, 2, 2], &[2, 4, 1], &[0, 1, 2, 3, 4, 5, 6, 7], &[0, 1, 4, 5, 2, 3, 6, 7]),
            (&[2, 2], &[0, 1], &[7, 8, 9, 9], &[7, 8, 7, 8]),
        ] {
            let array = read("|u1", shape, strides, buffer).unwrap();
            assert_eq!(array.c_order(), ordered, "{shape:?} {strides:?}");
            assert_eq!(array.data().len(), buffer.len());
        }
    }

    #[test]
    fn an_array_whose_items_are_not_in_its_buffer_is_refused() {
        let nbytes = |dtype: &str, shape: &[i64], strides: &[i64], nbytes: usize| {
            read(dtype, shape, strides, &vec![0; nbytes]).map(|array| array.c_order().len())
        };
        assert_eq!(nbytes("<i4", &[3], &[4], 12), Ok(12));
        assert_eq!(nbytes("<i4", &[], &[], 4), Ok(4));
        assert_eq!(nbytes("<i4", &[0, 5], &[20, 4], 0), Ok(0));
        for (shape, strides, length) in [
            (&[3][..], &[8][..], 12),
            (&[3], &[4], 11),
            (&[3], &[4, 4], 12),
            (&[-3], &[4], 12),
            (&[3], &[-4], 12),
            (&[i64::MAX, i64::MAX], &[4, 4], 12),
            (&[2], &[i64::MAX], 8),
            (&[1; 65], &[4; 65], 4),
        ] {
            assert!(nbytes("<i4", shape, strides, length).is_err(), "{shape:?} {strides:?} {length}");
        }
        for dtype in ["", "|S0", "=f8", "<x4", "|O", "f8", "<f", "<f-8"] {
            assert!(matches!(nbytes(dtype, &[1], &[8], 8), Err(WireError::Unsupported { .. })), "{dtype}");
        }
    }
}
