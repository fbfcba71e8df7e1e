//! Factors of small dense matrices, and what is made with them. The algorithms are those of `nalgebra`.

use std::sync::Arc;

use nalgebra::{ComplexField, DMatrix, DVector, LU, QR, RealField, SVD};
use serde::{Deserialize, Serialize};

use crate::array::kernel::wrong;
use crate::array::{ArrayError, Block, Complex64, Element, ElementType};

/// How many steps the singular values of a matrix may take, for each of them. Two or three are usual.
const SVD_STEPS_MAX: usize = 100;

/// What to do with matrices. It takes about two copies of its inputs and its results besides.
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
trait Field: Element + ComplexField<RealField = <Self as Element>::FloatReal> {}

impl<T: Element + ComplexField<RealField = <Self as Element>::FloatReal>> Field for T {}

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

    fn made<T: Field>(&self, inputs: &[Arc<Block>]) -> Result<Block, ArrayError>
    where
        T::FloatReal: RealField,
    {
        match (self, inputs) {
            (Self::Qr, stack) => qr::<T>(self.matrix(stack)?),
            (Self::Svd, [_]) => svd::<T>(self.matrix(inputs)?),
            (Self::Lu, [_]) => lu::<T>(self.matrix(inputs)?),
            (Self::Solve, [factors, right]) => self.solve::<T>(factors, right),
            _ => Err(self.wrong("not the blocks that it takes")),
        }
    }

    /// The inputs, one below the other.
    fn matrix<T: Field>(&self, inputs: &[Arc<Block>]) -> Result<DMatrix<T>, ArrayError> {
        let (mut rows, mut columns, mut elements) = (0_usize, None, Vec::with_capacity(inputs.len()));
        for input in inputs {
            let [length, width] = input.shape() else { return Err(self.wrong("a block is no matrix")) };
            if *columns.get_or_insert(*width) != *width {
                return Err(self.wrong("matrices of several widths are not one below the other"));
            }
            rows = rows.saturating_add(*length);
            elements.push(input.elements::<T>()?);
        }
        Ok(DMatrix::from_row_iterator(rows, columns.unwrap_or(0), elements.into_iter().flatten().copied()))
    }

    fn solve<T: Field>(&self, factors: &Block, right: &Block) -> Result<Block, ArrayError> {
        let [factors, order] = factors.parts()?;
        let factors = self.matrix::<T>(&[Arc::new(factors.clone())])?;
        let order = order.elements::<i64>()?;
        let (shape, elements) = (right.shape(), right.elements::<T>()?);
        let length = shape.first().copied().unwrap_or(0);
        if shape.is_empty() || factors.shape() != (length, length) || order.len() != length {
            return Err(self.wrong(format!("factors of shape {:?} are not for {shape:?}", factors.shape())));
        }
        let width: usize = shape[1..].iter().product();
        let row = |row: &i64| usize::try_from(*row).ok().filter(|row| *row < length);
        let Some(order) = order.iter().map(row).collect::<Option<Vec<usize>>>() else {
            return Err(self.wrong("a row is missing"));
        };
        let rows = order.iter().flat_map(|row| elements[row * width..].iter().take(width));
        let mut solution = DMatrix::from_row_iterator(length, width, rows.copied());
        // `Lu` has seen that no pivot is 0.
        if !factors.solve_lower_triangular_with_diag_mut(&mut solution, T::one())
            || !factors.solve_upper_triangular_mut(&mut solution)
        {
            return Err(self.wrong("a pivot is 0"));
        }
        Block::from_elements(shape, elements_of(&solution))
    }

    fn wrong(&self, message: impl Into<String>) -> ArrayError {
        wrong(self.name(), message)
    }
}

fn qr<T: Field>(matrix: DMatrix<T>) -> Result<Block, ArrayError> {
    let (rows, columns) = matrix.shape();
    if matrix.is_empty() {
        return Ok(Block::Parts(vec![block(&DMatrix::<T>::zeros(rows, 0))?, block(&DMatrix::<T>::zeros(0, columns))?]));
    }
    let factors = QR::new(matrix);
    let (q, r) = (block(&factors.q())?, block(&factors.r())?);
    Ok(Block::Parts(vec![q, r]))
}

fn svd<T: Field>(matrix: DMatrix<T>) -> Result<Block, ArrayError>
where
    T::FloatReal: RealField,
{
    let (rows, columns) = matrix.shape();
    let count = rows.min(columns);
    let no_result = |message: &str| ArrayError::NoResult { operation: "svd".into(), message: message.into() };
    if count == 0 {
        let (u, v) = (DMatrix::<T>::zeros(rows, 0), DMatrix::<T>::zeros(0, columns));
        return Ok(Block::Parts(vec![block(&u)?, Block::from_elements::<T::FloatReal>(&[0], Vec::new())?, block(&v)?]));
    }
    if !matrix.iter().all(|element| ComplexField::is_finite(element)) {
        return Err(no_result("the matrix has elements that are NaN or infinite: replace them"));
    }
    let precision = if T::TYPE == ElementType::F32 { f64::from(f32::EPSILON) } else { f64::EPSILON };
    let precision: T::FloatReal = nalgebra::convert(precision);
    let Some(SVD { u: Some(u), singular_values, v_t: Some(v) }) =
        SVD::try_new(matrix, true, true, precision, count.saturating_mul(SVD_STEPS_MAX))
    else {
        return Err(no_result("the singular values were not found in as many steps as are allowed: scale the matrix"));
    };
    let values = singular_values.as_slice().to_vec();
    Ok(Block::Parts(vec![block(&u)?, Block::from_elements(&[count], values)?, block(&v)?]))
}

fn lu<T: Field>(matrix: DMatrix<T>) -> Result<Block, ArrayError> {
    let (rows, columns) = matrix.shape();
    if rows != columns {
        return Err(wrong("lu", format!("a matrix of shape {:?} is not square", [rows, columns])));
    }
    let factors = LU::new(matrix);
    let mut order = DVector::from_iterator(rows, 0..rows as i64);
    factors.p().permute_rows(&mut order);
    if let Some(column) = factors.lu_internal().diagonal().iter().position(|pivot| *pivot == T::zero()) {
        let message = format!(
            "the matrix of shape {:?} is singular: column {column} is a combination of those before it; solve the least squares \
             with `qr` or `svd`",
            [rows, columns]
        );
        return Err(ArrayError::NoResult { operation: "solve".into(), message });
    }
    let order = Block::from_elements(&[rows], order.as_slice().to_vec())?;
    Ok(Block::Parts(vec![block(factors.lu_internal())?, order]))
}

fn block<T: Field>(matrix: &DMatrix<T>) -> Result<Block, ArrayError> {
    Block::from_elements(&[matrix.nrows(), matrix.ncols()], elements_of(matrix))
}

/// In C order.
fn elements_of<T: Field>(matrix: &DMatrix<T>) -> Vec<T> {
    matrix.transpose().data.into()
}
