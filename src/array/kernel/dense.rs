//! Factors of small dense matrices, and what is made with them.
//!
//! The algorithms are here and not those of `nalgebra`, the library for it without BLAS: there a tolerance as small as the precision
//! made the singular value of a matrix of rank one wrong by a twentieth. Householder's, Jacobi's and Gauss's are short.

mod columns;
mod gauss;
mod householder;
mod jacobi;

use std::sync::Arc;

use ndarray::LinalgScalar;
use serde::{Deserialize, Serialize};

use self::columns::Columns;
use crate::array::kernel::wrong;
use crate::array::{ArrayError, Block, Complex64, Element, ElementType, memory};

/// What to do with matrices. It takes about a copy of its inputs besides its results.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Dense {
    /// Q and R of the inputs, one below the other, as parts.
    Qr,
    /// U, the singular values and the adjoint V of a matrix, as parts.
    Svd,
    /// L and U of a square matrix in one, and the numbers of the rows in their order, as parts.
    Lu,
    /// What `Lu` gave and the right-hand sides: the solutions.
    Solve,
    /// One of the parts that a task gave.
    Part(usize),
}

/// The elements of matrices that have factors.
trait Field: Element + LinalgScalar {
    /// What singular values are calculated in: their squares must not vanish.
    type Wide: Field;

    fn conjugate(self) -> Self;
}

impl Field for f32 {
    type Wide = f64;

    fn conjugate(self) -> Self {
        self
    }
}

impl Field for f64 {
    type Wide = f64;

    fn conjugate(self) -> Self {
        self
    }
}

impl Field for Complex64 {
    type Wide = Complex64;

    fn conjugate(self) -> Self {
        self.conj()
    }
}

