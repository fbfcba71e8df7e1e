//! Numbers of many elements: in trees, block by block as they are made.

mod all;
mod along;
pub(crate) mod axes;

use std::sync::Arc;

use crate::Delayed;
use crate::array::block_node::block_node;
use crate::array::elementwise::Operand;
use crate::array::kernel::{Combine, Finish, Fold, Kernel, Operation, Outcome, Program, Reduction};
use crate::array::layout::check_shape;
use crate::array::{Array, ArrayError, Block, Element, ElementType, Layout};

/// How many partial results one task combines. A sum of a thousand blocks has then two more layers, and no task waits for
/// more than so many.
const FAN_IN: usize = 16;

/// A reduction that is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) reduction: Reduction,
    /// What elements are made of before.
    pub(crate) element: ElementType,
    pub(crate) outcome: Outcome,
    /// What it is called, if no elements have no such value.
    pub(crate) needs_elements: Option<&'static str>,
}

/// Reduces the axes of which `axes` says so; they stay with length 1 if `keepdims`.
pub(crate) fn reduce<T: Element>(
    operand: &Operand,
    axes: &[bool],
    keepdims: bool,
    asked: Asked,
) -> Result<Array<T>, ArrayError> {
    let from = &operand.layout;
    let lists = from.chunks().iter().zip(axes);
    let kept: Vec<Vec<usize>> =
        lists.map(|(list, is_reduced)| if *is_reduced { vec![1] } else { list.clone() }).collect();
    let partial = Layout::from_lists(kept)?;
    let squeeze = |lengths: Vec<usize>| -> Vec<usize> {
        let lengths = lengths.into_iter().zip(axes);
        lengths.filter(|(_, is_reduced)| keepdims || !**is_reduced).map(|(length, _)| length).collect()
    };
    let layout = if keepdims {
        partial.clone()
    } else {
        let lists = partial.chunks().iter().zip(axes).filter(|(_, is_reduced)| !**is_reduced);
        Layout::from_lists(lists.map(|(list, _)| list.clone()).collect())?
    };
    let count: usize =
        from.shape().iter().zip(axes).filter(|(_, is_reduced)| **is_reduced).map(|(length, _)| length).product();
    if let (Some(operation), 0, false) = (asked.needs_elements, count, layout.is_empty()) {
        return Err(ArrayError::Empty { operation: operation.to_owned(), shape: from.shape().to_vec() });
    }
    check_shape(from.shape())?;

    let reduced_grid: Vec<Vec<usize>> = from
        .chunks()
        .iter()
        .zip(axes)
        .map(|(list, is_reduced)| vec![1; if *is_reduced { list.len() } else { 1 }])
        .collect();
    let reduced_grid = Layout::from_lists(reduced_grid)?;
    let mut blocks = Vec::with_capacity(layout.block_count());
    for place in partial.blocks() {
        let result = squeeze(partial.block_shape(&place));
        let finish = Finish { shape: result, element: T::TYPE, result: asked.outcome };
        let mut parts = Vec::with_capacity(reduced_grid.block_count());
        for within in reduced_grid.blocks() {
            let block: Vec<usize> = place.iter().zip(&within).map(|(place, within)| place + within).collect();
            let shape = from.block_shape(&block);
            let own: usize =
                shape.iter().zip(axes).filter(|(_, is_reduced)| **is_reduced).map(|(length, _)| length).product();
            // Blocks without elements have nothing to say. One stays, if there is no other, for the value of nothing.
            if own > 0 || count == 0 && parts.is_empty() {
                parts.push((fold(operand, axes, &block, shape, asked), own));
            }
        }
        blocks.push(tree(parts, &place, finish, asked.reduction));
    }
    Ok(Array::from_blocks(layout, blocks))
}

/// Reduces one block.
fn fold(operand: &Operand, axes: &[bool], place: &[usize], shape: Vec<usize>, asked: Asked) -> Delayed<Block> {
    let input = operand.blocks[operand.layout.block_number(place)].clone();
    let left = shape.iter().zip(axes).filter(|(_, is_reduced)| !**is_reduced).map(|(length, _)| length);
    // Two numbers a cell, at most.
    let nbytes = left.product::<usize>() * 2 * asked.element.nbytes();
    let mut program = Program::new(shape);
    let value = program.push(operand.element, Operation::Input(0));
    program.cast(value, asked.element);
    program.fold = Some(Fold {
        reduction: asked.reduction,
        axes: axes.to_vec(),
        offset: operand.layout.block_offset(place),
        whole: operand.layout.shape().to_vec(),
    });
    block_node(Kernel::Program(Arc::new(program)), place, nbytes, vec![input])
}

/// Combines partial results, some at a time.
pub(crate) fn tree(
    mut parts: Vec<(Delayed<Block>, usize)>,
    place: &[usize],
    finish: Finish,
    reduction: Reduction,
) -> Delayed<Block> {
    let nbytes = finish.shape.iter().product::<usize>() * finish.element.nbytes();
    let combine = |parts: &[(Delayed<Block>, usize)], finish: Option<Finish>| {
        let counts = parts.iter().map(|(_, count)| *count).collect();
        let inputs = parts.iter().map(|(part, _)| part.clone()).collect();
        block_node(Kernel::Combine(Combine { reduction, counts, finish }), place, nbytes, inputs)
    };
    while parts.len() > FAN_IN {
        let joined =
            parts.chunks(FAN_IN).map(|parts| (combine(parts, None), parts.iter().map(|(_, count)| count).sum()));
        parts = joined.collect();
    }
    combine(&parts, Some(finish))
}
