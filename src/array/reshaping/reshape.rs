//! The same elements, in C order, in another shape.

use crate::array::indexing::viewed;
use crate::array::kernel::View;
use crate::array::layout::check_shape;
use crate::array::reshaping::groups::{Group, groups, into_rows, out_of_rows, row};
use crate::array::{Array, ArrayError, Element, Layout, Lengths, full};

impl<T: Element> Array<T> {
    /// The same elements, in C order, in another shape. One of its lengths may be -1: it is then what is left.
    ///
    /// Axes that stay keep their chunks, and so do axes that are split or put together where each block is a row of elements in
    /// both shapes. Other axes are cut into blocks of about the same size first: an array never becomes one block for it.
    ///
    /// # Errors
    ///
    /// [`ArrayError::Shapes`] if there are not as many elements; [`ArrayError::Parameter`] if -1 stands for no length;
    /// [`ArrayError::TooManyAxes`], [`ArrayError::ShapeOverflow`], [`ArrayError::TooManyBlocks`]; and the error that the array
    /// carries.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, array, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let months = array::arange(0, 24, 1, 12).reshape([-1, 12])?;
    /// assert_eq!(months.chunks(), [vec![1, 1], vec![12]]);
    /// assert_eq!(client.compute(&months).wait()?[[1, 2]], 14);
    /// assert_eq!(months.reshape([4, 3, 2])?.shape(), [4, 3, 2]);
    /// let error = months.reshape([5, 5]).unwrap_err();
    /// assert_eq!(error.to_string(), "reshape of shapes [2, 12] and [5, 5]: give a shape of 24 elements");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reshape(&self, shape: impl Into<Lengths>) -> Result<Self, ArrayError> {
        self.ok()?;
        let shape = shape.into().of(self.shape())?;
        check_shape(&shape)?;
        if shape.iter().product::<usize>() != self.len() {
            return Err(ArrayError::Shapes {
                operation: "reshape".to_owned(),
                left: self.shape().to_vec(),
                right: shape,
                fix: format!("give a shape of {} elements", self.len()),
            });
        }
        if shape == self.shape() {
            return Ok(self.clone());
        }
        if self.is_empty() {
            return full(shape, usize::MAX, T::default()).check();
        }
        let groups = groups(self.shape(), &shape);
        // Axes of length 1 are in no group.
        let mut from: Vec<Vec<usize>> = vec![vec![1]; self.ndim()];
        let mut to: Vec<Vec<usize>> = vec![vec![1]; shape.len()];
        for (own, other) in &groups {
            from[own.clone()].clone_from_slice(&into_rows(&self.shape()[own.clone()], &self.chunks()[own.clone()]));
            to[other.clone()].clone_from_slice(&out_of_rows(&shape[other.clone()], &row(&from[own.clone()])));
        }
        let side = |lists: &[Vec<usize>], axes: fn(&Group) -> &std::ops::Range<usize>| {
            groups.iter().map(|group| row(&lists[axes(group).clone()])).collect::<Vec<_>>()
        };
        let (before, after) = (side(&from, |group| &group.0), side(&to, |group| &group.1));
        let mut rows = self.rechunk(from)?;
        if before != after {
            rows = rows.seen_as(Layout::from_lists(before)?).rechunk(after)?;
        }
        Ok(rows.seen_as(Layout::from_lists(to)?))
    }

    /// All elements, in C order, along one axis.
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask::array;
    ///
    /// let x = array::zeros([10, 6], [5, 6]).ravel();
    /// assert_eq!(x.chunks(), [vec![30, 30]]);
    /// ```
    pub fn ravel(&self) -> Self {
        Self::carrying(self.reshape(-1_isize))
    }

    /// The same blocks in another layout, of which each block has as many elements and in the same order.
    fn seen_as(&self, layout: Layout) -> Self {
        debug_assert_eq!(layout.block_count(), self.layout().block_count());
        let places: Vec<Vec<usize>> = self.layout().blocks().collect();
        viewed(self, layout.clone(), |place| {
            let from = places[layout.block_number(place)].clone();
            let view = View { shape: layout.block_shape(place), ..View::whole(&self.layout().block_shape(&from)) };
            (from, view)
        })
    }
}
