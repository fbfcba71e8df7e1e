//! Arrays whose blocks are views of single blocks of another.

use crate::array::block_node::block_node;
use crate::array::kernel::{Kernel, View};
use crate::array::{Array, Element, Layout};

/// The array whose blocks are views of those of another: `view` says of each place of which block, and which. A block that is
/// all of another is the same one.
pub(crate) fn viewed<T: Element>(
    array: &Array<T>,
    layout: Layout,
    view: impl Fn(&[usize]) -> (Vec<usize>, View),
) -> Array<T> {
    let block = |place: Vec<usize>| {
        let (from, view) = view(&place);
        debug_assert_eq!(view.shape, layout.block_shape(&place));
        let input = array.block(&from);
        if view == View::whole(&array.layout().block_shape(&from)) {
            return input;
        }
        let nbytes = view.shape.iter().product::<usize>() * T::TYPE.nbytes();
        block_node(Kernel::View(view), &place, nbytes, vec![input])
    };
    let blocks = layout.blocks().map(block).collect();
    Array::from_blocks(layout, blocks)
}
