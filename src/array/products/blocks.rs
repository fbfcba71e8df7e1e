//! The blocks of a product: which pairs of blocks make each, and in what order.

use std::sync::Arc;

use crate::Delayed;
use crate::array::block_node::block_node;
use crate::array::elementwise::{Operand, broadcast_shape, refined};
use crate::array::kernel::{Kernel, Product, ProductAxes};
use crate::array::rechunk::rechunked;
use crate::array::{Array, ArrayError, BLOCKS_MAX, Block, Element, Layout, Promote};

/// How many pairs of blocks a task multiplies. With its result it holds nine blocks then, and what a task costs beside its products
/// does not show.
const PAIRS: usize = 4;

/// How many tasks there are at least to run at once, where there are as many pairs: the sums of few blocks are made in parts. Each
/// part takes as much memory as a block of the result.
const PARALLEL: usize = 32;

/// How many partial results one task adds up.
const FAN_IN: usize = 8;

/// The sums of the products over the axes that `axes` tells of two arrays, which are cut to fit one another.
pub(crate) fn product<T, U>(
    operation: &str,
    left: &Array<T>,
    right: &Array<U>,
    axes: ProductAxes,
) -> Result<Array<T::Output>, ArrayError>
where
    T: Promote<U>,
    U: Element,
{
    let (left, right) = (left.cast::<T::Output>().operand()?, right.cast::<T::Output>().operand()?);
    let plan = Plan::new(operation, left, right, axes)?;
    let blocks = plan.layout.blocks().map(|place| plan.block(&place)).collect();
    Ok(Array::from_blocks(plan.layout, blocks))
}

/// Two arrays whose chunks fit one another.
struct Plan {
    left: Operand,
    right: Operand,
    axes: Arc<ProductAxes>,
    /// Of the result.
    layout: Layout,
    /// Of what is summed over.
    summed: Layout,
    /// In how many parts each block is summed up.
    lanes: usize,
}

impl Plan {
    fn new(operation: &str, left: Operand, right: Operand, axes: ProductAxes) -> Result<Self, ArrayError> {
        let (left_shape, right_shape) = (left.layout.shape().to_vec(), right.layout.shape().to_vec());
        for (own, other) in axes.left.iter().zip(&axes.right) {
            let (length, expected) = (left_shape[*own], right_shape[*other]);
            if length != expected {
                let fix = format!(
                    "axis {own} of the first has length {length} and axis {other} of the second {expected}: make them equal"
                );
                let (left, right) = (left_shape, right_shape);
                return Err(ArrayError::Shapes { operation: operation.into(), left, right, fix });
            }
        }
        let batch = broadcast_shape(&left_shape[..axes.left_batch], &right_shape[..axes.right_batch])
            .map_err(|_| ArrayError::Broadcast { left: left_shape, right: right_shape })?;
        // An axis of length 1 that is broadcast stays one chunk.
        let (mut left_lists, mut right_lists) = (left.layout.chunks().to_vec(), right.layout.chunks().to_vec());
        let mut lists = Vec::with_capacity(batch.len());
        for (axis, length) in batch.iter().enumerate() {
            let of = |count: usize| (axis + count).checked_sub(batch.len());
            let own = of(axes.left_batch).map(|axis| &mut left_lists[axis]);
            let other = of(axes.right_batch).map(|axis| &mut right_lists[axis]);
            lists.push(fit(*length, [own, other]));
        }
        let mut summed = Vec::with_capacity(axes.left.len());
        for (own, other) in axes.left.iter().zip(&axes.right) {
            let lists = [Some(&mut left_lists[*own]), Some(&mut right_lists[*other])];
            summed.push(fit(left.layout.shape()[*own], lists));
        }
        let free = |lists: &[Vec<usize>], batch: usize, summed: &[usize]| {
            let axes = (batch..lists.len()).filter(|axis| !summed.contains(axis));
            axes.map(|axis| lists[axis].clone()).collect::<Vec<_>>()
        };
        lists.extend(free(&left_lists, axes.left_batch, &axes.left));
        lists.extend(free(&right_lists, axes.right_batch, &axes.right));
        let layout = Layout::from_lists(lists)?;
        let summed = Layout::from_lists(summed)?;
        let products = layout.block_count().checked_mul(summed.block_count());
        if products.is_none_or(|count| count > BLOCKS_MAX) {
            return Err(ArrayError::TooManyBlocks { shape: [layout.shape(), summed.shape()].concat() });
        }
        let cut = |operand: Operand, lists: Vec<Vec<usize>>| {
            if lists == operand.layout.chunks() { Ok(operand) } else { rechunked(&operand, Layout::from_lists(lists)?) }
        };
        Ok(Self {
            left: cut(left, left_lists)?,
            right: cut(right, right_lists)?,
            axes: axes.into(),
            lanes: PARALLEL.div_ceil(layout.block_count().max(1)),
            layout,
            summed,
        })
    }

