//! How the nodes of arrays become one node where the graph fuses them.

use std::sync::Arc;

use crate::array::block_node::block_node;
use crate::array::kernel::{Kernel, Program};
use crate::graph::{Lazy, Merge};

/// What a node of arrays says of itself to the graph.
#[derive(Debug)]
pub(crate) struct Mergeable {
    pub(crate) program: Arc<Program>,
    pub(crate) place: Arc<[usize]>,
    pub(crate) nbytes: usize,
}

impl Merge for Mergeable {
    fn merge(&self, taker: &Lazy, input: &Lazy) -> Option<Lazy> {
        let first = input.merger()?.downcast_ref::<Self>()?;
        let own = taker.edges().iter().filter(|edge| edge.id() != input.id());
        let mut next = 0..;
        let places: Vec<Option<usize>> =
            taker.edges().iter().map(|edge| if edge.id() == input.id() { None } else { next.next() }).collect();
        let fused = self.program.fused(&first.program, input.edges().len(), &places)?;
        let edges: Option<Vec<_>> = input.edges().iter().chain(own).map(Lazy::downcast).collect();
        Some(block_node(Kernel::Program(Arc::new(fused)), &self.place, self.nbytes, edges?).into())
    }
}
