//! Indices one step apart along an axis that is cut into chunks.

use crate::array::kernel::Range;

/// What a slice has of one chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) chunk: usize,
    /// Of the chunk.
    pub(super) range: Range,
}

/// The indices from `start` to before `end`, so many steps apart; backwards from the last for a negative step, as ndarray has
/// it. `start` is not after `end`, and the step not 0.
pub(super) fn progression(start: usize, end: usize, step: isize) -> Range {
    let length = (end - start).div_ceil(step.unsigned_abs());
    let first = if step < 0 && length > 0 { end - 1 } else { start };
    Range { first, step, length }
}

/// What indices, which are all within the axis, have of each chunk, in their order. Chunks without any are left out, but for the
/// first one if there are no indices at all: there is always a part.
pub(super) fn parts(indices: Range, chunks: &[usize]) -> Vec<Part> {
    let mut parts = Vec::new();
    let step = indices.step.unsigned_abs();
    // The lowest index that no chunk has had.
    let lowest = if indices.step < 0 { indices.index(indices.length.saturating_sub(1)) } else { indices.first as i128 };
    let (mut next, mut left, mut start) = (lowest as usize, indices.length, 0);
    for (chunk, length) in chunks.iter().enumerate() {
        let end = start + length;
        if left > 0 && next < end {
            let count = (end - next).div_ceil(step).min(left);
            let last = next + (count - 1) * step;
            let first = if indices.step < 0 { last } else { next } - start;
            parts.push(Part { chunk, range: Range { first, step: indices.step, length: count } });
            (next, left) = (last.saturating_add(step), left - count);
        }
        start = end;
    }
    if indices.step < 0 {
        parts.reverse();
    }
    if parts.is_empty() {
        parts.push(Part { chunk: 0, range: Range { first: 0, step: 1, length: 0 } });
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_indices_of_the_chunks_are_those_of_the_axis() {
        let chunks = [3, 0, 1, 4, 2];
        let starts = [0, 3, 3, 4, 8];
        for start in 0..=10 {
            for end in start..=10 {
                for step in [1, 2, 3, 5, 20, isize::MAX, -1, -2, -3, -7, isize::MIN] {
                    let mut expected: Vec<usize> = (start..end).collect();
                    if step < 0 {
                        expected.reverse();
                    }
                    let expected: Vec<usize> = expected.into_iter().step_by(step.unsigned_abs()).collect();
                    let parts = parts(progression(start, end, step), &chunks);
                    let indices = parts.iter().flat_map(|Part { chunk, range }| {
                        (0..range.length).map(|number| {
                            let index = usize::try_from(range.index(number)).unwrap();
                            assert!(index < chunks[*chunk]);
                            starts[*chunk] + index
                        })
                    });
                    assert_eq!(indices.collect::<Vec<_>>(), expected, "{start}..{end};{step}");
                    assert_eq!(parts.iter().any(|part| part.range.length == 0), expected.is_empty());
                }
            }
        }
    }
}
