//! An array as if it had been repeated.

use std::sync::Arc;

use crate::array::elementwise::broadcast_shape;
use crate::array::kernel::{Kernel, Operation, Program};
use crate::array::layout::check_shape;
use crate::array::{Array, ArrayError, Element, Layout, Shape};

/// How large blocks become by repeating: there can be several for each thread, and they are still worth a task.
const BLOCK_NBYTES_MAX: usize = 16 << 20;

impl<T: Element> Array<T> {
    /// The array repeated along new first axes, and along those of length 1, to a shape, as operations on two arrays do of
    /// themselves. Those axes are cut so that blocks stay below 16 MiB, where their chunks are.
    ///
    /// # Errors
    ///
    /// [`ArrayError::Broadcast`] if the shape is not one that the array can be repeated to; [`ArrayError::TooManyAxes`],
    /// [`ArrayError::ShapeOverflow`], [`ArrayError::TooManyBlocks`]; and the error that the array carries.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, array, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let x = array::arange(0, 3, 1, 2).broadcast_to([2, 3])?;
    /// assert_eq!(client.compute(&x).wait()?, ndarray::arr2(&[[0, 1, 2], [0, 1, 2]]).into_dyn());
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn broadcast_to(&self, shape: impl Into<Shape>) -> Result<Self, ArrayError> {
        self.ok()?;
        let shape = shape.into().0;
        check_shape(&shape)?;
        if broadcast_shape(self.shape(), &shape)? != shape {
            return Err(ArrayError::Broadcast { left: self.shape().to_vec(), right: shape });
        }
        if shape == self.shape() {
            return Ok(self.clone());
        }
        let missing = shape.len() - self.ndim();
        let own = |axis: usize| axis.checked_sub(missing).filter(|own| self.shape()[*own] == shape[axis]);
        let repeated = |axis: &usize| own(*axis).is_none();
        let lists = self.chunks().iter().zip(self.shape());
        // Axes of length 1 may have empty chunks, which cannot be repeated.
        let lists: Vec<Vec<usize>> =
            lists.map(|(list, length)| if *length == 1 { vec![1] } else { list.clone() }).collect();
        let array = self.rechunk(lists)?;
        let largest: usize = array.chunks().iter().filter_map(|list| list.iter().max()).product();
        let mut left = (BLOCK_NBYTES_MAX / T::TYPE.nbytes()).checked_div(largest).unwrap_or(usize::MAX).max(1);
        let mut sizes = vec![usize::MAX; shape.len()];
        for axis in (0..shape.len()).rev().filter(repeated) {
            sizes[axis] = shape[axis].clamp(1, left);
            left /= sizes[axis];
        }
        let cut = Layout::new(&shape[..], sizes)?;
        let lists = (0..shape.len()).map(|axis| match own(axis) {
            Some(own) => array.chunks()[own].clone(),
            None => cut.chunks()[axis].clone(),
        });
        let layout = Layout::from_lists(lists.collect())?;
        Ok(Self::build(layout.clone(), |place| {
            let chunk = |axis: usize| if own(axis).is_some() { place[axis] } else { 0 };
            let from: Vec<usize> = (missing..shape.len()).map(chunk).collect();
            let mut program = Program::new(layout.block_shape(place));
            program.push(T::TYPE, Operation::Input(0));
            (Kernel::Program(Arc::new(program)), vec![array.block(&from)])
        }))
    }
}
