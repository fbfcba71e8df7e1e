//! Copying elements that lie apart into a row.

/// How long the sides of a square are that is copied at once where neither side has its elements in a row: what both sides of
/// the copy touch then, a line of 64 bytes for each element of a side, stays in the cache next to the core.
const SQUARE_LEN: usize = 32;

/// Elements that lie apart, in the order in which they are wanted.
#[derive(Debug)]
pub(crate) struct Strided {
    /// Where the first lies.
    first: usize,
    /// How many there are along each axis, and how far they lie apart.
    axes: Vec<(usize, isize)>,
}

impl Strided {
    /// From the first element on, these axes. The caller has made sure that all elements are there.
    pub(crate) fn new(first: usize, axes: impl Iterator<Item = (usize, isize)>) -> Self {
        let mut joined: Vec<(usize, isize)> = Vec::new();
        for (length, stride) in axes.filter(|(length, _)| *length != 1) {
            match joined.last_mut() {
                // From one element of the axis before to the next is as far as over this whole axis.
                Some((outer, distance)) if *distance == stride.saturating_mul(length as isize) => {
                    (*outer, *distance) = (*outer * length, stride);
                }
                _ => joined.push((length, stride)),
            }
        }
        Self { first, axes: joined }
    }

    /// Whether it is just the elements from the first on.
    pub(crate) fn is_row(&self) -> bool {
        matches!(self.axes[..], [] | [(_, 1)])
    }

    /// Copies the elements into a row that has as many.
    pub(crate) fn copy<T: Copy>(&self, from: &[T], to: &mut [T]) {
        if to.is_empty() {
            return;
        }
        let mut axes: Vec<Axis> = Vec::with_capacity(self.axes.len());
        let mut step = 1;
        for (length, stride) in self.axes.iter().rev() {
            axes.push(Axis { length: *length, from: *stride, to: step });
            step *= length;
        }
        let one = Axis { length: 1, from: 0, to: 0 };
        let row = if axes.is_empty() { Axis { to: 1, ..one } } else { axes.remove(0) };
        // The axis whose elements lie next to each other, if the row is not it: both go together. Else the axis before the row.
        let nearest = (0..axes.len()).min_by_key(|axis| axes[*axis].from.unsigned_abs());
        let nearer = nearest.filter(|axis| axes[*axis].from.unsigned_abs() < row.from.unsigned_abs());
        let column = if axes.is_empty() { one } else { axes.remove(nearer.unwrap_or(0)) };
        let mut place = vec![0; axes.len()];
        loop {
            let offset = |step: fn(&Axis) -> isize| {
                place.iter().zip(&axes).map(|(place, axis)| *place as isize * step(axis)).sum::<isize>()
            };
            let first = self.first.wrapping_add_signed(offset(|axis| axis.from));
            rows(from, first, column, row, &mut to[offset(|axis| axis.to as isize) as usize..]);
            let next = place.iter_mut().zip(&axes).find_map(|(place, axis)| {
                *place += 1;
                if *place == axis.length {
                    *place = 0
                } else {
                    return Some(());
                }
                None
            });
            if next.is_none() {
                return;
            }
        }
    }
}

/// An axis, and how far its elements lie apart here and there.
#[derive(Clone, Copy)]
struct Axis {
    length: usize,
    from: isize,
    to: usize,
}

/// Copies rows below one another.
fn rows<T: Copy>(from: &[T], first: usize, column: Axis, row: Axis, to: &mut [T]) {
    let at = |y: usize, x: usize| first.wrapping_add_signed(y as isize * column.from + x as isize * row.from);
    if row.from == 1 {
        for y in 0..column.length {
            to[y * column.to..][..row.length].copy_from_slice(&from[at(y, 0)..][..row.length]);
        }
        return;
    }
    for top in (0..column.length).step_by(SQUARE_LEN) {
        for left in (0..row.length).step_by(SQUARE_LEN) {
            for y in top..column.length.min(top + SQUARE_LEN) {
                let right = row.length.min(left + SQUARE_LEN);
                for (x, to) in (left..right).zip(&mut to[y * column.to + left..]) {
                    *to = from[at(y, x)];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_in_any_order_are_read_in_that_order() {
        let (depth, height, width) = (3, 70, 45);
        let from: Vec<usize> = (0..depth * height * width).collect();
        let strides = [(depth, height * width), (height, width), (width, 1)];
        for [a, b, c] in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let axes = [strides[a], strides[b], strides[c]];
            let strided = Strided::new(0, axes.into_iter().map(|(length, stride)| (length, stride as isize)));
            assert_eq!(strided.is_row(), [a, b, c] == [0, 1, 2]);
            let mut to = vec![0; from.len()];
            strided.copy(&from, &mut to);
            let mut expected = Vec::new();
            for i in 0..axes[0].0 {
                for j in 0..axes[1].0 {
                    expected.extend((0..axes[2].0).map(|k| i * axes[0].1 + j * axes[1].1 + k * axes[2].1));
                }
            }
            assert_eq!(to, expected, "{:?}", [a, b, c]);
        }
    }

    #[test]
    fn rows_are_read_backwards_and_with_steps() {
        let from: Vec<u8> = (0..20).collect();
        let read = |first, axes: &[(usize, isize)]| {
            let mut to = vec![0; axes.iter().map(|axis| axis.0).product()];
            Strided::new(first, axes.iter().copied()).copy(&from, &mut to);
            to
        };
        assert_eq!(read(7, &[]), [7]);
        assert_eq!(read(19, &[(3, -2)]), [19, 17, 15]);
        assert_eq!(read(4, &[(2, 10), (3, -1)]), [4, 3, 2, 14, 13, 12]);
        assert_eq!(read(5, &[(2, 0), (1, 7), (2, 1)]), [5, 6, 5, 6]);
        assert!(read(0, &[(0, 1), (3, 5)]).is_empty());
    }
}
