//! Reductions: of one block, and of the partial results of several.

mod arg;
mod combine;
mod geometry;
mod moments;
mod monoid;
mod sum;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::array::element::dispatch;
use crate::array::kernel::{Tile, wrong};
use crate::array::layout::check_shape;
use crate::array::{ArrayError, Block, Element, ElementType, memory};

pub(crate) use self::combine::{Combine, Finish, Outcome};
use self::geometry::Geometry;
pub(crate) use self::sum::Summand;

/// What is made of many elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reduction {
    Sum,
    Product,
    Min,
    Max,
    Any,
    All,
    /// The smallest, and where the first of it is.
    ArgMin,
    ArgMax,
    /// The mean, and the sum of the squared distances from it.
    Moments,
}

/// The reduction of one block, in the end of a program.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Fold {
    pub(crate) reduction: Reduction,
    /// Whether each axis is reduced.
    pub(crate) axes: Vec<bool>,
    /// Where the block begins, and the shape of the whole: places are told in the whole array.
    pub(crate) offset: Vec<usize>,
    pub(crate) whole: Vec<usize>,
}

impl Fold {
    pub(crate) fn name(&self) -> &'static str {
        match self.reduction {
            Reduction::Sum => "sum",
            Reduction::Product => "prod",
            Reduction::Min => "min",
            Reduction::Max => "max",
            Reduction::Any => "any",
            Reduction::All => "all",
            Reduction::ArgMin => "argmin",
            Reduction::ArgMax => "argmax",
            Reduction::Moments => "moments",
        }
    }
}

/// Takes the elements of a block in C order, some at a time, and makes the reduced block, whose reduced axes have length 1.
pub(crate) struct Folder {
    geometry: Geometry,
    accumulate: Box<dyn Accumulate>,
}

/// Accumulates rows of elements of one type.
trait Accumulate {
    /// Takes elements that lie in a row: all of them for one cell, or one for each cell from there on. `position` says where the first
    /// one is, counted along what is reduced; within a row for one cell it counts up, for several cells it is the same.
    fn rows(&mut self, geometry: &Geometry, start: usize, values: Values<'_>);

    fn finish(self: Box<Self>, geometry: &Geometry) -> Result<Block, ArrayError>;
}

/// A part of a tile or of a block.
pub(crate) enum Values<'a> {
    Tile(&'a Tile, Range<usize>),
    Block(&'a Block, Range<usize>),
}

impl<'a> Values<'a> {
    fn of<T: Element>(self) -> &'a [T] {
        match self {
            Self::Tile(tile, range) => T::of_tile(tile).get(range),
            Self::Block(block, range) => block.elements().unwrap_or_default().get(range),
        }
        .unwrap_or_default()
    }
}

impl Folder {
    pub(crate) fn new(fold: &Fold, shape: &[usize], element: ElementType) -> Result<Self, ArrayError> {
        if [fold.axes.len(), fold.offset.len(), fold.whole.len()] != [shape.len(); 3] {
            return Err(wrong("reduction", format!("{:?} are not the axes of shape {shape:?}", fold.axes)));
        }
        check_shape(&fold.whole)?;
        let mut ends = fold.offset.iter().zip(shape).map(|(offset, length)| offset.checked_add(*length));
        if !fold.whole.iter().all(|whole| ends.next().flatten().is_some_and(|end| end <= *whole)) {
            let message = format!("a block of shape {shape:?} at {:?} is no part of {:?}", fold.offset, fold.whole);
            return Err(wrong("reduction", message));
        }
        let geometry = Geometry::new(fold, shape);
        // Two numbers a cell, and what is lost of them: as much as two complex ones.
        let cells = memory::room(&geometry.shape, ElementType::Complex64)?;
        let accumulate = match fold.reduction {
            Reduction::Sum => sum::sums(element, cells)?,
            Reduction::Moments => moments::moments(element, cells)?,
            Reduction::ArgMin => dispatch!(element, T => arg::extreme::<T>(cells, false)),
            Reduction::ArgMax => dispatch!(element, T => arg::extreme::<T>(cells, true)),
            reduction => dispatch!(element, T => monoid::monoid::<T>(reduction, cells)),
        };
        Ok(Self { geometry, accumulate })
    }

    /// Takes the elements in `range`, which are those in `within` of a tile.
    pub(crate) fn fold(&mut self, range: Range<usize>, tile: &Tile, within: Range<usize>) {
        self.accumulate.rows(&self.geometry, range.start, Values::Tile(tile, within));
    }

    /// Takes the elements in `range` of the block itself.
    pub(crate) fn fold_block(&mut self, range: Range<usize>, block: &Block) -> Result<(), ArrayError> {
        self.accumulate.rows(&self.geometry, range.start, Values::Block(block, range));
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<Block, ArrayError> {
        self.accumulate.finish(&self.geometry)
    }
}
