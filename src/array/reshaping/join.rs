//! Several arrays as one.

use std::borrow::Borrow;

use crate::array::elementwise::refined;
use crate::array::{Array, ArrayError, Element, Layout};

/// Arrays one after the other along an axis that they have. Their other axes are equally long; where those have other chunks,
/// they are cut wherever one of the arrays is.
///
/// # Errors
///
/// [`ArrayError::Shapes`] with both shapes; [`ArrayError::Axis`]; [`ArrayError::Parameter`] for no arrays;
/// [`ArrayError::ShapeOverflow`], [`ArrayError::TooManyBlocks`]; and the error that an array carries.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, array, runtime::Smol};
///
/// let client = Client::<Smol>::local().wait()?;
/// let (x, y) = (array::arange(0, 3, 1, 2), array::arange(10, 12, 1, 2));
/// let z = array::concatenate(&[&x, &y], 0)?;
/// assert_eq!(client.compute(&z).wait()?.as_slice().unwrap(), [0, 1, 2, 10, 11]);
/// assert_eq!(z.chunks(), [vec![2, 1, 2]]);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn concatenate<T: Element, A: Borrow<Array<T>>>(arrays: &[A], axis: isize) -> Result<Array<T>, ArrayError> {
    let arrays: Vec<&Array<T>> = arrays.iter().map(Borrow::borrow).collect();
    let first = checked("concatenate", &arrays)?;
    let axis = first.axis(axis)?;
    for array in &arrays {
        let (left, right) = (first.shape(), array.shape());
        let fits = |(own, (left, right)): (usize, (&usize, &usize))| own == axis || left == right;
        if left.len() != right.len() || !left.iter().zip(right).enumerate().all(fits) {
            return Err(ArrayError::Shapes {
                operation: format!("concatenate along axis {axis}"),
                left: left.to_vec(),
                right: right.to_vec(),
                fix: "all other axes must be equally long".to_owned(),
            });
        }
    }
    let mut lists = first.chunks().to_vec();
    for array in &arrays[1..] {
        for (own, (list, other)) in lists.iter_mut().zip(array.chunks()).enumerate() {
            if own == axis {
                list.extend(other);
            } else if list != other {
                *list = refined(list, other);
            }
        }
    }
    let layout = Layout::from_lists(lists.clone())?;
    let mut fitted = Vec::with_capacity(arrays.len());
    // Which array each chunk of the axis is of, and which of its chunks.
    let mut sources = Vec::with_capacity(lists[axis].len());
    for (number, array) in arrays.iter().enumerate() {
        let own = array.chunks()[axis].clone();
        sources.extend((0..own.len()).map(|chunk| (number, chunk)));
        let lists =
            lists.iter().enumerate().map(|(other, list)| if other == axis { own.clone() } else { list.clone() });
        fitted.push(array.rechunk(lists.collect::<Vec<_>>())?);
    }
    let block = |mut place: Vec<usize>| {
        let (number, chunk) = sources[place[axis]];
        place[axis] = chunk;
        fitted[number].block(&place)
    };
    let blocks = layout.blocks().map(block).collect();
    Ok(Array::from_blocks(layout, blocks))
}

/// Arrays of one shape side by side along a new axis, which is then the axis with this number. Negative ones count from the
/// end, where -1 makes the new axis the last one.
///
/// # Errors
///
/// [`ArrayError::Shapes`] with both shapes; [`ArrayError::Axis`], [`ArrayError::TooManyAxes`]; [`ArrayError::Parameter`] for no
/// arrays; [`ArrayError::ShapeOverflow`], [`ArrayError::TooManyBlocks`]; and the error that an array carries.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, array, runtime::Smol};
///
/// let client = Client::<Smol>::local().wait()?;
/// let (x, y) = (array::arange(0, 3, 1, 2), array::arange(10, 13, 1, 2));
/// let z = array::stack(&[x, y], -1)?;
/// assert_eq!(client.compute(&z).wait()?, ndarray::arr2(&[[0, 10], [1, 11], [2, 12]]).into_dyn());
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn stack<T: Element, A: Borrow<Array<T>>>(arrays: &[A], axis: isize) -> Result<Array<T>, ArrayError> {
    let arrays: Vec<&Array<T>> = arrays.iter().map(Borrow::borrow).collect();
    let first = checked("stack", &arrays)?;
    if let Some(other) = arrays.iter().find(|array| array.shape() != first.shape()) {
        return Err(ArrayError::Shapes {
            operation: "stack".to_owned(),
            left: first.shape().to_vec(),
            right: other.shape().to_vec(),
            fix: "all shapes must be equal".to_owned(),
        });
    }
    let expanded = arrays.iter().map(|array| array.expand_dims(axis)).collect::<Result<Vec<_>, _>>()?;
    concatenate(&expanded, axis)
}

/// The first of some arrays, if there is one and none of them carries an error.
fn checked<'a, T: Element>(operation: &str, arrays: &[&'a Array<T>]) -> Result<&'a Array<T>, ArrayError> {
    arrays.iter().try_for_each(|array| array.ok())?;
    arrays.first().copied().ok_or_else(|| ArrayError::Parameter {
        operation: operation.to_owned(),
        message: "there are no arrays: give at least one".to_owned(),
    })
}
