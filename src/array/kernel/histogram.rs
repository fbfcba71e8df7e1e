//! How many elements of a block are in each bin.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::array::element::dispatch;
use crate::array::histogram::BINS_MAX;
use crate::array::kernel::{shared, wrong};
use crate::array::{ArrayError, Block, Element};

/// Counts the elements of its input in bins, as `i64`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Histogram {
    pub(crate) bins: Bins,
}

/// Bins in a row. Each has its lower edge and not its upper one; the last has both.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Bins {
    /// So many of one width.
    Even { start: f64, stop: f64, count: usize },
    /// Between edges that rise.
    Between(#[serde(with = "shared")] Arc<[f64]>),
}

impl Bins {
    /// One more than there are bins. Even ones are where NumPy has them.
    pub(crate) fn edges(&self) -> Arc<[f64]> {
        match self {
            Self::Even { start, stop, count } => {
                let step = (stop - start) / *count as f64;
                let edges = (0..*count).map(|number| number as f64 * step + start);
                edges.chain([*stop]).collect()
            }
            Self::Between(edges) => Arc::clone(edges),
        }
    }
}

impl Histogram {
    pub(crate) fn run(&self, inputs: &[Arc<Block>]) -> Result<Block, ArrayError> {
        let [block] = inputs else { return Err(wrong("histogram", "one block is needed")) };
        let count = match &self.bins {
            Bins::Even { count, .. } => *count,
            Bins::Between(edges) => edges.len().saturating_sub(1),
        };
        if !(1..=BINS_MAX).contains(&count) {
            return Err(wrong("histogram", format!("{count} bins")));
        }
        let Some(element) = block.element() else { return Err(wrong("histogram", "parts were given")) };
        let edges = self.bins.edges();
        let mut counts = vec![0_i64; count];
        dispatch!(element, T => self.count(block.elements::<T>()?, &edges, &mut counts));
        Block::from_elements(&[count], counts)
    }

    fn count<T: Element>(&self, elements: &[T], edges: &[f64], counts: &mut [i64]) {
        let (Some(first), Some(last)) = (edges.first(), edges.last()) else { return };
        let values = elements.iter().map(|element| element.to_f64());
        // NaN is in no bin.
        let within = values.filter(|value| first <= value && value <= last);
        let last_bin = counts.len() - 1;
        match self.bins {
            Bins::Even { start, stop, count } => {
                let bins_per_unit = count as f64 / (stop - start);
                for value in within {
                    let mut bin = (((value - start) * bins_per_unit) as usize).min(last_bin);
                    // The edges say where it is, not the rounded product.
                    while bin > 0 && value < edges[bin] {
                        bin -= 1;
                    }
                    while bin < last_bin && value >= edges[bin + 1] {
                        bin += 1;
                    }
                    counts[bin] += 1;
                }
            }
            Bins::Between(_) => {
                for value in within {
                    let above = edges.partition_point(|edge| *edge <= value);
                    counts[above.saturating_sub(1).min(last_bin)] += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_that_nobody_can_count_in_are_refused() {
        let block = Arc::new(Block::from_elements(&[3], vec![0.5, f64::NAN, 7.0]).unwrap());
        let run = |bins| Histogram { bins }.run(&[Arc::clone(&block)]);
        let even = |start, stop, count| Bins::Even { start, stop, count };
        assert_eq!(run(even(0.0, 1.0, 2)).unwrap().elements::<i64>().unwrap(), [0, 1]);
        for bins in
            [even(0.0, 1.0, 0), even(0.0, 1.0, usize::MAX), Bins::Between([].into()), Bins::Between([1.0].into())]
        {
            assert!(run(bins.clone()).is_err(), "{bins:?}");
        }
        // What is no range or falls is wrong, and no reason to panic.
        for bins in
            [even(f64::NAN, 1.0, 3), even(1.0, 1.0, 3), even(9.0, 0.0, 3), Bins::Between([9.0, 0.0, 8.0].into())]
        {
            assert_eq!(run(bins).unwrap().shape().len(), 1);
        }
        assert!(Histogram { bins: even(0.0, 1.0, 2) }.run(&[Arc::new(Block::Parts(Vec::new()))]).is_err());
        assert!(Histogram { bins: even(0.0, 1.0, 2) }.run(&[]).is_err());
    }
}
