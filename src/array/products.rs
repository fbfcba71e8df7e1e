//! Products of arrays by blocks.

mod axes;
mod blocks;

use crate::array::kernel::{Binary, ProductAxes};
use crate::array::{Array, ArrayError, Element, Promote};

pub use self::axes::SummedAxes;
pub(crate) use self::blocks::product;

impl<T: Element> Array<T> {
    /// The dot product, as NumPy has it: of vectors the sum of the products of their elements, as an array without axes, which
    /// [`sum`](Self::sum) makes a number; of matrices their product; of a number the product with each element; else the sum of products over the last axis of the first
    /// and the last but one of the second, or its only one.
    ///
    /// Whole numbers wrap; of `bool` it is whether any of the products is true.
    ///
    /// # Errors
    ///
    /// [`ArrayError::Shapes`] with both shapes; [`ArrayError::TooManyAxes`] and the like for what the result would be; and
    /// the error that one of them carries.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, array, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let x = array::arange(0, 4, 1, 2);
    /// assert_eq!(client.compute(&x.dot(&x)?.sum()).wait()?, 14);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn dot<U>(&self, other: &Array<U>) -> Result<Array<T::Output>, ArrayError>
    where
        T: Promote<U>,
        U: Element,
    {
        self.ok()?;
        other.ok()?;
        let (Some(left), Some(right)) = (self.ndim().checked_sub(1), other.ndim().checked_sub(1)) else {
            return crate::array::elementwise::binary(Binary::Multiply, self, other);
        };
        let axes =
            ProductAxes { left_batch: 0, right_batch: 0, left: vec![left], right: vec![right.saturating_sub(1)] };
        product("dot", self, other, axes)
    }

    /// The product of matrices, as NumPy has it: axes before the last two are broadcast, a vector on the left is a row and on the
    /// right a column, and the result has no axis for it.
    ///
    /// Each block of the result is the sum of the products of pairs of blocks, four pairs a task, in place. Where the chunks of
    /// the axis that is summed over differ, both are cut to fit.
    ///
    /// # Errors
    ///
    /// [`ArrayError::Shapes`] and [`ArrayError::Broadcast`] with both shapes; [`ArrayError::TooManyBlocks`] and the like for
    /// what the result would be; and the error that one of them carries.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, array, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let (x, y) = (array::ones([4, 6], 2), array::full([6, 3], [3, 3], 2));
    /// let z = x.matmul(&y)?;
    /// assert_eq!(z.chunks(), [vec![2, 2], vec![3]]);
    /// assert_eq!(client.compute(&z).wait()?[[3, 2]], 12.0);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn matmul<U>(&self, other: &Array<U>) -> Result<Array<T::Output>, ArrayError>
    where
        T: Promote<U>,
        U: Element,
    {
        self.ok()?;
        other.ok()?;
        let (Some(left), Some(right)) = (self.ndim().checked_sub(1), other.ndim().checked_sub(1)) else {
            return Err(ArrayError::Shapes {
                operation: "matmul".into(),
                left: self.shape().to_vec(),
                right: other.shape().to_vec(),
                fix: "both need an axis; a number is multiplied with `*`".into(),
            });
        };
        let axes = ProductAxes {
            left_batch: left.saturating_sub(1),
            right_batch: right.saturating_sub(1),
            left: vec![left],
            right: vec![right.saturating_sub(1)],
        };
        product("matmul", self, other, axes)
    }
}

/// The sum of the products of elements over some axes of both arrays: a number of them, the last ones of the first and the first
/// ones of the second; or a list for each, which go together one by one. The result has the other axes of the first, then those
/// of the second, as in NumPy.
///
/// # Errors
///
/// [`ArrayError::Shapes`] with both shapes where axes that go together differ in length; [`ArrayError::Axis`] and
/// [`ArrayError::RepeatedAxis`]; [`ArrayError::Parameter`] for more axes than there are, or lists of two lengths;
/// [`ArrayError::TooManyAxes`] and the like for what the result would be; and the error that one of the arrays carries.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, array, runtime::Smol};
///
/// let client = Client::<Smol>::local().wait()?;
/// let x = array::ones([3, 4, 5], 2);
/// let gram = array::tensordot(&x, &x, ([0, 1], [0, 1]))?;
/// assert_eq!(client.compute(&gram).wait()?[[4, 4]], 12.0);
/// assert_eq!(array::tensordot(&x, &array::ones([4, 5, 7], 3), 2)?.shape(), [3, 7]);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn tensordot<T, U>(
    left: &Array<T>,
    right: &Array<U>,
    axes: impl Into<SummedAxes>,
) -> Result<Array<T::Output>, ArrayError>
where
    T: Promote<U>,
    U: Element,
{
    left.ok()?;
    right.ok()?;
    let (left_axes, right_axes) = axes.into().of(left, right)?;
    let axes = ProductAxes { left_batch: 0, right_batch: 0, left: left_axes, right: right_axes };
    product("tensordot", left, right, axes)
}
