//! Which axes of two shapes have the same elements, and into which chunks they can be cut so that each is a box in both.

use std::ops::Range;

/// Axes of two shapes that have as many elements.
pub(super) type Group = (Range<usize>, Range<usize>);

/// The smallest groups of axes that have the same elements in both shapes. Axes of length 1 belong to none. The shapes have as
/// many elements, and these are not none.
pub(super) fn groups(from: &[usize], to: &[usize]) -> Vec<Group> {
    let mut groups = Vec::new();
    let (mut i, mut j) = (0, 0);
    loop {
        i += from[i..].iter().take_while(|length| **length == 1).count();
        j += to[j..].iter().take_while(|length| **length == 1).count();
        if i >= from.len() || j >= to.len() {
            return groups;
        }
        let (start, other) = (i, j);
        let (mut left, mut right) = (from[i], to[j]);
        (i, j) = (i + 1, j + 1);
        while left != right {
            // They are equal at the end of the shapes at the latest.
            let (len, next, lengths) = if left < right { (&mut left, &mut i, from) } else { (&mut right, &mut j, to) };
            let Some(length) = lengths.get(*next) else { return groups };
            *len *= length;
            *next += 1;
        }
        groups.push((start..i, other..j));
    }
}

/// Whether chunks of axes are rows of elements one after the other: the first axes in chunks of 1, the last ones whole.
fn is_contiguous(lists: &[Vec<usize>]) -> bool {
    let ones = lists.iter().take_while(|list| list.iter().all(|length| *length == 1)).count();
    lists.iter().skip(ones + 1).all(|list| list.len() == 1)
}

/// The lengths of the chunks of axes, in C order.
pub(super) fn row(lists: &[Vec<usize>]) -> Vec<usize> {
    lists
        .iter()
        .fold(vec![1], |row, list| row.iter().flat_map(|outer| list.iter().map(move |inner| outer * inner)).collect())
}

/// Chunks of axes that are rows, of about as many elements as are given, but not more.
fn rows(shape: &[usize], len: usize) -> Vec<Vec<usize>> {
    let mut lists: Vec<Vec<usize>> = shape.iter().map(|length| vec![*length]).collect();
    let mut inner: usize = shape.iter().product();
    for (list, length) in lists.iter_mut().zip(shape) {
        inner /= length;
        let size = len.checked_div(inner).unwrap_or(1).clamp(1, *length);
        *list = vec![size; length / size];
        list.extend((length % size > 0).then_some(length % size));
        if size > 1 || inner <= 1 {
            break;
        }
    }
    lists
}

/// The chunks of axes as they are, if they are rows, else rows of about the same size.
pub(super) fn into_rows(shape: &[usize], lists: &[Vec<usize>]) -> Vec<Vec<usize>> {
    if is_contiguous(lists) {
        return lists.to_vec();
    }
    let len = lists.iter().map(|list| list.iter().copied().max().unwrap_or(1)).product();
    rows(shape, len)
}

/// The chunks of axes that are these rows, if they can be; else rows of about the same size.
pub(super) fn out_of_rows(shape: &[usize], row: &[usize]) -> Vec<Vec<usize>> {
    let mut inner: usize = shape.iter().product();
    let mut repeats = 1;
    for (axis, length) in shape.iter().enumerate() {
        let whole = inner;
        inner /= length;
        if row.len().is_multiple_of(repeats) {
            let list = &row[..row.len() / repeats];
            let is_cut = list.iter().sum::<usize>() == whole && list.iter().all(|size| size % inner == 0);
            if is_cut && row.chunks(list.len().max(1)).all(|other| other == list) {
                let ones = shape[..axis].iter().map(|length| vec![1; *length]);
                let own = list.iter().map(|size| size / inner).collect();
                return ones.chain([own]).chain(shape[axis + 1..].iter().map(|length| vec![*length])).collect();
            }
        }
        repeats *= length;
    }
    rows(shape, row.iter().copied().max().unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_in_a_group_where_elements_end_together() {
        assert_eq!(groups(&[4, 6], &[4, 6]), [(0..1, 0..1), (1..2, 1..2)]);
        assert_eq!(groups(&[4, 6], &[24]), [(0..2, 0..1)]);
        assert_eq!(groups(&[4, 6], &[2, 2, 6]), [(0..1, 0..2), (1..2, 2..3)]);
        assert_eq!(groups(&[4, 6], &[8, 3]), [(0..2, 0..2)]);
        assert_eq!(groups(&[1, 4, 1, 6, 1], &[24, 1]), [(1..4, 0..1)]);
        assert_eq!(groups(&[6], &[1, 6]), [(0..1, 1..2)]);
        assert_eq!(groups(&[1, 4], &[2, 1, 2]), [(1..2, 0..3)]);
        assert_eq!(groups(&[1, 1], &[]), []);
    }

    #[test]
    fn rows_stay_as_they_are() {
        let kept = |shape: &[usize], lists: &[Vec<usize>]| assert_eq!(into_rows(shape, lists), lists);
        kept(&[6], &[vec![1, 5]]);
        kept(&[6, 4], &[vec![1, 5], vec![4]]);
        kept(&[2, 6, 4], &[vec![1, 1], vec![0, 4, 2], vec![4]]);
        kept(&[2, 4], &[vec![1, 1], vec![1, 3]]);
        assert_eq!(row(&[vec![1, 1], vec![4, 2], vec![4]]), [16, 8, 16, 8]);
    }

    #[test]
    fn boxes_become_rows_of_about_their_size() {
        assert_eq!(into_rows(&[100, 100], &[vec![10; 10], vec![50; 2]]), [vec![5; 20], vec![100]]);
        assert_eq!(into_rows(&[4, 100], &[vec![2; 2], vec![10; 10]]), [vec![1; 4], vec![20; 5]]);
        assert_eq!(
            into_rows(&[4, 7, 3], &[vec![2; 2], vec![4, 3], vec![1; 3]]),
            [vec![1; 4], vec![2, 2, 2, 1], vec![3]]
        );
        assert_eq!(into_rows(&[4, 100], &[vec![2; 2], vec![0, 100]]), [vec![2; 2], vec![100]]);
    }

    #[test]
    fn rows_become_boxes_where_they_are() {
        assert_eq!(out_of_rows(&[4, 5], &[10, 10]), [vec![2, 2], vec![5]]);
        assert_eq!(out_of_rows(&[2, 10], &[5, 5, 5, 5]), [vec![1, 1], vec![5, 5]]);
        assert_eq!(out_of_rows(&[2, 5, 2], &[4, 6, 4, 6]), [vec![1, 1], vec![2, 3], vec![2]]);
        assert_eq!(out_of_rows(&[20], &[3, 0, 17]), [vec![3, 0, 17]]);
        // Where they are not, others are made.
        assert_eq!(out_of_rows(&[2, 10], &[4, 6, 6, 4]), [vec![1, 1], vec![6, 4]]);
        assert_eq!(out_of_rows(&[4, 5], &[7, 7, 6]), [vec![1; 4], vec![5]]);
    }
}
