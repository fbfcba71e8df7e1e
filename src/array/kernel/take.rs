//! One block of elements along an axis of others, in any order.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::array::element::dispatch;
use crate::array::kernel::{shared, wrong};
use crate::array::{ArrayError, Block, Element, ElementType, memory};

/// Takes from each input what is wanted of it along an axis. Together they fill the block; where they do not, it is 0.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Take {
    pub(crate) shape: Vec<usize>,
    pub(crate) element: ElementType,
    pub(crate) axis: usize,
    /// One for each input.
    #[serde(with = "shared::each")]
    pub(crate) picks: Vec<Arc<Picks>>,
}

/// Indices along the axis: where in the input, and where in the block.
pub(crate) type Picks = Vec<(usize, usize)>;

impl Take {
    pub(crate) fn run(&self, inputs: &[Arc<Block>]) -> Result<Block, ArrayError> {
        memory::room(&self.shape, self.element)?;
        if self.axis >= self.shape.len() || self.picks.len() != inputs.len() {
            let (axis, shape, count) = (self.axis, &self.shape, self.picks.len());
            let message = format!("axis {axis} of {shape:?} of {count} blocks is not that of {}", inputs.len());
            return Err(wrong("take", message));
        }
        dispatch!(self.element, T => self.put::<T>(inputs))
    }

    fn put<T: Element>(&self, inputs: &[Arc<Block>]) -> Result<Block, ArrayError> {
        let length = self.shape[self.axis];
        let lane = self.shape[self.axis + 1..].iter().product::<usize>();
        let mut whole = vec![T::default(); self.shape.iter().product()];
        for (picks, input) in self.picks.iter().zip(inputs) {
            let (elements, own) = (input.elements::<T>()?, self.length_in(input)?);
            if let Some(pick) = picks.iter().find(|(from, at)| *from >= own || *at >= length) {
                return Err(wrong("take", format!("{pick:?} is not of axes of {own} and {length} elements")));
            }
            if whole.is_empty() || elements.is_empty() {
                continue;
            }
            for (from, to) in elements.chunks(own * lane).zip(whole.chunks_mut(length * lane)) {
                match lane {
                    1 => picks.iter().for_each(|(index, at)| to[*at] = from[*index]),
                    _ => picks.iter().for_each(|(index, at)| {
                        to[at * lane..][..lane].copy_from_slice(&from[index * lane..][..lane]);
                    }),
                }
            }
        }
        Block::from_elements(&self.shape, whole)
    }

    /// How long the axis is in an input, which has the shape of the block but for it.
    fn length_in(&self, input: &Block) -> Result<usize, ArrayError> {
        let mut shape = input.shape().to_vec();
        let length = shape.get_mut(self.axis).map(|length| std::mem::replace(length, self.shape[self.axis]));
        length.filter(|_| shape == self.shape).ok_or_else(|| {
            let message = format!("a block of shape {:?} was given where {:?} is taken", input.shape(), self.shape);
            wrong("take", message)
        })
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

    fn take(shape: &[usize], axis: usize, picks: &[&[(usize, usize)]]) -> Take {
        let picks = picks.iter().map(|picks| Arc::new(picks.to_vec())).collect();
        Take { shape: shape.to_vec(), element: ElementType::I64, axis, picks }
    }

    #[test]
    fn elements_come_from_several_blocks() {
        let taken = take(&[2, 3], 1, &[&[(1, 0), (0, 2)], &[(3, 1)]]).run(&[block(&[2, 2]), block(&[2, 4])]).unwrap();
        assert_eq!(taken.elements::<i64>().unwrap(), [1, 3, 0, 3, 7, 2]);
        let taken = take(&[3, 2], 0, &[&[(1, 0), (1, 2), (0, 1)]]).run(&[block(&[2, 2])]).unwrap();
        assert_eq!(taken.elements::<i64>().unwrap(), [2, 3, 0, 1, 2, 3]);
    }

    #[test]
    fn what_is_not_there_is_refused() {
        assert!(take(&[2], 0, &[&[(2, 0)]]).run(&[block(&[2])]).is_err());
        assert!(take(&[2], 0, &[&[(0, 2)]]).run(&[block(&[2])]).is_err());
        assert!(take(&[2], 1, &[&[]]).run(&[block(&[2])]).is_err());
        assert!(take(&[2], 0, &[&[], &[]]).run(&[block(&[2])]).is_err());
        assert!(take(&[2, 3], 0, &[&[(0, 0)]]).run(&[block(&[2, 4])]).is_err());
        assert!(take(&[2, 3], 0, &[&[(0, 0)]]).run(&[block(&[2])]).is_err());
        assert!(take(&[2, 0], 0, &[&[(0, 0)]]).run(&[block(&[0, 0])]).is_err());
        assert!(take(&[usize::MAX, 2], 0, &[&[(0, 0)]]).run(&[block(&[2, 2])]).is_err());
    }
}
