//! What the threads of the engine take from their queues.

use std::sync::Arc;

use crate::engine::local::Engine;
use crate::engine::local::bulk::AnyBulk;
use crate::engine::local::node::Node;

/// What stands in a queue.
pub(crate) enum Job {
    /// A ready task.
    Task(Arc<dyn Node>),
    /// Many, some of which may have begun.
    Bulk(Arc<dyn AnyBulk>),
}

impl Job {
    pub(crate) fn engine(&self) -> &Arc<Engine> {
        match self {
            Self::Task(node) => node.about().engine(),
            Self::Bulk(bulk) => bulk.engine(),
        }
    }

    /// Gives back what one holds that nobody will run.
    pub(crate) fn give_up(self) {
        if let Self::Task(node) = self {
            node.about().engine().give_back_resources(&node);
        }
    }
}
