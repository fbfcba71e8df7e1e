//! Arrays in chunks, over [`ndarray`]: Dask's `dask.array`.
//!
//! An [`Array`] is a shape, cut into chunks, and a lazy call for each chunk. Operations make further lazy calls;
//! [`Client::compute`](crate::Client::compute) runs them and gives an `ndarray` array or a number,
//! [`Client::persist`](crate::Client::persist) runs them and keeps the chunks where they are.
//!
//! ```
//! # #[cfg(feature = "smol")] {
//! use anydask::{Client, array, runtime::Smol};
//!
//! smol::block_on(async {
//!     let client = Client::<Smol>::local().await?;
//!     let x = array::random([1000, 1000], [1000, 100]);   // shape, chunks
//!     let mean: f64 = client.compute(&x.mean()).await?;
//!     assert!((mean - 0.5).abs() < 0.01);
//!     client.close().await
//! })?;
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What differs from NumPy
//!
//! - Elements are `f32 f64 i32 i64 u8 bool` and [`Complex64`], and an array's type says which: see [`Element`].
//! - Sums of `u8` are `i64`, since there is no `u64`; roots and means of all whole numbers are `f64`.
//! - What goes wrong with shapes is told as [`ArrayError`] says. So is a number that no element can be, also in comparisons.
//! - There is no `i8`: `bool` has no `//`, `%` and `power`, and its `square` and `sign` stay `bool`.
//! - A negative power of a whole number is 0 (of 1 and -1 it is not), and `recip` of whole numbers gives `f64`.
//! - A [`cast`](Array::cast) to whole numbers makes 0 of NaN, and the nearest `i64`, wrapped, of what is too large. NumPy
//!   leaves it to the processor.
//! - Sums, means and products of `f32` are calculated in `f64`, and sums are compensated: they lose less.
//! - A [`quantile`](Array::quantile) that is an element is that element, also beside infinite ones, where NumPy has NaN; and
//!   `bool` has quantiles.
//! - Variances are put together of those of blocks, as in Dask: where elements are 10ⁿ times as large as their differences, some
//!   16 - n digits are right.
//! - Slices are written with [`ndarray::s!`], in which a negative step goes through its range from the end, and what lies outside
//!   of an axis is an error: see [`Array::slice`].

#[expect(clippy::module_inception, reason = "the file of the type `Array`, as every other type has one")]
mod array;
mod block;
mod block_node;
mod bytes;
mod chunks;
mod create;
mod element;
mod elementwise;
mod error;
mod histogram;
mod indexing;
mod kernel;
mod layout;
pub mod linalg;
mod mapping;
mod memory;
mod npy;
mod operators;
mod products;
mod promote;
mod random;
mod rechunk;
mod reductions;
mod reshaping;
mod scalar;
mod whole;

pub use num_complex::Complex64;

pub use self::array::Array;
pub use self::block::Block;
pub use self::chunks::{Chunks, Shape};
pub use self::create::{arange, from_ndarray, full, linspace, ones, zeros};
pub use self::element::{Element, ElementType};
pub use self::error::ArrayError;
pub use self::histogram::{BINS_MAX, histogram, histogram_edges};
pub use self::layout::{Blocks, Layout};
pub use self::mapping::{BlockPlace, Boundary, Depth, from_fn, from_fn_task};
pub use self::npy::from_npy;
pub use self::products::{SummedAxes, tensordot};
pub use self::promote::{Promote, PromoteScalar};
pub use self::random::{Generator, normal, random};
pub use self::reductions::axes::Axes;
pub use self::reshaping::{Lengths, concatenate, stack};
pub use self::scalar::Scalar;

/// How many axes an array can have: as many as ndarray has fixed dimensions for.
pub const AXES_MAX: usize = 6;

/// How many blocks an array can have. A graph keeps about 1 kB for each, so this is some 16 GB; a useful one has thousands.
pub const BLOCKS_MAX: usize = 1 << 24;
