//! Sums: pairwise within a row, compensated between rows.

use num_complex::Complex64;

use super::{Accumulate, Geometry, Values};
use crate::array::kernel::wrong;
use crate::array::{ArrayError, Block, Element, ElementType};

/// What sums are made of: `f64` for all floats, `i64` for all whole numbers, complex numbers.
pub(crate) trait Summand: Element {
    /// The sum of a row. The error grows with the logarithm of its length.
    fn row(values: &[Self]) -> Self;

    /// Adds to a sum, and what is lost by rounding to another.
    fn add_to(self, sum: &mut Self, lost: &mut Self);

    /// The sum with what was lost.
    fn total(sum: Self, lost: Self) -> Self;
}

/// So many elements at once, each in a sum of its own: the compiler makes vector instructions of it.
const LANES: usize = 16;

/// Rows up to here are added without further cuts. Each sum is of as many elements as in NumPy, which has half as many.
const ROW_LEN: usize = 256;

impl Summand for f64 {
    fn row(values: &[f64]) -> f64 {
        if values.len() > ROW_LEN {
            // Cut so that the first part is whole lanes.
            let (first, second) = values.split_at((values.len() / 2).next_multiple_of(LANES));
            return Self::row(first) + Self::row(second);
        }
        let (chunks, rest) = values.as_chunks::<LANES>();
        let mut sums = [0.0; LANES];
        for chunk in chunks {
            sums.iter_mut().zip(chunk).for_each(|(sum, value)| *sum += value);
        }
        let mut half = LANES / 2;
        while half > 0 {
            let (first, second) = sums.split_at_mut(half);
            first.iter_mut().zip(second).for_each(|(one, other)| *one += *other);
            half /= 2;
        }
        sums[0] + rest.iter().sum::<f64>()
    }

    fn add_to(self, sum: &mut f64, lost: &mut f64) {
        // Knuth's two-sum: exact whichever is larger, and without a branch.
        let new = *sum + self;
        let part = new - *sum;
        *lost += (*sum - (new - part)) + (self - part);
        *sum = new;
    }

    fn total(sum: f64, lost: f64) -> f64 {
        // Of an infinite sum nothing is lost that can be told.
        if lost.is_finite() { sum + lost } else { sum }
    }
}

impl Summand for i64 {
    fn row(values: &[i64]) -> i64 {
        values.iter().fold(0, |sum, value| sum.wrapping_add(*value))
    }

    fn add_to(self, sum: &mut i64, _: &mut i64) {
        *sum = sum.wrapping_add(self);
    }

    fn total(sum: i64, _: i64) -> i64 {
        sum
    }
}

impl Summand for Complex64 {
    fn row(values: &[Complex64]) -> Complex64 {
        if values.len() <= LANES {
            return values.iter().sum();
        }
        let (first, second) = values.split_at(values.len() / 2);
        Self::row(first) + Self::row(second)
    }

    fn add_to(self, sum: &mut Self, lost: &mut Self) {
        self.re.add_to(&mut sum.re, &mut lost.re);
        self.im.add_to(&mut sum.im, &mut lost.im);
    }

    fn total(sum: Self, lost: Self) -> Self {
        Self::new(f64::total(sum.re, lost.re), f64::total(sum.im, lost.im))
    }
}

struct Sums<T> {
    sums: Vec<T>,
    lost: Vec<T>,
}

pub(super) fn sums(element: ElementType, cells: usize) -> Result<Box<dyn Accumulate>, ArrayError> {
    fn new<T: Summand>(cells: usize) -> Box<dyn Accumulate> {
        Box::new(Sums { sums: vec![T::default(); cells], lost: vec![T::default(); cells] })
    }
    match element {
        ElementType::F64 => Ok(new::<f64>(cells)),
        ElementType::I64 => Ok(new::<i64>(cells)),
        ElementType::Complex64 => Ok(new::<Complex64>(cells)),
        element => Err(wrong("sum", format!("elements of type {element} are not widened"))),
    }
}

impl<T: Summand> Accumulate for Sums<T> {
    fn rows(&mut self, geometry: &Geometry, start: usize, values: Values<'_>) {
        geometry.rows(start, values.of::<T>(), |row| {
            if row.is_one {
                T::row(row.values).add_to(&mut self.sums[row.cell], &mut self.lost[row.cell]);
                return;
            }
            let (sums, lost) = (&mut self.sums[row.cell..], &mut self.lost[row.cell..]);
            for ((value, sum), lost) in row.values.iter().zip(sums).zip(lost) {
                value.add_to(sum, lost);
            }
        });
    }

    fn finish(self: Box<Self>, geometry: &Geometry) -> Result<Block, ArrayError> {
        let totals = self.sums.into_iter().zip(self.lost).map(|(sum, lost)| T::total(sum, lost));
        Block::from_elements(&geometry.shape, totals.collect())
    }
}
