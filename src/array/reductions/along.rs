//! What goes along one axis: running sums and quantiles.

use crate::array::block_node::block_node;
use crate::array::kernel::{Kernel, Piece, Pieces, Quantile, Scan};
use crate::array::{Array, ArrayError, Element, ElementType, Layout};

impl<T: Element> Array<T> {
    /// The running sum along an axis. Blocks along the axis follow one another; others are independent.
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
    /// let x = array::arange(1, 6, 1, 2).cumsum(0)?;
    /// assert_eq!(client.compute(&x).wait()?.as_slice().unwrap(), [1, 3, 6, 10, 15]);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cumsum(&self, axis: isize) -> Result<Array<T::Sum>, ArrayError> {
        self.ok()?;
        let axis = self.axis(axis)?;
        let wide: Array<T::Sum> = self.cast();
        wide.ok()?;
        let (layout, element) = (wide.layout().clone(), T::Sum::TYPE);
        let mut blocks: Vec<crate::Delayed<_>> = Vec::with_capacity(layout.block_count());
        // The last sums before the blocks along the axis that have elements.
        let mut last: Vec<Option<crate::Delayed<_>>> = vec![None; layout.block_count()];
        for (number, place) in layout.blocks().enumerate() {
            let shape = layout.block_shape(&place);
            let nbytes = |shape: &[usize]| shape.iter().product::<usize>() * element.nbytes();
            let mut first = place.clone();
            first[axis] = 0;
            let carry = &mut last[layout.block_number(&first)];
            let inputs = std::iter::once(wide.blocks()[number].clone()).chain(carry.clone()).collect();
            let block = block_node(Kernel::Scan(Scan { axis }), &place, nbytes(&shape), inputs);
            if shape[axis] > 0 && place[axis] + 1 < layout.grid()[axis] {
                let mut from = vec![0; shape.len()];
                from[axis] = shape[axis] - 1;
                let mut slice = shape.clone();
                slice[axis] = 1;
                let piece = Piece { from, at: vec![0; slice.len()], shape: slice.clone() };
                let pieces = Pieces { shape: slice.clone(), element, pieces: vec![piece] };
                *carry = Some(block_node(Kernel::Pieces(pieces), &place, nbytes(&slice), vec![block.clone()]));
            }
            blocks.push(block);
        }
        Ok(Array::from_blocks(layout, blocks))
    }

    /// The quantile along an axis, from 0 for the smallest to 1 for the largest, linear between the two nearest elements; NaN
    /// where one of them is. The axis becomes one chunk for it, so cut the others.
    ///
    /// # Errors
    ///
    /// [`ArrayError::Axis`]; [`ArrayError::Parameter`] for a number that is not from 0 to 1; [`ArrayError::Empty`];
    /// [`ArrayError::Unsupported`] for complex numbers; and the error that the array carries.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, array, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let median = array::arange(0, 10, 1, 3).quantile(0.5, 0, false)?;
    /// assert_eq!(client.compute(&median).wait()?[[]], 4.5);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn quantile(&self, quantile: f64, axis: isize, keepdims: bool) -> Result<Array<T::FloatReal>, ArrayError> {
        self.ok()?;
        let operation = || "quantile".to_owned();
        let axis = self.axis(axis)?;
        if !(0.0..=1.0).contains(&quantile) {
            return Err(ArrayError::Parameter {
                operation: operation(),
                message: format!("{quantile} is no part of all: give a number from 0 to 1"),
            });
        }
        if T::TYPE == ElementType::Complex64 {
            let fix = "take its `real()`, `imag()` or `abs()`".to_owned();
            return Err(ArrayError::Unsupported { operation: operation(), element: T::TYPE, fix });
        }
        let mut lists = self.chunks().to_vec();
        lists[axis] = vec![self.shape()[axis]];
        let column = self.rechunk(lists.clone())?;
        if keepdims {
            lists[axis] = vec![1];
        } else {
            lists.remove(axis);
        }
        let layout = Layout::from_lists(lists)?;
        if self.shape()[axis] == 0 && !layout.is_empty() {
            return Err(ArrayError::Empty { operation: operation(), shape: self.shape().to_vec() });
        }
        let blocks = column.layout().blocks().zip(column.blocks()).map(|(place, block)| {
            let mut shape = column.layout().block_shape(&place);
            shape[axis] = 1;
            let nbytes = shape.iter().product::<usize>() * T::FloatReal::TYPE.nbytes();
            let kernel = Quantile { quantile, axis, keepdims, element: T::FloatReal::TYPE };
            block_node(Kernel::Quantile(kernel), &place, nbytes, vec![block.clone()])
        });
        let blocks = blocks.collect();
        Ok(Array::from_blocks(layout, blocks))
    }
}
