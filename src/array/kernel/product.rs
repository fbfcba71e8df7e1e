//! Sums of products of blocks: what `dot`, `matmul` and `tensordot` are made of.

use std::ops::Range;
use std::sync::Arc;

use ndarray::linalg::{general_mat_mul, general_mat_vec_mul};
use ndarray::{ArrayD, ArrayView2, ArrayViewD, ArrayViewMut2, ArrayViewMut3, Axis, IxDyn, LinalgScalar};
use serde::{Deserialize, Serialize};

use crate::array::kernel::{shared, wrong};
use crate::array::{ArrayError, Block, Complex64, Element, ElementType, memory};

/// Adds up partial results and the products of pairs of blocks. It holds its inputs and its result, which is the first partial
/// result where nobody else needs that; and of a pair whose axes do not lie as a matrix a copy that does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Product {
    /// Of all blocks.
    pub(crate) element: ElementType,
    pub(crate) shape: Vec<usize>,
    /// How many inputs, the first ones, are partial results. Behind them are the pairs.
    pub(crate) partials: usize,
    #[serde(with = "shared")]
    pub(crate) axes: Arc<ProductAxes>,
}

/// How the axes of two arrays are multiplied. Those of the result are the batch, broadcast as NumPy does, then what the left
/// array has besides, then what the right one has.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ProductAxes {
    /// How many axes, the first ones, are the batch.
    pub(crate) left_batch: usize,
    pub(crate) right_batch: usize,
    /// The axes that are summed over, one of each array at a time.
    pub(crate) left: Vec<usize>,
    pub(crate) right: Vec<usize>,
}

