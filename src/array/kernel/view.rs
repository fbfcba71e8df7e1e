//! One block of another: sliced, its axes in another order, in another shape.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::array::element::dispatch;
use crate::array::kernel::strided::Strided;
use crate::array::kernel::wrong;
use crate::array::layout::check_shape;
use crate::array::{ArrayError, Block, Element, memory};

/// Takes a range of each axis of a block, puts the axes in another order, and sees the elements in another shape, in this order.
///
/// Where all elements stay in their order, nothing is copied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct View {
    /// Of each axis of the block.
    pub(crate) ranges: Vec<Range>,
    /// Which axis of the block each axis is.
    pub(crate) order: Vec<usize>,
    /// Of as many elements.
    pub(crate) shape: Vec<usize>,
}

/// So many indices, one step apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Range {
    pub(crate) first: usize,
    pub(crate) step: isize,
    pub(crate) length: usize,
}

impl Range {
    /// All of an axis.
    pub(crate) fn whole(length: usize) -> Self {
        Self { first: 0, step: 1, length }
    }

    /// The index with this number. It may be anywhere: nothing says that there are so many.
    pub(crate) fn index(&self, number: usize) -> i128 {
        self.first as i128 + number as i128 * self.step as i128
    }

    /// Whether all of them are indices of so many elements, each another one: a view is never larger than its block.
    fn is_within(&self, length: usize) -> bool {
        let is_index = |index: i128| (0..length as i128).contains(&index);
        let is_there = || is_index(self.first as i128) && is_index(self.index(self.length - 1));
        self.length == 0 || is_there() && (self.step != 0 || self.length == 1)
    }
}

impl View {
    /// The whole of a block of this shape.
    pub(crate) fn whole(shape: &[usize]) -> Self {
        Self {
            ranges: shape.iter().copied().map(Range::whole).collect(),
            order: (0..shape.len()).collect(),
            shape: shape.to_vec(),
        }
    }

    pub(crate) fn run(&self, mut inputs: Vec<Arc<Block>>) -> Result<Block, ArrayError> {
        let (Some(block), true) = (inputs.pop(), inputs.is_empty()) else {
            return Err(wrong("view", "not one block was given"));
        };
        let element = block.element().ok_or_else(|| wrong("view", "parts were given"))?;
        let strided = self.strided(block.shape())?;
        dispatch!(element, T => self.take::<T>(block, &strided))
    }

    fn take<T: Element>(&self, block: Arc<Block>, strided: &Strided) -> Result<Block, ArrayError> {
        let len = self.shape.iter().product::<usize>();
        if strided.is_row() && len == block.len() {
            let array = T::from_block(Arc::unwrap_or_clone(block))?.into_shape_with_order(&self.shape[..]);
            return array.map(T::into_block).map_err(|error| wrong("view", error.to_string()));
        }
        // One element may be wanted again and again.
        let len = memory::room(&self.shape, T::TYPE)?;
        let mut elements = vec![T::default(); len];
        strided.copy(block.elements::<T>()?, &mut elements);
        Block::from_elements(&self.shape, elements)
    }

    /// Where the elements lie in a block of this shape.
    fn strided(&self, shape: &[usize]) -> Result<Strided, ArrayError> {
        check_shape(&self.shape)?;
        let unfit = || wrong("view", format!("{self:?} is not of a block of shape {shape:?}"));
        let mut sorted = self.order.clone();
        sorted.sort_unstable();
        let is_order = sorted.iter().copied().eq(0..shape.len());
        let is_within = self.ranges.iter().zip(shape).all(|(range, length)| range.is_within(*length));
        if self.ranges.len() != shape.len() || !is_order || !is_within {
            return Err(unfit());
        }
        let len = self.ranges.iter().try_fold(1_usize, |len, range| len.checked_mul(range.length));
        if len != Some(self.shape.iter().product()) {
            return Err(unfit());
        }
        let mut strides = vec![1; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis] * shape[axis];
        }
        // Steps of axes that have no second element lead nowhere, and may be anything.
        let distance = |axis: usize| match self.ranges[axis] {
            Range { length, .. } if length < 2 => 0,
            range => range.step * strides[axis] as isize,
        };
        if len == Some(0) {
            // Lengths beside one of 0 may be anything.
            return Ok(Strided::new(0, std::iter::once((0, 1))));
        }
        let first = self.ranges.iter().zip(&strides).map(|(range, stride)| range.first * stride).sum();
        Ok(Strided::new(first, self.order.iter().map(|axis| (self.ranges[*axis].length, distance(*axis)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{ArrayD, IxDyn};

    fn block(shape: &[usize]) -> Arc<Block> {
        let len = shape.iter().product::<usize>() as i64;
        Arc::new(Block::from(ArrayD::from_shape_vec(IxDyn(shape), (0..len).collect()).unwrap()))
    }

    #[test]
    fn another_shape_of_all_elements_copies_nothing() {
        let given = block(&[2, 6]);
        let at = given.elements::<i64>().unwrap().as_ptr();
        let view = View { shape: vec![3, 1, 4], ..View::whole(&[2, 6]) };
        let seen = view.run(vec![given]).unwrap();
        assert_eq!(seen.shape(), [3, 1, 4]);
        assert_eq!(seen.elements::<i64>().unwrap().as_ptr(), at);
    }

    #[test]
    fn a_view_that_does_not_fit_is_refused() {
        let whole = View::whole(&[2, 6]);
        let range = |first, step, length| Range { first, step, length };
        let refused = |view: View| assert!(view.run(vec![block(&[2, 6])]).is_err(), "{view:?}");
        refused(View { shape: vec![13], ..whole.clone() });
        refused(View { shape: vec![1; 7], ..whole.clone() });
        refused(View { shape: vec![usize::MAX, usize::MAX], ..whole.clone() });
        refused(View { order: vec![0, 0], ..whole.clone() });
        refused(View { order: vec![1], ..whole.clone() });
        refused(View { order: vec![0, 2], ..whole.clone() });
        refused(View { ranges: vec![range(0, 1, 2)], ..whole.clone() });
        for bad in [range(1, 1, 6), range(0, -1, 6), range(6, -1, 6), range(0, isize::MAX, 6), range(5, isize::MIN, 6)]
        {
            refused(View { ranges: vec![range(0, 1, 2), bad], ..whole.clone() });
        }
        refused(View { ranges: vec![range(0, 1, 2), range(0, 0, 6)], ..whole.clone() });
        refused(View { ranges: vec![range(0, 1, 2), range(0, 1, usize::MAX)], ..whole.clone() });
        assert!(whole.run(Vec::new()).is_err());
        assert!(whole.run(vec![block(&[2, 6]), block(&[2, 6])]).is_err());
        assert!(whole.run(vec![Arc::new(Block::Parts(Vec::new()))]).is_err());
    }
}
