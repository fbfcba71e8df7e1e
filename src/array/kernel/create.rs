//! Where elements come from that nobody has given.

use rand_distr::{Distribution, Normal, StandardUniform};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

use crate::array::kernel::{Tile, wrong};
use crate::array::{ArrayError, ElementType};

/// Makes the elements of a block in C order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Create {
    /// Uniform from 0 to 1, without 1: `f64`.
    Random(Stream),
    /// Normal: `f64`.
    Normal { stream: Stream, mean: f64, deviation: f64 },
    /// Uniform whole numbers from `low` to `high`, without `high`: `i64`.
    Integers { stream: Stream, low: i64, high: i64 },
    /// `start + (first + i) * step`: `f64`.
    Floats { start: f64, step: f64, first: usize },
    /// The same: `i64`.
    Integral { start: i64, step: i64, first: usize },
    /// From `start` to `stop`, which is the element `last`: `f64`.
    Linear { start: f64, stop: f64, last: usize, first: usize },
}

/// The random numbers of one block: those of the generator of a seed and the block's number, so that neither threads nor
/// engines make a difference.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Stream {
    pub(crate) seed: u64,
    pub(crate) block: u64,
}

impl Stream {
    fn generator(self) -> Xoshiro256PlusPlus {
        // Seeds of neighbours must not give neighbouring states; the generator's own seeding (splitmix64) sees to that,
        // if the two numbers do not meet: hence the odd factor, that of the golden ratio.
        Xoshiro256PlusPlus::seed_from_u64(self.seed ^ self.block.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

impl Create {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Random(_) => "random",
            Self::Normal { .. } => "normal",
            Self::Integers { .. } => "integers",
            Self::Floats { .. } | Self::Integral { .. } => "arange",
            Self::Linear { .. } => "linspace",
        }
    }

    pub(crate) fn element(&self) -> ElementType {
        match self {
            Self::Integers { .. } | Self::Integral { .. } => ElementType::I64,
            _ => ElementType::F64,
        }
    }

    /// Begins with the first element.
    pub(crate) fn source(&self) -> Result<Source, ArrayError> {
        Ok(match *self {
            Self::Random(stream) => Source::Random(stream.generator()),
            Self::Normal { stream, mean, deviation } => {
                let normal = Normal::new(mean, deviation).map_err(|error| wrong("normal", error.to_string()))?;
                Source::Normal(stream.generator(), normal)
            }
            Self::Integers { stream, low, high } if low < high => Source::Integers(stream.generator(), low, high),
            Self::Integers { .. } => return Err(wrong("integers", "there is no number in the range")),
            Self::Floats { start, step, first } => Source::Floats { start, step, next: first },
            Self::Integral { start, step, first } => Source::Integral { start, step, next: first },
            Self::Linear { start, stop, last, first } => Source::Linear { start, stop, last, next: first },
        })
    }
}

/// Gives the elements of a block, in C order.
#[derive(Debug)]
pub(crate) enum Source {
    Random(Xoshiro256PlusPlus),
    Normal(Xoshiro256PlusPlus, Normal<f64>),
    Integers(Xoshiro256PlusPlus, i64, i64),
    Floats { start: f64, step: f64, next: usize },
    Integral { start: i64, step: i64, next: usize },
    Linear { start: f64, stop: f64, last: usize, next: usize },
}

impl Source {
    /// Gives the next elements.
    pub(crate) fn fill(&mut self, tile: &mut Tile, range: std::ops::Range<usize>) {
        match tile {
            Tile::F64(values) => self.fill_floats(&mut values[range]),
            Tile::I64(values) => self.fill_integers(&mut values[range]),
            _ => {}
        }
    }

    fn fill_floats(&mut self, to: &mut [f64]) {
        match self {
            Self::Random(generator) => {
                // A copy, which the compiler keeps in registers.
                let mut local = generator.clone();
                to.iter_mut().for_each(|to| *to = StandardUniform.sample(&mut local));
                *generator = local;
            }
            Self::Normal(generator, normal) => {
                to.iter_mut().for_each(|to| *to = normal.sample(generator));
            }
            Self::Floats { start, step, next } => {
                to.iter_mut().enumerate().for_each(|(i, to)| *to = *start + next.wrapping_add(i) as f64 * *step);
                *next = next.wrapping_add(to.len());
            }
            Self::Linear { start, stop, last, next } => {
                let step = (*stop - *start) / (*last).max(1) as f64;
                for (i, to) in to.iter_mut().enumerate() {
                    let place = next.wrapping_add(i);
                    *to = if place == *last && place > 0 { *stop } else { *start + place as f64 * step };
                }
                *next = next.wrapping_add(to.len());
            }
            Self::Integers(..) | Self::Integral { .. } => {}
        }
    }

    fn fill_integers(&mut self, to: &mut [i64]) {
        match self {
            Self::Integers(generator, low, high) => {
                let range = high.wrapping_sub(*low) as u64;
                for to in to {
                    let random: u64 = StandardUniform.sample(generator);
                    // The upper half of the product: as even as 64 bits can be for such a range.
                    let place = ((u128::from(random) * u128::from(range)) >> 64) as u64;
                    *to = low.wrapping_add(place as i64);
                }
            }
            Self::Integral { start, step, next } => {
                for (i, to) in to.iter_mut().enumerate() {
                    *to = start.wrapping_add((next.wrapping_add(i) as i64).wrapping_mul(*step));
                }
                *next = next.wrapping_add(to.len());
            }
            _ => {}
        }
    }
}
