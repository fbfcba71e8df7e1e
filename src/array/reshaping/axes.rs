//! Axes in another order, more of them, and fewer.

use ndarray::SliceInfoElem;

use crate::array::indexing::viewed;
use crate::array::kernel::{Range, View};
use crate::array::{Array, ArrayError, Element, Layout};

const WHOLE: SliceInfoElem = SliceInfoElem::Slice { start: 0, end: None, step: 1 };

impl<T: Element> Array<T> {
    /// The axes in reverse order.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, array, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let x = array::random([40, 40], [10, 20]);
    /// let y = &x + &x.transpose();
    /// assert_eq!(y.chunks(), [vec![10; 4], vec![10; 4]]);
    /// let y = client.compute(&y).wait()?;
    /// assert_eq!(y[[3, 31]], y[[31, 3]]);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn transpose(&self) -> Self {
        let made = self.ok().map(|()| self.ordered(&(0..self.ndim()).rev().collect::<Vec<_>>()));
        Self::carrying(made)
    }

    /// As [`transpose`](Self::transpose).
    pub fn t(&self) -> Self {
        self.transpose()
    }

    /// The axes in this order, in which each is once. Negative ones count from the end.
    ///
    /// # Errors
    ///
    /// [`ArrayError::Axis`], [`ArrayError::RepeatedAxis`], [`ArrayError::Parameter`] for too few axes, and the error that the
    /// array carries.
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask::array;
    ///
    /// let x = array::zeros([2, 3, 5], 2);
    /// assert_eq!(x.permute_axes(&[2, 0, 1])?.shape(), [5, 2, 3]);
    /// # Ok::<(), array::ArrayError>(())
    /// ```
    pub fn permute_axes(&self, axes: &[isize]) -> Result<Self, ArrayError> {
        self.ok()?;
        let order = axes.iter().map(|axis| self.axis(*axis)).collect::<Result<Vec<_>, _>>()?;
        if let Some((_, axis)) = order.iter().enumerate().find(|(number, axis)| order[..*number].contains(axis)) {
            return Err(ArrayError::RepeatedAxis { axis: *axis, shape: self.shape().to_vec() });
        }
        if order.len() != self.ndim() {
            let (shape, count) = (self.shape(), self.ndim());
            return Err(ArrayError::Parameter {
                operation: "permute_axes".to_owned(),
                message: format!("the order {axes:?} does not have all axes of shape {shape:?}: name all {count}"),
            });
        }
        Ok(self.ordered(&order))
    }

    /// Two axes in each other's place.
    ///
    /// # Errors
    ///
    /// [`ArrayError::Axis`], and the error that the array carries.
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask::array;
    ///
    /// let x = array::zeros([2, 3, 5], 2);
    /// assert_eq!(x.swap_axes(0, -1)?.shape(), [5, 3, 2]);
    /// # Ok::<(), array::ArrayError>(())
    /// ```
    pub fn swap_axes(&self, one: isize, other: isize) -> Result<Self, ArrayError> {
        self.ok()?;
        let mut order: Vec<usize> = (0..self.ndim()).collect();
        order.swap(self.axis(one)?, self.axis(other)?);
        Ok(self.ordered(&order))
    }

    /// A new axis of length 1, which is then the axis with this number. Negative ones count from the end, where -1 makes the
    /// new axis the last one.
    ///
    /// # Errors
    ///
    /// [`ArrayError::Axis`] with the shape as it would be, [`ArrayError::TooManyAxes`], and the error that the array carries.
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask::array;
    ///
    /// let x = array::zeros([2, 3], 2);
    /// assert_eq!(x.expand_dims(0)?.shape(), [1, 2, 3]);
    /// assert_eq!(x.expand_dims(-1)?.shape(), [2, 3, 1]);
    /// # Ok::<(), array::ArrayError>(())
    /// ```
    pub fn expand_dims(&self, axis: isize) -> Result<Self, ArrayError> {
        self.ok()?;
        let count = self.ndim() + 1;
        let from_start = if axis < 0 { count.checked_sub(axis.unsigned_abs()) } else { Some(axis.unsigned_abs()) };
        let Some(place) = from_start.filter(|place| *place < count) else {
            return Err(ArrayError::Axis { axis, shape: self.shape().iter().copied().chain([1]).collect() });
        };
        let mut indices = vec![WHOLE; place];
        indices.push(SliceInfoElem::NewAxis);
        self.slice(indices)
    }

    /// Without all axes of length 1.
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask::array;
    ///
    /// assert_eq!(array::zeros([1, 3, 1, 2], 2).squeeze().shape(), [3, 2]);
    /// ```
    pub fn squeeze(&self) -> Self {
        let index = |length: &usize| if *length == 1 { SliceInfoElem::Index(0) } else { WHOLE };
        Self::carrying(self.slice(self.shape().iter().map(index).collect::<Vec<_>>()))
    }

    /// Without an axis, whose length is 1.
    ///
    /// # Errors
    ///
    /// [`ArrayError::Axis`]; [`ArrayError::Parameter`] if the axis has another length; and the error that the array carries.
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask::array;
    ///
    /// let x = array::zeros([1, 3, 1, 2], 2);
    /// assert_eq!(x.squeeze_axis(-2)?.shape(), [1, 3, 2]);
    /// assert!(x.squeeze_axis(1).is_err());
    /// # Ok::<(), array::ArrayError>(())
    /// ```
    pub fn squeeze_axis(&self, axis: isize) -> Result<Self, ArrayError> {
        self.ok()?;
        let place = self.axis(axis)?;
        if self.shape()[place] != 1 {
            return Err(ArrayError::Parameter {
                operation: "squeeze_axis".to_owned(),
                message: format!("axis {axis} of shape {:?} does not have length 1: `select` a place", self.shape()),
            });
        }
        self.slice_axis(axis, SliceInfoElem::Index(0))
    }

    /// The axes in this order, in which each is once.
    fn ordered(&self, order: &[usize]) -> Self {
        let lists = order.iter().map(|axis| self.chunks()[*axis].clone()).collect();
        Self::carrying(Layout::from_lists(lists).map(|layout| {
            viewed(self, layout.clone(), |place| {
                let mut from = vec![0; place.len()];
                order.iter().zip(place).for_each(|(axis, place)| from[*axis] = *place);
                let ranges = self.layout().block_shape(&from).into_iter().map(Range::whole).collect();
                (from, View { ranges, order: order.to_vec(), shape: layout.block_shape(place) })
            })
        }))
    }
}
