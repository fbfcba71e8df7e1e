//! Functions of a block and what lies around it.

use std::panic::Location;
use std::sync::Arc;

use ndarray::ArrayD;

use crate::Delayed;
use crate::array::block_node::block_node;
use crate::array::elementwise::ends;
use crate::array::kernel::{Kernel, Overlap, Stretch};
use crate::array::mapping::blocks::hints;
use crate::array::mapping::margins::Along;
use crate::array::mapping::returned::returned;
use crate::array::mapping::{BlockPlace, Boundary, Depth, Expected, Named, mapping};
use crate::array::{Array, ArrayError, Block, Element, Layout};
use crate::graph::{IntoInputs, delayed_with};
use crate::task::{Failure, TaskFn, call_name};

impl<T: Element> Array<T> {
    /// Calls a function with each block and `depth` elements of its neighbours around it, and takes of what it gives, which
    /// has the same shape, the block again: Dask's `map_overlap`. For stencils, filters and running windows.
    ///
    /// The boundary says what lies around the array. Chunks stay as they are: those that are shorter than the depth are given
    /// elements of more than their neighbours. For the rest, see [`map_blocks`](Self::map_blocks).
    ///
    /// # Errors
    ///
    /// [`ArrayError::Parameter`] for a depth that is longer than its axis, or depths for another number of axes.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, array::{self, Boundary}, runtime::Smol};
    ///
    /// // The means of three neighbours each.
    /// let client = Client::<Smol>::local().wait()?;
    /// let x = array::arange(0.0, 6.0, 1.0, 2);
    /// let smooth = x.map_overlap(1, Boundary::Nearest, |block| {
    ///     let mut means = block.clone();
    ///     for at in 1..block.len() - 1 {
    ///         means[at] = (block[at - 1] + block[at] + block[at + 1]) / 3.0;
    ///     }
    ///     means
    /// })?;
    /// assert_eq!(client.compute(&smooth).wait()?.as_slice(), Some(&[1.0 / 3.0, 1.0, 2.0, 3.0, 4.0, 14.0 / 3.0][..]));
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn map_overlap<U, F>(
        &self,
        depth: impl Into<Depth>,
        boundary: Boundary<T>,
        function: F,
    ) -> Result<Array<U>, ArrayError>
    where
        U: Element,
        F: Fn(ArrayD<T>) -> ArrayD<U> + Send + Sync + 'static,
    {
        self.try_map_overlap(depth, boundary, move |block| Ok::<_, Failure>(function(block)))
    }

