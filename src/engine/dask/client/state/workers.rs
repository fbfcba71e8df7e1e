//! Which workers there are, and which of them run Python.
//!
//! A Python task that may run anywhere is also given to workers of ours, which cannot run it. So each is pinned to the Python
//! workers that there are. A list is asked for when a task is to be sent and the last list is older than a second, and with
//! each heartbeat while pinned tasks may have to run: those whose workers have all gone are pinned to the ones that are there
//! then, and placed again.
//!
//! While there is no Python worker at all, Python tasks wait here. Sent without a pin, they would go to workers of ours, which
//! could only give them back, again and again; and pinned to no worker, they would stay with the scheduler when one comes. A
//! list a second, while tasks wait, ends at the latest a second after the first Python worker has come.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::dask::client::messages::{self, ANYDASK};
use crate::engine::dask::client::state::outcome::is_pending;
use crate::engine::dask::client::state::request::Request;
use crate::engine::dask::client::state::{ClientState, Place, Task};
use crate::engine::dask::client::{Action, Report};
use crate::engine::dask::wire::{TaskKey, Value};
use crate::runtime::Instant;

/// How old a list may be that a task is pinned with. Workers come and go in seconds, and a list costs a round trip.
const LIST_AGE_MAX: Duration = Duration::from_secs(1);

/// How often somebody looks who waits for workers. As Dask's own client does. The scheduler would tell of workers by itself, under
/// the topic `all`; but it tells of all else there, too, and some of that (`replicate`) it fails to write, and then closes the
/// connection of who has asked to be told.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// Keys of one request for other workers.
const KEYS_MAX: usize = 1000;

#[derive(Debug)]
pub(super) struct Workers {
    all: Vec<Arc<str>>,
    python: Arc<[Arc<str>]>,
    listed_at: Option<Instant>,
    is_asked: bool,
    ask_at: Option<Instant>,
    /// Whether it was reported that there is none.
    is_reported: bool,
    turn: usize,
}

impl Default for Workers {
    fn default() -> Self {
        let python = Arc::new([]);
        Self { all: Vec::new(), python, listed_at: None, is_asked: false, ask_at: None, is_reported: false, turn: 0 }
    }
}

impl Workers {
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The addresses of the Python workers, in order.
    pub(super) fn python(&self) -> Arc<[Arc<str>]> {
        Arc::clone(&self.python)
    }

    /// When the list is to be asked for again.
    pub(super) fn ask_at(&self) -> Option<Instant> {
        self.ask_at
    }

    /// The next of all workers in turn, if any is known.
    pub(super) fn next(&mut self) -> Option<Arc<str>> {
        self.turn = self.turn.wrapping_add(1);
        self.turn.checked_rem(self.all.len()).and_then(|index| self.all.get(index)).cloned()
    }
}

impl ClientState {
    /// Whether Python tasks can be pinned now. If not, a list is on its way, or will be asked for.
    pub(super) fn has_python_workers(&mut self, now: Instant) -> bool {
        let is_fresh = self.workers.listed_at.is_some_and(|at| now < at + LIST_AGE_MAX);
        if is_fresh && !self.workers.python.is_empty() {
            return true;
        }
        if !is_fresh {
            self.ask_for_workers();
        } else if self.workers.ask_at.is_none() {
            self.workers.ask_at = Some(now + LIST_AGE_MAX);
        }
        false
    }

    /// Somebody waits for workers: is to look again after a moment.
    pub(super) fn watch_workers(&mut self, now: Instant) {
        self.look_at.get_or_insert(now + LOOK_INTERVAL);
    }

    pub(super) fn look_for_workers_if_due(&mut self, now: Instant) {
        if self.look_at.is_some_and(|at| at <= now) {
            self.look_at = None;
            self.actions.push_back(Action::WorkersChanged);
        }
    }

    fn ask_for_workers(&mut self) {
        if !self.workers.is_asked && self.connection.sends_as().is_some() {
            (self.workers.is_asked, self.workers.ask_at) = (true, None);
            self.request(Request::Identity, messages::identity());
        }
    }

    pub(super) fn ask_for_workers_if_due(&mut self, now: Instant) {
        if self.workers.ask_at.is_some_and(|at| at <= now) {
            self.ask_for_workers();
        }
    }

