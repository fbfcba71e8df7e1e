//! An array of numpy: its kind of element, its shape, and its bytes.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// An array whose elements lie in one piece, the last axis together, as numpy has them by default.
#[doc(hidden)]
#[derive(Clone, PartialEq)]
pub struct PyArray {
    /// As numpy writes it: `<f8`.
    dtype: Arc<str>,
    element: Option<Element>,
    shape: Vec<usize>,
    data: Bytes,
}

/// What an element is, if that is one of Rust's types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) kind: ElementKind,
    pub(super) nbytes: usize,
    is_big_endian: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ElementKind {
    Bool,
    Int,
    UInt,
    Float,
}

/// One element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Item {
    Bool(bool),
    Int(i128),
    Float(f64),
}

/// Most axes of an array: numpy's own limit, which also bounds how deep a reader nests.
const AXES_MAX: usize = 64;

/// Most rows of an array without elements. Each becomes a vector, and costs the sender nothing.
const EMPTY_ROWS_MAX: usize = 1 << 16;

/// Largest element, in bytes. The widest that numpy has by itself, a `complex256`, has 32; records are not read.
const ELEMENT_NBYTES_MAX: usize = 1 << 16;

impl PyArray {
    /// `None` if the bytes are not as many as the shape says.
    pub(crate) fn new(dtype: Arc<str>, shape: Vec<usize>, data: Bytes) -> Option<Self> {
        let nbytes = nbytes(&shape, element_nbytes(&dtype)?)?;
        // A million empty rows would be more than what arrived.
        let rows = shape.iter().try_fold(1_usize, |rows, &length| rows.checked_mul(length.max(1)))?;
        if nbytes == 0 && rows > EMPTY_ROWS_MAX {
            return None;
        }
        let element = Element::of(&dtype);
        (data.len() == nbytes && shape.len() <= AXES_MAX).then_some(Self { dtype, element, shape, data })
    }

    /// Of bytes where the next element of each axis is so many bytes away. Copies, unless they lie in order.
    ///
    /// `None` if an element would lie outside of the bytes.
    pub(crate) fn of_strides(dtype: Arc<str>, shape: Vec<usize>, strides: &[i64], data: Bytes) -> Option<Self> {
        let width = element_nbytes(&dtype)?;
        let total = nbytes(&shape, width)?;
        if strides.len() != shape.len() || shape.len() > AXES_MAX {
            return None;
        }
        if is_in_order(&shape, strides, width) {
            return (data.len() >= total).then(|| Self::new(dtype, shape, data.slice(..total))).flatten();
        }
        // What is repeated, with a stride of 0, would be more than what arrived.
        if total > data.len() {
            return None;
        }
        let mut copied = Vec::with_capacity(total);
        let mut index = vec![0_usize; shape.len()];
        while copied.len() < total {
            let offset = index.iter().zip(strides).try_fold(0_i64, |offset, (&index, &stride)| {
                offset.checked_add(i64::try_from(index).ok()?.checked_mul(stride)?)
            });
            let start = usize::try_from(offset?).ok()?;
            copied.extend_from_slice(data.get(start..start.checked_add(width)?)?);
            for (index, &length) in index.iter_mut().zip(&shape).rev() {
                *index += 1;
                if *index < length {
                    break;
                }
                *index = 0;
            }
        }
        Self::new(dtype, shape, copied.into())
    }

    pub(crate) fn dtype(&self) -> &Arc<str> {
        &self.dtype
    }

    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Little-endian or big-endian, as the dtype says.
    pub(crate) fn data(&self) -> &Bytes {
        &self.data
    }

    pub(super) fn element(&self) -> Option<Element> {
        self.element
    }
}

impl Element {
    fn of(dtype: &str) -> Option<Self> {
        let (order, rest) = dtype.split_at_checked(1)?;
        let (kind, nbytes) = rest.split_at_checked(1)?;
        let nbytes = nbytes.parse().ok()?;
        let kind = match (kind, nbytes) {
            ("b", 1) => ElementKind::Bool,
            ("i", 1 | 2 | 4 | 8) => ElementKind::Int,
            ("u", 1 | 2 | 4 | 8) => ElementKind::UInt,
            ("f", 4 | 8) => ElementKind::Float,
            _ => return None,
        };
        matches!(order, "<" | ">" | "|").then_some(Self { kind, nbytes, is_big_endian: order == ">" })
    }

    /// The element in these bytes, of which there are `nbytes`.
    pub(super) fn item(self, bytes: &[u8]) -> Item {
        let mut little = [0_u8; 8];
        for (to, from) in little.iter_mut().zip(bytes) {
            *to = *from;
        }
        if self.is_big_endian {
            little[..self.nbytes].reverse();
        }
        let bits = u64::from_le_bytes(little);
        match self.kind {
            ElementKind::Bool => Item::Bool(bits != 0),
            ElementKind::UInt => Item::Int(bits.into()),
            ElementKind::Int => {
                let unused = 64 - 8 * self.nbytes as u32;
                Item::Int((((bits << unused) as i64) >> unused).into())
            }
            ElementKind::Float if self.nbytes == 4 => Item::Float(f32::from_bits(bits as u32).into()),
            ElementKind::Float => Item::Float(f64::from_bits(bits)),
        }
    }
}

