//! Functions of one block each.

use std::panic::Location;
use std::sync::Arc;

use ndarray::ArrayD;

use crate::Delayed;
use crate::array::block_node::block_name;
use crate::array::mapping::returned::returned;
use crate::array::mapping::{Expected, Named, mapping};
use crate::array::{Array, ArrayError, Block, Chunks, Element, Layout};
use crate::graph::{Hints, IntoInputs, delayed_with};
use crate::task::{Failure, TaskFn, call_name};

/// Where a block is: what [`Array::map_blocks_at`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockPlace {
    /// Which of the blocks it is, along each axis.
    pub block: Vec<usize>,
    /// Where it begins along each axis.
    pub offset: Vec<usize>,
    /// The shape that the function has to give.
    pub shape: Vec<usize>,
}

impl<T: Element> Array<T> {
    /// Calls a function with the elements of each block, which gives as many of the same shape: Dask's `map_blocks`.
    ///
    /// It is given the array, to be changed in place where nobody else needs the block; else it is a copy. The function runs in
    /// this process, and is shared by the blocks; for a Dask cluster see [`map_blocks_task`](Self::map_blocks_task). When it
    /// panics or gives another shape, that is an [`ArrayError::Function`] which names the block.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, array, runtime::Smol};
    /// use ndarray::arr1;
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let x = array::arange(0, 5, 1, 2);
    /// let y = x.map_blocks(|mut block| {
    ///     block.mapv_inplace(|element| element * element);
    ///     block
    /// });
    /// assert_eq!(client.compute(&y).wait()?, arr1(&[0, 1, 4, 9, 16]).into_dyn());
    /// let odd = x.map_blocks(|block| block.mapv(|element| element % 2 == 1));
    /// assert_eq!(client.compute(&odd.sum()).wait()?, 2);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn map_blocks<U, F>(&self, function: F) -> Array<U>
    where
        U: Element,
        F: Fn(ArrayD<T>) -> ArrayD<U> + Send + Sync + 'static,
    {
        self.map_blocks_at(move |_, block| function(block))
    }

    /// As [`map_blocks`](Self::map_blocks), with a function that may fail: its error becomes an [`ArrayError::Function`] that
    /// names the block.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, array, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let x = array::arange(0, 100, 1, 10);
    /// let roots = x.try_map_blocks(|block| match block.iter().find(|element| **element > 41) {
    ///     Some(element) => Err(format!("{element} is too large")),
    ///     None => Ok(block),
    /// });
    /// let error = client.compute(&roots).wait().unwrap_err();
    /// let error = error.downcast_ref::<array::ArrayError>().unwrap().to_string();
    /// assert!(error.starts_with("block [") && error.ends_with(" is too large"), "{error}");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_map_blocks<U, E, F>(&self, function: F) -> Array<U>
    where
        U: Element,
        E: Into<Failure>,
        F: Fn(ArrayD<T>) -> Result<ArrayD<U>, E> + Send + Sync + 'static,
    {
        Array::carrying(self.mapped(self.layout(), move |_, block| function(block).map_err(Into::into)))
    }

    /// As [`map_blocks`](Self::map_blocks), with a function that is also told where the block is.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, array, runtime::Smol};
    /// use ndarray::arr1;
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let x = array::zeros(5, 2).map_blocks_at(|place, block| block + place.offset[0] as f64);
    /// assert_eq!(client.compute(&x).wait()?, arr1(&[0.0, 0.0, 2.0, 2.0, 4.0]).into_dyn());
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn map_blocks_at<U, F>(&self, function: F) -> Array<U>
    where
        U: Element,
        F: Fn(&BlockPlace, ArrayD<T>) -> ArrayD<U> + Send + Sync + 'static,
    {
        Array::carrying(self.mapped(self.layout(), move |place, block| Ok(function(place, block))))
    }

    /// As [`map_blocks`](Self::map_blocks), with a function that gives blocks of other shapes, in as many chunks along each axis.
    ///
    /// One size for an axis is the length of each of its chunks. With lists, axes that are one block may also go or come.
    ///
    /// # Errors
    ///
    /// [`ArrayError::Parameter`] for chunks that make another grid of blocks; those of [`Layout::new`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, array, runtime::Smol};
    /// use ndarray::{Axis, arr1};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let x = array::ones([6, 4], [3, 4]);
    /// // Each block as one row; and as one number, of an array of one axis.
    /// let rows = x.map_blocks_to([1, 4], |block| block.sum_axis(Axis(0)).insert_axis(Axis(0)))?;
    /// assert_eq!(rows.shape(), [2, 4]);
    /// let sums = x.map_blocks_to([vec![1, 1]], |block| arr1(&[block.sum()]).into_dyn())?;
    /// assert_eq!(client.compute(&sums).wait()?, arr1(&[12.0, 12.0]).into_dyn());
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn map_blocks_to<U, F>(&self, chunks: impl Into<Chunks>, function: F) -> Result<Array<U>, ArrayError>
    where
        U: Element,
        F: Fn(ArrayD<T>) -> ArrayD<U> + Send + Sync + 'static,
    {
        self.try_map_blocks_to(chunks, move |_, block| Ok::<_, Failure>(function(block)))
    }

