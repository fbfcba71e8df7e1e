//! L and U of a square matrix with rows exchanged, and the solutions of equations with them.

use std::ops::Range;

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayViewMut2, Axis};

use super::Field;
use super::columns::add_multiple;
use crate::array::ArrayError;
use crate::array::kernel::wrong;

/// How many columns are factored before they are taken off from those behind them, by one product of matrices.
const PANEL: usize = 48;

/// L below the diagonal, where it has ones, and U from there on, of a matrix in C order; and where each of the rows was.
pub(super) fn factors<T: Field>(length: usize, mut matrix: Vec<T>) -> Result<(Vec<T>, Vec<usize>), ArrayError> {
    let mut order: Vec<usize> = (0..length).collect();
    for start in (0..length).step_by(PANEL) {
        let end = length.min(start + PANEL);
        for place in start..end {
            let mut pivot = place;
            for row in place + 1..length {
                if matrix[row * length + place].magnitude() > matrix[pivot * length + place].magnitude() {
                    pivot = row;
                }
            }
            if matrix[pivot * length + place] == T::zero() {
                let message = format!(
                    "the matrix of shape {:?} is singular: column {place} is a combination of those before it; `svd` and \
                     `qr` give what is nearest to a solution",
                    [length, length]
                );
                return Err(ArrayError::NoResult { operation: "solve".into(), message });
            }
            order.swap(place, pivot);
            if pivot != place {
                let (before, after) = matrix.split_at_mut(pivot * length);
                before[place * length..][..length].swap_with_slice(&mut after[..length]);
            }
            eliminate(&mut matrix, length, place, place + 1..end);
        }
        // The rows of the panel, behind it.
        for place in start..end {
            let (before, after) = matrix.split_at_mut((place + 1) * length);
            let pivot = &before[place * length + end..];
            for row in after.chunks_mut(length).take(end - place - 1) {
                let factor = row[place];
                add_multiple(&mut row[end..], T::zero() - factor, pivot);
            }
        }
        let unfit = |_| wrong("lu", "the elements do not make the matrix");
        let all = ArrayViewMut2::from_shape((length, length), &mut matrix).map_err(unfit)?;
        let (above, below) = all.split_at(Axis(0), end);
        let (_, panel) = above.split_at(Axis(0), start);
        let (_, upper) = panel.split_at(Axis(1), end);
        let (left, mut rest) = below.split_at(Axis(1), end);
        let (_, lower) = left.split_at(Axis(1), start);
        general_mat_mul(T::zero() - T::one(), &lower, &upper, T::one(), &mut rest);
    }
    Ok((matrix, order))
}

/// Makes a column zero below the diagonal, keeps there what the pivot's row was multiplied with, and takes that off from some
/// columns.
fn eliminate<T: Field>(matrix: &mut [T], length: usize, place: usize, columns: Range<usize>) {
    let (before, after) = matrix.split_at_mut((place + 1) * length);
    let pivot = &before[place * length..];
    for row in after.chunks_mut(length) {
        let factor = row[place] / pivot[place];
        row[place] = factor;
        add_multiple(&mut row[columns.clone()], T::zero() - factor, &pivot[columns.clone()]);
    }
}

/// The solutions for sides of so many columns, in C order. As long as `order` are the factors in both directions and the sides, and
/// it has only numbers below that.
pub(super) fn solution<T: Field>(factors: &[T], order: &[usize], width: usize, sides: &[T]) -> Vec<T> {
    let length = order.len();
    let mut solution = Vec::with_capacity(sides.len());
    for row in order {
        solution.extend_from_slice(&sides[row * width..][..width]);
    }
    for row in 0..length {
        let (known, rest) = solution.split_at_mut(row * width);
        for (column, factor) in factors[row * length..][..row].iter().enumerate() {
            add_multiple(&mut rest[..width], T::zero() - *factor, &known[column * width..][..width]);
        }
    }
    for row in (0..length).rev() {
        let (rest, known) = solution.split_at_mut((row + 1) * width);
        let (own, factors) = (&mut rest[row * width..], &factors[row * length..][..length]);
        for (column, factor) in factors[row + 1..].iter().enumerate() {
            add_multiple(own, T::zero() - *factor, &known[column * width..][..width]);
        }
        own.iter_mut().for_each(|value| *value = *value / factors[row]);
    }
    solution
}
