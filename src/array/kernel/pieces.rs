//! One block of pieces of others.

use std::sync::Arc;

use ndarray::{ArrayD, IxDyn, Slice};
use serde::{Deserialize, Serialize};

use crate::array::element::dispatch;
use crate::array::kernel::wrong;
use crate::array::{ArrayError, Block, Element, ElementType, memory};

/// Puts a piece of each input in its place. Together they fill the block; where they do not, it is 0.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pieces {
    pub(crate) shape: Vec<usize>,
    pub(crate) element: ElementType,
    /// One for each input.
    pub(crate) pieces: Vec<Piece>,
}

/// A box of elements.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Piece {
    /// Where it begins in the input.
    pub(crate) from: Vec<usize>,
    /// Where it begins in the block.
    pub(crate) at: Vec<usize>,
    pub(crate) shape: Vec<usize>,
}

impl Pieces {
    pub(crate) fn run(&self, inputs: &[Arc<Block>]) -> Result<Block, ArrayError> {
        memory::room(&self.shape, self.element)?;
        dispatch!(self.element, T => self.put::<T>(inputs))
    }

    fn put<T: Element>(&self, inputs: &[Arc<Block>]) -> Result<Block, ArrayError> {
        let mut whole = ArrayD::from_elem(IxDyn(&self.shape), T::default());
        for (piece, input) in self.pieces.iter().zip(inputs) {
            let input = T::of_block(input).ok_or_else(|| input.is_no(T::TYPE))?;
            let fits = |start: &[usize], shape: &[usize]| {
                start.len() == shape.len()
                    && piece.shape.len() == shape.len()
                    && start
                        .iter()
                        .zip(&piece.shape)
                        .zip(shape)
                        .all(|((start, length), whole)| start.checked_add(*length).is_some_and(|end| end <= *whole))
            };
            if !fits(&piece.from, input.shape()) || !fits(&piece.at, &self.shape) {
                let shape = input.shape();
                return Err(wrong("pieces", format!("{piece:?} is not in a block of shape {shape:?}")));
            }
            let range = |start: &[usize], axis: usize| Slice::from(start[axis]..start[axis] + piece.shape[axis]);
            let from = input.slice_each_axis(|axis| range(&piece.from, axis.axis.index()));
            whole.slice_each_axis_mut(|axis| range(&piece.at, axis.axis.index())).assign(&from);
        }
        Ok(Block::from(whole))
    }
}
