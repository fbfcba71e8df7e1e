//! Reading a block of a smaller shape as if it had been repeated.

use crate::array::ArrayError;
use crate::array::kernel::wrong;

/// Where the elements of a broadcast block lie.
#[derive(Debug)]
pub(crate) struct Gather {
    /// The axes of the shape, neighbours taken together where they lie alike, with the distance of elements along each.
    axes: Vec<(usize, usize)>,
}

impl Gather {
    /// Of a block of shape `from`, in C order, that is read as one of shape `to`.
    pub(crate) fn new(from: &[usize], to: &[usize]) -> Result<Self, ArrayError> {
        let missing = to.len().checked_sub(from.len());
        let fits = |missing: &usize| from.iter().zip(&to[*missing..]).all(|(from, to)| *from == 1 || from == to);
        let Some(missing) = missing.filter(fits) else {
            return Err(wrong("broadcast", format!("a block of shape {from:?} was given where {to:?} is needed")));
        };
        let mut axes: Vec<(usize, usize)> = Vec::with_capacity(to.len());
        let mut stride = 1;
        for (axis, length) in to.iter().enumerate().rev() {
            let own = axis.checked_sub(missing).map_or(1, |axis| from[axis]);
            let step = if own == 1 { 0 } else { stride };
            stride *= own;
            if *length == 1 {
                continue;
            }
            match axes.last_mut() {
                // From one element of this axis to the next is as far as over the whole axis behind it.
                Some((inner, distance)) if step == *distance * *inner => *inner *= length,
                _ => axes.push((*length, step)),
            }
        }
        axes.reverse();
        if axes.is_empty() {
            axes.push((1, 0));
        }
        Ok(Self { axes })
    }

    /// Reads as many elements as `to` has, from the one with number `start` on.
    pub(crate) fn read<T: Copy>(&self, from: &[T], start: usize, to: &mut [T]) {
        let Some(((length, step), outer)) = self.axes.split_last() else { return };
        let mut done = 0;
        while done < to.len() {
            let place = start + done;
            let (mut row, within) = (place / length, place % length);
            let count = (length - within).min(to.len() - done);
            let mut base = 0;
            for (length, step) in outer.iter().rev() {
                base += row % length * step;
                row /= length;
            }
            let to = &mut to[done..done + count];
            match step {
                0 => to.fill(from[base]),
                1 => to.copy_from_slice(&from[base + within..][..count]),
                step => {
                    let from = from[base + within * step..].iter().step_by(*step);
                    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
                }
            }
            done += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{ArrayD, IxDyn};

    #[test]
    fn a_block_is_read_as_ndarray_broadcasts_it() {
        for (from, to) in [
            (vec![], vec![]),
            (vec![], vec![3]),
            (vec![1], vec![2, 3]),
            (vec![3], vec![2, 3]),
            (vec![2, 1], vec![2, 3]),
            (vec![2, 1, 4], vec![5, 2, 3, 4]),
            (vec![5, 1, 1, 4], vec![5, 2, 3, 4]),
            (vec![1, 2, 3, 1], vec![5, 2, 3, 4]),
            (vec![5, 2, 3, 4], vec![5, 2, 3, 4]),
        ] {
            let count = from.iter().product::<usize>();
            let block = ArrayD::from_shape_vec(IxDyn(&from), (0..count).collect()).unwrap();
            let expected: Vec<usize> = block.broadcast(IxDyn(&to)).unwrap().iter().copied().collect();
            let gather = Gather::new(&from, &to).unwrap();
            for tile in [1, 2, 5, 7, 1000] {
                let mut read = Vec::new();
                for start in (0..expected.len()).step_by(tile) {
                    let mut part = vec![0; tile.min(expected.len() - start)];
                    gather.read(block.as_slice().unwrap(), start, &mut part);
                    read.extend(part);
                }
                assert_eq!(read, expected, "{from:?} to {to:?} by {tile}");
            }
        }
    }

    #[test]
    fn a_block_that_does_not_fit_is_refused() {
        assert!(Gather::new(&[2], &[3]).is_err());
        assert!(Gather::new(&[1, 3], &[3]).is_err());
    }
}