/// Adds the product of two matrices to a third.
type Multiply<T> = fn(ArrayView2<'_, T>, ArrayView2<'_, T>, ArrayViewMut2<'_, T>);

impl Product {
    pub(crate) fn run(&self, inputs: Vec<Arc<Block>>) -> Result<Block, ArrayError> {
        memory::room(&self.shape, self.element)?;
        match self.element {
            ElementType::Bool => self.sum::<bool>(inputs, wholes),
            ElementType::U8 => self.sum::<u8>(inputs, wholes),
            ElementType::I32 => self.sum::<i32>(inputs, wholes),
            ElementType::I64 => self.sum::<i64>(inputs, wholes),
            ElementType::F32 => self.sum::<f32>(inputs, floats),
            ElementType::F64 => self.sum::<f64>(inputs, floats),
            ElementType::Complex64 => self.sum::<Complex64>(inputs, floats),
        }
    }

    fn sum<T: Element>(&self, mut inputs: Vec<Arc<Block>>, multiply: Multiply<T>) -> Result<Block, ArrayError> {
        let pairs = inputs.split_off(self.partials.min(inputs.len()));
        let mut partials = inputs.into_iter();
        let mut sum = match partials.next() {
            Some(first) => T::from_block(Arc::unwrap_or_clone(first))?,
            None => ArrayD::from_elem(IxDyn(&self.shape), T::default()).into_shared(),
        };
        let is_partial = |shape: &[usize]| {
            let refused = || wrong("product", format!("a partial result is {shape:?} and not {:?}", self.shape));
            (shape == self.shape).then_some(()).ok_or_else(refused)
        };
        is_partial(sum.shape())?;
        for partial in partials {
            is_partial(partial.shape())?;
            let Some(sum) = sum.as_slice_mut() else { return Err(wrong("product", "a block is not in C order")) };
            sum.iter_mut().zip(partial.elements::<T>()?).for_each(|(sum, value)| *sum = sum.add(*value));
        }
        // No elements can be in a stack of more matrices than there is time for.
        let pairs = if self.shape.contains(&0) { &[] } else { &pairs[..] };
        for pair in pairs.chunks(2) {
            let [left, right] = pair else { return Err(wrong("product", "a block has no other to go with")) };
            let left = T::of_block(left).ok_or_else(|| left.is_no(T::TYPE))?;
            let right = T::of_block(right).ok_or_else(|| right.is_no(T::TYPE))?;
            let Some(sum) = sum.as_slice_mut() else { return Err(wrong("product", "a block is not in C order")) };
            self.axes.add(left.view(), right.view(), &self.shape, sum, multiply)?;
        }
        Ok(T::into_block(sum))
    }
}

impl ProductAxes {
    /// Adds the product of two blocks to a sum of this shape, in C order.
    fn add<T: Element>(
        &self,
        left: ArrayViewD<'_, T>,
        right: ArrayViewD<'_, T>,
        shape: &[usize],
        sum: &mut [T],
        multiply: Multiply<T>,
    ) -> Result<(), ArrayError> {
        let (left_shape, right_shape) = (left.shape().to_vec(), right.shape().to_vec());
        let mut made = || {
            let rows = free(left.ndim(), self.left_batch, &self.left)?;
            let columns = free(right.ndim(), self.right_batch, &self.right)?;
            let lengths = |shape: &[usize], axes: &[usize]| axes.iter().map(|axis| shape[*axis]).collect::<Vec<_>>();
            let (batch, kept) = shape.split_at(shape.len().checked_sub(rows.len() + columns.len())?);
            let fits = [lengths(&left_shape, &rows), lengths(&right_shape, &columns)].concat() == kept
                && lengths(&left_shape, &self.left) == lengths(&right_shape, &self.right);
            let (m, n) = kept.split_at(rows.len());
            let dim = (batch.iter().product(), m.iter().product(), n.iter().product());
            let mut sums = ArrayViewMut3::from_shape(dim, sum).ok().filter(|_| fits)?;
            let left_numbers = numbers(&left_shape[..self.left_batch], batch)?;
            let right_numbers = numbers(&right_shape[..self.right_batch], batch)?;
            let (left, left_dim) = grouped(left.clone(), self.left_batch, &rows, &self.left);
            let (right, right_dim) = grouped(right.clone(), self.right_batch, &self.right, &columns);
            let (left, right) = (left.to_shape(left_dim).ok()?, right.to_shape(right_dim).ok()?);
            for (number, sum) in sums.axis_iter_mut(Axis(0)).enumerate() {
                let (left_number, right_number) = (left_numbers[number], right_numbers[number]);
                multiply(left.index_axis(Axis(0), left_number), right.index_axis(Axis(0), right_number), sum);
            }
            Some(())
        };
        made().ok_or_else(|| {
            let message = format!("{left_shape:?} and {right_shape:?} do not make {shape:?} by {self:?}");
            wrong("product", message)
        })
    }
}

/// The axes that are neither batch nor summed over. `None` if those are not what an array of so many axes has.
fn free(count: usize, batch: usize, summed: &[usize]) -> Option<Vec<usize>> {
    let free: Vec<usize> = (batch..count).filter(|axis| !summed.contains(axis)).collect();
    // Axes that are named twice or are not there make the sum too large.
    (count.checked_sub(batch)? == free.len() + summed.len()).then_some(free)
}

/// Of each place of the whole batch, in C order, which of an array's own it takes.
fn numbers(own: &[usize], whole: &[usize]) -> Option<Vec<usize>> {
    // A batch of no matrices may be longer than memory.
    memory::room(whole, ElementType::I64).ok()?;
    let count = memory::room(own, ElementType::I64).ok()?;
    let own = ArrayD::from_shape_vec(IxDyn(own), (0..count).collect::<Vec<usize>>()).ok()?;
    Some(own.broadcast(IxDyn(whole))?.iter().copied().collect())
}

/// A block with its axes in another order, and the lengths of three groups of them. As a stack of matrices it is not copied where
/// the axes of each group lie one behind the other.
fn grouped<'a, T>(
    block: ArrayViewD<'a, T>,
    batch: usize,
    rows: &[usize],
    columns: &[usize],
) -> (ArrayViewD<'a, T>, (usize, usize, usize)) {
    let order: Vec<usize> = (0..batch).chain(rows.iter().copied()).chain(columns.iter().copied()).collect();
    let block = block.permuted_axes(IxDyn(&order));
    let count = |axes: Range<usize>| block.shape()[axes].iter().product();
    let split = batch + rows.len();
    let dim = (count(0..batch), count(batch..split), count(split..order.len()));
    (block, dim)
}

/// By the kernels of `matrixmultiply`, but for vectors, which these would copy.
fn floats<T: Element + LinalgScalar>(left: ArrayView2<'_, T>, right: ArrayView2<'_, T>, mut sum: ArrayViewMut2<'_, T>) {
    match sum.dim() {
        (_, 1) => general_mat_vec_mul(T::one(), &left, &right.column(0), T::one(), &mut sum.column_mut(0)),
        (1, _) if right.t().is_standard_layout() => {
            general_mat_vec_mul(T::one(), &right.t(), &left.row(0), T::one(), &mut sum.row_mut(0));
        }
        (1, _) => wholes(left, right, sum),
        _ => general_mat_mul(T::one(), &left, &right, T::one(), &mut sum),
    }
}

