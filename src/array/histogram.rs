//! Counts of elements in bins.

use std::sync::Arc;

use ndarray::Array1;

use crate::array::block_node::block_node;
use crate::array::kernel::{Bins, Finish, Histogram, Kernel, Outcome, Reduction};
use crate::array::reductions::tree;
use crate::array::{Array, ArrayError, Element, ElementType, Layout};

/// How many bins a histogram can have: each block has its counts of all of them, which are then 128 MB.
pub const BINS_MAX: usize = 1 << 24;

/// How many elements are in each of some bins of one width in a range; and the edges of the bins, one more than there are bins.
///
/// As in NumPy a bin has its lower edge and not its upper one, but the last has both; elements outside of the range are not
/// counted, and NaN is not. A range of one number is made one wide around it. Whole numbers are compared as `f64`, and so are `f32`.
///
/// # Errors
///
/// [`ArrayError::Parameter`] for no bins, more than [`BINS_MAX`], and for a range that falls or is not finite;
/// [`ArrayError::Unsupported`] for complex numbers; and the error that the array carries.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, array, runtime::Smol};
///
/// let client = Client::<Smol>::local().wait()?;
/// let x = array::linspace(0.0, 1.0, 101, 10);
/// let (counts, edges) = array::histogram(&x, 4, (0.0, 1.0))?;
/// assert_eq!(client.compute(&counts).wait()?.as_slice().unwrap(), [25, 25, 25, 26]);
/// assert_eq!(edges.to_vec(), [0.0, 0.25, 0.5, 0.75, 1.0]);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn histogram<T: Element>(
    x: &Array<T>,
    bins: usize,
    range: (f64, f64),
) -> Result<(Array<i64>, Array1<f64>), ArrayError> {
    check(x, bins)?;
    let (start, stop) = range;
    if !(start.is_finite() && stop.is_finite() && start <= stop && (stop - start).is_finite()) {
        return Err(refused(format!("from {start} to {stop} is no range: give finite numbers, the smaller one first")));
    }
    let (start, stop) = if start == stop { (start - 0.5, stop + 0.5) } else { range };
    let bins = Bins::Even { start, stop, count: bins };
    let edges = bins.edges().to_vec().into();
    Ok((counted(x, bins)?, edges))
}

/// How many elements are in each bin between edges that rise. See [`histogram`].
///
/// # Errors
///
/// [`ArrayError::Parameter`] for less than two edges, more than [`BINS_MAX`] and one, and edges that fall or are NaN;
/// [`ArrayError::Unsupported`] for complex numbers; and the error that the array carries.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, array, runtime::Smol};
///
/// let client = Client::<Smol>::local().wait()?;
/// let counts = array::histogram_edges(&array::arange(0, 100, 1, 10), &[0.0, 1.0, 10.0, 50.0])?;
/// assert_eq!(client.compute(&counts).wait()?.as_slice().unwrap(), [1, 9, 41]);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn histogram_edges<T: Element>(x: &Array<T>, edges: &[f64]) -> Result<Array<i64>, ArrayError> {
    check(x, edges.len().saturating_sub(1))?;
    if let Some([low, high]) = edges.array_windows().find(|[low, high]| low > high || low.is_nan() || high.is_nan()) {
        return Err(refused(format!("edges must rise, and {high} comes after {low}: sort them")));
    }
    counted(x, Bins::Between(Arc::from(edges)))
}

fn check<T: Element>(x: &Array<T>, bins: usize) -> Result<(), ArrayError> {
    x.ok()?;
    if T::TYPE == ElementType::Complex64 {
        let fix = "take its `real()`, `imag()` or `abs()`".to_owned();
        return Err(ArrayError::Unsupported { operation: "histogram".into(), element: T::TYPE, fix });
    }
    if !(1..=BINS_MAX).contains(&bins) {
        return Err(refused(format!("{bins} bins cannot be counted in: give from 1 to {BINS_MAX}")));
    }
    Ok(())
}

fn refused(message: String) -> ArrayError {
    ArrayError::Parameter { operation: "histogram".into(), message }
}

fn counted<T: Element>(x: &Array<T>, bins: Bins) -> Result<Array<i64>, ArrayError> {
    let count = bins.edges().len() - 1;
    let nbytes = count * ElementType::I64.nbytes();
    let block = |(place, block): (Vec<usize>, &crate::Delayed<_>)| {
        let kernel = Kernel::Histogram(Histogram { bins: bins.clone() });
        let len = x.layout().block_shape(&place).iter().product();
        (block_node(kernel, &place, nbytes, vec![block.clone()]), len)
    };
    let parts = x.layout().blocks().zip(x.blocks()).map(block).collect();
    let finish = Finish { shape: vec![count], element: ElementType::I64, result: Outcome::Value };
    let counts = tree(parts, &[0], finish, Reduction::Sum);
    Ok(Array::from_blocks(Layout::from_lists(vec![vec![count]])?, vec![counts]))
}