    /// As [`map_overlap`](Self::map_overlap), with a function that may fail: its error becomes an [`ArrayError::Function`] that
    /// names the block.
    ///
    /// # Errors
    ///
    /// Those of [`map_overlap`](Self::map_overlap).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, array::{self, Boundary}, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let times = array::from_ndarray(&ndarray::arr1(&[0, 3, 5, 4, 9]), 2);
    /// let checked = times.try_map_overlap([(1, 0)], Boundary::None, |block| match block.as_slice() {
    ///     Some(times) if times.is_sorted() => Ok(block),
    ///     _ => Err("the times go back"),
    /// })?;
    /// let error = client.compute(&checked).wait().unwrap_err();
    /// assert_eq!(error.downcast_ref::<array::ArrayError>().unwrap().to_string(), "block [1]: the times go back");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_map_overlap<U, E, F>(
        &self,
        depth: impl Into<Depth>,
        boundary: Boundary<T>,
        function: F,
    ) -> Result<Array<U>, ArrayError>
    where
        U: Element,
        E: Into<Failure>,
        F: Fn(ArrayD<T>) -> Result<ArrayD<U>, E> + Send + Sync + 'static,
    {
        let function = move |_: &BlockPlace, block| function(block).map_err(Into::into);
        let function = Arc::new(function);
        self.overlapped("map_overlap", depth.into(), boundary, |expected, block| {
            let hints = hints::<U>("map_overlap", &expected.place, &expected.shape);
            let offset = self.layout().block_offset(&expected.place);
            let place = BlockPlace { block: expected.place.clone(), offset, shape: expected.shape.clone() };
            Ok(delayed_with(hints, mapping("Array::map_overlap", &function, place, expected), block))
        })
    }

    /// As [`map_overlap`](Self::map_overlap), with a function that [`submit`](crate::Client::submit) takes: see
    /// [`map_blocks_task`](Self::map_blocks_task).
    ///
    /// # Errors
    ///
    /// Those of [`map_overlap`](Self::map_overlap).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, array::{self, Boundary}, runtime::Smol, task};
    /// use ndarray::ArrayD;
    ///
    /// #[task]
    /// fn steps(block: ArrayD<i64>) -> ArrayD<i64> {
    ///     let mut risen = block.clone();
    ///     (1..block.len()).for_each(|at| risen[at] = block[at] - block[at - 1]);
    ///     risen
    /// }
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let x = array::arange(0, 50, 10, 2).map_overlap_task([(1, 0)], Boundary::Constant(-10), steps)?;
    /// assert_eq!(client.compute(&x).wait()?.as_slice(), Some(&[10; 5][..]));
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn map_overlap_task<U, F, Args>(
        &self,
        depth: impl Into<Depth>,
        boundary: Boundary<T>,
        function: F,
    ) -> Result<Array<U>, ArrayError>
    where
        U: Element,
        F: TaskFn<Args, Output = ArrayD<U>> + Clone + Sync,
        Delayed<ArrayD<T>>: IntoInputs<Args>,
        Args: 'static,
    {
        let name = call_name(F::name(), Location::caller());
        self.overlapped("map_overlap_task", depth.into(), boundary, |expected, block| {
            let one = expected.shape.iter().map(|length| vec![*length]).collect();
            let elements = T::assemble(Layout::from_lists(one)?, vec![block]);
            let hints = hints::<U>(&name, &expected.place, &expected.shape);
            let named = Named { function: function.clone(), expected: expected.clone() };
            Ok(returned(expected, delayed_with(hints, named, elements)))
        })
    }

    /// Makes of each block, with what lies around it, one that has lost that again.
    fn overlapped<U: Element>(
        &self,
        operation: &str,
        depth: Depth,
        boundary: Boundary<T>,
        call: impl Fn(Expected, Delayed<Block>) -> Result<Delayed<Block>, ArrayError>,
    ) -> Result<Array<U>, ArrayError> {
        self.ok()?;
        let depths = depth.along(operation, self.shape())?;
        let layout = self.layout();
        let ends: Vec<Vec<usize>> = layout.chunks().iter().map(|list| ends(list).collect()).collect();
        let fill = if let Boundary::Constant(value) = boundary { value } else { T::default() };
        let block = |place: Vec<usize>| {
            let (offset, shape) = (layout.block_offset(&place), layout.block_shape(&place));
            let axes: Vec<Along> = (0..self.ndim())
                .map(|axis| {
                    let block = offset[axis]..offset[axis] + shape[axis];
                    Along::new(&ends[axis], block, depths[axis], &boundary)
                })
                .collect();
            let shape: Vec<usize> = axes.iter().map(|along| along.length).collect();
            let margins = axes.iter().map(|along| along.margin).collect();
            let nbytes = shape.iter().product::<usize>() * T::TYPE.nbytes();
            let mut inputs = Vec::new();
            let mut pieces: Vec<Vec<Stretch>> = Vec::new();
            let counts = axes.iter().map(|along| vec![1; along.parts.len()]).collect();
            for index in Layout::from_lists(counts)?.blocks() {
                let parts = || index.iter().zip(&axes).map(|(index, along)| along.parts[*index]);
                let chunk: Vec<usize> = parts().map(|(chunk, _)| chunk).collect();
                inputs.push(self.block(&chunk));
                pieces.push(parts().map(|(_, stretch)| stretch).collect());
            }
            let overlap = Overlap { shape: shape.clone(), fill: fill.into_scalar(), pieces };
            let around = block_node(Kernel::Overlap(overlap), &place, nbytes, inputs);
            call(Expected { place, shape, margins }, around)
        };
        let blocks = layout.blocks().map(block).collect::<Result<_, _>>()?;
        Ok(Array::from_blocks(layout.clone(), blocks))
    }
}
