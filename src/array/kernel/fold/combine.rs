use std::sync::Arc;

use num_complex::Complex64;
use serde::{Deserialize, Serialize};

use super::moments::{Moment, join};
use super::sum::Summand;
use super::{Reduction, arg};
use crate::array::element::dispatch;
use crate::array::kernel::wrong;
use crate::array::{ArrayError, Block, Element, ElementType};

/// Makes one partial result of several of one shape.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Combine {
    pub(crate) reduction: Reduction,
    /// How many elements each partial result is made of.
    pub(crate) counts: Vec<usize>,
    /// For the last of a tree.
    pub(crate) finish: Option<Finish>,
}

/// What becomes of the last partial result.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Finish {
    /// Of the result.
    pub(crate) shape: Vec<usize>,
    pub(crate) element: ElementType,
    pub(crate) result: Outcome,
}

/// What is told of a partial result.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Outcome {
    /// The value, or of several the second: the place.
    Value,
    /// The sum, divided by how many there were.
    Mean,
    /// The squares, divided by how many there were less these.
    Variance { ddof: f64 },
    /// The root of that.
    Deviation { ddof: f64 },
}

impl Combine {
    pub(crate) fn run(&self, inputs: &[Arc<Block>]) -> Result<Block, ArrayError> {
        let [first, ..] = inputs else { return Err(wrong("combine", "nothing to combine")) };
        if inputs.len() != self.counts.len() {
            return Err(wrong("combine", "not as many counts as blocks"));
        }
        let element = first.element();
        let partial = match (self.reduction, element) {
            (Reduction::Sum, Some(ElementType::F64)) => sums::<f64>(inputs),
            (Reduction::Sum, Some(ElementType::I64)) => sums::<i64>(inputs),
            (Reduction::Sum, Some(ElementType::Complex64)) => sums::<Complex64>(inputs),
            (Reduction::Moments, _) => match first.parts::<2>()?[0].element() {
                Some(ElementType::Complex64) => self.moments::<Complex64>(inputs),
                _ => self.moments::<f64>(inputs),
            },
            (Reduction::ArgMin | Reduction::ArgMax, _) => {
                let is_largest = self.reduction == Reduction::ArgMax;
                let element = first.parts::<2>()?[0].element();
                let element = element.ok_or_else(|| wrong("combine", "parts in parts"))?;
                dispatch!(element, T => extremes::<T>(inputs, is_largest))
            }
            (_, Some(element)) => dispatch!(element, T => self.monoid::<T>(inputs)),
            (_, None) => Err(wrong("combine", "parts were not expected")),
        }?;
        match &self.finish {
            Some(finish) => self.finish(finish, &partial),
            None => Ok(partial),
        }
    }

    fn monoid<T: Element>(&self, inputs: &[Arc<Block>]) -> Result<Block, ArrayError> {
        let function = match self.reduction {
            Reduction::Product => T::multiply,
            Reduction::Min => T::minimum,
            Reduction::Max => T::maximum,
            Reduction::Any => T::or,
            _ => T::and,
        };
        let mut cells = inputs[0].elements::<T>()?.to_vec();
        for input in &inputs[1..] {
            let values = same(input.elements::<T>()?, cells.len())?;
            cells.iter_mut().zip(values).for_each(|(cell, value)| *cell = function(*cell, *value));
        }
        Block::from_elements(inputs[0].shape(), cells)
    }

    fn moments<T: Moment>(&self, inputs: &[Arc<Block>]) -> Result<Block, ArrayError> {
        let [means, squares] = inputs[0].parts()?;
        let (shape, mut means) = (means.shape(), means.elements::<T>()?.to_vec());
        let mut squares = same(squares.elements::<f64>()?, means.len())?.to_vec();
        let mut count = self.counts[0];
        for (input, more) in inputs.iter().zip(&self.counts).skip(1) {
            let [other_means, other_squares] = input.parts()?;
            let other_means = same(other_means.elements::<T>()?, means.len())?;
            let other_squares = same(other_squares.elements::<f64>()?, means.len())?;
            let others = other_means.iter().zip(other_squares);
            for ((mean, squares), (other_mean, other_squares)) in means.iter_mut().zip(&mut squares).zip(others) {
                join(count as f64, mean, squares, (*more as f64, *other_mean, *other_squares));
            }
            count = count.saturating_add(*more);
        }
        Ok(Block::Parts(vec![Block::from_elements(shape, means)?, Block::from_elements(shape, squares)?]))
    }

