use crate::array::{ArrayError, Shape};

/// The shape that [`reshape`](crate::array::Array::reshape) is asked for: a shape, in which one length may be -1. It is then
/// what is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lengths(Vec<i128>);

macro_rules! from {
    ($($T:ty)*) => {$(
        impl From<$T> for Lengths {
            fn from(length: $T) -> Self {
                Self(vec![length as i128])
            }
        }

        impl<const N: usize> From<[$T; N]> for Lengths {
            fn from(lengths: [$T; N]) -> Self {
                Self(lengths.iter().map(|length| *length as i128).collect())
            }
        }

        impl From<&[$T]> for Lengths {
            fn from(lengths: &[$T]) -> Self {
                Self(lengths.iter().map(|length| *length as i128).collect())
            }
        }

        impl From<Vec<$T>> for Lengths {
            fn from(lengths: Vec<$T>) -> Self {
                Self::from(&lengths[..])
            }
        }
    )*};
}
// `i32` is what whole numbers are that nothing says anything else of.
from! { usize isize i32 }

impl From<()> for Lengths {
    fn from((): ()) -> Self {
        Self(Vec::new())
    }
}

impl From<Shape> for Lengths {
    fn from(shape: Shape) -> Self {
        Self::from(shape.0)
    }
}

impl Lengths {
    /// The shape that is meant for the elements of another.
    pub(super) fn of(self, shape: &[usize]) -> Result<Vec<usize>, ArrayError> {
        let refused = |message: &str| ArrayError::Parameter {
            operation: format!("reshape of shape {shape:?}"),
            message: format!("{:?} {message}", self.0),
        };
        if self.0.iter().filter(|length| **length == -1).count() > 1 {
            return Err(refused("has more than one unknown length: give at most one -1"));
        }
        let known: Vec<usize> = self.0.iter().filter_map(|length| usize::try_from(*length).ok()).collect();
        if known.len() + usize::from(self.0.contains(&-1)) != self.0.len() {
            return Err(refused("has a length below 0: give -1 for one that is unknown"));
        }
        let len = shape.iter().product::<usize>();
        let product = known.iter().try_fold(1_usize, |len, length| len.checked_mul(*length));
        let left = match product {
            Some(product) if product > 0 && len % product == 0 => len / product,
            _ => {
                return if known.len() == self.0.len() {
                    Ok(known)
                } else {
                    Err(refused("leaves no whole length for -1: make it divide the elements"))
                };
            }
        };
        Ok(self.0.iter().map(|length| usize::try_from(*length).unwrap_or(left)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_length_is_what_is_left() {
        let shape = |lengths: Lengths| lengths.of(&[4, 6]).ok();
        assert_eq!(shape([2, -1].into()), Some(vec![2, 12]));
        assert_eq!(shape((-1).into()), Some(vec![24]));
        assert_eq!(shape([2_usize, 12].into()), Some(vec![2, 12]));
        assert_eq!(shape([7].into()), Some(vec![7]));
        assert_eq!(shape([0, 3].into()), Some(vec![0, 3]));
        assert_eq!(shape([-1, -1].into()), None);
        assert_eq!(shape([5, -1].into()), None);
        assert_eq!(shape([0, -1].into()), None);
        assert_eq!(shape([-2, 12].into()), None);
        assert_eq!(Lengths::from([0, -1]).of(&[0]).ok(), None);
        assert_eq!(Lengths::from([3, -1]).of(&[0]), Ok(vec![3, 0]));
        assert_eq!(Lengths::from(()).of(&[1]), Ok(vec![]));
        assert_eq!(Lengths::from([usize::MAX, 2]).of(&[1]), Ok(vec![usize::MAX, 2]));
    }
}
