//! What happens to a client.

use std::sync::Arc;

use crate::engine::dask::client::{RpcId, Submission};
use crate::engine::dask::wire::{Serialized, TaskKey, Value};

/// What happens to a client, from its user, from the scheduler, from workers and from the clock.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    // --- from the user ---
    /// A batch of tasks. A task comes after those of the batch that it depends on, and what else it depends on is held.
    Submit(Vec<Submission>),
    /// More is about to be submitted that belongs together. Until [`Event::Complete`] it is not sent, unless it is more than goes
    /// into one message.
    Begin,
    /// All of it is there.
    Complete,
    /// There are handles again, or handles on keys that another client made.
    #[cfg_attr(not(test), expect(dead_code, reason = "no handle is made of another client's key yet"))]
    Hold(Vec<TaskKey>),
    /// The last handle has been dropped. Not for keys that were last said to be cancelled or lost: those are no longer held.
    Release(Vec<TaskKey>),
    /// These go on to their ends without handles. Comes before the release.
    Detach(Vec<TaskKey>),
    /// Without `force`: those that have not ended end as cancelled, with what depends on them, unless another client
    /// wants them. With `force` also those that have ended, and against other clients.
    Cancel {
        keys: Vec<TaskKey>,
        reason: Arc<str>,
        force: bool,
    },
    /// Runs erred tasks again, with the erred ones that they depend on.
    Retry(Vec<TaskKey>),
    /// Their values are wanted, once each. Comes to nothing for keys that do not finish.
    Want(Vec<TaskKey>),
    Scatter(Scatter),
    /// [`Action::WorkersChanged`](super::Action::WorkersChanged) is to say, once, that workers may have joined or left.
    WatchWorkers,
    /// Ends the connection for good. [`Action::Closed`](super::Action::Closed) follows within a bounded time.
    Close,
    // --- from the connection ---
    /// There is a connection to the scheduler. Each has a client id of its own.
    Connected {
        client_id: Arc<str>,
    },
    ConnectionLost,
    /// A message of the stream: a map, or a list of maps.
    Stream(Value),
    RpcReply {
        id: RpcId,
        reply: Value,
    },
    /// No reply will come.
    RpcFailed {
        id: RpcId,
        why: Arc<str>,
    },
    // --- from the clock ---
    Timer,
}

/// Values that go to workers.
#[derive(Clone, Debug)]
pub(crate) struct Scatter {
    /// Keys that were made of contents may be there already: those are not sent again.
    pub(crate) values: Vec<(TaskKey, Serialized)>,
    /// Addresses or names of the workers that may take them. Empty: all.
    pub(crate) workers: Vec<Arc<str>>,
    pub(crate) broadcast: Broadcast,
    pub(crate) through: Through,
}

/// On how many workers a scattered value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broadcast {
    One,
    Some(u32),
    All,
}

/// Which way data goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Through {
    /// Works wherever the scheduler can be reached.
    Scheduler,
    /// From and to the workers themselves. What they do not answer goes through the scheduler.
    Workers,
}
