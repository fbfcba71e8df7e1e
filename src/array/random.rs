//! Random arrays.

use std::hash::{BuildHasher, Hasher, RandomState};

use crate::array::create::created;
use crate::array::kernel::{Create, Stream};
use crate::array::{Array, ArrayError, Chunks, Layout, Shape};

/// Uniform numbers from 0 to 1, without 1; others each time that it is called. For the same ones again see [`Generator`].
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, array, runtime::Smol};
///
/// let client = Client::<Smol>::local().wait()?;
/// let x = array::random([1000, 1000], [1000, 100]);   // shape, chunks
/// let mean: f64 = client.compute(&x.mean()).wait()?;
/// assert!((mean - 0.5).abs() < 0.01);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn random(shape: impl Into<Shape>, chunks: impl Into<Chunks>) -> Array<f64> {
    Generator::unseeded().random(shape, chunks)
}

/// Normal numbers of this mean and standard deviation; others each time. See [`random`].
pub fn normal(mean: f64, deviation: f64, shape: impl Into<Shape>, chunks: impl Into<Chunks>) -> Array<f64> {
    Generator::unseeded().normal(mean, deviation, shape, chunks)
}

/// A source of random arrays: NumPy's `default_rng`.
///
/// The same seed gives the same arrays in the same order, whatever runs them and with however many threads. Each block has a
/// generator of its own (xoshiro256++), made of the seed, the number of the array and that of the block: so other chunks
/// give other numbers. They are good for simulations, not for secrets.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, array::Generator, runtime::Smol};
///
/// let client = Client::<Smol>::local().wait()?;
/// let [mut one, mut other] = [Generator::new(7), Generator::new(7)];
/// let x = client.compute(&one.random([100, 3], [30, 3])).wait()?;
/// assert_eq!(x, client.compute(&other.random([100, 3], [30, 3])).wait()?);
/// assert_ne!(x, client.compute(&one.random([100, 3], [30, 3])).wait()?);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Generator {
    seed: u64,
    /// How many arrays it has given.
    arrays: u64,
}

impl Generator {
    /// With this seed.
    pub fn new(seed: u64) -> Self {
        Self { seed, arrays: 0 }
    }

    /// With a seed of the system's.
    pub fn unseeded() -> Self {
        // The standard library takes the keys of its hash maps from the system, and changes them for each.
        Self::new(RandomState::new().build_hasher().finish())
    }

    /// Uniform numbers from 0 to 1, without 1.
    pub fn random(&mut self, shape: impl Into<Shape>, chunks: impl Into<Chunks>) -> Array<f64> {
        self.create(Layout::new(shape, chunks), Create::Random)
    }

    /// Normal numbers of this mean and standard deviation. A deviation that is negative or no number is
    /// [carried](Array::check) as an error.
    pub fn normal(
        &mut self,
        mean: f64,
        deviation: f64,
        shape: impl Into<Shape>,
        chunks: impl Into<Chunks>,
    ) -> Array<f64> {
        let layout = Layout::new(shape, chunks).and_then(|layout| match deviation {
            0.0..=f64::MAX if mean.is_finite() => Ok(layout),
            _ => Err(ArrayError::Parameter {
                operation: "normal".into(),
                message: format!("mean {mean} and deviation {deviation}: give finite numbers, the second not below 0"),
            }),
        });
        self.create(layout, |stream| Create::Normal { stream, mean, deviation })
    }

    /// Whole numbers from `low` to `high`, without `high`. An empty range is [carried](Array::check) as an error.
    pub fn integers(&mut self, low: i64, high: i64, shape: impl Into<Shape>, chunks: impl Into<Chunks>) -> Array<i64> {
        let layout = Layout::new(shape, chunks).and_then(|layout| match low < high {
            true => Ok(layout),
            false => Err(ArrayError::Parameter {
                operation: "integers".into(),
                message: format!("there is none from {low} below {high}: give a larger upper end"),
            }),
        });
        self.create(layout, |stream| Create::Integers { stream, low, high }).assume()
    }

    fn create(&mut self, layout: Result<Layout, ArrayError>, create: impl Fn(Stream) -> Create) -> Array<f64> {
        // Far from the seeds of neighbours, as blocks are from each other.
        let seed = self.seed.wrapping_add(self.arrays.wrapping_mul(0xd134_2543_de82_ef95));
        self.arrays += 1;
        Array::carrying(layout.map(|layout| created(layout, |_, block| create(Stream { seed, block }))))
    }
}
