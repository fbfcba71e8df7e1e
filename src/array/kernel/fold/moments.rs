//! Means and squared distances from them, by the parallel algorithm of Chan, Golub and LeVeque.

use num_complex::Complex64;

use super::sum::Summand;
use super::{Accumulate, Geometry, Values};
use crate::array::kernel::wrong;
use crate::array::{ArrayError, Block, ElementType};

/// What moments are made of.
pub(crate) trait Moment: Summand {
    fn times(self, factor: f64) -> Self;
    fn squared(self) -> f64;
}

impl Moment for f64 {
    fn times(self, factor: f64) -> f64 {
        self * factor
    }

    fn squared(self) -> f64 {
        self * self
    }
}

impl Moment for Complex64 {
    fn times(self, factor: f64) -> Complex64 {
        self * factor
    }

    fn squared(self) -> f64 {
        self.norm_sqr()
    }
}

/// Adds the moments of further elements to those of `count`.
pub(crate) fn join<T: Moment>(count: f64, mean: &mut T, squares: &mut f64, other: (f64, T, f64)) {
    let (other_count, other_mean, other_squares) = other;
    let total = count + other_count;
    if other_count == 0.0 {
        return;
    }
    let distance = other_mean.subtract(*mean);
    *mean = mean.add(distance.times(other_count / total));
    *squares += other_squares + distance.squared() * (count * other_count / total);
}

/// So many at once, for vector instructions.
const LANES: usize = 8;

/// The sum of the squared distances.
fn squares<T: Moment>(values: &[T], mean: T) -> f64 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, value)| *lane += value.subtract(mean).squared());
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|value| value.subtract(mean).squared()).sum::<f64>()
}

struct Moments<T> {
    counts: Vec<usize>,
    means: Vec<T>,
    squares: Vec<f64>,
}

pub(super) fn moments(element: ElementType, cells: usize) -> Result<Box<dyn Accumulate>, ArrayError> {
    fn new<T: Moment>(cells: usize) -> Box<dyn Accumulate> {
        Box::new(Moments { counts: vec![0; cells], means: vec![T::default(); cells], squares: vec![0.0; cells] })
    }
    match element {
        ElementType::F64 => Ok(new::<f64>(cells)),
        ElementType::Complex64 => Ok(new::<Complex64>(cells)),
        element => Err(wrong("moments", format!("elements of type {element} are not widened"))),
    }
}

impl<T: Moment> Accumulate for Moments<T> {
    fn rows(&mut self, geometry: &Geometry, start: usize, values: Values<'_>) {
        geometry.rows(start, values.of::<T>(), |row| {
            let cell = row.cell;
            if row.is_one {
                let count = row.values.len() as f64;
                let mean = T::row(row.values).times(1.0 / count);
                let squares = squares(row.values, mean);
                let (before, means) = (self.counts[cell] as f64, &mut self.means[cell]);
                join(before, means, &mut self.squares[cell], (count, mean, squares));
                self.counts[cell] += row.values.len();
                return;
            }
            // Cells of one row have taken equally many elements.
            let count = self.counts[cell] + 1;
            let factor = 1.0 / count as f64;
            let cells = self.means[cell..].iter_mut().zip(&mut self.squares[cell..]).zip(&mut self.counts[cell..]);
            for (((mean, squares), cell_count), value) in cells.zip(row.values) {
                let distance = value.subtract(*mean);
                *mean = mean.add(distance.times(factor));
                *squares += distance.squared() * ((count - 1) as f64 * factor);
                *cell_count = count;
            }
        });
    }

    fn finish(self: Box<Self>, geometry: &Geometry) -> Result<Block, ArrayError> {
        Ok(Block::Parts(vec![
            Block::from_elements(&geometry.shape, self.means)?,
            Block::from_elements(&geometry.shape, self.squares)?,
        ]))
    }
}
