//! Bringing operands to one shape and to blocks that fit.

use std::collections::BTreeSet;

use crate::Delayed;
use crate::array::elementwise::Operand;
use crate::array::rechunk::rechunked;
use crate::array::{ArrayError, Block, Layout};

/// The shape that operands have together: axes from the last on, equal or 1.
pub(crate) fn broadcast_shape(left: &[usize], right: &[usize]) -> Result<Vec<usize>, ArrayError> {
    let count = left.len().max(right.len());
    let length = |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(count).map_or(1, |axis| shape[axis]);
    let axis = |axis| match (length(left, axis), length(right, axis)) {
        (left, right) if left == right => Ok(left),
        (1, other) | (other, 1) => Ok(other),
        _ => Err(ArrayError::Broadcast { left: left.to_vec(), right: right.to_vec() }),
    };
    (0..count).map(axis).collect()
}

/// The layout of the result, and the operands in blocks that fit it: where their chunks differ, they are cut wherever one of
/// them is, as Dask does.
pub(super) fn together(operands: &[Operand]) -> Result<(Layout, Vec<Operand>), ArrayError> {
    let mut shape = Vec::new();
    for operand in operands {
        shape = broadcast_shape(&shape, operand.layout.shape())?;
    }
    let lists = shape.iter().enumerate().map(|(axis, length)| {
        let mut lists = operands.iter().filter_map(|operand| {
            let own = (axis + operand.layout.shape().len()).checked_sub(shape.len())?;
            (operand.layout.shape()[own] == *length).then(|| &operand.layout.chunks()[own])
        });
        // One of them gave the axis its length.
        let first = lists.next().cloned().unwrap_or_else(|| vec![*length]);
        lists.fold(first, |list, other| if list == *other { list } else { refined(&list, other) })
    });
    let layout = Layout::from_lists(lists.collect())?;
    let fit = |operand: &Operand| operand.fit(&layout);
    let operands = operands.iter().map(fit).collect::<Result<_, _>>()?;
    Ok((layout, operands))
}

/// Cut wherever one of two lists is.
pub(crate) fn refined(one: &[usize], other: &[usize]) -> Vec<usize> {
    let ends: BTreeSet<usize> = ends(one).chain(ends(other)).collect();
    let mut start = 0;
    let sizes = ends.into_iter().map(|end| end - std::mem::replace(&mut start, end));
    let sizes: Vec<usize> = sizes.filter(|size| *size > 0).collect();
    // An axis of length 0 has a chunk too.
    if sizes.is_empty() { vec![0] } else { sizes }
}

/// Where each chunk ends.
pub(crate) fn ends(list: &[usize]) -> impl Iterator<Item = usize> {
    list.iter().scan(0, |end, size| {
        *end += size;
        Some(*end)
    })
}

impl Operand {
    fn fit(&self, layout: &Layout) -> Result<Self, ArrayError> {
        let missing = layout.shape().len() - self.layout.shape().len();
        let lists: Vec<Vec<usize>> = self
            .layout
            .shape()
            .iter()
            .enumerate()
            .map(|(axis, length)| match layout.shape()[missing + axis] {
                whole if whole == *length => layout.chunks()[missing + axis].clone(),
                // One chunk: `broadcast_block` gives it to all.
                _ => vec![*length],
            })
            .collect();
        if lists == self.layout.chunks() {
            return Ok(self.clone());
        }
        rechunked(self, Layout::from_lists(lists)?)
    }

    /// The block that is broadcast to the one at `place`.
    pub(super) fn broadcast_block(&self, place: &[usize]) -> Delayed<Block> {
        let own = &place[place.len() - self.layout.chunks().len()..];
        let number = self.layout.chunks().iter().zip(own).fold(0, |number, (list, place)| {
            let place = if list.len() == 1 { 0 } else { *place };
            number * list.len() + place
        });
        self.blocks[number].clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_broadcast_as_in_numpy() {
        assert_eq!(broadcast_shape(&[], &[]), Ok(vec![]));
        assert_eq!(broadcast_shape(&[2, 1], &[3]), Ok(vec![2, 3]));
        assert_eq!(broadcast_shape(&[1], &[0]), Ok(vec![0]));
        assert!(broadcast_shape(&[2], &[0]).is_err());
        assert!(broadcast_shape(&[2, 3], &[2]).is_err());
    }

    #[test]
    fn lists_are_refined_to_the_cuts_of_both() {
        assert_eq!(refined(&[4, 4, 2], &[5, 5]), [4, 1, 3, 2]);
        assert_eq!(refined(&[10], &[3, 7]), [3, 7]);
        assert_eq!(refined(&[0, 10], &[10]), [10]);
        assert_eq!(refined(&[0, 0], &[0]), [0]);
    }
}
