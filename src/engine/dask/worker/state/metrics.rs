//! What a heartbeat tells.

use std::collections::BTreeMap;
use std::time::Duration;

use anydask_runtime::Instant;

use crate::engine::dask::wire::TaskKey;
use crate::engine::dask::worker::state::task::State;
use crate::engine::dask::worker::state::{Status, Stop, WorkerState};

/// Numbers of a worker at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Metrics {
    /// How many keys are in which of Dask's states (`task_counts`), without zeros.
    pub(crate) task_counts: BTreeMap<&'static str, usize>,
    /// Of all data here (`managed_bytes`).
    pub(crate) nbytes: u64,
    /// Of all data on its way (`transfer.incoming_bytes`).
    pub(crate) incoming_bytes: u64,
    pub(crate) incoming_count: usize,
    pub(crate) incoming_count_total: u64,
}

impl<V: Clone> WorkerState<V> {
    /// Looks at each key: for a heartbeat, not for each event.
    pub(crate) fn metrics(&self) -> Metrics {
        let mut task_counts = BTreeMap::new();
        let mut count = |word| *task_counts.entry(word).or_insert(0) += 1;
        self.table.tasks.values().for_each(|task| match &task.state {
            State::Executing { body, .. } if self.bodies.get(body).is_some_and(|body| body.has_seceded) => {
                count("long-running");
            }
            state => count(state.word()),
        });
        self.bodies.values().filter(|body| body.is_abandoned).for_each(|_| count("cancelled"));
        Metrics {
            task_counts,
            nbytes: self.table.nbytes,
            incoming_bytes: self.incoming_bytes,
            incoming_count: self.transfers.len(),
            incoming_count_total: self.transfers_total,
        }
    }

    /// How many keys, bodies and transfers there are: none, once the scheduler has freed all.
    pub(crate) fn held(&self) -> [usize; 3] {
        [self.table.tasks.len(), self.bodies.len(), self.transfers.len()]
    }

    /// The tasks that run, and for how long (`executing` of a heartbeat).
    pub(crate) fn executing(&self, now: Instant) -> impl Iterator<Item = (&TaskKey, Duration)> {
        let awaited = self.bodies.values().filter(|body| !body.is_abandoned);
        awaited.map(move |body| (&body.key, now.saturating_duration_since(body.started_at)))
    }

    pub(crate) fn status(&self) -> Status {
        self.standing.status()
    }

    /// Why the worker stops, if it does.
    pub(crate) fn stop_reason(&self) -> Option<&Stop> {
        self.standing.stop()
    }
}
