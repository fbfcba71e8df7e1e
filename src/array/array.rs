use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use ndarray::ArrayD;

use crate::Delayed;
use crate::array::block_node::block_node;
use crate::array::kernel::Kernel;
use crate::array::{ArrayError, Block, Element, Layout, memory};
use crate::graph::Collection;

/// An array of elements `T` in chunks, each the value of a lazy call. `Clone` gives another handle of it.
///
/// It is made by [`zeros`](crate::array::zeros), [`random`](crate::array::random) and the like, and by operations on others;
/// nothing is calculated before it is computed. See the [module](crate::array).
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, array, runtime::Smol};
/// use ndarray::arr1;
///
/// let client = Client::<Smol>::local().wait()?;
/// let x = array::arange(0_i64, 10, 1, 4);
/// let y = (&x * 2 + 1).sqrt();
/// assert_eq!(y.shape(), [10]);
/// assert_eq!(client.compute(&x).wait()?, arr1(&[0_i64, 1, 2, 3, 4, 5, 6, 7, 8, 9]).into_dyn());
/// let largest: f64 = client.compute(&y.max()?).wait()?;
/// assert_eq!(largest, 19_f64.sqrt());
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "an array does nothing until it is computed"]
pub struct Array<T> {
    layout: Arc<Layout>,
    /// In C order of their places.
    blocks: Arc<[Delayed<Block>]>,
    failed: Option<Arc<ArrayError>>,
    element: PhantomData<fn() -> T>,
}

impl<T: Element> Array<T> {
    /// Makes each block by a kernel of others, which are given with it.
    pub(crate) fn build(layout: Layout, mut kernel: impl FnMut(&[usize]) -> (Kernel, Vec<Delayed<Block>>)) -> Self {
        let block = |place: Vec<usize>| {
            let nbytes = layout.block_shape(&place).iter().product::<usize>() * T::TYPE.nbytes();
            let (kernel, inputs) = kernel(&place);
            block_node(kernel, &place, nbytes, inputs)
        };
        let blocks: Vec<_> = layout.blocks().map(block).collect();
        Self::from_blocks(layout, blocks)
    }

    /// Puts blocks together, in C order of their places. They have the shapes that the layout says.
    pub(crate) fn from_blocks(layout: Layout, blocks: Vec<Delayed<Block>>) -> Self {
        debug_assert_eq!(layout.block_count(), blocks.len());
        Self { layout: layout.into(), blocks: blocks.into(), failed: None, element: PhantomData }
    }

    /// The array that could not be made. Its only block fails.
    pub(crate) fn failed(error: ArrayError) -> Self {
        let block = block_node(Kernel::Fail(error.clone()), &[], 0, Vec::new());
        Self { failed: Some(error.into()), ..Self::from_blocks(Layout::scalar(), vec![block]) }
    }

    /// The array, or the one that carries the error.
    pub(crate) fn carrying(made: Result<Self, ArrayError>) -> Self {
        made.unwrap_or_else(Self::failed)
    }

    /// Gives the error that made it impossible, if there is one: operators, which cannot return one, and creations give an
    /// array that carries it.
    ///
    /// All operations on such an array give the same error, or carry it on, and computing it fails with it. Until then it
    /// looks like one element without axes.
    ///
    /// # Errors
    ///
    /// See [`ArrayError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask::array;
    ///
    /// let x = array::zeros([4, 4], [2, 2]).check()?;
    /// assert_eq!(x.chunks(), [vec![2, 2], vec![2, 2]]);
    /// assert!(array::zeros([4, 4], [0, 2]).check().is_err());
    /// assert!((x + array::zeros(3, 3)).check().is_err());
    /// # Ok::<(), array::ArrayError>(())
    /// ```
    pub fn check(self) -> Result<Self, ArrayError> {
        self.ok()?;
        Ok(self)
    }

    /// What [`check`](Self::check) says. Every operation asks first.
    pub(crate) fn ok(&self) -> Result<(), ArrayError> {
        self.failed.as_ref().map_or(Ok(()), |error| Err(ArrayError::clone(error)))
    }

    /// The length of each axis.
    pub fn shape(&self) -> &[usize] {
        self.layout.shape()
    }

    /// How many axes it has.
    pub fn ndim(&self) -> usize {
        self.shape().len()
    }

    /// How many elements it has.
    pub fn len(&self) -> usize {
        self.layout.len()
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.layout.is_empty()
    }

    /// How much memory all elements take, in bytes.
    pub fn nbytes(&self) -> usize {
        self.len() * T::TYPE.nbytes()
    }

    /// The lengths of the chunks of each axis.
    pub fn chunks(&self) -> &[Vec<usize>] {
        self.layout.chunks()
    }

    /// The shape and the chunks.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The lazy calls of the blocks, in C order of their places.
    pub fn blocks(&self) -> &[Delayed<Block>] {
        &self.blocks
    }

    /// The block at a place, which is in the grid.
    pub(crate) fn block(&self, place: &[usize]) -> Delayed<Block> {
        self.blocks[self.layout.block_number(place)].clone()
    }

    /// The axis that is meant: negative ones count from the end.
    pub(crate) fn axis(&self, axis: isize) -> Result<usize, ArrayError> {
        let count = self.ndim();
        let from_start = if axis < 0 { count.checked_sub(axis.unsigned_abs()) } else { Some(axis.unsigned_abs()) };
        from_start.filter(|axis| *axis < count).ok_or_else(|| ArrayError::Axis { axis, shape: self.shape().to_vec() })
    }

    /// The same blocks as another type: whoever calls this knows that they are.
    pub(crate) fn assume<U: Element>(&self) -> Array<U> {
        Array {
            layout: Arc::clone(&self.layout),
            blocks: Arc::clone(&self.blocks),
            failed: self.failed.clone(),
            element: PhantomData,
        }
    }
}

impl<T: Element> Collection for Array<T> {
    type Output = ArrayD<T>;
    type Parts = Vec<Delayed<Block>>;

    fn parts(&self) -> Self::Parts {
        self.blocks.to_vec()
    }

    fn finalize(&self) -> Delayed<ArrayD<T>> {
        match memory::room(self.shape(), T::TYPE) {
            Ok(_) => T::assemble(Layout::clone(&self.layout), self.blocks.to_vec()),
            // Before blocks are made that nobody can put together.
            Err(error) => {
                let failed = Self::failed(error);
                T::assemble(failed.layout().clone(), failed.blocks.to_vec())
            }
        }
    }

    fn rebuild(&self, blocks: Self::Parts) -> Self {
        Self { blocks: blocks.into(), ..self.clone() }
    }
}

impl<T> Clone for Array<T> {
    fn clone(&self) -> Self {
        Self {
            layout: Arc::clone(&self.layout),
            blocks: Arc::clone(&self.blocks),
            failed: self.failed.clone(),
            element: PhantomData,
        }
    }
}

impl<T: Element> fmt::Debug for Array<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Array");
        debug.field("element", &T::TYPE).field("shape", &self.shape()).field("chunks", &self.chunks());
        if let Some(error) = &self.failed {
            debug.field("failed", error);
        }
        debug.finish()
    }
}
