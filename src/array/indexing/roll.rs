//! Axes that begin elsewhere.

use ndarray::SliceInfoElem;

use crate::array::{Array, ArrayError, Element, concatenate};

impl<T: Element> Array<T> {
    /// The elements moved so many places along an axis; what leaves it at one end comes in at the other.
    ///
    /// # Errors
    ///
    /// [`ArrayError::Axis`], and the error that the array carries.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, array, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let x = array::arange(0, 5, 1, 2);
    /// assert_eq!(client.compute(&x.roll(2, 0)?).wait()?.as_slice().unwrap(), [3, 4, 0, 1, 2]);
    /// assert_eq!(client.compute(&x.roll(-1, 0)?).wait()?.as_slice().unwrap(), [1, 2, 3, 4, 0]);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn roll(&self, places: isize, axis: isize) -> Result<Self, ArrayError> {
        self.ok()?;
        // No axis is longer than `isize::MAX`.
        let length = self.shape()[self.axis(axis)?] as isize;
        let first = places.checked_rem_euclid(length).map_or(0, |places| length - places);
        if first == 0 || first == length {
            return Ok(self.clone());
        }
        let last = self.slice_axis(axis, SliceInfoElem::Slice { start: first, end: None, step: 1 })?;
        concatenate(&[last, self.slice_axis(axis, SliceInfoElem::Slice { start: 0, end: Some(first), step: 1 })?], axis)
    }
}