/// Row by row: whole numbers wrap, and of truth values the product is `and` and the sum is `or`.
fn wholes<T: Element>(left: ArrayView2<'_, T>, right: ArrayView2<'_, T>, mut sum: ArrayViewMut2<'_, T>) {
    let right = right.as_standard_layout();
    for (left, mut sum) in left.outer_iter().zip(sum.outer_iter_mut()) {
        for (factor, right) in left.iter().zip(right.outer_iter()) {
            sum.zip_mut_with(&right, |sum, value| *sum = sum.add(factor.multiply(*value)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(shape: &[usize], partials: usize, axes: (usize, usize, &[usize], &[usize])) -> Product {
        let (left_batch, right_batch, left, right) = axes;
        let axes = ProductAxes { left_batch, right_batch, left: left.to_vec(), right: right.to_vec() };
        Product { element: ElementType::I64, shape: shape.to_vec(), partials, axes: axes.into() }
    }

    fn ones(shape: &[usize]) -> Arc<Block> {
        Arc::new(Block::from(ArrayD::from_elem(IxDyn(shape), 1_i64)))
    }

    #[test]
    fn blocks_that_do_not_fit_are_refused() {
        let matrices = (0, 0, &[1][..], &[0][..]);
        let pair = || vec![ones(&[2, 3]), ones(&[3, 4])];
        assert_eq!(product(&[2, 4], 0, matrices).run(pair()).unwrap().elements::<i64>().unwrap(), [3; 8]);
        for axes in [
            (0, 0, &[1][..], &[1][..]),
            (0, 0, &[0], &[0]),
            (0, 0, &[7], &[0]),
            (0, 0, &[1, 1], &[0, 0]),
            (0, 0, &[1], &[]),
            (1, 1, &[1], &[0]),
            (usize::MAX, 0, &[1], &[0]),
            (0, 3, &[1], &[0]),
        ] {
            assert!(product(&[2, 4], 0, axes).run(pair()).is_err(), "{axes:?}");
        }
        for shape in [&[2, 3][..], &[4, 2], &[8], &[], &[usize::MAX, 2]] {
            assert!(product(shape, 0, matrices).run(pair()).is_err(), "{shape:?}");
            assert!(product(shape, 1, matrices).run(vec![ones(&[2, 4])]).is_err(), "{shape:?}");
        }
        let fits = product(&[2, 4], 1, matrices);
        assert!(fits.run(vec![ones(&[2, 4]), ones(&[2, 3])]).is_err());
        assert!(fits.run(vec![Arc::new(Block::from(ArrayD::from_elem(IxDyn(&[2, 4]), 1.0)))]).is_err());
        assert!(fits.run(vec![Arc::new(Block::Parts(Vec::new()))]).is_err());
        assert!(product(&[2, 4], 0, matrices).run(vec![ones(&[2, 3]), Arc::new(Block::Parts(Vec::new()))]).is_err());
    }

    #[test]
    fn what_lies_as_a_matrix_is_not_copied() {
        let block = ArrayD::from_elem(IxDyn(&[4, 3, 2]), 1_i64);
        let is_view = |batch: usize, rows: &[usize], columns: &[usize]| {
            let (block, dim) = grouped(block.view(), batch, rows, columns);
            block.to_shape(dim).unwrap().is_view()
        };
        assert!(is_view(1, &[1], &[2]) && is_view(1, &[2], &[1]));
        assert!(is_view(0, &[0, 1], &[2]) && is_view(0, &[2], &[0, 1]) && is_view(0, &[0], &[1, 2]));
        assert!(!is_view(0, &[1], &[0, 2]));
    }

    #[test]
    fn a_partial_result_of_nobody_else_is_added_to_in_place() {
        let first = ones(&[2, 4]);
        let place = first.elements::<i64>().unwrap().as_ptr();
        let sum = product(&[2, 4], 2, (0, 0, &[1], &[0]))
            .run(vec![first, ones(&[2, 4]), ones(&[2, 3]), ones(&[3, 4])])
            .unwrap();
        assert_eq!(sum.elements::<i64>().unwrap(), [5; 8]);
        assert_eq!(sum.elements::<i64>().unwrap().as_ptr(), place);
    }
}
