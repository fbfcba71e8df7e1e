//! Which axes are reduced, as they are given.

use crate::array::{Array, ArrayError, Element};

/// The axes of a reduction: one, `0`, or several, `[0, -1]`. Negative ones count from the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axes(Vec<isize>);

impl From<isize> for Axes {
    fn from(axis: isize) -> Self {
        Self(vec![axis])
    }
}

impl<const N: usize> From<[isize; N]> for Axes {
    fn from(axes: [isize; N]) -> Self {
        Self(axes.to_vec())
    }
}

impl From<&[isize]> for Axes {
    fn from(axes: &[isize]) -> Self {
        Self(axes.to_vec())
    }
}

impl From<Vec<isize>> for Axes {
    fn from(axes: Vec<isize>) -> Self {
        Self(axes)
    }
}

impl Axes {
    /// Of each axis of an array whether it is among them.
    pub(crate) fn of<T: Element>(&self, array: &Array<T>) -> Result<Vec<bool>, ArrayError> {
        let mut is_among = vec![false; array.ndim()];
        for axis in &self.0 {
            let axis = array.axis(*axis)?;
            if std::mem::replace(&mut is_among[axis], true) {
                return Err(ArrayError::RepeatedAxis { axis, shape: array.shape().to_vec() });
            }
        }
        Ok(is_among)
    }
}
