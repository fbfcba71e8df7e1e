//! Arrays of numpy, as Dask sends them: a buffer, and how to walk through it.

use std::sync::Arc;

use bytes::Bytes;

use crate::engine::dask::wire::{Value, WireError};
use crate::task::portable::Order;

/// An array of numpy. Its buffer has exactly the bytes of its items.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Array {
    dtype: Arc<str>,
    item_nbytes: usize,
    shape: Vec<usize>,
    /// Bytes from one item to the next, for each axis.
    strides: Vec<usize>,
    buffer: Bytes,
}

const ARRAY: &str = "an array";

/// Axes of an array: numpy's own limit.
const AXES_MAX: usize = 64;

impl Array {
    /// An array whose last axis changes fastest, or whose first does. `dtype` is numpy's text, such as `<f8`.
    ///
    /// # Errors
    ///
    /// The buffer has not as many bytes as the items, or `dtype` is unknown.
    pub(crate) fn new(dtype: &str, shape: Vec<usize>, order: Order, buffer: Bytes) -> Result<Self, WireError> {
        let item_nbytes = item_nbytes(dtype)?;
        let strides = strides_of(&shape, order, item_nbytes)?;
        Self { dtype: dtype.into(), item_nbytes, shape, strides, buffer }.checked()
    }

    /// From the header of a datum, and its frame.
    pub(super) fn read(header: &Value, buffer: Bytes) -> Result<Self, WireError> {
        let field = |name, expected| WireError::Field { of: ARRAY, name, expected };
        let header = header.get("sub-header").ok_or_else(|| field("sub-header", "there"))?;
        // Arrays of objects, and those that repeat what they have.
        for name in ["pickle", "broadcast_to"] {
            if header.get(name).is_some() {
                return Err(WireError::Unsupported { what: "an array of numpy with", found: name.into() });
            }
        }
        let dtype = match header.get("dtype").and_then(Value::items) {
            Some([Value::Int(0), Value::Str(dtype)]) => Arc::clone(dtype),
            Some([Value::Int(_), _]) => {
                return Err(WireError::Unsupported {
                    what: "an array of numpy with",
                    found: "a dtype with fields".into(),
                });
            }
            _ => return Err(field("dtype", "a number and a text")),
        };
        let numbers = |name| {
            let items = header.get(name).and_then(Value::items).filter(|items| items.len() <= AXES_MAX);
            let numbers = items.and_then(|items| items.iter().map(|item| item.as_i64()?.try_into().ok()).collect());
            numbers.ok_or_else(|| field(name, "64 numbers at most, none of them negative"))
        };
        let item_nbytes = item_nbytes(&dtype)?;
        Self { dtype, item_nbytes, shape: numbers("shape")?, strides: numbers("strides")?, buffer }.checked()
    }

    /// numpy's text for what the items are, such as `<f8`.
    pub(crate) fn dtype(&self) -> &str {
        &self.dtype
    }

    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The bytes as they were sent. In which order the items are, the strides say.
    pub(crate) fn buffer(&self) -> &Bytes {
        &self.buffer
    }

    /// In which order the items are, if it is one of the two that numpy makes.
    pub(crate) fn order(&self) -> Option<Order> {
        [Order::C, Order::Fortran].into_iter().find(|order| {
            // Axes of one item are never walked along: whatever their stride.
            strides_of(&self.shape, *order, self.item_nbytes).is_ok_and(|strides| {
                let axes = self.shape.iter().zip(self.strides.iter().zip(&strides));
                axes.into_iter().all(|(length, (found, expected))| *length <= 1 || found == expected)
            })
        })
    }

    /// The bytes of the items, the last axis fastest. Copies only what is in another order.
    pub(crate) fn c_order(&self) -> Bytes {
        if self.order() == Some(Order::C) || self.buffer.is_empty() {
            return self.buffer.clone();
        }
        let mut ordered = Vec::with_capacity(self.buffer.len());
        let mut index = vec![0; self.shape.len()];
        loop {
            let offset: usize = index.iter().zip(&self.strides).map(|(index, stride)| index * stride).sum();
            // `checked` has seen that the last item is inside.
            ordered.extend_from_slice(self.buffer.get(offset..offset + self.item_nbytes).unwrap_or_default());
            let mut axis = self.shape.len();
            loop {
                let Some(before) = axis.checked_sub(1) else { return ordered.into() };
                axis = before;
                let (Some(index), Some(length)) = (index.get_mut(axis), self.shape.get(axis)) else {
                    return ordered.into();
                };
                *index += 1;
                if *index < *length {
                    break;
                }
                *index = 0;
            }
        }
    }

    pub(super) fn sub_header(&self) -> Value {
        let numbers = |numbers: &[usize]| Value::List(numbers.iter().map(|number| (*number as u64).into()).collect());
        Value::map([
            ("dtype", vec![Value::Int(0), Value::Str(Arc::clone(&self.dtype))].into()),
            ("shape", numbers(&self.shape)),
            ("strides", numbers(&self.strides)),
            ("writeable", vec![Value::Bool(true)].into()),
        ])
    }