/// How many bytes an element takes: the number in its dtype.
fn element_nbytes(dtype: &str) -> Option<usize> {
    let digits = dtype.trim_start_matches(|character: char| !character.is_ascii_digit());
    // Times have their unit behind it: `<M8[ns]`.
    let digits = digits.split('[').next().unwrap_or_default();
    // Texts are counted in characters of four bytes.
    let width = if dtype.contains('U') { 4 } else { 1 };
    let nbytes = digits.parse::<usize>().ok()?.checked_mul(width)?;
    (1..=ELEMENT_NBYTES_MAX).contains(&nbytes).then_some(nbytes)
}

fn nbytes(shape: &[usize], element: usize) -> Option<usize> {
    shape.iter().try_fold(element, |nbytes, &length| nbytes.checked_mul(length))
}

fn is_in_order(shape: &[usize], strides: &[i64], element: usize) -> bool {
    let mut expected = element as i64;
    shape.iter().zip(strides).rev().all(|(&length, &stride)| {
        // The stride of an axis with one element is never taken.
        let fits = stride == expected || length <= 1;
        expected = expected.saturating_mul(length as i64);
        fits
    })
}

/// What an error says of it.
impl fmt::Display for PyArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an array of {} with the shape {:?}", self.dtype, self.shape)
    }
}

impl fmt::Debug for PyArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "array({}, {:?})", self.dtype, self.shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(array: &PyArray) -> Vec<Item> {
        let element = array.element().unwrap();
        array.data().chunks(element.nbytes).map(|bytes| element.item(bytes)).collect()
    }

    #[test]
    fn elements_are_read_in_every_width_and_order() {
        let array = |dtype: &str, data: &[u8]| {
            items(&PyArray::new(dtype.into(), vec![1], Bytes::copy_from_slice(data)).unwrap())
        };
        assert_eq!(array("|i1", &[0xff]), [Item::Int(-1)]);
        assert_eq!(array("|u1", &[0xff]), [Item::Int(255)]);
        assert_eq!(array("|b1", &[1]), [Item::Bool(true)]);
        assert_eq!(array("<i2", &[0x00, 0x80]), [Item::Int(-0x8000)]);
        assert_eq!(array(">i2", &[0x80, 0x00]), [Item::Int(-0x8000)]);
        assert_eq!(array(">u4", &[0, 0, 1, 0]), [Item::Int(256)]);
        assert_eq!(array("<f4", &1.5_f32.to_le_bytes()), [Item::Float(1.5)]);
        assert_eq!(array(">f8", &1.5_f64.to_be_bytes()), [Item::Float(1.5)]);
        assert_eq!(array("<u8", &[0xff; 8]), [Item::Int(u64::MAX.into())]);
    }

    #[test]
    fn an_array_whose_bytes_are_not_as_many_as_it_says_is_refused() {
        let of = |dtype: &str, shape: &[usize], nbytes: usize| {
            PyArray::new(dtype.into(), shape.to_vec(), vec![0; nbytes].into())
        };
        assert!(of("<f8", &[2, 3], 48).is_some());
        assert!(of("<f8", &[2, 3], 47).is_none() && of("<f8", &[2, 3], 56).is_none());
        assert!(of("<f8", &[usize::MAX, 2], 0).is_none() && of("<f8", &[usize::MAX, 0], 0).is_none());
        assert!(of("", &[], 0).is_none() && of("é", &[], 0).is_none() && of("<f0", &[9], 0).is_none());
        assert!(of("<f8", &[1; AXES_MAX + 1], 8).is_none());
        assert!(of("<f8", &[3, 0], 0).is_some() && of("<f8", &[1 << 40, 0], 0).is_none());
        assert!(of("<U3", &[2], 24).is_some() && of("<M8[ns]", &[2], 16).is_some());
        // Not one of Rust's, but an array.
        assert!(of("<c16", &[1], 16).is_some_and(|array| array.element().is_none()));
    }

    #[test]
    fn an_array_in_another_order_is_put_in_order() {
        let data = Bytes::from_static(&[1, 2, 3, 4, 5, 6]);
        let of = |strides: &[i64], data: &Bytes| {
            PyArray::of_strides("|u1".into(), vec![2, 3], strides, data.clone()).map(|array| array.data().to_vec())
        };
        assert_eq!(of(&[3, 1], &data), Some(vec![1, 2, 3, 4, 5, 6]));
        assert_eq!(of(&[1, 2], &data), Some(vec![1, 3, 5, 2, 4, 6]));
        assert_eq!(of(&[1, 3], &data), None, "the last lies outside");
        assert_eq!(of(&[-1, 2], &data), None, "the first of the second row lies outside");
        assert_eq!(of(&[i64::MAX, i64::MAX], &data), None);
        assert_eq!(of(&[0, 0], &data.slice(..1)), None, "more than what arrived");
        assert_eq!(of(&[1], &data), None);
    }
}
