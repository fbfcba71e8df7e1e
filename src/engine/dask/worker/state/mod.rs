//! What a worker of a Dask cluster decides: what to run, what to fetch, what to keep, what to say. No sockets, no threads,
//! no clock.
//!
//! Events go in, actions come out:
//!
//! ```text
//! worker.handle(now, event);                          // once, or for each message of a batch
//! while let Some(action) = worker.poll_action() { .. }
//! ```
//!
//! What can be decided late is decided in `poll_action`: which body starts and which peer is asked depends on all events
//! of a batch, not on the first, and a task that is freed and assigned again in one batch goes on as if nothing had been.
//!
//! **Data lives here**, as a `V`: what comes with an event belongs to the state, what `Execute` brings are clones, and what
//! nobody needs comes out with `Drop`. A `V` should be cheap to clone.
//!
//! One key is in one state (see `task.rs`), changed in one function (`Table::replace`). Beside the keys stand the bodies
//! that run and the transfers that are on their way: these outlive their keys, since neither can be taken back, and are told
//! apart by numbers, so that what one brings never gets to a task that only has the same key.

mod action;
mod assign;
mod config;
mod decline;
mod event;
mod fetch;
mod free;
mod metrics;
mod need;
mod peers;
mod poll;
mod queue;
mod rank;
mod refresh;
mod resources;
mod run;
mod status;
mod steal;
mod table;
mod task;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod validate;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use anydask_runtime::Instant;

use crate::engine::dask::wire::TaskKey;
use crate::engine::dask::worker::state::decline::Declines;
use crate::engine::dask::worker::state::fetch::Transfer;
use crate::engine::dask::worker::state::refresh::Refresh;
use crate::engine::dask::worker::state::resources::Resources;
use crate::engine::dask::worker::state::run::Body;
use crate::engine::dask::worker::state::status::Standing;
use crate::engine::dask::worker::state::table::Table;

pub(crate) use action::{Action, Message, StealState, Stop};
pub(crate) use config::Config;
pub(crate) use event::{
    Address, BodyEnd, BodyId, Call, ComputeTask, Data, Declined, Dependency, Event, FetchEnd, FromScheduler, Kind, Ran,
    Refusal, RunId, Status, TaskError, TransferId, Work,
};
pub(crate) use metrics::Metrics;
pub(crate) use rank::Priority;
pub(crate) use resources::Amounts;

/// A worker, from its registration to the end of its stream. Another stream needs another one: the scheduler has forgotten
/// everything, too.
#[derive(Debug)]
pub(crate) struct WorkerState<V> {
    config: Config,
    /// The time of the latest event.
    now: Instant,
    table: Table<V>,
    resources: Resources,
    bodies: BTreeMap<BodyId, Body>,
    /// The bodies that nobody waits for and that have not been told yet.
    to_cancel: BTreeSet<BodyId>,
    transfers: BTreeMap<TransferId, Transfer>,
    /// Of all transfers, as the scheduler says how large they are.
    incoming_bytes: u64,
    refresh: Refresh,
    declines: Declines,
    standing: Standing,
    actions: VecDeque<Action<V>>,
    /// What the timer is set to.
    timer: Option<Instant>,
    /// The next number of a body, a transfer or an arrival.
    next_number: u64,
    transfers_total: u64,
}

impl<V: Clone> WorkerState<V> {
    /// A worker that has been registered as running.
    pub(crate) fn new(config: Config) -> Self {
        Self {
            now: Instant::from_epoch(std::time::Duration::ZERO),
            table: Table::new(&config.address),
            resources: Resources::new(&config.resources),
            bodies: BTreeMap::new(),
            to_cancel: BTreeSet::new(),
            transfers: BTreeMap::new(),
            incoming_bytes: 0,
            refresh: Refresh::default(),
            declines: Declines::default(),
            standing: Standing::default(),
            actions: VecDeque::new(),
            timer: None,
            next_number: 0,
            transfers_total: 0,
            config,
        }
    }

    /// Applies one event. Never blocks, never fails. Whatever comes after a `Stop` is ignored, and so is the end of a body
    /// or a transfer that is not known.
    pub(crate) fn handle(&mut self, now: Instant, event: Event<V>) {
        if self.standing.is_stopped() {
            return;
        }
        self.now = self.now.max(now);
        self.handle_due();
        match event {
            Event::Scheduler(message) => self.handle_scheduler(message),
            Event::BodyEnded { body, end } => self.handle_body_ended(body, end),
            Event::BodySeceded { body } => self.handle_body_seceded(body),
            Event::FetchEnded { transfer, end } => self.handle_fetch_ended(transfer, end),
            Event::DataPut(data) => self.handle_data_put(data),
            Event::PythonDeclined(declined) => self.handle_python_declined(declined),
            Event::TimerFired => self.timer = None,
            Event::PauseAsked => self.handle_pause_asked(true),
            Event::ResumeAsked => self.handle_pause_asked(false),
            Event::LeaveAsked => self.handle_leave_asked(),
            Event::Retired => self.handle_retired(),
            Event::StopAsked => self.stop(Stop::Asked),
        }
        #[cfg(test)]
        self.validate();
    }

    fn handle_scheduler(&mut self, message: FromScheduler) {
        match message {
            FromScheduler::ComputeTask(task) => self.handle_compute_task(task),
            FromScheduler::FreeKeys(keys) => keys.iter().for_each(|key| self.handle_free_key(key)),
            FromScheduler::RemoveReplicas(keys) => self.handle_remove_replicas(keys),
            FromScheduler::AcquireReplicas(wanted) => self.handle_acquire_replicas(wanted),
            FromScheduler::StealRequest { key, stimulus_id } => self.handle_steal_request(key, stimulus_id),
            FromScheduler::RefreshWhoHas(who_has) => self.handle_refresh_who_has(who_has),
            FromScheduler::RemoveWorker(address) => self.forget_peer(&address),
            FromScheduler::StatusChange(status) => self.handle_status_change(status),
            FromScheduler::Close { reason } => self.stop(Stop::Closed(reason)),
            FromScheduler::StreamClosed => self.stop(Stop::StreamClosed),
        }
    }

    /// The data of `key`, for whoever asks for it.
    pub(crate) fn data(&self, key: &TaskKey) -> Option<&Data<V>> {
        self.table.data(key)
    }

    /// The keys whose data is here, in their order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &TaskKey> {
        self.table.tasks.keys().filter(|key| self.table.data(key).is_some())
    }

    fn send(&mut self, message: Message) {
        self.actions.push_back(Action::Send(message));
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}
