//! Which axes of two arrays are summed over, as they are given.

use crate::array::{Array, ArrayError, Element};

/// The axes that [`tensordot`](crate::array::tensordot) sums over: how many of them, or `(0, 1)` or `([0, -1], [1, 0])`, those of
/// the first array and those of the second. Negative ones count from the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SummedAxes(Given);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Given {
    Count(usize),
    Lists(Vec<isize>, Vec<isize>),
}

impl From<usize> for SummedAxes {
    fn from(count: usize) -> Self {
        Self(Given::Count(count))
    }
}

impl From<(isize, isize)> for SummedAxes {
    fn from((left, right): (isize, isize)) -> Self {
        Self(Given::Lists(vec![left], vec![right]))
    }
}

impl<const N: usize> From<([isize; N], [isize; N])> for SummedAxes {
    fn from((left, right): ([isize; N], [isize; N])) -> Self {
        Self(Given::Lists(left.to_vec(), right.to_vec()))
    }
}

impl From<(&[isize], &[isize])> for SummedAxes {
    fn from((left, right): (&[isize], &[isize])) -> Self {
        Self(Given::Lists(left.to_vec(), right.to_vec()))
    }
}

impl From<(Vec<isize>, Vec<isize>)> for SummedAxes {
    fn from((left, right): (Vec<isize>, Vec<isize>)) -> Self {
        Self(Given::Lists(left, right))
    }
}

impl SummedAxes {
    /// The axes of both arrays, which are there, each once.
    pub(super) fn of<T: Element, U: Element>(
        &self,
        left: &Array<T>,
        right: &Array<U>,
    ) -> Result<(Vec<usize>, Vec<usize>), ArrayError> {
        let refused = |message| Err(ArrayError::Parameter { operation: "tensordot".into(), message });
        match &self.0 {
            Given::Count(count) => {
                let most = left.ndim().min(right.ndim());
                let Some(first) = left.ndim().checked_sub(*count).filter(|_| *count <= most) else {
                    let (left, right) = (left.shape(), right.shape());
                    return refused(format!(
                        "{count} axes are not in shapes {left:?} and {right:?}: give at most {most}"
                    ));
                };
                Ok(((first..left.ndim()).collect(), (0..*count).collect()))
            }
            Given::Lists(left_axes, right_axes) if left_axes.len() != right_axes.len() => refused(format!(
                "axes {left_axes:?} of shape {:?} and {right_axes:?} of {:?} do not go together: give as many of both",
                left.shape(),
                right.shape(),
            )),
            Given::Lists(left_axes, right_axes) => Ok((distinct(left, left_axes)?, distinct(right, right_axes)?)),
        }
    }
}

fn distinct<T: Element>(array: &Array<T>, axes: &[isize]) -> Result<Vec<usize>, ArrayError> {
    let mut known = Vec::with_capacity(axes.len());
    for axis in axes {
        let axis = array.axis(*axis)?;
        if known.contains(&axis) {
            return Err(ArrayError::RepeatedAxis { axis, shape: array.shape().to_vec() });
        }
        known.push(axis);
    }
    Ok(known)
}