impl Dense {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Qr => "qr",
            Self::Svd => "svd",
            Self::Lu => "lu",
            Self::Solve => "solve",
            Self::Part(_) => "part",
        }
    }

    pub(crate) fn run(&self, inputs: &[Arc<Block>]) -> Result<Block, ArrayError> {
        let Some(last) = inputs.last() else { return Err(self.wrong("a block is missing")) };
        if let (Self::Part(number), Block::Parts(parts)) = (self, &**last) {
            return parts.get(*number).cloned().ok_or_else(|| self.wrong("a part is missing"));
        }
        match last.element() {
            Some(ElementType::F32) => self.made::<f32>(inputs),
            Some(ElementType::F64) => self.made::<f64>(inputs),
            Some(ElementType::Complex64) => self.made::<Complex64>(inputs),
            _ => Err(self.wrong("elements of a type that has no factors")),
        }
    }

    fn made<T: Field>(&self, inputs: &[Arc<Block>]) -> Result<Block, ArrayError> {
        match (self, inputs) {
            (Self::Qr | Self::Svd, stack) if stack.iter().all(|block| block.is_empty()) => self.empty::<T>(stack),
            (Self::Qr, stack) => {
                let (q, r) = householder::factors(self.stacked::<T>(stack)?);
                Ok(Block::Parts(vec![q.into_block()?, r.into_block()?]))
            }
            (Self::Svd, [_]) => jacobi::factors(self.stacked::<T>(inputs)?),
            (Self::Lu, [matrix]) => {
                let [rows, columns] = self.shape(matrix)?;
                if rows != columns {
                    return Err(self.wrong(format!("a matrix of shape {:?} is not square", matrix.shape())));
                }
                let (factors, order) = gauss::factors(rows, matrix.elements::<T>()?.to_vec())?;
                let order = order.into_iter().map(|row| row as i64).collect();
                let factors = Block::from_elements(&[rows, rows], factors)?;
                Ok(Block::Parts(vec![factors, Block::from_elements(&[rows], order)?]))
            }
            (Self::Solve, [factors, sides]) => self.solve::<T>(factors, sides),
            _ => Err(self.wrong("not the blocks that it takes")),
        }
    }

    /// The factors of matrices without elements, however long they are.
    fn empty<T: Field>(&self, inputs: &[Arc<Block>]) -> Result<Block, ArrayError> {
        let shapes = inputs.iter().map(|block| self.shape(block)).collect::<Result<Vec<_>, _>>()?;
        let rows = shapes.iter().fold(0_usize, |sum, [rows, _]| sum.saturating_add(*rows));
        let columns = shapes.first().map_or(0, |[_, columns]| *columns);
        let no_values = Block::from_elements::<T::FloatReal>(&[0], Vec::new())?;
        let mut parts = vec![
            Block::from_elements::<T>(&[rows, 0], Vec::new())?,
            Block::from_elements::<T>(&[0, columns], Vec::new())?,
        ];
        if let Self::Svd = self {
            parts.insert(1, no_values);
        }
        Ok(Block::Parts(parts))
    }

    /// The inputs, one below the other.
    fn stacked<T: Field>(&self, inputs: &[Arc<Block>]) -> Result<Columns<T>, ArrayError> {
        let width = match inputs.first() {
            Some(first) => self.shape(first)?[1],
            None => 0,
        };
        // Matrices of no elements may be longer or wider than memory.
        for input in inputs {
            let [rows, columns] = self.shape(input)?;
            memory::room(&[rows.max(1), columns.max(1)], ElementType::Complex64)?;
        }
        let mut columns = Columns::new(width);
        for input in inputs {
            let [rows, own] = self.shape(input)?;
            if own != width {
                return Err(self.wrong("matrices of several widths are not one below the other"));
            }
            columns.push(rows, input.elements()?);
        }
        Ok(columns)
    }

    fn shape(&self, block: &Block) -> Result<[usize; 2], ArrayError> {
        block.shape().try_into().map_err(|_| self.wrong(format!("a block of shape {:?} is no matrix", block.shape())))
    }

    fn solve<T: Field>(&self, factors: &Block, sides: &Block) -> Result<Block, ArrayError> {
        let [factors, order] = factors.parts()?;
        let (shape, order) = (sides.shape(), order.elements::<i64>()?);
        let length = shape.first().copied().unwrap_or(0);
        if shape.is_empty() || factors.shape() != [length, length] || order.len() != length {
            return Err(self.wrong(format!("factors of shape {:?} are not for {shape:?}", factors.shape())));
        }
        let row = |row: &i64| usize::try_from(*row).ok().filter(|row| *row < length);
        let Some(order) = order.iter().map(row).collect::<Option<Vec<usize>>>() else {
            return Err(self.wrong("a row is missing"));
        };
        let width = shape[1..].iter().product();
        let solution = gauss::solution(factors.elements::<T>()?, &order, width, sides.elements()?);
        Block::from_elements(shape, solution)
    }

    fn wrong(&self, message: impl Into<String>) -> ArrayError {
        wrong(self.name(), message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block<T: Element>(shape: &[usize], elements: Vec<T>) -> Arc<Block> {
        Arc::new(Block::from_elements(shape, elements).unwrap())
    }

    #[test]
    fn blocks_that_do_not_fit_are_refused() {
        let (square, wide) = (block(&[2, 2], vec![1.0; 4]), block(&[2, 3], vec![1.0; 6]));
        let (vector, whole) = (block(&[2], vec![1.0; 2]), block(&[2, 2], vec![1_i64; 4]));
        let (short, parts) = (block(&[2, 2], vec![1.0_f32; 4]), Arc::new(Block::Parts(Vec::new())));
        let empty = block::<f64>(&[0, 0], Vec::new());
        let factors = |order: Vec<i64>| {
            let order = block(&[order.len()], order);
            Arc::new(Block::Parts(vec![Block::clone(&square), Block::clone(&order)]))
        };
        for (dense, inputs) in [
            (Dense::Qr, vec![]),
            (Dense::Qr, vec![vector.clone()]),
            (Dense::Qr, vec![square.clone(), wide.clone()]),
            (Dense::Qr, vec![short, square.clone()]),
            (Dense::Qr, vec![whole]),
            (Dense::Qr, vec![parts.clone()]),
            (Dense::Svd, vec![square.clone(), square.clone()]),
            (Dense::Lu, vec![wide.clone()]),
            (Dense::Lu, vec![vector.clone()]),
            (Dense::Solve, vec![square.clone()]),
            (Dense::Solve, vec![square.clone(), vector.clone()]),
            (Dense::Solve, vec![parts.clone(), vector.clone()]),
            (Dense::Solve, vec![factors(vec![0, 2]), vector.clone()]),
            (Dense::Solve, vec![factors(vec![0, -1]), vector.clone()]),
            (Dense::Solve, vec![factors(vec![0]), vector.clone()]),
            (Dense::Solve, vec![factors(vec![0, 1]), block(&[3], vec![1.0; 3])]),
            (Dense::Solve, vec![factors(vec![0, 1]), empty]),
            (Dense::Part(0), vec![parts]),
            (Dense::Part(0), vec![square.clone()]),
        ] {
            let error = dense.run(&inputs).unwrap_err();
            assert!(matches!(error, ArrayError::Kernel { .. }), "{dense:?} {inputs:?}: {error}");
        }
    }

    #[test]
    fn no_elements_are_factored_whatever_their_shape() {
        for shape in [[0, 1 << 40], [1 << 40, 0], [0, 0]] {
            let empty = block::<f64>(&shape, Vec::new());
            let factors = Dense::Qr.run(&[empty.clone(), empty.clone()]).unwrap();
            let [q, r] = factors.parts().unwrap();
            assert_eq!((q.shape(), r.shape()), (&[shape[0] * 2, 0][..], &[0, shape[1]][..]));
            let factors = Dense::Svd.run(&[empty]).unwrap();
            let [u, values, v] = factors.parts().unwrap();
            assert_eq!((u.shape(), values.shape(), v.shape()), (&[shape[0], 0][..], &[0][..], &[0, shape[1]][..]));
        }
    }
}
