use crate::array::block_node::block_node;
use crate::array::kernel::{Dense, Kernel};
use crate::array::linalg::check_matrix;
use crate::array::{Array, ArrayError, Element};

/// The solution x of the equations `a · x = b`, for a square matrix `a` and a vector `b`, or a matrix whose columns are each such a
/// vector. It has the shape of `b`.
///
/// The matrix is factored in one task, as L and U with rows exchanged, so that it must fit in memory about three times; its chunks
/// do not matter. The columns of `b` are solved for chunk by chunk.
///
/// # Errors
///
/// [`ArrayError::Parameter`] if `a` is no square matrix; [`ArrayError::Shapes`] if `b` does not go with it;
/// [`ArrayError::Unsupported`] for whole numbers and `bool`; and the error that one of them carries. A matrix that is singular,
/// so that a pivot is exactly 0, is an [`ArrayError::NoResult`] when it runs.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::array::{self, linalg};
/// use anydask::{Client, runtime::Smol};
/// use ndarray::{arr1, arr2};
///
/// let client = Client::<Smol>::local().wait()?;
/// let a = array::from_ndarray(&arr2(&[[0.0, 2.0], [1.0, 1.0]]), 1);
/// let b = array::from_ndarray(&arr1(&[2.0, 3.0]), 1);
/// assert_eq!(client.compute(&linalg::solve(&a, &b)?).wait()?, arr1(&[2.0, 1.0]).into_dyn());
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn solve<T: Element>(a: &Array<T>, b: &Array<T>) -> Result<Array<T>, ArrayError> {
    check_matrix("solve", a)?;
    b.ok()?;
    let (shape, sides) = (a.shape().to_vec(), b.shape().to_vec());
    let length = shape[0];
    if shape[1] != length {
        let message = format!("shape {shape:?} is not square: give as many equations as unknowns");
        return Err(ArrayError::Parameter { operation: "solve".into(), message });
    }
    if !(1..=2).contains(&sides.len()) || sides[0] != length {
        let fix = format!("the second needs shape [{length}], or [{length}, _] for several right-hand sides");
        return Err(ArrayError::Shapes { operation: "solve".into(), left: shape, right: sides, fix });
    }
    let matrix = a.rechunk(usize::MAX)?.blocks().to_vec();
    let factors = block_node(Kernel::Dense(Dense::Lu), &[], a.nbytes(), matrix);
    let mut lists = b.chunks().to_vec();
    lists[0] = vec![length];
    let sides = b.rechunk(lists)?;
    let blocks = sides.layout().blocks().zip(sides.blocks()).map(|(place, side)| {
        let nbytes = sides.layout().block_shape(&place).iter().product::<usize>() * T::TYPE.nbytes();
        block_node(Kernel::Dense(Dense::Solve), &place, nbytes, vec![factors.clone(), side.clone()])
    });
    let blocks = blocks.collect();
    Ok(Array::from_blocks(sides.layout().clone(), blocks))
}
