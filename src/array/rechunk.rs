//! Other chunks of the same array.

use crate::array::block_node::block_node;
use crate::array::elementwise::{Operand, ends};
use crate::array::kernel::{Kernel, Piece, Pieces};
use crate::array::{Array, ArrayError, Chunks, Element, Layout};

impl<T: Element> Array<T> {
    /// The same array in other chunks.
    ///
    /// # Errors
    ///
    /// Those of [`Layout::new`].
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask::array;
    ///
    /// let x = array::zeros([10, 10], [10, 1]).rechunk([2, 10])?;
    /// assert_eq!(x.chunks(), [vec![2; 5], vec![10]]);
    /// # Ok::<(), array::ArrayError>(())
    /// ```
    pub fn rechunk(&self, chunks: impl Into<Chunks>) -> Result<Self, ArrayError> {
        self.ok()?;
        let layout = Layout::new(self.shape(), chunks)?;
        if layout == *self.layout() {
            return Ok(self.clone());
        }
        let operand = rechunked(&self.operand()?, layout)?;
        Ok(Self::from_blocks(operand.layout, operand.blocks))
    }
}

/// Cuts blocks and puts the pieces together.
pub(crate) fn rechunked(operand: &Operand, layout: Layout) -> Result<Operand, ArrayError> {
    let (from, element) = (&operand.layout, operand.element);
    let ends: Vec<Vec<usize>> = from.chunks().iter().map(|list| ends(list).collect()).collect();
    let block = |place: Vec<usize>| {
        let (offset, shape) = (layout.block_offset(&place), layout.block_shape(&place));
        let nbytes = shape.iter().product::<usize>() * element.nbytes();
        // Along each axis: which chunks, from where in each, and how much of it.
        let overlaps: Vec<Vec<(usize, usize, usize)>> = ends
            .iter()
            .zip(offset.iter().zip(&shape))
            .map(|(ends, (start, length))| {
                let (stop, mut overlaps) = (start + length, Vec::new());
                let first = ends.partition_point(|end| end <= start);
                let mut begin = if first == 0 { 0 } else { ends[first - 1] };
                for (chunk, end) in ends.iter().enumerate().skip(first) {
                    if begin >= stop {
                        break;
                    }
                    let (low, high) = (begin.max(*start), (*end).min(stop));
                    if low < high {
                        overlaps.push((chunk, low - begin, high - low));
                    }
                    begin = *end;
                }
                overlaps
            })
            .collect();
        let mut inputs = Vec::new();
        let mut pieces = Vec::new();
        let grid = overlaps.iter().map(|overlaps| vec![1; overlaps.len()]).collect();
        for index in Layout::from_lists(grid).map(|layout| layout.blocks()).into_iter().flatten() {
            let parts: Vec<(usize, usize, usize)> =
                index.iter().zip(&overlaps).map(|(index, overlaps)| overlaps[*index]).collect();
            let at =
                index.iter().zip(&overlaps).map(|(index, overlaps)| overlaps[..*index].iter().map(|part| part.2).sum());
            let chunk: Vec<usize> = parts.iter().map(|part| part.0).collect();
            pieces.push(Piece {
                from: parts.iter().map(|part| part.1).collect(),
                at: at.collect(),
                shape: parts.iter().map(|part| part.2).collect(),
            });
            inputs.push(operand.blocks[from.block_number(&chunk)].clone());
        }
        block_node(Kernel::Pieces(Pieces { shape, element, pieces }), &place, nbytes, inputs)
    };
    let blocks = layout.blocks().map(block).collect();
    Ok(Operand { element, layout, blocks })
}
