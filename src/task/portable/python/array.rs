//! An array of numpy: its kind of element, its shape, and its bytes.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// An array whose elements lie in one piece.
#[doc(hidden)]
#[derive(Clone, PartialEq)]
pub struct PyArray {
    /// As numpy writes it: `<f8`.
    dtype: Arc<str>,
    element: Option<Element>,
    shape: Vec<usize>,
    order: Order,
    data: Bytes,
}

/// Which elements lie beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Those along the last axis, as numpy has them by default.
    C,
    /// Those along the first axis.
    Fortran,
}

/// What an element is, if that is one of Rust's types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) kind: ElementKind,
    pub(super) nbytes: usize,
    pub(super) is_big_endian: bool,
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
    pub(super) fn new(dtype: Arc<str>, shape: Vec<usize>, order: Order, data: Bytes) -> Option<Self> {
        let nbytes = nbytes(&shape, element_nbytes(&dtype)?)?;
        // A million empty rows would be more than what arrived.
        let rows = shape.iter().try_fold(1_usize, |rows, &length| rows.checked_mul(length.max(1)))?;
        if nbytes == 0 && rows > EMPTY_ROWS_MAX {
            return None;
        }
        let element = Element::of(&dtype);
        (data.len() == nbytes && shape.len() <= AXES_MAX).then_some(Self { dtype, element, shape, order, data })
    }

    /// From elements that `strides` lead to: bytes from one to the next, for each axis. Copies what is in neither order. `None` if
    /// the bytes are not as many as the shape says, or the strides lead elsewhere.
    pub(crate) fn with_strides(dtype: Arc<str>, shape: Vec<usize>, strides: &[usize], data: Bytes) -> Option<Self> {
        let array = Self::new(dtype, shape, Order::C, data)?;
        if strides.len() != array.shape.len() {
            return None;
        }
        if array.has_strides(strides) {
            return Some(array);
        }
        let array = Self { order: Order::Fortran, ..array };
        if array.has_strides(strides) {
            return Some(array);
        }
        // Axes of one element are never walked along.
        let strides = array.shape.iter().zip(strides).map(|(length, stride)| if *length > 1 { *stride } else { 0 });
        let strides: Vec<_> = strides.collect();
        let end = array.shape.iter().zip(&strides).try_fold(array.width(), |end, (length, stride)| {
            end.checked_add(length.saturating_sub(1).checked_mul(*stride)?)
        })?;
        let is_inside = end <= array.data.len();
        let data = is_inside.then(|| array.walked(&array.shape, &strides, 0, array.data.len()))?;
        Some(Self { order: Order::C, data: data.into(), ..array })
    }

    fn has_strides(&self, strides: &[usize]) -> bool {
        let axes = self.shape.iter().zip(strides).enumerate();
        let mut walked = axes.filter(|(_, (length, _))| **length > 1);
        self.data.is_empty() || walked.all(|(axis, (_, stride))| *stride == self.stride(axis))
    }

    pub(crate) fn dtype(&self) -> &Arc<str> {
        &self.dtype
    }

    pub(crate) fn shape(&self) -> &[usize] {
        &self.shape
    }

    #[cfg(feature = "array")]
    pub(super) fn order(&self) -> Order {
        self.order
    }

    /// The elements as they lie: little-endian or big-endian, as the dtype says.
    pub(crate) fn data(&self) -> &Bytes {
        &self.data
    }

    /// The elements with those of the last axis beside each other.
    pub(crate) fn c_order(&self) -> Bytes {
        match self.in_c_order(0, 0) {
            Cow::Borrowed(_) => self.data.clone(),
            Cow::Owned(copied) => copied.into(),
        }
    }

    pub(super) fn element(&self) -> Option<Element> {
        self.element
    }

    /// Bytes of one element.
    fn width(&self) -> usize {
        element_nbytes(&self.dtype).unwrap_or_default()
    }

    /// Bytes from one element to the next along an axis. The whole array has as many as a `usize` can count.
    pub(crate) fn stride(&self, axis: usize) -> usize {
        let between = match self.order {
            Order::C => self.shape.get(axis + 1..),
            Order::Fortran => self.shape.get(..axis),
        };
        between.unwrap_or_default().iter().product::<usize>() * self.width()
    }

    /// The bytes of the element at an offset.
    pub(super) fn element_at(&self, offset: usize) -> Option<&[u8]> {
        self.data.get(offset..offset.checked_add(self.width())?)
    }

    /// The elements behind the first axes, which have led to `offset`. Copies what lies in another order.
    pub(super) fn in_c_order(&self, axes: usize, offset: usize) -> Cow<'_, [u8]> {
        let shape = self.shape.get(axes..).unwrap_or_default();
        let nbytes = shape.iter().product::<usize>() * self.width();
        if self.order == Order::C || shape.len() + axes < 2 || nbytes == 0 {
            return Cow::Borrowed(self.data.get(offset..offset + nbytes).unwrap_or_default());
        }
        let strides: Vec<_> = (axes..self.shape.len()).map(|axis| self.stride(axis)).collect();
        Cow::Owned(self.walked(shape, &strides, offset, nbytes))
    }

    /// The `nbytes` of the elements that `strides` lead to from `offset` on, the last axis fastest. They are inside.
    fn walked(&self, shape: &[usize], strides: &[usize], offset: usize, nbytes: usize) -> Vec<u8> {
        let mut copied = Vec::with_capacity(nbytes);
        let mut index = vec![0_usize; shape.len()];
        let mut at = offset;
        while copied.len() < nbytes {
            copied.extend_from_slice(self.element_at(at).unwrap_or(&[0]));
            for ((index, &length), &stride) in index.iter_mut().zip(shape).zip(strides).rev() {
                *index += 1;
                at += stride;
                if *index < length {
                    break;
                }
                at -= stride * length;
                *index = 0;
            }
        }
        copied
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

/// How many bytes an element takes, of numpy's texts: order, kind, size, and for times a unit. `None` of what is no such text, or
/// of what lies elsewhere, as objects do.
pub(crate) fn element_nbytes(dtype: &str) -> Option<usize> {
    let rest = dtype.strip_prefix(['<', '>', '|'])?;
    let (kind, rest) = rest.split_at_checked(1)?;
    // Texts are counted in characters of four bytes.
    let width = match kind {
        "b" | "i" | "u" | "f" | "c" | "S" | "V" | "m" | "M" => 1,
        "U" => 4,
        _ => return None,
    };
    let size = rest.split('[').next()?.parse::<usize>().ok()?;
    size.checked_mul(width).filter(|nbytes| (1..=ELEMENT_NBYTES_MAX).contains(nbytes))
}

fn nbytes(shape: &[usize], element: usize) -> Option<usize> {
    shape.iter().try_fold(element, |nbytes, &length| nbytes.checked_mul(length))
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
            items(&PyArray::new(dtype.into(), vec![1], Order::C, Bytes::copy_from_slice(data)).unwrap())
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
            PyArray::new(dtype.into(), shape.to_vec(), Order::C, vec![0; nbytes].into())
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
    fn an_array_in_the_order_of_fortran_is_put_in_that_of_c() {
        let data = Bytes::from_static(&[1, 2, 3, 4, 5, 6]);
        let of = |shape: &[usize]| PyArray::new("|u1".into(), shape.to_vec(), Order::Fortran, data.clone()).unwrap();
        assert_eq!(of(&[2, 3]).c_order(), [1, 3, 5, 2, 4, 6].as_slice());
        assert_eq!(*of(&[2, 3]).in_c_order(1, 1), [2, 4, 6]);
        assert_eq!(of(&[6]).c_order(), data);
        assert_eq!(of(&[1, 2, 3]).c_order(), [1, 3, 5, 2, 4, 6].as_slice());
        assert_eq!(of(&[3, 2, 1]).c_order(), [1, 4, 2, 5, 3, 6].as_slice());
    }
}