    /// As [`map_blocks_to`](Self::map_blocks_to), with a function that may fail, and is told where the block is that it is given.
    ///
    /// # Errors
    ///
    /// Those of [`map_blocks_to`](Self::map_blocks_to).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, array, runtime::Smol};
    /// use ndarray::{ArrayD, IxDyn};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let text = array::from_fn(2, 1, |offset, _| ArrayD::from_elem(IxDyn(&[1]), b'7' + offset[0] as u8));
    /// let numbers = text.try_map_blocks_to(3, |place, block| {
    ///     let number: i64 = std::str::from_utf8(block.as_slice().unwrap_or_default())?.parse()?;
    ///     Ok::<_, Box<dyn std::error::Error + Send + Sync>>(ArrayD::from_elem(IxDyn(&place.shape), number))
    /// })?;
    /// assert_eq!(client.compute(&numbers).wait()?.as_slice(), Some(&[7, 7, 7, 8, 8, 8][..]));
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_map_blocks_to<U, E, F>(&self, chunks: impl Into<Chunks>, function: F) -> Result<Array<U>, ArrayError>
    where
        U: Element,
        E: Into<Failure>,
        F: Fn(&BlockPlace, ArrayD<T>) -> Result<ArrayD<U>, E> + Send + Sync + 'static,
    {
        self.ok()?;
        let layout = self.mapped_layout("map_blocks_to", chunks.into())?;
        self.mapped(&layout, move |place, block| function(place, block).map_err(Into::into))
    }

    /// As [`map_blocks`](Self::map_blocks), with a function that [`submit`](crate::Client::submit) takes: also a
    /// [`#[task]`](macro@crate::task), which can run on a Dask cluster as well, a [`fallible`](crate::fallible) or an
    /// [`asynchronous`](crate::asynchronous) one, and there a function of Python's. It takes one array. A failure on a worker
    /// of ours begins with the block, too.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, array, runtime::Smol, task};
    /// use ndarray::ArrayD;
    ///
    /// #[task]
    /// fn logistic(mut block: ArrayD<f64>) -> ArrayD<f64> {
    ///     block.mapv_inplace(|x| 1.0 / (1.0 + (-x).exp()));
    ///     block
    /// }
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let x = array::linspace(-1.0, 1.0, 5, 2).map_blocks_task(logistic);
    /// assert_eq!(client.compute(&x).wait()?[[2]], 0.5);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn map_blocks_task<U, F, Args>(&self, function: F) -> Array<U>
    where
        U: Element,
        F: TaskFn<Args, Output = ArrayD<U>> + Clone + Sync,
        Delayed<ArrayD<T>>: IntoInputs<Args>,
        Args: 'static,
    {
        Array::carrying(self.mapped_by_task(self.layout(), function))
    }

    /// As [`map_blocks_to`](Self::map_blocks_to), with a function as [`map_blocks_task`](Self::map_blocks_task) takes it.
    ///
    /// # Errors
    ///
    /// Those of [`map_blocks_to`](Self::map_blocks_to).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, array, runtime::Smol, task};
    /// use ndarray::{ArrayD, arr1};
    ///
    /// #[task]
    /// fn extremes(block: ArrayD<i64>) -> ArrayD<i64> {
    ///     let (least, most) = block.iter().fold((i64::MAX, i64::MIN), |(least, most), x| (least.min(*x), most.max(*x)));
    ///     arr1(&[least, most]).into_dyn()
    /// }
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let x = array::arange(0, 10, 1, 4).map_blocks_to_task(2, extremes)?;
    /// assert_eq!(client.compute(&x).wait()?.as_slice(), Some(&[0, 3, 4, 7, 8, 9][..]));
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn map_blocks_to_task<U, F, Args>(&self, chunks: impl Into<Chunks>, function: F) -> Result<Array<U>, ArrayError>
    where
        U: Element,
        F: TaskFn<Args, Output = ArrayD<U>> + Clone + Sync,
        Delayed<ArrayD<T>>: IntoInputs<Args>,
        Args: 'static,
    {
        self.ok()?;
        let layout = self.mapped_layout("map_blocks_to_task", chunks.into())?;
        self.mapped_by_task(&layout, function)
    }

