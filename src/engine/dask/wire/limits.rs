//! How much of a peer's bytes is taken.

use crate::engine::dask::wire::error::{Limited, WireError};

/// What a message may hold at most. Who goes past one of these is no peer of ours, and its connection is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Bytes of a message, with its head.
    pub(crate) message_nbytes_max: u64,
    /// Frames of a message.
    pub(crate) frames_max: usize,
    /// How deep lists and maps may be nested. Dropping and cloning a value recurse as deep.
    pub(crate) depth_max: usize,
    /// Items of all lists and maps of a message, or objects of a pickle. A map has two for each entry.
    pub(crate) items_max: usize,
    /// Bytes of a pickle, without its buffers.
    pub(crate) pickle_nbytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // A single datum may fill a good part of a machine's memory: 16 GiB. Nothing is reserved for it before it is there.
            message_nbytes_max: 16 << 30,
            // Dask sends a list item by item, so a list of a million numbers has a million frames.
            frames_max: 2 << 20,
            // Messages of Dask have 6. At 128, a drop in a debug build needs some 64 KiB of stack.
            depth_max: 128,
            // A graph of a million tasks has two million for its priorities alone. An item needs up to 64 bytes: 512 MiB.
            items_max: 8 << 20,
            // A pickle is read into objects that need up to 100 bytes for each of its bytes. Big data is in buffers, and
            // bytes are not copied.
            pickle_nbytes_max: 1 << 30,
        }
    }
}

impl Limits {
    /// For a peer that has not said hello yet. A hello has one frame of about 50 bytes, with 6 items.
    pub(crate) fn hello() -> Self {
        Self { message_nbytes_max: 4096, frames_max: 2, depth_max: 8, items_max: 256, pickle_nbytes_max: 0 }
    }
}

/// How many items are still allowed. One budget is shared by all parts of a message, or of a datum.
#[derive(Debug)]
pub(crate) struct Budget {
    items_max: usize,
    items_left: usize,
    depth_max: usize,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { items_max: limits.items_max, items_left: limits.items_max, depth_max: limits.depth_max }
    }

    pub(crate) fn take_items(&mut self, count: u64) -> Result<(), WireError> {
        let left = usize::try_from(count).ok().and_then(|count| self.items_left.checked_sub(count));
        self.items_left = left.ok_or_else(|| {
            let taken = self.items_max - self.items_left;
            let (found, limit) = (count.saturating_add(taken as u64), self.items_max as u64);
            WireError::Limit { what: Limited::Items, found, limit }
        })?;
        Ok(())
    }

    /// Whether something may be nested so deep.
    pub(crate) fn check_depth(&self, depth: usize) -> Result<(), WireError> {
        let (found, limit) = (depth as u64, self.depth_max as u64);
        if found > limit { Err(WireError::Limit { what: Limited::Depth, found, limit }) } else { Ok(()) }
    }
}
