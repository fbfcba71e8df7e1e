//! What the one task of all arrays does with blocks: kernels, as data.
//!
//! To add a family of operations: a module here with a type that has serde and `run`, one variant of [`Kernel`], and
//! two lines in `name` and `run` below. Kernels that only go through elements are steps of a [`Program`]: then they are
//! fused with their neighbours.

mod arithmetic;
mod create;
mod dense;
mod fold;
mod gather;
mod histogram;
#[cfg(all(test, feature = "dask"))]
mod hostile;
mod merge;
mod overlap;
mod pieces;
mod product;
mod program;
mod quantile;
mod run;
mod scan;
mod shared;
mod strided;
mod take;
mod tile;
mod view;

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::array::npy::Npy;
use crate::array::{ArrayError, Block};
use crate::task;

pub(crate) use self::arithmetic::Arithmetic;
pub(crate) use self::arithmetic::unary_is_defined;
pub(crate) use self::create::{Create, Stream};
pub(crate) use self::dense::Dense;
pub(crate) use self::fold::{Combine, Finish, Fold, Outcome, Reduction};
pub(crate) use self::histogram::{Bins, Histogram};
pub(crate) use self::merge::Mergeable;
pub(crate) use self::overlap::{Order, Overlap, Stretch};
pub(crate) use self::pieces::{Piece, Pieces};
pub(crate) use self::product::{Product, ProductAxes};
pub(crate) use self::program::{Binary, Comparison, Operation, Program, Step, Test, Unary};
pub(crate) use self::quantile::Quantile;
pub(crate) use self::scan::Scan;
pub(crate) use self::take::{Picks, Take};
pub(crate) use self::tile::Tile;
pub(crate) use self::view::{Range, View};

/// What to do with some blocks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Kernel {
    /// Goes through elements: creation, elementwise operations, reduction of one block.
    Program(#[serde(with = "shared")] Arc<Program>),
    /// Makes one partial result of several, and the result of the last.
    Combine(Combine),
    /// Puts pieces of blocks together.
    Pieces(Pieces),
    /// Slices a block, orders its axes, gives it another shape.
    View(View),
    /// Takes elements along an axis of blocks.
    Take(Take),
    /// Puts elements of its neighbours around a block.
    Overlap(Overlap),
    /// Reads and writes `.npy` files.
    Npy(Npy),
    /// Running sums.
    Scan(Scan),
    /// Quantiles along an axis.
    Quantile(Quantile),
    /// Sums of products of blocks.
    Product(Product),
    /// Factors of matrices, and what is made with them.
    Dense(Dense),
    /// Counts of elements.
    Histogram(Histogram),
    /// The block itself.
    Given(Block),
    /// There was something wrong with the operation.
    Fail(ArrayError),
}

impl Kernel {
    /// What it is called in pictures and keys.
    pub(crate) fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Program(program) => return program.name().into(),
            Self::Combine(_) => "combine",
            Self::Pieces(_) => "pieces",
            Self::View(_) => "view",
            Self::Take(_) => "take",
            Self::Overlap(_) => "overlap",
            Self::Npy(npy) => npy.name(),
            Self::Scan(_) => "cumsum",
            Self::Quantile(_) => "quantile",
            Self::Product(_) => "product",
            Self::Dense(dense) => dense.name(),
            Self::Histogram(_) => "histogram",
            Self::Given(_) => "given",
            Self::Fail(_) => "fail",
        })
    }

    fn run(&self, inputs: Vec<Arc<Block>>) -> Result<Block, ArrayError> {
        match self {
            Self::Program(program) => program.run(inputs),
            Self::Combine(combine) => combine.run(&inputs),
            Self::Pieces(pieces) => pieces.run(&inputs),
            Self::View(view) => view.run(inputs),
            Self::Take(take) => take.run(&inputs),
            Self::Overlap(overlap) => overlap.run(&inputs),
            Self::Npy(npy) => npy.run(&inputs),
            Self::Scan(scan) => scan.run(&inputs),
            Self::Quantile(quantile) => quantile.run(&inputs),
            Self::Product(product) => product.run(inputs),
            Self::Dense(dense) => dense.run(&inputs),
            Self::Histogram(histogram) => histogram.run(&inputs),
            Self::Given(block) => Ok(block.clone()),
            Self::Fail(error) => Err(error.clone()),
        }
    }
}

/// Every operation on arrays.
#[task(name = "anydask::array::block")]
pub(crate) fn array_block(kernel: Kernel, inputs: Vec<Arc<Block>>) -> Result<Block, ArrayError> {
    kernel.run(inputs)
}

/// The error of a kernel whose blocks are not what it takes.
pub(crate) fn wrong(kernel: &str, message: impl Into<String>) -> ArrayError {
    ArrayError::Kernel { kernel: kernel.to_owned(), message: message.into() }
}
