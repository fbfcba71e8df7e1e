//! Matrices whose columns lie each in one piece: what goes along columns is quick then.

use super::Field;
use crate::array::{ArrayError, Block};

/// A matrix by columns.
#[derive(Clone, Debug)]
pub(super) struct Columns<T> {
    pub(super) rows: usize,
    pub(super) columns: Vec<Vec<T>>,
}

impl<T: Field> Columns<T> {
    /// No rows yet.
    pub(super) fn new(width: usize) -> Self {
        Self { rows: 0, columns: vec![Vec::new(); width] }
    }

    /// The first columns of the matrix that has ones on its diagonal and zeros elsewhere.
    pub(super) fn identity(rows: usize, width: usize) -> Self {
        let column = |number| (0..rows).map(|row| if row == number { T::one() } else { T::zero() }).collect();
        Self { rows, columns: (0..width).map(column).collect() }
    }

    /// Adds rows of elements in C order.
    pub(super) fn push(&mut self, rows: usize, elements: &[T]) {
        self.columns.iter_mut().for_each(|column| column.reserve(rows));
        for row in elements.chunks(self.columns.len().max(1)) {
            self.columns.iter_mut().zip(row).for_each(|(column, element)| column.push(*element));
        }
        self.rows += rows;
    }

    /// The transposed matrix, each element conjugated.
    pub(super) fn adjoint(&self) -> Self {
        let row = |row: usize| self.columns.iter().map(|column| column[row].conjugate()).collect();
        Self { rows: self.columns.len(), columns: (0..self.rows).map(row).collect() }
    }

    pub(super) fn into_block(self) -> Result<Block, ArrayError> {
        let mut elements = Vec::with_capacity(self.rows * self.columns.len());
        for row in 0..self.rows {
            elements.extend(self.columns.iter().map(|column| column[row]));
        }
        Block::from_elements(&[self.rows, self.columns.len()], elements)
    }
}

/// The sum of the products of elements, those of the first conjugated. In eight sums, which a processor makes at once.
pub(super) fn inner<T: Field>(one: &[T], other: &[T]) -> T {
    let (ones, one_rest) = one.as_chunks::<8>();
    let (others, other_rest) = other.as_chunks::<8>();
    let mut sums = [T::zero(); 8];
    for (one, other) in ones.iter().zip(others) {
        for ((sum, one), other) in sums.iter_mut().zip(one).zip(other) {
            *sum = *sum + one.conjugate() * *other;
        }
    }
    let rest = one_rest.iter().zip(other_rest).map(|(one, other)| one.conjugate() * *other);
    sums.into_iter().chain(rest).fold(T::zero(), |sum, product| sum + product)
}

/// Adds a multiple of one vector to another.
pub(super) fn add_multiple<T: Field>(to: &mut [T], factor: T, of: &[T]) {
    to.iter_mut().zip(of).for_each(|(to, of)| *to = *to + factor * *of);
}

/// The length of a vector, without overflow in the squares.
pub(super) fn norm<T: Field>(vector: &[T]) -> f64 {
    let scale = vector.iter().fold(0.0_f64, |scale, element| {
        let magnitude = element.magnitude();
        if magnitude > scale || magnitude.is_nan() { magnitude } else { scale }
    });
    if scale == 0.0 {
        return 0.0;
    }
    scale * vector.iter().map(|element| (element.magnitude() / scale).powi(2)).sum::<f64>().sqrt()
}