    fn checked(self) -> Result<Self, WireError> {
        let wrong = |problem| WireError::Inconsistent { of: ARRAY, problem };
        if self.shape.len() > AXES_MAX || self.shape.len() != self.strides.len() {
            return Err(wrong("it has not a stride for each of its axes"));
        }
        let nbytes = self.shape.iter().try_fold(self.item_nbytes, |nbytes, length| nbytes.checked_mul(*length));
        if nbytes != Some(self.buffer.len()) {
            return Err(wrong("its buffer has not the bytes of its items"));
        }
        if self.buffer.is_empty() {
            return Ok(self);
        }
        let axes = self.shape.iter().zip(&self.strides);
        let last = axes.into_iter().try_fold(self.item_nbytes, |end, (length, stride)| {
            end.checked_add(length.saturating_sub(1).checked_mul(*stride)?)
        });
        if last.is_none_or(|end| end > self.buffer.len()) {
            return Err(wrong("its strides lead out of its buffer"));
        }
        Ok(self)
    }
}

fn strides_of(shape: &[usize], order: Order, item_nbytes: usize) -> Result<Vec<usize>, WireError> {
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = item_nbytes;
    let mut next = |length: &usize| {
        strides.push(stride);
        // An axis without items has strides like one with a single item.
        let after = stride.checked_mul((*length).max(1));
        stride = after.ok_or(WireError::Inconsistent { of: ARRAY, problem: "it has more items than there can be" })?;
        Ok(())
    };
    match order {
        Order::C => shape.iter().rev().try_for_each(&mut next)?,
        Order::Fortran => shape.iter().try_for_each(&mut next)?,
    }
    if order == Order::C {
        strides.reverse();
    }
    Ok(strides)
}

/// Of numpy's texts: order, kind, size, and for times a unit.
fn item_nbytes(dtype: &str) -> Result<usize, WireError> {
    let unsupported = || WireError::Unsupported { what: "an array of the dtype", found: dtype.into() };
    let rest = dtype.strip_prefix(['<', '>', '|', '=']).ok_or_else(unsupported)?;
    let mut characters = rest.chars();
    let kind = characters.next().ok_or_else(unsupported)?;
    let size = characters.as_str().split('[').next().unwrap_or_default();
    let size: usize = size.parse().map_err(|_| unsupported())?;
    match kind {
        'b' | 'i' | 'u' | 'f' | 'c' | 'S' | 'V' | 'm' | 'M' => Ok(size),
        // Characters of four bytes.
        'U' => size.checked_mul(4).ok_or_else(unsupported),
        _ => Err(unsupported()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_in_the_order_of_fortran_is_put_into_the_order_of_c() {
        let header = Value::map([(
            "sub-header",
            Value::map([
                ("dtype", vec![Value::Int(0), "|u1".into()].into()),
                ("shape", vec![Value::Int(2), Value::Int(3)].into()),
                ("strides", vec![Value::Int(1), Value::Int(2)].into()),
            ]),
        )]);
        let array = Array::read(&header, Bytes::from_static(&[1, 4, 2, 5, 3, 6])).unwrap();
        assert_eq!(array.c_order(), [1, 2, 3, 4, 5, 6].as_slice());
        let ordered = Array::new("|u1", vec![2, 3], Order::C, array.c_order()).unwrap();
        assert_eq!(ordered.c_order(), ordered.buffer());
    }

    #[test]
    fn an_array_whose_items_are_not_in_its_buffer_is_refused() {
        let read = |shape: &[i64], strides: &[i64], nbytes: usize| {
            let numbers = |numbers: &[i64]| Value::List(numbers.iter().map(|number| (*number).into()).collect());
            let header = Value::map([(
                "sub-header",
                Value::map([
                    ("dtype", vec![Value::Int(0), "<i4".into()].into()),
                    ("shape", numbers(shape)),
                    ("strides", numbers(strides)),
                ]),
            )]);
            Array::read(&header, vec![0; nbytes].into()).map(|array| array.c_order().len())
        };
        assert_eq!(read(&[3], &[4], 12), Ok(12));
        assert_eq!(read(&[], &[], 4), Ok(4));
        assert_eq!(read(&[0, 5], &[20, 4], 0), Ok(0));
        for (shape, strides, nbytes) in [
            (&[3][..], &[8][..], 12),
            (&[3], &[4], 11),
            (&[3], &[4, 4], 12),
            (&[-3], &[4], 12),
            (&[3], &[-4], 12),
            (&[i64::MAX, i64::MAX], &[4, 4], 12),
            (&[2], &[i64::MAX], 8),
            (&[1; 65], &[4; 65], 4),
        ] {
            assert!(read(shape, strides, nbytes).is_err(), "{shape:?} {strides:?} {nbytes}");
        }
    }
}
