//! Arrays whose blocks functions make.

use std::panic::Location;
use std::sync::Arc;

use ndarray::ArrayD;

use crate::array::mapping::blocks::hints;
use crate::array::mapping::returned::returned;
use crate::array::mapping::{BlockPlace, Expected, Named, making};
use crate::array::{Array, Chunks, Element, Layout, Shape};
use crate::graph::delayed_with;
use crate::task::{TaskFn, call_name};

/// An array whose blocks a function makes: it is given where the block begins and its shape.
///
/// The function runs in this process; for a Dask cluster see [`from_fn_task`]. A panic in it, or a block of another shape, is an
/// [`ArrayError::Function`](crate::array::ArrayError::Function) that names the block.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, array, runtime::Smol};
/// use ndarray::{ArrayD, IxDyn};
///
/// let client = Client::<Smol>::local().wait()?;
/// let x = array::from_fn([4, 4], [2, 2], |offset, shape| {
///     ArrayD::from_shape_fn(IxDyn(shape), |index| (offset[0] + index[0]) as f64 * 10.0 + (offset[1] + index[1]) as f64)
/// });
/// assert_eq!(client.compute(&x).wait()?[[3, 2]], 32.0);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn from_fn<T, F>(shape: impl Into<Shape>, chunks: impl Into<Chunks>, function: F) -> Array<T>
where
    T: Element,
    F: Fn(&[usize], &[usize]) -> ArrayD<T> + Send + Sync + 'static,
{
    let function = Arc::new(move |place: &BlockPlace| Ok(function(&place.offset, &place.shape)));
    Array::carrying(Layout::new(shape, chunks).map(|layout| {
        let block = |place: Vec<usize>| {
            let (offset, shape) = (layout.block_offset(&place), layout.block_shape(&place));
            let hints = hints::<T>("from_fn", &place, &shape);
            delayed_with(hints, making("array::from_fn", &function, BlockPlace { block: place, offset, shape }), ())
        };
        let blocks = layout.blocks().map(block).collect();
        Array::from_blocks(layout, blocks)
    }))
}

/// As [`from_fn`], with a function that [`submit`](crate::Client::submit) takes: also a [`#[task]`](macro@crate::task), which can
/// run on a Dask cluster as well, a [`fallible`](crate::fallible) or an [`asynchronous`](crate::asynchronous) one.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, array, runtime::Smol, task};
/// use ndarray::{ArrayD, IxDyn};
///
/// #[task]
/// fn diagonal(offset: Vec<usize>, shape: Vec<usize>) -> ArrayD<u8> {
///     ArrayD::from_shape_fn(IxDyn(&shape), |index| u8::from(offset[0] + index[0] == offset[1] + index[1]))
/// }
///
/// let client = Client::<Smol>::local().wait()?;
/// let x = array::from_fn_task([5, 5], [2, 3], diagonal);
/// assert_eq!(client.compute(&x.sum()).wait()?, 5);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[track_caller]
pub fn from_fn_task<T, F>(shape: impl Into<Shape>, chunks: impl Into<Chunks>, function: F) -> Array<T>
where
    T: Element,
    F: TaskFn<(Vec<usize>, Vec<usize>), Output = ArrayD<T>> + Clone + Sync,
{
    let name = call_name(F::name(), Location::caller());
    Array::carrying(Layout::new(shape, chunks).map(|layout| {
        let block = |place: Vec<usize>| {
            let (offset, shape) = (layout.block_offset(&place), layout.block_shape(&place));
            let hints = hints::<T>(&name, &place, &shape);
            let expected = Expected { place, shape: shape.clone(), margins: Vec::new() };
            let named = Named { function: function.clone(), expected: expected.clone() };
            returned(expected, delayed_with(hints, named, (offset, shape)))
        };
        let blocks = layout.blocks().map(block).collect();
        Array::from_blocks(layout, blocks)
    }))
}