    pub(super) fn handle_identity(&mut self, now: Instant, reply: Option<Value>) {
        self.workers.is_asked = false;
        let waiting = self.table.waiting().filter(|(_, task)| task.is_to_be_pinned()).count();
        let listed = reply.as_ref().and_then(|reply| reply.get("workers")).and_then(Value::entries);
        let Some(listed) = listed else {
            self.workers.ask_at = (waiting > 0).then(|| now + LIST_AGE_MAX);
            return;
        };
        let name = |value: &Value| value.as_str().map(Arc::<str>::from);
        let is_python = |worker: &Value| worker.get("resources").is_none_or(|all| all.get(ANYDASK).is_none());
        let mut python: Vec<_> =
            listed.iter().filter(|(_, worker)| is_python(worker)).filter_map(|(address, _)| name(address)).collect();
        python.sort();
        self.workers.all = listed.iter().filter_map(|(address, _)| name(address)).collect();
        self.workers.all.sort();
        self.workers.python = python.into();
        self.workers.listed_at = Some(now);
        if !self.workers.python.is_empty() {
            self.workers.is_reported = false;
            self.table.stop_waiting();
            self.pin_again();
        } else if waiting > 0 {
            self.workers.ask_at = Some(now + LIST_AGE_MAX);
            if !std::mem::replace(&mut self.workers.is_reported, true) {
                self.actions.push_back(Action::Report(Report::NoPythonWorker { tasks: waiting }));
            }
        }
    }

    /// Asks for a list while Python tasks are pending.
    pub(super) fn check_pins(&mut self, now: Instant) {
        self.forget_pins();
        let may_run = self.table.pinned.values().any(|key| self.may_run(key));
        if may_run && self.workers.listed_at.is_none_or(|at| at + LIST_AGE_MAX <= now) {
            self.ask_for_workers();
        }
    }

    /// Of tasks that the scheduler does not know. One that has ended may be run again.
    fn forget_pins(&mut self) {
        let mut pinned = std::mem::take(&mut self.table.pinned);
        pinned.retain(|_, key| self.table.get(key).is_some_and(|task| matches!(task.place, Place::Sent { .. })));
        self.table.pinned = pinned;
    }

    /// Whether the scheduler may have to run the task. Of one that this client does not want itself, the scheduler says nothing:
    /// it is run, or run again, for the sake of what is pending behind it.
    fn may_run(&self, key: &TaskKey) -> bool {
        let is_unwanted = |task: &Task| task.place == Place::Sent { wanted: false };
        let is_pending_and_wanted = |task: &Task| is_pending(task) && !is_unwanted(task);
        match self.table.get(key) {
            Some(task) if is_unwanted(task) => {
                let dependents = self.table.dependents_of(key, |task| is_pending(task) || is_unwanted(task));
                dependents.iter().any(|key| self.table.get(key).is_some_and(is_pending_and_wanted))
            }
            Some(task) => is_pending(task),
            None => false,
        }
    }

    /// Gives pending tasks whose workers have all gone to those that are there.
    fn pin_again(&mut self) {
        self.forget_pins();
        let python = self.workers.python();
        let has_gone = |key: &&TaskKey| {
            self.table.get(key).is_some_and(|task| !task.pins.iter().any(|pin| python.binary_search(pin).is_ok()))
        };
        let keys: Vec<_> = self
            .table
            .pinned
            .values()
            .filter(has_gone)
            .filter(|key| self.may_run(key))
            .take(KEYS_MAX)
            .cloned()
            .collect();
        if !keys.is_empty() {
            let message = messages::set_restrictions(&keys, &python);
            for key in &keys {
                if let Some(task) = self.table.get_mut(key) {
                    task.pins = Arc::clone(&python);
                }
            }
            self.request(Request::Restrict(keys), message);
        }
    }

    /// The scheduler places a task that no worker can run again only when it is told to.
    pub(super) fn handle_restricted(&mut self, keys: &[TaskKey], reply: Option<Value>) {
        if reply.is_none() {
            // Looked at again with the next list.
            for key in keys {
                if let Some(task) = self.table.get_mut(key) {
                    task.pins = Arc::new([]);
                }
            }
            return self.actions.push_back(Action::Report(Report::RequestFailed("set_restrictions")));
        }
        let keys: Vec<_> = keys.iter().filter(|key| self.may_run(key)).cloned().collect();
        if let (false, Some(client_id)) = (keys.is_empty(), self.connection.registered_as()) {
            let message = messages::retry(&keys, &client_id);
            self.request(Request::Retry(keys), message);
        }
    }
}
