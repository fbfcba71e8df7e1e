//! Singular values by rotations of columns: pairs of them are made orthogonal until all are.

use super::Field;
use super::columns::{Columns, add_multiple, inner, norm};
use crate::array::kernel::Arithmetic;
use crate::array::{ArrayError, Block};

/// How many times all pairs of columns are looked at. Ten are usual.
const SWEEPS_MAX: usize = 100;

/// What is shorter than this, when the largest element is 1, is 0: its square is no number any more.
const LENGTH_MIN: f64 = 1e-150;

/// U, the singular values in falling order, and the adjoint V of a matrix, as parts.
pub(super) fn factors<T: Field>(matrix: Columns<T>) -> Result<Block, ArrayError> {
    let scale = matrix.columns.iter().flatten().map(|element| element.magnitude()).fold(0.0, f64::max);
    if !matrix.columns.iter().flatten().all(|element| element.magnitude().is_finite()) {
        return Err(no_result("the matrix has elements that are NaN or infinite: replace them"));
    }
    let scaled =
        |element: &T| T::Wide::cast_from(*element) / T::Wide::cast_from(if scale == 0.0 { 1.0 } else { scale });
    let wide = Columns {
        rows: matrix.rows,
        columns: matrix.columns.iter().map(|column| column.iter().map(scaled).collect()).collect(),
    };
    // At least as many rows as columns.
    let (u, values, v) = if wide.rows < wide.columns.len() {
        let Tall { u, values, v } = Tall::new(wide.adjoint())?;
        (v, values, u)
    } else {
        let Tall { u, values, v } = Tall::new(wide)?;
        (u, values, v)
    };
    let narrow = |matrix: Columns<T::Wide>| {
        let column = |column: Vec<T::Wide>| column.into_iter().map(T::cast_from).collect();
        Columns::<T> { rows: matrix.rows, columns: matrix.columns.into_iter().map(column).collect() }
    };
    let values: Vec<_> = values.into_iter().map(|value| T::FloatReal::cast_from(value * scale)).collect();
    let values = Block::from_elements(&[values.len()], values)?;
    Ok(Block::Parts(vec![narrow(u).into_block()?, values, narrow(v.adjoint()).into_block()?]))
}

/// The factors of a matrix that has at least as many rows as columns.
struct Tall<T> {
    u: Columns<T>,
    values: Vec<f64>,
    v: Columns<T>,
}

impl<T: Field> Tall<T> {
    fn new(mut u: Columns<T>) -> Result<Self, ArrayError> {
        let width = u.columns.len();
        let mut v = Columns::identity(width, width);
        let precision = f64::EPSILON * (u.rows as f64).sqrt();
        let mut is_orthogonal = false;
        for _ in 0..SWEEPS_MAX {
            is_orthogonal = true;
            for one in 0..width {
                for other in one + 1..width {
                    if let Some(rotation) = Rotation::of(&u.columns[one], &u.columns[other], precision) {
                        is_orthogonal = false;
                        rotation.turn(&mut u.columns, one, other);
                        rotation.turn(&mut v.columns, one, other);
                    }
                }
            }
            if is_orthogonal {
                break;
            }
        }
        if !is_orthogonal {
            return Err(no_result("its singular values were not found in as many steps as are allowed"));
        }
        let mut columns: Vec<(f64, Vec<T>, Vec<T>)> =
            u.columns.into_iter().zip(v.columns).map(|(u, v)| (norm(&u), u, v)).collect();
        columns.sort_by(|(one, ..), (other, ..)| other.total_cmp(one));
        let (mut values, mut left, mut right) = (Vec::new(), Vec::new(), Vec::new());
        for (value, mut column, v) in columns {
            let value = if value < LENGTH_MIN { 0.0 } else { value };
            if value == 0.0 {
                column = another(&left, u.rows);
            } else {
                column.iter_mut().for_each(|element| *element = *element / T::cast_from(value));
            }
            values.push(value);
            left.push(column);
            right.push(v);
        }
        Ok(Self { u: Columns { rows: u.rows, columns: left }, values, v: Columns { rows: width, columns: right } })
    }
}

/// A rotation of two columns that makes them orthogonal.
struct Rotation<T> {
    cosine: T,
    sine: T,
    /// Makes the inner product of the two real.
    phase: T,
}

impl<T: Field> Rotation<T> {
    /// None if they are orthogonal.
    fn of(one: &[T], other: &[T], precision: f64) -> Option<Self> {
        let (one_square, other_square) = (inner(one, one).magnitude(), inner(other, other).magnitude());
        let product = inner(one, other);
        let size = product.magnitude();
        let least = LENGTH_MIN * LENGTH_MIN;
        if one_square < least || other_square < least || size <= precision * one_square.sqrt() * other_square.sqrt() {
            return None;
        }
        let slope = (other_square - one_square) / (2.0 * size);
        let tangent = slope.signum() / (slope.abs() + 1.0_f64.hypot(slope));
        let cosine = 1.0 / 1.0_f64.hypot(tangent);
        let phase = (product / T::cast_from(size)).conjugate();
        Some(Self { cosine: T::cast_from(cosine), sine: T::cast_from(cosine * tangent), phase })
    }

    fn turn(&self, columns: &mut [Vec<T>], one: usize, other: usize) {
        let (before, after) = columns.split_at_mut(other);
        for (one, other) in before[one].iter_mut().zip(&mut after[0]) {
            let turned = self.phase * *other;
            (*one, *other) = (self.cosine * *one - self.sine * turned, self.sine * *one + self.cosine * turned);
        }
    }
}

/// A vector of length 1 that is orthogonal to others of which there are less than it has elements.
fn another<T: Field>(others: &[Vec<T>], len: usize) -> Vec<T> {
    // The axis that they say least about.
    let share = |row: usize| others.iter().map(|other| other[row].magnitude().powi(2)).sum::<f64>();
    let axis = (0..len).min_by(|one, other| share(*one).total_cmp(&share(*other)));
    let mut vector = vec![T::zero(); len];
    if let Some(axis) = axis {
        vector[axis] = T::one();
    }
    // Twice is enough to the last bit.
    for _ in 0..2 {
        for other in others {
            let along = inner(other, &vector);
            add_multiple(&mut vector, T::zero() - along, other);
        }
        let length = T::cast_from(norm(&vector));
        vector.iter_mut().for_each(|element| *element = *element / length);
    }
    vector
}

fn no_result(message: &str) -> ArrayError {
    ArrayError::NoResult { operation: "svd".into(), message: message.into() }
}
