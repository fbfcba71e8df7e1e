//! Other chunks of the same array.

use crate::array::block_node::block_node;
use crate::array::elementwise::Operand;
use crate::array::kernel::{Kernel, Piece, Pieces, Range, View};
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

/// Cuts blocks and puts the pieces together. A block that stays as it is is the same one.
pub(crate) fn rechunked(operand: &Operand, layout: Layout) -> Result<Operand, ArrayError> {
    let (from, element) = (&operand.layout, operand.element);
    let axes: Vec<Vec<Vec<Overlap>>> =
        from.chunks().iter().zip(layout.chunks()).map(|(from, to)| overlaps(from, to)).collect();
    let block = |place: Vec<usize>| {
        let shape = layout.block_shape(&place);
        let overlaps: Vec<&[Overlap]> = axes.iter().zip(&place).map(|(axis, chunk)| &axis[*chunk][..]).collect();
        let combinations = Layout::from_lists(overlaps.iter().map(|parts| vec![1; parts.len()]).collect())?;
        let mut inputs = Vec::with_capacity(combinations.block_count());
        let mut pieces = Vec::with_capacity(combinations.block_count());
        for index in combinations.blocks() {
            let parts: Vec<Overlap> = index.iter().zip(&overlaps).map(|(index, parts)| parts[*index]).collect();
            let chunk: Vec<usize> = parts.iter().map(|part| part.chunk).collect();
            let length: Vec<usize> = parts.iter().map(|part| part.length).collect();
            let input = operand.blocks[from.block_number(&chunk)].clone();
            if length == shape && shape == from.block_shape(&chunk) {
                return Ok(input);
            }
            inputs.push(input);
            pieces.push(Piece {
                from: parts.iter().map(|part| part.from).collect(),
                at: parts.iter().map(|part| part.at).collect(),
                shape: length,
            });
        }
        let nbytes = shape.iter().product::<usize>() * element.nbytes();
        let kernel = match &pieces[..] {
            // A part of one block is a view, which may become one task with what takes it.
            [Piece { from, shape: length, .. }] if *length == shape => {
                let range = |(first, length): (&usize, &usize)| Range { first: *first, step: 1, length: *length };
                let ranges = from.iter().zip(length).map(range).collect();
                Kernel::View(View { ranges, order: (0..shape.len()).collect(), shape })
            }
            _ => Kernel::Pieces(Pieces { shape, element, pieces }),
        };
        Ok(block_node(kernel, &place, nbytes, inputs))
    };
    let blocks = layout.blocks().map(block).collect::<Result<_, ArrayError>>()?;
    Ok(Operand { element, layout, blocks })
}

/// What a chunk has of one of other chunks of the same axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Overlap {
    /// Which of the others.
    chunk: usize,
    /// Where it begins in the other.
    from: usize,
    /// Where it begins in the chunk.
    at: usize,
    length: usize,
}

/// Of each chunk of `to` what it has of the chunks of `from`. Both are as long together.
fn overlaps(from: &[usize], to: &[usize]) -> Vec<Vec<Overlap>> {
    let mut rest = from.iter().copied().enumerate();
    // The chunk that is being used up, and how much of it has been.
    let (mut current, mut used) = (rest.next(), 0);
    let chunk = |length: &usize| {
        let (mut parts, mut at) = (Vec::new(), 0);
        while at < *length
            && let Some((chunk, whole)) = current
        {
            let part = (whole - used).min(length - at);
            if part > 0 {
                parts.push(Overlap { chunk, from: used, at, length: part });
            }
            (at, used) = (at + part, used + part);
            if used == whole {
                (current, used) = (rest.next(), 0);
            }
        }
        parts
    };
    to.iter().map(chunk).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_overlap_where_they_have_elements_in_common() {
        let overlap = |chunk, from, at, length| Overlap { chunk, from, at, length };
        assert_eq!(
            overlaps(&[0, 3, 0, 2], &[2, 0, 3]),
            [vec![overlap(1, 0, 0, 2)], vec![], vec![overlap(1, 2, 0, 1), overlap(3, 0, 1, 2)],]
        );
        assert_eq!(overlaps(&[1, 4], &[2, 3])[0], [overlap(0, 0, 0, 1), overlap(1, 0, 1, 1)]);
        assert_eq!(overlaps(&[0], &[0, 0]), [vec![], vec![]]);
        assert_eq!(overlaps(&[4], &[1, 3]), [vec![overlap(0, 0, 0, 1)], vec![overlap(0, 1, 0, 3)]]);
    }
}
