//! Products, smallest and largest elements, any and all.

use super::{Accumulate, Geometry, Reduction, Values};
use crate::array::{ArrayError, Block, Element, Scalar};

struct Monoid<T, F> {
    cells: Vec<T>,
    neutral: T,
    function: F,
}

pub(super) fn monoid<T: Element>(reduction: Reduction, cells: usize) -> Box<dyn Accumulate> {
    let neutral: T = neutral(reduction);
    fn new<T: Element, F: Fn(T, T) -> T + 'static>(cells: usize, neutral: T, function: F) -> Box<dyn Accumulate> {
        Box::new(Monoid { cells: vec![neutral; cells], neutral, function })
    }
    match reduction {
        Reduction::Product => new(cells, neutral, T::multiply),
        Reduction::Min => new(cells, neutral, T::minimum),
        Reduction::Max => new(cells, neutral, T::maximum),
        Reduction::Any => new(cells, neutral, T::or),
        _ => new(cells, neutral, T::and),
    }
}

/// The value of no elements.
pub(crate) fn neutral<T: Element>(reduction: Reduction) -> T {
    let least = reduction == Reduction::Max;
    let scalar = match reduction {
        Reduction::Min | Reduction::Max => match T::TYPE {
            crate::array::ElementType::Bool => Scalar::Bool(!least),
            crate::array::ElementType::U8 => Scalar::U8(if least { 0 } else { u8::MAX }),
            crate::array::ElementType::I32 => Scalar::I32(if least { i32::MIN } else { i32::MAX }),
            crate::array::ElementType::I64 => Scalar::I64(if least { i64::MIN } else { i64::MAX }),
            crate::array::ElementType::F32 => Scalar::F32(if least { f32::NEG_INFINITY } else { f32::INFINITY }),
            crate::array::ElementType::F64 => Scalar::F64(if least { f64::NEG_INFINITY } else { f64::INFINITY }),
            crate::array::ElementType::Complex64 => {
                let most = if least { f64::NEG_INFINITY } else { f64::INFINITY };
                Scalar::Complex64(crate::array::Complex64::new(most, most))
            }
        },
        Reduction::Product | Reduction::All => return T::cast_from(true),
        _ => return T::default(),
    };
    T::of_scalar(scalar).unwrap_or_default()
}

const LANES: usize = 8;

impl<T: Element, F: Fn(T, T) -> T> Monoid<T, F> {
    fn row(&self, values: &[T]) -> T {
        let (chunks, rest) = values.as_chunks::<LANES>();
        let mut lanes = [self.neutral; LANES];
        for chunk in chunks {
            lanes.iter_mut().zip(chunk).for_each(|(lane, value)| *lane = (self.function)(*lane, *value));
        }
        lanes.iter().chain(rest).copied().reduce(&self.function).unwrap_or(self.neutral)
    }
}

impl<T: Element, F: Fn(T, T) -> T> Accumulate for Monoid<T, F> {
    fn rows(&mut self, geometry: &Geometry, start: usize, values: Values<'_>) {
        geometry.rows(start, values.of::<T>(), |row| {
            if row.is_one {
                let value = self.row(row.values);
                self.cells[row.cell] = (self.function)(self.cells[row.cell], value);
                return;
            }
            for (cell, value) in self.cells[row.cell..].iter_mut().zip(row.values) {
                *cell = (self.function)(*cell, *value);
            }
        });
    }

    fn finish(self: Box<Self>, geometry: &Geometry) -> Result<Block, ArrayError> {
        Block::from_elements(&geometry.shape, self.cells)
    }
}
