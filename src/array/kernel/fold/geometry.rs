use crate::array::kernel::Fold;

/// Which cell of the result each element of a block goes to.
#[derive(Debug)]
pub(crate) struct Geometry {
    /// The lengths of groups of neighbouring axes, and whether they are reduced. At least one.
    groups: Vec<(usize, bool)>,
    /// The shape of the result: that of the block, with 1 where an axis is reduced.
    pub(crate) shape: Vec<usize>,
    block: Vec<usize>,
    fold: Fold,
}

/// Elements in a row.
pub(crate) struct Row<'a, T> {
    pub(crate) values: &'a [T],
    /// The cell of all of them, or of the first.
    pub(crate) cell: usize,
    /// Whether all go to one cell.
    pub(crate) is_one: bool,
    /// Where the first is along what is reduced.
    pub(crate) position: usize,
}

impl Geometry {
    pub(crate) fn new(fold: &Fold, block: &[usize]) -> Self {
        let mut groups: Vec<(usize, bool)> = Vec::with_capacity(block.len().max(1));
        for (length, is_reduced) in block.iter().zip(&fold.axes) {
            match groups.last_mut() {
                Some((group, reduced)) if reduced == is_reduced => *group *= length,
                _ if *length == 1 => {}
                _ => groups.push((*length, *is_reduced)),
            }
        }
        if groups.is_empty() {
            groups.push((1, true));
        }
        let shape: Vec<usize> =
            block.iter().zip(&fold.axes).map(|(length, is_reduced)| if *is_reduced { 1 } else { *length }).collect();
        Self { groups, shape, block: block.to_vec(), fold: fold.clone() }
    }

    /// Cuts the elements from number `start` on into rows.
    pub(crate) fn rows<'a, T>(&self, start: usize, values: &'a [T], mut each: impl FnMut(Row<'a, T>)) {
        let Some(((length, is_one), outer)) = self.groups.split_last() else { return };
        let mut done = 0;
        while done < values.len() {
            let place = start + done;
            let (row, within) = if outer.is_empty() { (0, place) } else { (place / length, place % length) };
            let count = (length - within).min(values.len() - done);
            let (mut cell, mut position) = if *is_one { (0, within) } else { (within, 0) };
            let (mut cells, mut positions) = if *is_one { (1, *length) } else { (*length, 1) };
            let mut left = row;
            for (length, is_reduced) in outer.iter().rev() {
                let (index, rest) = (left % length, left / length);
                left = rest;
                if *is_reduced {
                    position += index * positions;
                    positions *= length;
                } else {
                    cell += index * cells;
                    cells *= length;
                }
            }
            each(Row { values: &values[done..done + count], cell, is_one: *is_one, position });
            done += count;
        }
    }

    /// Where an element that is at `position` of what is reduced in the block is in the whole array: its index along the
    /// reduced axis, or, where all axes are reduced, its number in C order.
    pub(crate) fn place(&self, mut position: usize) -> i64 {
        let axes = || self.fold.axes.iter().enumerate().filter(|(_, is_reduced)| **is_reduced).map(|(axis, _)| axis);
        let (mut place, mut stride) = (0, 1);
        for axis in axes().collect::<Vec<_>>().into_iter().rev() {
            let length = self.block[axis].max(1);
            place += (position % length + self.fold.offset[axis]) * stride;
            position /= length;
            stride *= self.fold.whole[axis];
        }
        place as i64
    }
}
