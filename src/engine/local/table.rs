//! The table of all tasks that somebody holds, for who needs the whole view: inspection, close, restart.
//!
//! The tasks of a lease stand in the lease (`lease.rs`), and the leases stand here. The table is cut into shards, and a
//! thread always enters its leases into the same one, so that submitters do not meet.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use crossbeam_utils::CachePadded;
use slab::Slab;

use crate::engine::local::lease::Lease;
use crate::engine::local::node::Node;
use crate::engine::local::parking::lock;

/// How many threads can enter leases without meeting. More than most machines have cores; a power of two.
const SHARDS: usize = 32;

thread_local! {
    /// The shard of this thread, once it has entered a lease.
    static SHARD: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The tasks of one engine.
pub(crate) struct Table {
    shards: Box<[CachePadded<Shard>]>,
}

type Shard = Mutex<Slab<Weak<Lease>>>;

/// Where a lease stands in the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    shard: u32,
    index: u32,
}

impl Default for Table {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| CachePadded::default()).collect() }
    }
}

impl Table {
    /// Enters a lease. It leaves with [`remove`](Self::remove), when it is dropped.
    pub(crate) fn insert(&self, lease: Weak<Lease>) -> Row {
        let shard = shard();
        let index = lock(&self.shards[shard]).insert(lease);
        Row { shard: shard as u32, index: index as u32 }
    }

    pub(crate) fn remove(&self, row: Row) {
        let removed = lock(&self.shards[row.shard as usize]).try_remove(row.index as usize);
        drop(removed);
    }

    /// All tasks, in no order that means anything.
    pub(crate) fn nodes(&self) -> Vec<Arc<dyn Node>> {
        let mut leases = Vec::new();
        for shard in &self.shards {
            leases.extend(lock(shard).iter().filter_map(|(_, lease)| lease.upgrade()));
        }
        let mut nodes = Vec::new();
        leases.iter().for_each(|lease| lease.nodes(&mut nodes));
        nodes
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        // A lease keeps its engine: the last one that is dropped takes its row along.
        let is_empty = |shard: &CachePadded<Mutex<Slab<_>>>| lock(shard).is_empty();
        debug_assert!(self.shards.iter().all(is_empty), "every lease has left the table");
    }
}

fn shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let own = SHARD.try_with(|shard| {
        let index = shard.get().unwrap_or_else(|| NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
        shard.set(Some(index));
        index
    });
    // A thread that ends has lost its locals; any shard will do.
    own.unwrap_or_default()
}