    /// One block of the result: chains of tasks, each of which adds some products to what the one before has made.
    fn block(&self, place: &[usize]) -> Delayed<Block> {
        let within = self.summed.blocks().filter(|within| !self.summed.block_shape(within).contains(&0));
        let pairs: Vec<[Delayed<Block>; 2]> = within.map(|within| self.pair(place, &within)).collect();
        let steps = pairs.len().div_ceil(PAIRS);
        let length = steps.div_ceil(self.lanes).max(1) * PAIRS;
        let chain = |pairs: &[[Delayed<Block>; 2]]| {
            let mut sum: Option<Delayed<Block>> = None;
            for pairs in pairs.chunks(PAIRS) {
                sum = Some(self.step(place, sum.into_iter().collect(), pairs));
            }
            sum
        };
        let mut sums: Vec<Delayed<Block>> = pairs.chunks(length).filter_map(chain).collect();
        while sums.len() > FAN_IN {
            sums = sums.chunks(FAN_IN).map(|sums| self.step(place, sums.to_vec(), &[])).collect();
        }
        match sums.pop() {
            Some(only) if sums.is_empty() => only,
            last => self.step(place, sums.into_iter().chain(last).collect(), &[]),
        }
    }

    fn step(&self, place: &[usize], partials: Vec<Delayed<Block>>, pairs: &[[Delayed<Block>; 2]]) -> Delayed<Block> {
        let (shape, element) = (self.layout.block_shape(place), self.left.element);
        let nbytes = shape.iter().product::<usize>() * element.nbytes();
        let kernel = Product { element, shape, partials: partials.len(), axes: Arc::clone(&self.axes) };
        let inputs = partials.into_iter().chain(pairs.iter().flatten().cloned()).collect();
        block_node(Kernel::Product(kernel), place, nbytes, inputs)
    }

    /// The blocks whose product belongs to the block at `place`.
    fn pair(&self, place: &[usize], within: &[usize]) -> [Delayed<Block>; 2] {
        let axes = &*self.axes;
        let batch = axes.left_batch.max(axes.right_batch);
        let rows = self.left.layout.shape().len() - axes.left_batch - axes.left.len();
        let (batch, free) = place.split_at(batch);
        let (rows, columns) = free.split_at(rows);
        [
            block_of(&self.left, &batch[batch.len() - axes.left_batch..], rows, &axes.left, within),
            block_of(&self.right, &batch[batch.len() - axes.right_batch..], columns, &axes.right, within),
        ]
    }
}

/// Gives the lists of chunks of one axis of two arrays the cuts of both, unless they are of a length that is broadcast.
fn fit(length: usize, lists: [Option<&mut Vec<usize>>; 2]) -> Vec<usize> {
    let mut common: Option<Vec<usize>> = None;
    let total = |list: &[usize]| list.iter().sum::<usize>();
    for list in lists.iter().flatten().filter(|list| total(list) == length) {
        common = Some(match common {
            Some(common) if common != ***list => refined(&common, list),
            _ => list.to_vec(),
        });
    }
    let common = common.unwrap_or_else(|| vec![length]);
    for list in lists.into_iter().flatten() {
        *list = if total(list) == length { common.clone() } else { vec![total(list)] };
    }
    common
}

/// The block at a place along the batch, along the axes that stay, and along those that are summed over.
fn block_of(operand: &Operand, batch: &[usize], free: &[usize], summed: &[usize], within: &[usize]) -> Delayed<Block> {
    let mut free = free.iter();
    let number = operand.layout.chunks().iter().enumerate().fold(0, |number, (axis, list)| {
        let place = match (batch.get(axis), summed.iter().position(|other| *other == axis)) {
            // One chunk is broadcast to all.
            (Some(_), _) if list.len() == 1 => 0,
            (Some(place), _) => *place,
            (None, Some(position)) => within[position],
            (None, None) => free.next().copied().unwrap_or(0),
        };
        number * list.len() + place
    });
    operand.blocks[number].clone()
}
