//! Quantiles along an axis that lies whole in a block.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::array::element::dispatch;
use crate::array::kernel::wrong;
use crate::array::{ArrayError, Block, Element, ElementType};

/// The quantile along an axis, of which length 1 stays if `keepdims`; linear between the two nearest elements.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Quantile {
    /// From 0 to 1.
    pub(crate) quantile: f64,
    pub(crate) axis: usize,
    pub(crate) keepdims: bool,
    /// Of the result: `f32` or `f64`.
    pub(crate) element: ElementType,
}

impl Quantile {
    pub(crate) fn run(&self, inputs: &[Arc<Block>]) -> Result<Block, ArrayError> {
        let Some(block) = inputs.first() else { return Err(wrong("quantile", "a block is missing")) };
        let element = block.element().ok_or_else(|| wrong("quantile", "parts were given"))?;
        dispatch!(element, S => dispatch!(self.element, T => self.quantiles::<S, T>(block)))
    }

    fn quantiles<S: Element, T: Element>(&self, block: &Block) -> Result<Block, ArrayError> {
        let shape = block.shape();
        let Some(length) = shape.get(self.axis).copied() else {
            return Err(wrong("quantile", format!("there is no axis {} in {shape:?}", self.axis)));
        };
        let lanes: usize = shape[self.axis + 1..].iter().product();
        let elements = block.elements::<S>()?;
        // Where there are no elements, there are either no quantiles, or too few below.
        let length = length.max(1);
        let mut result = Vec::with_capacity(elements.len() / length);
        let mut lane = Vec::with_capacity(length.min(elements.len()));
        for group in elements.chunks(lanes.max(1) * length) {
            for first in 0..lanes.min(group.len()) {
                lane.clear();
                lane.extend(group[first..].iter().step_by(lanes).map(|value| value.to_f64()));
                result.push(T::cast_from(quantile(&mut lane, self.quantile)));
            }
        }
        let mut shape = shape.to_vec();
        if self.keepdims {
            shape[self.axis] = 1;
        } else {
            shape.remove(self.axis);
        }
        Block::from_elements(&shape, result)
    }
}

/// NumPy's `linear` method. NaN if one of them is. There is at least one.
fn quantile(lane: &mut [f64], quantile: f64) -> f64 {
    if lane.iter().any(|value| value.is_nan()) {
        return f64::NAN;
    }
    let place = quantile.clamp(0.0, 1.0) * (lane.len() - 1) as f64;
    let below = (place.floor() as usize).min(lane.len() - 1);
    let (_, low, above) = lane.select_nth_unstable_by(below, f64::total_cmp);
    let low = *low;
    let Some(high) = above.iter().copied().min_by(f64::total_cmp) else { return low };
    let (fraction, distance) = (place - below as f64, high - low);
    // From the nearer end, so that neither is overshot.
    if fraction == 0.0 {
        low
    } else if fraction >= 0.5 {
        high - distance * (1.0 - fraction)
    } else {
        low + distance * fraction
    }
}

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    fn quantiles_are_those_of_numpy() {
        let values = || vec![3.0, 1.0, 4.0, 1.0, 5.0];
        for (q, expected) in [(0.0, 1.0), (0.25, 1.0), (0.5, 3.0), (0.6, 3.4), (0.9, 4.6), (1.0, 5.0)] {
            assert_eq!(quantile(&mut values(), q), expected, "{q}");
        }
        assert!(quantile(&mut [1.0, f64::NAN], 0.5).is_nan());
        assert_eq!(quantile(&mut [7.0], 0.3), 7.0);
    }
}
