use crate::array::block_node::block_node;
use crate::array::kernel::{Dense, Kernel};
use crate::array::linalg::check_matrix;
use crate::array::linalg::tall::{Tall, part};
use crate::array::{Array, ArrayError, Element, Layout};

/// The singular values S of a matrix that is long and narrow, in falling order, with U and the adjoint of V: U has orthonormal
/// columns, the adjoint of V orthonormal rows, and U·S·V is the matrix. Of `m` rows and `n` columns, `k` being the smaller of the
/// two, they have the shapes `m × k`, `k` and `k × n`.
///
/// It is that of the factor R of [`qr`](crate::array::linalg::qr), which one task makes. Signs are as they come: a column of U and
/// the row of V that goes with it can have the opposite ones elsewhere.
///
/// # Errors
///
/// [`ArrayError::Parameter`] if it is no matrix; [`ArrayError::Unsupported`] for whole numbers and `bool`; and the error that the
/// array carries. Elements that are NaN or infinite are an [`ArrayError::NoResult`] when it runs.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::array::{self, linalg};
/// use anydask::{Client, runtime::Smol};
///
/// let client = Client::<Smol>::local().wait()?;
/// // Two columns that are the same.
/// let (u, s, v) = linalg::svd(&array::ones([8, 2], [3, 2]))?;
/// let s = client.compute(&s).wait()?;
/// assert!((s[[0]] - 4.0_f64).abs() < 1e-12 && s[[1]].abs() < 1e-12);
/// assert_eq!((u.shape(), v.shape()), (&[8, 2][..], &[2, 2][..]));
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[expect(clippy::type_complexity, reason = "U, S and V, as NumPy gives them")]
pub fn svd<T: Element>(x: &Array<T>) -> Result<(Array<T>, Array<T::FloatReal>, Array<T>), ArrayError> {
    check_matrix("svd", x)?;
    let tall = Tall::new(x)?;
    let [_, columns] = tall.shape();
    let (rank, nbytes) = (tall.rank(), T::TYPE.nbytes());
    let (u_nbytes, v_nbytes) = (rank * rank * nbytes, rank * columns * nbytes);
    let r = tall.r().into_iter().collect();
    let all = block_node(Kernel::Dense(Dense::Svd), &[], u_nbytes.saturating_add(v_nbytes), r);
    let u = tall.q(Some(part(&all, 0, u_nbytes)));
    Ok((
        Array::from_blocks(Layout::from_lists(vec![tall.rows().to_vec(), vec![rank]])?, u),
        Array::from_blocks(Layout::from_lists(vec![vec![rank]])?, vec![part(&all, 1, rank * nbytes)]),
        Array::from_blocks(Layout::from_lists(vec![vec![rank], vec![columns]])?, vec![part(&all, 2, v_nbytes)]),
    ))
}
