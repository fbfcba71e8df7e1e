//! Arrays from nothing and from ndarray.

use std::sync::Arc;

use ndarray::{ArrayBase, Data, Dimension, SliceInfoElem};

use crate::Delayed;
use crate::array::kernel::{Create, Kernel, Operation, Program};
use crate::array::{Array, ArrayError, Block, Chunks, Element, Layout, Scalar, Shape, memory};

/// An array of zeros, of `f64`. [`full`] makes others.
///
/// What is wrong with the shape or the chunks is [carried](Array::check) by the array.
///
/// # Examples
///
/// ```
/// use anydask::array;
///
/// let x = array::zeros([3, 5], [2, 2]);
/// assert_eq!(x.chunks(), [vec![2, 1], vec![2, 2, 1]]);
/// ```
pub fn zeros(shape: impl Into<Shape>, chunks: impl Into<Chunks>) -> Array<f64> {
    full(shape, chunks, 0.0)
}

/// An array of ones, of `f64`. See [`zeros`].
pub fn ones(shape: impl Into<Shape>, chunks: impl Into<Chunks>) -> Array<f64> {
    full(shape, chunks, 1.0)
}

/// An array whose elements are all the same. See [`zeros`].
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, array, runtime::Smol};
///
/// let client = Client::<Smol>::local().wait()?;
/// assert_eq!(client.compute(&array::full([2, 3], 2, 7_u8).sum()).wait()?, 42);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn full<T: Element>(shape: impl Into<Shape>, chunks: impl Into<Chunks>, value: T) -> Array<T> {
    Array::carrying(Layout::new(shape, chunks).map(|layout| {
        Array::build(layout.clone(), |place| {
            let mut program = Program::new(layout.block_shape(place));
            program.push(T::TYPE, Operation::Constant(value.into_scalar()));
            (Kernel::Program(Arc::new(program)), Vec::new())
        })
    }))
}

/// An array whose blocks are made by a creation, which is told the block's place and its number.
pub(crate) fn created(layout: Layout, create: impl Fn(&[usize], u64) -> Create) -> Array<f64> {
    Array::build(layout.clone(), move |place| {
        let create = create(place, layout.block_number(place) as u64);
        let mut program = Program::new(layout.block_shape(place));
        program.push(create.element(), Operation::Create(create));
        (Kernel::Program(Arc::new(program)), Vec::new())
    })
}

/// What [`arange`] counts in: `i64` and `f64`.
pub trait Countable: Element + sealed::Sealed {
    #[doc(hidden)]
    fn count(start: Self, stop: Self, step: Self) -> Option<usize>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for i64 {}
    impl Sealed for f64 {}
}

impl Countable for i64 {
    fn count(start: i64, stop: i64, step: i64) -> Option<usize> {
        let distance = (i128::from(stop) - i128::from(start)) * i128::from(step.signum());
        // Rounded up.
        let count = (step != 0).then(|| -(-distance).div_euclid(i128::from(step).abs()))?;
        Some(count.max(0).try_into().unwrap_or(usize::MAX))
    }
}

impl Countable for f64 {
    fn count(start: f64, stop: f64, step: f64) -> Option<usize> {
        // Below 0 it is 0, and what is too large the largest.
        Some(((stop - start) / step).ceil()).filter(|count| count.is_finite()).map(|count| count as usize)
    }
}

/// The numbers from `start` on, `step` apart, before `stop`; in chunks of one size or a list of them.
///
/// A step of 0, or one that makes no number of elements, is [carried](Array::check) as an error.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, array, runtime::Smol};
///
/// let client = Client::<Smol>::local().wait()?;
/// assert_eq!(client.compute(&array::arange(0, 10, 3, 2)).wait()?.as_slice().unwrap(), [0, 3, 6, 9]);
/// assert_eq!(client.compute(&array::arange(1.0, 0.0, -0.25, 4)).wait()?.as_slice().unwrap(), [1.0, 0.75, 0.5, 0.25]);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn arange<T: Countable>(start: T, stop: T, step: T, chunks: impl Into<Chunks>) -> Array<T> {
    let count = T::count(start, stop, step).ok_or_else(|| ArrayError::Parameter {
        operation: "arange".into(),
        message: format!("from {start:?} to {stop:?} by {step:?} is no number of elements: give finite numbers, and a step that is not 0"),
    });
    Array::carrying(count.and_then(|count| {
        // More than there can be is refused as a shape.
        let layout = Layout::new(count, chunks)?;
        let create = |place: &[usize], _| {
            let first = layout.block_offset(place)[0];
            match (start.into_scalar(), step.into_scalar()) {
                (Scalar::I64(start), Scalar::I64(step)) => Create::Integral { start, step, first },
                _ => Create::Floats { start: start.to_f64(), step: step.to_f64(), first },
            }
        };
        Ok(created(layout.clone(), create).assume())
    }))
}

/// So many numbers from `start` to `stop`, both among them, evenly apart.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, array, runtime::Smol};
///
/// let client = Client::<Smol>::local().wait()?;
/// assert_eq!(client.compute(&array::linspace(0.0, 1.0, 5, 2)).wait()?.as_slice().unwrap(), [0.0, 0.25, 0.5, 0.75, 1.0]);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn linspace(start: f64, stop: f64, count: usize, chunks: impl Into<Chunks>) -> Array<f64> {
    Array::carrying(Layout::new(count, chunks).map(|layout| {
        let last = count.saturating_sub(1);
        let create = |place: &[usize], _| Create::Linear { start, stop, last, first: layout.block_offset(place)[0] };
        created(layout.clone(), create).assume()
    }))
}

/// An array of what an `ndarray` array has, which is copied chunk by chunk.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, array, runtime::Smol};
/// use ndarray::arr2;
///
/// let client = Client::<Smol>::local().wait()?;
/// let x = array::from_ndarray(&arr2(&[[1.0_f64, 2.0], [3.0, 4.0]]), [1, 2]);
/// assert_eq!(client.compute(&x.sum()).wait()?, 10.0);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn from_ndarray<T, S, D>(array: &ArrayBase<S, D>, chunks: impl Into<Chunks>) -> Array<T>
where
    T: Element,
    S: Data<Elem = T>,
    D: Dimension,
{
    Array::carrying(Layout::new(array.shape(), chunks).and_then(|layout| {
        for place in layout.blocks() {
            // A view may have more elements than memory.
            memory::room(&layout.block_shape(&place), T::TYPE)?;
        }
        let view = array.view().into_dyn();
        let block = |place: Vec<usize>| {
            let (offset, shape) = (layout.block_offset(&place), layout.block_shape(&place));
            let ranges = offset.iter().zip(&shape).map(|(start, length)| SliceInfoElem::Slice {
                start: *start as isize,
                end: Some((start + length) as isize),
                step: 1,
            });
            let part = view.slice(&ranges.collect::<Vec<_>>()[..]);
            given(Block::from(part.as_standard_layout().into_owned()), &place)
        };
        let blocks = layout.blocks().map(block).collect();
        Ok(Array::from_blocks(layout, blocks))
    }))
}

/// A block that is there.
fn given(block: Block, place: &[usize]) -> Delayed<Block> {
    let nbytes = block.nbytes();
    crate::array::block_node::block_node(Kernel::Given(block), place, nbytes, Vec::new())
}