    fn mapped<U, F>(&self, layout: &Layout, function: F) -> Result<Array<U>, ArrayError>
    where
        U: Element,
        F: Fn(&BlockPlace, ArrayD<T>) -> Result<ArrayD<U>, Failure> + Send + Sync + 'static,
    {
        self.ok()?;
        let function = Arc::new(function);
        let operation = if layout == self.layout() { "Array::map_blocks" } else { "Array::map_blocks_to" };
        let block = |(place, block, shape): (Vec<usize>, &Delayed<Block>, Vec<usize>)| {
            let hints = hints::<U>("map_blocks", &place, &shape);
            let place = BlockPlace { offset: self.layout().block_offset(&place), block: place, shape };
            let expected = Expected::whole(&place);
            delayed_with(hints, mapping(operation, &function, place, expected), block)
        };
        Ok(Array::from_blocks(layout.clone(), self.mapped_blocks(layout).map(block).collect()))
    }

    #[track_caller]
    fn mapped_by_task<U, F, Args>(&self, layout: &Layout, function: F) -> Result<Array<U>, ArrayError>
    where
        U: Element,
        F: TaskFn<Args, Output = ArrayD<U>> + Clone + Sync,
        Delayed<ArrayD<T>>: IntoInputs<Args>,
        Args: 'static,
    {
        self.ok()?;
        let name = call_name(F::name(), Location::caller());
        let block = |(place, block, shape): (Vec<usize>, &Delayed<Block>, Vec<usize>)| {
            let one = self.layout().block_shape(&place).into_iter().map(|length| vec![length]).collect();
            let elements = T::assemble(Layout::from_lists(one)?, vec![block.clone()]);
            let hints = hints::<U>(&name, &place, &shape);
            let expected = Expected { place, shape, margins: Vec::new() };
            let named = Named { function: function.clone(), expected: expected.clone() };
            Ok(returned(expected, delayed_with(hints, named, elements)))
        };
        let blocks = self.mapped_blocks(layout).map(block).collect::<Result<_, ArrayError>>()?;
        Ok(Array::from_blocks(layout.clone(), blocks))
    }

    /// Each block with its place, and the shape that the layout has for what becomes of it.
    fn mapped_blocks<'a>(
        &'a self,
        layout: &'a Layout,
    ) -> impl Iterator<Item = (Vec<usize>, &'a Delayed<Block>, Vec<usize>)> {
        let shapes = layout.blocks().map(|place| layout.block_shape(&place));
        self.layout().blocks().zip(self.blocks()).zip(shapes).map(|((place, block), shape)| (place, block, shape))
    }

    /// The layout in which each block becomes one of these chunks.
    fn mapped_layout(&self, operation: &str, chunks: Chunks) -> Result<Layout, ArrayError> {
        let grid = self.layout().grid();
        let lists = match chunks {
            Chunks::Every(size) => grid.iter().map(|count| vec![size; *count]).collect(),
            Chunks::Sizes(sizes) if sizes.len() == grid.len() => {
                sizes.into_iter().zip(&grid).map(|(size, count)| vec![size; *count]).collect()
            }
            Chunks::Sizes(sizes) => sizes.into_iter().map(|size| vec![size]).collect(),
            Chunks::Lists(lists) => lists,
        };
        let given: Vec<usize> = lists.iter().map(Vec::len).collect();
        // In C order blocks of one grid are those of the other.
        let several = |grid: &[usize]| grid.iter().copied().filter(|count| *count != 1).collect::<Vec<_>>();
        if several(&given) != several(&grid) {
            let message = format!(
                "the blocks of shape {:?} make a grid of {grid:?}, and the chunks one of {given:?}: give a chunk for each block",
                self.shape()
            );
            return Err(ArrayError::Parameter { operation: operation.to_owned(), message });
        }
        Layout::from_lists(lists)
    }
}

/// What is known of a node that makes a block.
pub(crate) fn hints<U: Element>(name: &str, place: &[usize], shape: &[usize]) -> Hints {
    let nbytes = shape.iter().product::<usize>() * U::TYPE.nbytes();
    Hints::new().name(block_name(name, place)).nbytes(nbytes as u64).blockwise()
}
