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
    let name = format!("{}{place:?}", kernel.name());
    block_node_with(name.into(), nbytes as u64, kernel, inputs)
}

pub(crate) fn block_node_with(
    name: Arc<str>,
    nbytes: u64,
    kernel: Kernel,
    inputs: Vec<Delayed<Block>>,
) -> Delayed<Block> {
    let hints = Hints::new().name(name).nbytes(nbytes);
    let hints = match &kernel {
        Kernel::Program(program) => hints.blockwise().merge(Mergeable { program: Arc::clone(program), nbytes }),
        _ => hints,
    };
    delayed_with(hints, array_block, (kernel, inputs))
}
