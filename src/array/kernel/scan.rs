//! Running sums.

use std::sync::Arc;

use num_complex::Complex64;
use serde::{Deserialize, Serialize};

use crate::array::kernel::fold::Summand;
use crate::array::kernel::wrong;
use crate::array::{ArrayError, Block, Element, ElementType};

/// The running sum along an axis. A second input is what has come before: a block whose axis has length 1.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Scan {
    pub(crate) axis: usize,
}

impl Scan {
    pub(crate) fn run(&self, inputs: &[Arc<Block>]) -> Result<Block, ArrayError> {
        let Some(block) = inputs.first() else { return Err(wrong("cumsum", "a block is missing")) };
        let before = inputs.get(1).map(|block| &**block);
        match block.element() {
            Some(ElementType::F32) => self.scan::<f32, f64>(block, before),
            Some(ElementType::F64) => self.scan::<f64, f64>(block, before),
            Some(ElementType::I64) => self.scan::<i64, i64>(block, before),
            Some(ElementType::Complex64) => self.scan::<Complex64, Complex64>(block, before),
            _ => Err(wrong("cumsum", "the elements are not widened")),
        }
    }

    fn scan<T: Element, A: Summand>(&self, block: &Block, before: Option<&Block>) -> Result<Block, ArrayError> {
        let Some(length) = block.shape().get(self.axis).copied() else {
            return Err(wrong("cumsum", format!("there is no axis {} in {:?}", self.axis, block.shape())));
        };
        if block.is_empty() {
            return Ok(block.clone());
        }
        let (before_axis, after_axis) = (&block.shape()[..self.axis], &block.shape()[self.axis + 1..]);
        let lanes: usize = after_axis.iter().product();
        let rows = before_axis.iter().product::<usize>() * lanes;
        let mut elements = block.elements::<T>()?.to_vec();
        let mut sums = match before {
            Some(before) => before.elements::<T>()?.iter().map(|value| A::cast_from(*value)).collect(),
            None => vec![A::default(); rows],
        };
        if sums.len() != rows {
            return Err(wrong("cumsum", "what has come before has another shape"));
        }
        let mut lost = vec![A::default(); rows];
        for (index, row) in elements.chunks_mut(lanes.max(1)).enumerate() {
            let first = index / length * lanes;
            for ((value, sum), lost) in row.iter_mut().zip(&mut sums[first..]).zip(&mut lost[first..]) {
                A::cast_from(*value).add_to(sum, lost);
                *value = T::cast_from(A::total(*sum, *lost));
            }
        }
        Block::from_elements(block.shape(), elements)
    }
}
