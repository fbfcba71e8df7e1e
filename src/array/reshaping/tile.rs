//! Arrays that follow themselves.

use crate::array::{Array, ArrayError, BLOCKS_MAX, Element, Shape, concatenate};

impl<T: Element> Array<T> {
    /// The array so many times along each axis. Axes at the front that are not there have length 1 before; of fewer counts than
    /// axes, those at the front are 1.
    ///
    /// # Errors
    ///
    /// [`ArrayError::TooManyAxes`], [`ArrayError::ShapeOverflow`], [`ArrayError::TooManyBlocks`], and the error that the array
    /// carries.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, array, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let x = array::arange(0, 2, 1, 2).tile([2, 2])?;
    /// assert_eq!(client.compute(&x).wait()?, ndarray::arr2(&[[0, 1, 0, 1], [0, 1, 0, 1]]).into_dyn());
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn tile(&self, counts: impl Into<Shape>) -> Result<Self, ArrayError> {
        self.ok()?;
        let counts = counts.into().0;
        let mut tiled = self.clone();
        while tiled.ndim() < counts.len() {
            tiled = tiled.expand_dims(0)?;
        }
        let missing = tiled.ndim() - counts.len();
        for (axis, count) in counts.iter().enumerate().map(|(axis, count)| ((missing + axis) as isize, *count)) {
            if count == 0 {
                let none = ndarray::SliceInfoElem::Slice { start: 0, end: Some(0), step: 1 };
                tiled = tiled.slice_axis(axis, none)?;
                continue;
            }
            // Before there is a list of so many arrays.
            if tiled.blocks().len().checked_mul(count).is_none_or(|blocks| blocks > BLOCKS_MAX) {
                let mut shape = tiled.shape().to_vec();
                shape[axis as usize] = shape[axis as usize].saturating_mul(count);
                return Err(ArrayError::TooManyBlocks { shape });
            }
            tiled = concatenate(&vec![&tiled; count], axis)?;
        }
        Ok(tiled)
    }
}
