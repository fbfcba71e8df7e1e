//! The states of a key.

use std::collections::BTreeSet;
use std::sync::Arc;

use anydask_runtime::Instant;

use crate::engine::dask::wire::TaskKey;
use crate::engine::dask::worker::state::rank::Rank;
use crate::engine::dask::worker::state::{Address, Amounts, BodyId, Call, Data, Ran, Refusal, RunId, TransferId};

/// What this worker has to do with a key.
#[derive(Debug)]
pub(super) struct Task<V> {
    pub(super) state: State<V>,
    /// The tasks here that take this as an input and have not begun. One that has begun holds the value itself.
    pub(super) waiters: BTreeSet<TaskKey>,
}

#[derive(Debug)]
pub(super) enum State<V> {
    /// Nothing. A key that stays so is forgotten.
    Released,
    /// To be run here, once all inputs are here.
    Waiting {
        assigned: Assigned,
        /// How many inputs are not here.
        missing: usize,
        /// A body of the very same call, which was told to stop and may finish all the same. It is waited for: of one call
        /// there is one body at a time.
        resumes: Option<BodyId>,
    },
    /// To be run here, as soon as there are a slot and resources.
    Ready {
        assigned: Assigned,
    },
    Executing {
        run_id: RunId,
        body: BodyId,
    },
    /// A Python task that is about to be given back.
    Declining {
        run_id: RunId,
        is_asked: bool,
    },
    /// Run elsewhere; its data is needed here.
    Wanted(Wanted),
    Memory {
        data: Data<V>,
        ran: Option<Ran>,
        /// Tells this data from other data that had, or will have, the same key.
        version: u64,
    },
    Erred,
}

/// A task that is to be run here.
#[derive(Debug)]
pub(super) struct Assigned {
    pub(super) run_id: RunId,
    pub(super) rank: Rank,
    pub(super) call: Result<Call, Refusal>,
    /// The keys of the call, each once.
    pub(super) inputs: BTreeSet<TaskKey>,
    pub(super) amounts: Arc<Amounts>,
}

/// Data that is needed here and that others have.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) progress: Progress,
    pub(super) holders: BTreeSet<Address>,
    pub(super) nbytes: u64,
    pub(super) rank: Rank,
    /// Whether the scheduler asked for a copy, also if no task here needs one.
    pub(super) is_replica: bool,
    /// Whether it is asked for by itself: an answer with others could not be read.
    pub(super) is_alone: bool,
    /// When the scheduler was last asked where it is.
    pub(super) asked_at: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// A peer that has it is to be asked.
    Fetch,
    Flight(TransferId),
    /// Nobody is known to have it.
    Missing,
}

impl Wanted {
    /// What comes next for what is not on its way.
    pub(super) fn settle(&mut self) {
        if !matches!(self.progress, Progress::Flight(_)) {
            self.progress = if self.holders.is_empty() { Progress::Missing } else { Progress::Fetch };
        }
    }
}

impl<V> State<V> {
    /// Dask's word for it.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Waiting { resumes: None, .. } => "waiting",
            Self::Waiting { resumes: Some(_), .. } => "resumed",
            Self::Ready { assigned } if assigned.amounts.is_empty() => "ready",
            Self::Ready { .. } => "constrained",
            Self::Executing { .. } => "executing",
            // To the scheduler it is a task that has not begun.
            Self::Declining { .. } => "ready",
            Self::Wanted(wanted) => match wanted.progress {
                Progress::Fetch => "fetch",
                Progress::Flight(_) => "flight",
                Progress::Missing => "missing",
            },
            Self::Memory { .. } => "memory",
            Self::Erred => "error",
        }
    }

    /// Whether the scheduler waits for an answer to a `compute-task`.
    pub(super) fn is_assigned(&self) -> bool {
        matches!(self, Self::Waiting { .. } | Self::Ready { .. } | Self::Executing { .. } | Self::Declining { .. })
    }
}
