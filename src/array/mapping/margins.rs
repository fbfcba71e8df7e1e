//! What lies around a block along one axis, and where it comes from.

use std::ops::Range;

use crate::array::kernel::{Order, Stretch};
use crate::array::{ArrayError, Element};

/// What is around an array, where [`Array::map_overlap`](crate::array::Array::map_overlap) needs elements beyond its ends.
///
/// What each makes of `1 2 3 4` with a depth of 2:
///
/// | | before | | after |
/// |---|---|---|---|
/// | `None` | | `1 2 3 4` | |
/// | `Reflect` | `2 1` | `1 2 3 4` | `4 3` |
/// | `Periodic` | `3 4` | `1 2 3 4` | `1 2` |
/// | `Nearest` | `1 1` | `1 2 3 4` | `4 4` |
/// | `Constant(0)` | `0 0` | `1 2 3 4` | `0 0` |
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Boundary<T> {
    /// Nothing: blocks at the ends have fewer elements than others.
    None,
    /// The elements before the end, in reverse: NumPy's `symmetric`.
    Reflect,
    /// The elements of the other end.
    Periodic,
    /// The last element, again and again.
    Nearest,
    /// This element.
    Constant(T),
}

/// How many elements of its neighbours a block is given, at the beginning and at the end of each axis.
///
/// | given | means |
/// |---|---|
/// | `2` | 2 on both sides, along each axis |
/// | `[2, 0]`, or a slice or vector | 2 on both sides along the first axis, and none along the second |
/// | `[(2, 0), (0, 1)]`, or a vector | 2 before a block along the first axis, and 1 after it along the second |
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The same along each axis.
    Every(usize),
    /// Before and after, for each axis.
    Each(Vec<(usize, usize)>),
}

macro_rules! from {
    ($([$($generics:tt)*] $given:ty, $make:expr;)*) => {$(
        impl<$($generics)*> From<$given> for Depth {
            fn from(given: $given) -> Self {
                let make: fn($given) -> Depth = $make;
                make(given)
            }
        }
    )*};
}

from! {
    [] usize, Depth::Every;
    [const N: usize] [usize; N], |depths| Depth::from(&depths[..]);
    [] &[usize], |depths| Depth::Each(depths.iter().map(|depth| (*depth, *depth)).collect());
    [] Vec<usize>, |depths| Depth::from(&depths[..]);
    [const N: usize] [(usize, usize); N], |depths| Depth::Each(depths.to_vec());
    [] Vec<(usize, usize)>, Depth::Each;
}

impl Depth {
    /// For each axis of this shape.
    pub(crate) fn along(self, operation: &str, shape: &[usize]) -> Result<Vec<(usize, usize)>, ArrayError> {
        let wrong = |message| Err(ArrayError::Parameter { operation: operation.to_owned(), message });
        let depths = match self {
            Self::Every(depth) => vec![(depth, depth); shape.len()],
            Self::Each(depths) => depths,
        };
        if depths.len() != shape.len() {
            let (given, axes) = (depths.len(), shape.len());
            return wrong(format!(
                "{given} depths do not fit the {axes} axes of shape {shape:?}: give one for each axis"
            ));
        }
        for (axis, ((before, after), length)) in depths.iter().zip(shape).enumerate() {
            let depth = *before.max(after);
            if depth > *length {
                return wrong(format!(
                    "a depth of {depth} is more than axis {axis} of shape {shape:?} has: give at most {length}"
                ));
            }
        }
        Ok(depths)
    }
}

/// A block with what lies around it along one axis.
#[derive(Debug)]
pub(crate) struct Along {
    /// How long it is.
    pub(crate) length: usize,
    /// How much of that lies around the block.
    pub(crate) margin: (usize, usize),
    /// Which chunks it is made of, and where they go.
    pub(crate) parts: Vec<(usize, Stretch)>,
}

impl Along {
    /// Of the elements `block` of an axis whose chunks end at `ends`, with so many before and after, which are not more than
    /// the axis has.
    pub(crate) fn new<T: Element>(
        ends: &[usize],
        block: Range<usize>,
        (before, after): (usize, usize),
        boundary: &Boundary<T>,
    ) -> Self {
        let whole = ends.last().copied().unwrap_or(0);
        let (first, last) = (block.start.saturating_sub(before), (block.end + after).min(whole));
        // How many there would have to be beyond the ends.
        let (left, right) = match boundary {
            Boundary::None => (0, 0),
            _ => (before.saturating_sub(block.start), (block.end + after).saturating_sub(whole)),
        };
        let behind = left + (last - first);
        let mut parts = Vec::new();
        let mut take = |range: Range<usize>, order, at: &dyn Fn(&Range<usize>) -> usize, length: Option<usize>| {
            for (chunk, begin, part) in chunks(ends, range) {
                let length = length.unwrap_or(part.len());
                parts.push((chunk, Stretch { from: part.start - begin, at: at(&part), length, order }));
            }
        };
        match boundary {
            Boundary::None | Boundary::Constant(_) => {}
            Boundary::Reflect => {
                take(0..left, Order::Backward, &|part| left - part.end, None);
                take(whole - right..whole, Order::Backward, &|part| behind + (whole - part.end), None);
            }
            Boundary::Periodic => {
                let far = whole - left;
                take(far..whole, Order::Forward, &|part| part.start - far, None);
                take(0..right, Order::Forward, &|part| behind + part.start, None);
            }
            Boundary::Nearest => {
                take(0..left.min(1), Order::Repeated, &|_| 0, Some(left));
                take(whole - right.min(1)..whole, Order::Repeated, &|_| behind, Some(right));
            }
        }
        take(first..last, Order::Forward, &|part| left + (part.start - first), None);
        let margin = (left + (block.start - first), right + (last - block.end));
        Self { length: behind + right, margin, parts }
    }
}

/// The chunks that a part of an axis is made of: which, where each begins in the axis, and what it has of the part.
fn chunks(ends: &[usize], range: Range<usize>) -> impl Iterator<Item = (usize, usize, Range<usize>)> {
    let first = ends.partition_point(|end| *end <= range.start);
    let mut begin = first.checked_sub(1).map_or(0, |before| ends[before]);
    ends.iter()
        .enumerate()
        .skip(first)
        .map_while(move |(chunk, end)| {
            let this = std::mem::replace(&mut begin, *end);
            (this < range.end).then(|| (chunk, this, this.max(range.start)..(*end).min(range.end)))
        })
        // A chunk may have no elements.
        .filter(|(_, _, part)| !part.is_empty())
}
