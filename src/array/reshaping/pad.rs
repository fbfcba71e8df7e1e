//! Margins around an array.

use crate::array::{Array, ArrayError, Element, concatenate, full};

impl<T: Element> Array<T> {
    /// The array with so many places before and after along each axis, which all have one value. A margin has chunks as long as
    /// the longest one of its axis.
    ///
    /// # Errors
    ///
    /// [`ArrayError::Parameter`] if there are not as many margins as axes; [`ArrayError::ShapeOverflow`],
    /// [`ArrayError::TooManyBlocks`]; and the error that the array carries.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, array, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let x = array::arange(1, 4, 1, 2).pad(&[(1, 2)], 0)?;
    /// assert_eq!(client.compute(&x).wait()?.as_slice().unwrap(), [0, 1, 2, 3, 0, 0]);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pad(&self, margins: &[(usize, usize)], value: T) -> Result<Self, ArrayError> {
        self.ok()?;
        if margins.len() != self.ndim() {
            let (shape, count) = (self.shape(), margins.len());
            return Err(ArrayError::Parameter {
                operation: "pad".to_owned(),
                message: format!("{count} margins do not fit shape {shape:?}: give one for each axis"),
            });
        }
        let mut padded = self.clone();
        for (axis, (before, after)) in margins.iter().enumerate() {
            let margin = |length: usize| {
                let mut shape = padded.shape().to_vec();
                shape[axis] = length;
                let sizes = padded.chunks().iter().map(|list| list.iter().copied().max().unwrap_or(0).max(1));
                full(shape, sizes.collect::<Vec<_>>(), value)
            };
            let parts = match (before, after) {
                (0, 0) => continue,
                (0, after) => vec![padded.clone(), margin(*after)],
                (before, 0) => vec![margin(*before), padded.clone()],
                (before, after) => vec![margin(*before), padded.clone(), margin(*after)],
            };
            padded = concatenate(&parts, axis as isize)?;
        }
        Ok(padded)
    }
}