    fn finish(&self, finish: &Finish, partial: &Block) -> Result<Block, ArrayError> {
        let count = self.counts.iter().fold(0_usize, |sum, count| sum.saturating_add(*count)) as f64;
        let shape = &finish.shape;
        match finish.result {
            Outcome::Value => {
                let value = if let Block::Parts(parts) = partial { parts.get(1) } else { Some(partial) };
                let value = value.ok_or_else(|| wrong("combine", "a part is missing"))?;
                let from = value.element().ok_or_else(|| wrong("combine", "parts in parts"))?;
                dispatch!(from, S => dispatch!(finish.element, T => convert::<S, T>(value, shape, |value| value)))
            }
            Outcome::Mean => match partial.element() {
                Some(ElementType::Complex64) => {
                    dispatch!(finish.element, T => convert::<Complex64, T>(partial, shape, |sum| sum / count))
                }
                _ => dispatch!(finish.element, T => convert::<f64, T>(partial, shape, |sum| sum / count)),
            },
            Outcome::Variance { ddof } => {
                let [_, squares] = partial.parts()?;
                // As NumPy: not below 0, so that the quotient is infinite or NaN.
                let freedom = (count - ddof).max(0.0);
                dispatch!(finish.element, T => convert::<f64, T>(squares, shape, |squares| squares / freedom))
            }
            Outcome::Deviation { ddof } => {
                let [_, squares] = partial.parts()?;
                let freedom = (count - ddof).max(0.0);
                dispatch!(finish.element, T => convert::<f64, T>(squares, shape, |squares| (squares / freedom).sqrt()))
            }
        }
    }
}

fn convert<S: Element, T: Element>(from: &Block, shape: &[usize], map: impl Fn(S) -> S) -> Result<Block, ArrayError> {
    let values = from.elements::<S>()?.iter().map(|value| T::cast_from(map(*value)));
    Block::from_elements(shape, values.collect())
}

fn same<T>(values: &[T], len: usize) -> Result<&[T], ArrayError> {
    if values.len() == len { Ok(values) } else { Err(wrong("combine", "partial results of several shapes")) }
}

fn sums<T: Summand>(inputs: &[Arc<Block>]) -> Result<Block, ArrayError> {
    let mut sums = inputs[0].elements::<T>()?.to_vec();
    let mut lost = vec![T::default(); sums.len()];
    for input in &inputs[1..] {
        let values = same(input.elements::<T>()?, sums.len())?;
        for ((sum, lost), value) in sums.iter_mut().zip(&mut lost).zip(values) {
            value.add_to(sum, lost);
        }
    }
    let totals = sums.into_iter().zip(lost).map(|(sum, lost)| T::total(sum, lost));
    Block::from_elements(inputs[0].shape(), totals.collect())
}

fn extremes<T: Element>(inputs: &[Arc<Block>], is_largest: bool) -> Result<Block, ArrayError> {
    let [values, places] = inputs[0].parts()?;
    let (shape, mut values) = (values.shape(), values.elements::<T>()?.to_vec());
    let mut places = same(places.elements::<i64>()?, values.len())?.to_vec();
    for input in &inputs[1..] {
        let [others, other_places] = input.parts()?;
        let others = same(others.elements::<T>()?, values.len())?;
        let other_places = same(other_places.elements::<i64>()?, values.len())?;
        for (index, (other, other_place)) in others.iter().zip(other_places).enumerate() {
            let (value, place) = (&mut values[index], &mut places[index]);
            let is_equal = !arg::is_more(*value, *other, is_largest) && !arg::is_more(*other, *value, is_largest);
            // Blocks do not come in the order of their elements: of equal ones the first is that with the lower place.
            if arg::is_more(*other, *value, is_largest) || is_equal && other_place < place {
                (*value, *place) = (*other, *other_place);
            }
        }
    }
    Ok(Block::Parts(vec![Block::from_elements(shape, values)?, Block::from_elements(shape, places)?]))
}
