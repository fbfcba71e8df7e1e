//! The nodes of arrays.

use std::fmt::Write;
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
    let hints = Hints::new().name(block_name(&kernel.name(), place)).nbytes(nbytes as u64);
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

/// The name of the block of an operation at `place`. Each node has one, so it is not left to `Debug`, which takes ten times as
/// long.
pub(crate) fn block_name(operation: &str, place: &[usize]) -> String {
    let mut name = String::with_capacity(operation.len() + 4 * place.len() + 2);
    name.push_str(operation);
    name.push('[');
    for (axis, index) in place.iter().enumerate() {
        name.push_str(if axis > 0 { ", " } else { "" });
        // Writing to a text does not fail.
        _ = write!(name, "{index}");
    }
    name.push(']');
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_called_by_its_operation_and_its_place() {
        assert_eq!(block_name("sum", &[]), "sum[]");
        assert_eq!(block_name("sum", &[7]), "sum[7]");
        assert_eq!(block_name("random", &[0, 12, 3]), "random[0, 12, 3]");
    }
}
