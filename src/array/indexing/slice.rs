//! Slices, as `ndarray` and NumPy write them.

use ndarray::SliceInfoElem;

use crate::array::indexing::progression::{Part, parts, progression};
use crate::array::indexing::viewed;
use crate::array::kernel::{Range, View};
use crate::array::{Array, ArrayError, Element, Layout};

impl<T: Element> Array<T> {
    /// A part of each axis, in the words of [`ndarray::s!`]: ranges with steps, single indices, which drop their axis, and
    /// `NewAxis`. Axes that are not named stay whole.
    ///
    /// Indices below 0 count from the end. A negative step goes through a range from its end: `1..5;-2` gives the places 4 and
    /// 2, where NumPy writes `4:0:-2`. The chunks are what is left of each.
    ///
    /// # Errors
    ///
    /// [`ArrayError::Index`] for what lies outside of an axis, and [`ArrayError::Axis`] for more indices than axes;
    /// [`ArrayError::Parameter`] for a step of 0; [`ArrayError::TooManyAxes`]; and the error that the array carries.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, array, runtime::Smol};
    /// use ndarray::{NewAxis, s};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let x = array::arange(0, 24, 1, 5).reshape([4, 6])?;
    /// let y = x.slice(s![1..3, ..;-2])?;
    /// assert_eq!(client.compute(&y).wait()?, ndarray::arr2(&[[11, 9, 7], [17, 15, 13]]).into_dyn());
    /// assert_eq!(x.slice(s![-1, NewAxis, ..4])?.shape(), [1, 4]);
    /// assert_eq!(x.slice(s![2])?.shape(), [6]);
    /// assert_eq!(x.slice(s![..5]).unwrap_err().to_string(), "index 5 is outside of axis 0 of shape [4, 6]: its length is 4");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn slice(&self, indices: impl AsRef<[SliceInfoElem]>) -> Result<Self, ArrayError> {
        self.ok()?;
        let mut rest = self.chunks().iter().enumerate();
        let mut own: Vec<Vec<Part>> = Vec::with_capacity(self.ndim());
        // Which of its axes each axis of the result is, if it is not new.
        let mut axes: Vec<Option<usize>> = Vec::new();
        for index in indices.as_ref() {
            if let SliceInfoElem::NewAxis = index {
                axes.push(None);
                continue;
            }
            let Some((axis, chunks)) = rest.next() else {
                return Err(ArrayError::Axis { axis: own.len() as isize, shape: self.shape().to_vec() });
            };
            own.push(parts(self.indices(axis, index)?, chunks));
            if let SliceInfoElem::Slice { .. } = index {
                axes.push(Some(axis));
            }
        }
        for (axis, chunks) in rest {
            let whole = chunks.iter().copied().map(Range::whole);
            own.push(whole.enumerate().map(|(chunk, range)| Part { chunk, range }).collect());
            axes.push(Some(axis));
        }
        let list = |axis: &Option<usize>| match axis {
            Some(axis) => own[*axis].iter().map(|part| part.range.length).collect(),
            None => vec![1],
        };
        let layout = Layout::from_lists(axes.iter().map(list).collect())?;
        Ok(viewed(self, layout.clone(), |place| {
            let mut chosen = vec![0; own.len()];
            axes.iter().zip(place).filter_map(|(axis, place)| Some((*axis.as_ref()?, place))).for_each(
                |(axis, place)| {
                    chosen[axis] = *place;
                },
            );
            let parts: Vec<Part> = own.iter().zip(chosen).map(|(parts, chosen)| parts[chosen]).collect();
            let view = View {
                ranges: parts.iter().map(|part| part.range).collect(),
                order: (0..parts.len()).collect(),
                shape: layout.block_shape(place),
            };
            (parts.iter().map(|part| part.chunk).collect(), view)
        }))
    }

    /// What is at one place of an axis, without that axis.
    ///
    /// # Errors
    ///
    /// [`ArrayError::Axis`], [`ArrayError::Index`], and the error that the array carries.
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask::array;
    ///
    /// let x = array::zeros([4, 6, 5], 3);
    /// assert_eq!(x.select(-1, 1)?.shape(), [4, 5]);
    /// # Ok::<(), array::ArrayError>(())
    /// ```
    pub fn select(&self, index: isize, axis: isize) -> Result<Self, ArrayError> {
        self.slice_axis(axis, SliceInfoElem::Index(index))
    }

    /// The elements along an axis in reverse order.
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
    /// let x = array::arange(0, 4, 1, 3).flip(0)?;
    /// assert_eq!(client.compute(&x).wait()?.as_slice().unwrap(), [3, 2, 1, 0]);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flip(&self, axis: isize) -> Result<Self, ArrayError> {
        self.slice_axis(axis, SliceInfoElem::Slice { start: 0, end: None, step: -1 })
    }

    /// One axis sliced, and the others whole.
    pub(crate) fn slice_axis(&self, axis: isize, index: SliceInfoElem) -> Result<Self, ArrayError> {
        self.ok()?;
        let axis = self.axis(axis)?;
        let mut indices = vec![SliceInfoElem::Slice { start: 0, end: None, step: 1 }; axis];
        indices.push(index);
        self.slice(indices)
    }

    /// The indices that are meant along an axis.
    fn indices(&self, axis: usize, index: &SliceInfoElem) -> Result<Range, ArrayError> {
        let length = self.shape()[axis];
        match *index {
            SliceInfoElem::Index(index) => {
                let first = self.index(index, axis)?;
                Ok(Range { first, step: 1, length: 1 })
            }
            SliceInfoElem::Slice { step: 0, .. } => Err(ArrayError::Parameter {
                operation: "slice".to_owned(),
                message: format!("a step of 0 along axis {axis} of {:?} leads nowhere: give another", self.shape()),
            }),
            SliceInfoElem::Slice { start, end, step } => {
                let start = self.bound(start, axis)?;
                let end = end.map_or(Ok(length), |end| self.bound(end, axis))?;
                Ok(progression(start, end.max(start), step))
            }
            SliceInfoElem::NewAxis => Ok(Range::whole(1)),
        }
    }

    /// The index of an element along an axis: negative ones count from the end.
    pub(crate) fn index(&self, index: isize, axis: usize) -> Result<usize, ArrayError> {
        let outside = || ArrayError::Index { index, axis, shape: self.shape().to_vec() };
        self.bound(index, axis).ok().filter(|index| *index < self.shape()[axis]).ok_or_else(outside)
    }

    /// As [`index`](Self::index), but may also be after the last.
    fn bound(&self, index: isize, axis: usize) -> Result<usize, ArrayError> {
        let length = self.shape()[axis];
        let from_start = if index < 0 { length.checked_sub(index.unsigned_abs()) } else { Some(index.unsigned_abs()) };
        let outside = || ArrayError::Index { index, axis, shape: self.shape().to_vec() };
        from_start.filter(|index| *index <= length).ok_or_else(outside)
    }
}
