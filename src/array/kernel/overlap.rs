//! One block with elements of its neighbours around it.

use std::sync::Arc;

use ndarray::{ArrayD, Axis, IxDyn, Slice};
use serde::{Deserialize, Serialize};

use crate::array::element::dispatch;
use crate::array::kernel::wrong;
use crate::array::{ArrayError, Block, Element, Scalar, memory};

/// Puts a piece of each input in its place. What no piece fills has one value.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Overlap {
    pub(crate) shape: Vec<usize>,
    pub(crate) fill: Scalar,
    /// Of each input, what is taken along each axis.
    pub(crate) pieces: Vec<Vec<Stretch>>,
}

/// A part of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stretch {
    /// Where it begins in the input.
    pub(crate) from: usize,
    /// Where it begins in the block.
    pub(crate) at: usize,
    pub(crate) length: usize,
    pub(crate) order: Order,
}

/// In which order the elements of a stretch are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Order {
    Forward,
    Backward,
    /// The first one again and again.
    Repeated,
}

impl Overlap {
    pub(crate) fn run(&self, inputs: &[Arc<Block>]) -> Result<Block, ArrayError> {
        memory::room(&self.shape, self.fill.element())?;
        if inputs.len() != self.pieces.len() {
            return Err(wrong("overlap", format!("{} blocks were given for {}", inputs.len(), self.pieces.len())));
        }
        dispatch!(self.fill.element(), T => self.put::<T>(inputs))
    }

    fn put<T: Element>(&self, inputs: &[Arc<Block>]) -> Result<Block, ArrayError> {
        let fill = T::of_scalar(self.fill).unwrap_or_default();
        let mut whole = ArrayD::from_elem(IxDyn(&self.shape), fill);
        for (piece, input) in self.pieces.iter().zip(inputs) {
            let input = T::of_block(input).ok_or_else(|| input.is_no(T::TYPE))?;
            self.check(piece, input.shape())?;
            let mut from = input.slice_each_axis(|axis| piece[axis.axis.index()].source());
            for (axis, stretch) in piece.iter().enumerate() {
                if stretch.order == Order::Backward {
                    from.invert_axis(Axis(axis));
                }
            }
            // What is repeated has length 1, and is broadcast.
            whole.slice_each_axis_mut(|axis| piece[axis.axis.index()].target()).assign(&from);
        }
        Ok(Block::from(whole))
    }

    fn check(&self, piece: &[Stretch], input: &[usize]) -> Result<(), ArrayError> {
        let is_inside =
            |start: usize, length: usize, whole: usize| start.checked_add(length).is_some_and(|end| end <= whole);
        let fits = piece.len() == input.len()
            && piece.len() == self.shape.len()
            && piece.iter().zip(input).zip(&self.shape).all(|((stretch, from), to)| {
                is_inside(stretch.from, stretch.taken(), *from) && is_inside(stretch.at, stretch.length, *to)
            });
        if fits { Ok(()) } else { Err(wrong("overlap", format!("{piece:?} is not in a block of shape {input:?}"))) }
    }
}

impl Stretch {
    /// How many elements of the input it needs.
    fn taken(self) -> usize {
        if self.order == Order::Repeated { 1 } else { self.length }
    }

    fn source(self) -> Slice {
        Slice::from(self.from..self.from + self.taken())
    }

    fn target(self) -> Slice {
        Slice::from(self.at..self.at + self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_peer_says_is_checked() {
        let input = Arc::new(Block::from_elements(&[3], vec![1_i64, 2, 3]).unwrap());
        let run = |fill: Scalar, stretch: Stretch| {
            let overlap = Overlap { shape: vec![4], fill, pieces: vec![vec![stretch]] };
            overlap.run(&[Arc::clone(&input)])
        };
        let good = Stretch { from: 1, at: 2, length: 2, order: Order::Backward };
        let block = run(Scalar::I64(0), good).unwrap();
        assert_eq!(block.elements::<i64>().unwrap(), [0, 0, 3, 2]);
        for bad in [
            Stretch { from: 2, ..good },
            Stretch { at: 3, ..good },
            Stretch { from: usize::MAX, ..good },
            Stretch { at: usize::MAX, ..good },
            Stretch { from: 3, order: Order::Repeated, ..good },
        ] {
            assert!(matches!(run(Scalar::I64(0), bad), Err(ArrayError::Kernel { .. })), "{bad:?}");
        }
        assert!(matches!(run(Scalar::F64(0.0), good), Err(ArrayError::Kernel { .. })));
        let overlap = Overlap { shape: vec![4], fill: Scalar::I64(0), pieces: Vec::new() };
        assert!(matches!(overlap.run(&[input]), Err(ArrayError::Kernel { .. })));
    }
}
