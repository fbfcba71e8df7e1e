//! The nodes of arrays.

use std::sync::Arc;

use crate::Delayed;
use crate::array::Block;
use crate::array::kernel::{Kernel, Mergeable, array_block};
use crate::graph::{Hints, delayed_with};

/// The block at `place`, which the kernel makes of `inputs`. It takes about `nbytes` of memory.
pub(crate) fn block_node(
    kernel: Kernel,
    place: &[usize],
    nbytes: usize,
    inputs: Vec<Delayed<Block>>,
) -> Delayed<Block> {
    let hints = Hints::new().name(format!("{}{place:?}", kernel.name())).nbytes(nbytes as u64);
    let hints = match &kernel {
        Kernel::Program(program) => {
            let (program, place) = (Arc::clone(program), place.into());
            hints.blockwise().merge(Mergeable { program, place, nbytes })
        }
        Kernel::View(_) => hints.blockwise(),
        _ => hints,
    };
    delayed_with(hints, array_block, (kernel, inputs))
}
