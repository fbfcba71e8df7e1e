//! Where the smallest and the largest elements are.

use super::{Accumulate, Geometry, Values};
use crate::array::kernel::Test;
use crate::array::{ArrayError, Block, Element};

struct Extremes<T> {
    values: Vec<T>,
    positions: Vec<usize>,
    is_largest: bool,
}

/// No element yet.
const NOWHERE: usize = usize::MAX;

pub(super) fn extreme<T: Element>(cells: usize, is_largest: bool) -> Box<dyn Accumulate> {
    Box::new(Extremes { values: vec![T::default(); cells], positions: vec![NOWHERE; cells], is_largest })
}

/// Whether an element takes the place of another that comes before it. NaN is more extreme than anything; the first wins.
pub(crate) fn is_more<T: Element>(value: T, than: T, is_largest: bool) -> bool {
    let is_beyond = if is_largest { than.is_less(value) } else { value.is_less(than) };
    is_beyond && !than.test(Test::Nan) || value.test(Test::Nan) && !than.test(Test::Nan)
}

impl<T: Element> Extremes<T> {
    fn take(&mut self, cell: usize, value: T, position: usize) {
        if self.positions[cell] == NOWHERE || is_more(value, self.values[cell], self.is_largest) {
            self.values[cell] = value;
            self.positions[cell] = position;
        }
    }
}

impl<T: Element> Accumulate for Extremes<T> {
    fn rows(&mut self, geometry: &Geometry, start: usize, values: Values<'_>) {
        geometry.rows(start, values.of::<T>(), |row| {
            for (index, value) in row.values.iter().enumerate() {
                let (cell, position) =
                    if row.is_one { (row.cell, row.position + index) } else { (row.cell + index, row.position) };
                self.take(cell, *value, position);
            }
        });
    }

    fn finish(self: Box<Self>, geometry: &Geometry) -> Result<Block, ArrayError> {
        let places = self.positions.iter().map(|position| geometry.place(*position)).collect();
        Ok(Block::Parts(vec![
            Block::from_elements(&geometry.shape, self.values)?,
            Block::from_elements::<i64>(&geometry.shape, places)?,
        ]))
    }
}
