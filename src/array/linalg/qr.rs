use crate::array::linalg::check_matrix;
use crate::array::linalg::tall::Tall;
use crate::array::{Array, ArrayError, Element, Layout};

/// The factors Q and R of a matrix that is long and narrow: Q has orthonormal columns, R is an upper triangle, and Q·R is the matrix.
/// Of `m` rows and `n` columns Q is `m × k` and R `k × n`, where `k` is the smaller of the two, as NumPy has it.
///
/// Each block of rows is factored by itself, then the factors R of eight of them together, and so on. The columns become one
/// chunk for it. No order of blocks and threads changes the result, but other chunks do, in its last bits and in signs: those of
/// the rows of R and the columns of Q are as they come.
///
/// # Errors
///
/// [`ArrayError::Parameter`] if it is no matrix; [`ArrayError::Unsupported`] for whole numbers and `bool`; and the error that the
/// array carries.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::array::{self, linalg};
/// use anydask::{Client, runtime::Smol};
///
/// let client = Client::<Smol>::local().wait()?;
/// let x = array::random([1000, 5], [100, 5]);
/// let (q, r) = linalg::qr(&x)?;
/// assert_eq!((q.shape(), r.shape()), (&[1000, 5][..], &[5, 5][..]));
/// let distance = (q.matmul(&r)? - x).abs().max()?;
/// assert!(client.compute(&distance).wait()? < 1e-12);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn qr<T: Element>(x: &Array<T>) -> Result<(Array<T>, Array<T>), ArrayError> {
    check_matrix("qr", x)?;
    let tall = Tall::new(x)?;
    let [_, columns] = tall.shape();
    let q = Layout::from_lists(vec![tall.rows().to_vec(), vec![tall.rank()]])?;
    let r = Layout::from_lists(vec![vec![tall.rank()], vec![columns]])?;
    Ok((Array::from_blocks(q, tall.q(None)), Array::from_blocks(r, tall.r().into_iter().collect())))
}
