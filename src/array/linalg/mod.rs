//! Factors of matrices, and systems of equations: `dask.array.linalg`.
//!
//! [`qr`] and [`svd`] are for matrices that are long and narrow: rows in as many chunks as one likes, and as many columns as make a
//! small square matrix. [`solve`] has the matrix in one task. All take `f32`, `f64` and
//! [`Complex64`](crate::array::Complex64).

mod qr;
mod solve;
mod svd;
mod tall;

use crate::array::{Array, ArrayError, Element, ElementType};

pub use self::qr::qr;
pub use self::solve::solve;
pub use self::svd::svd;

/// Refuses what is no matrix of floating point numbers.
fn check_matrix<T: Element>(operation: &str, x: &Array<T>) -> Result<(), ArrayError> {
    x.ok()?;
    check_floats::<T>(operation)?;
    if x.ndim() == 2 {
        return Ok(());
    }
    let message = format!("shape {:?} is no matrix: give an array with two axes", x.shape());
    Err(ArrayError::Parameter { operation: operation.to_owned(), message })
}

fn check_floats<T: Element>(operation: &str) -> Result<(), ArrayError> {
    if let ElementType::F32 | ElementType::F64 | ElementType::Complex64 = T::TYPE {
        return Ok(());
    }
    let fix = "cast it first, as by `x.cast::<f64>()`".to_owned();
    Err(ArrayError::Unsupported { operation: operation.to_owned(), element: T::TYPE, fix })
}
