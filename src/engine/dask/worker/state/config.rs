//! What a worker is made with, and the bounds of what it does at once.

use std::time::Duration;

use crate::engine::dask::worker::state::{Address, Amounts};

/// Most peers that are asked for data at once. Dask's number (`distributed.worker.connections.outgoing`): enough to keep a
/// network busy, few enough that each gets a share of it.
pub(crate) const TRANSFERS_MAX: usize = 50;

/// Most bytes that one request asks for, apart from its first key. Dask's number
/// (`distributed.worker.transfer.message-bytes-limit`): a larger message makes tasks wait for data that others need.
pub(crate) const MESSAGE_BYTES_MAX: u64 = 50_000_000;

/// Most keys that one request asks for. Each comes back as two frames or more, and a message has a bound on these.
pub(crate) const MESSAGE_KEYS_MAX: usize = 1000;

/// Part of the memory limit that may be on its way here. Dask's number (`distributed.worker.memory.transfer`).
pub(crate) const INCOMING_MEMORY_PART: u64 = 10;

/// How long a peer that is busy is left alone. Dask's number, a few times what a small transfer takes.
pub(crate) const BUSY_RETRY: Duration = Duration::from_millis(150);

/// How long until the scheduler is asked again where the same key is. Dask asks with each heartbeat, of which the shortest
/// interval is half of this.
pub(crate) const REFRESH_INTERVAL: Duration = Duration::from_secs(1);

/// How long until a Python task is declined again where that failed. New workers take longer than this to come.
pub(crate) const DECLINE_RETRY: Duration = Duration::from_secs(1);

/// Most keys in one `set_restrictions`: a message of about a megabyte with the addresses of ten workers.
pub(crate) const DECLINE_KEYS_MAX: usize = 1000;

#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// As it was registered.
    pub(crate) address: Address,
    /// How many bodies run at once. 0 counts as 1, which is the least that the scheduler allows.
    pub(crate) nthreads: usize,
    /// What was registered, with amounts.
    pub(crate) resources: Amounts,
    /// Most bytes on their way here, as the scheduler says how large they are. One value may always come, however large.
    pub(crate) incoming_bytes_max: u64,
}

impl Config {
    /// The bound of incoming bytes of a worker with this much memory.
    pub(crate) fn incoming_bytes_of(memory_limit: Option<u64>) -> u64 {
        memory_limit.map_or(u64::MAX, |limit| limit / INCOMING_MEMORY_PART)
    }
}
