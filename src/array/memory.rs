//! Whether there is room for what a kernel makes.

use crate::array::layout::check_shape;
use crate::array::{ArrayError, ElementType};

/// The largest block that is made, 1 TiB: what is larger is a mistake, or made by one that means ill. Tests make kernels of
/// garbage, which must not make their machine swap.
const BLOCK_BYTES_MAX: u64 = 1 << if cfg!(test) { 20 } else { 40 };

/// From here on the system is asked for the memory before it is used, since a block that has no room would end the
/// process. Smaller ones come from what the process has.
const ASK_BYTES: usize = 1 << 26;

/// How many elements a block of this shape has.
///
/// # Errors
///
/// What is wrong with the shape, and [`ArrayError::TooLarge`] if no kernel can go through so much.
pub(crate) fn len(shape: &[usize], element: ElementType) -> Result<usize, ArrayError> {
    check_shape(shape)?;
    let len: usize = shape.iter().product();
    let nbytes = len.saturating_mul(element.nbytes());
    if nbytes as u64 > BLOCK_BYTES_MAX { Err(ArrayError::TooLarge { shape: shape.to_vec(), nbytes }) } else { Ok(len) }
}

/// How many elements a block of this shape has, if there is room for them.
///
/// # Errors
///
/// Those of [`len`], and [`ArrayError::TooLarge`] if the system has not so much memory.
pub(crate) fn room(shape: &[usize], element: ElementType) -> Result<usize, ArrayError> {
    let len = len(shape, element)?;
    let nbytes = len * element.nbytes();
    if nbytes >= ASK_BYTES && Vec::<u8>::new().try_reserve_exact(nbytes).is_err() {
        return Err(ArrayError::TooLarge { shape: shape.to_vec(), nbytes });
    }
    Ok(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_machine_has_is_refused() {
        assert_eq!(room(&[2, 3], ElementType::F64), Ok(6));
        assert_eq!(room(&[1 << 50, 0], ElementType::F64), Ok(0));
        assert!(
            matches!(room(&[1 << 40], ElementType::F64), Err(ArrayError::TooLarge { nbytes, .. }) if nbytes == 1 << 43)
        );
        assert!(matches!(room(&[1 << 40, 1 << 40], ElementType::U8), Err(ArrayError::ShapeOverflow { .. })));
        assert!(matches!(room(&[1; 7], ElementType::U8), Err(ArrayError::TooManyAxes { .. })));
    }
}
