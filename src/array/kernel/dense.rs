//! Factors of small dense matrices, and what is made with them.
//!
//! The algorithms are here since those of `nalgebra`, the library for it without BLAS, give wrong singular values of matrices that
//! lack ranks; and Householder's, Jacobi's and Gauss's are short.

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
