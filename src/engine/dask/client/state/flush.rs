//! What goes to the scheduler when its socket is free: all that has come up since, in one message.

use std::sync::Arc;

use crate::engine::dask::client::graph::{GraphTask, update_graph};
use crate::engine::dask::client::state::{ClientState, Place, Source, Status};
use crate::engine::dask::client::{Work, messages};
use crate::engine::dask::wire::{TaskKey, Value};
use crate::runtime::Instant;

/// Most tasks of one `update-graph`. The scheduler does nothing else while it takes one in, and needs about 0.1 ms a task.
const BATCH_TASKS_MAX: usize = 10_000;

/// Most bytes of arguments in one `update-graph`: what Dask takes for a large frame, of which it makes several elsewhere.
const BATCH_NBYTES_MAX: usize = 64 << 20;

impl ClientState {
    /// Whether there may be something to write to the stream.
    pub(crate) fn wants_flush(&self) -> bool {
        if self.connection.has_greeting() {
            return true;
        }
        let outgoing = &self.outgoing;
        self.connection.sends_as().is_some()
            && (self.connection.is_closing()
                || self.has_batch()
                || self.table.has_changed()
                || outgoing.needs_heartbeat
                || !outgoing.cancels.is_empty()
                || !outgoing.releases.is_empty()
                || !outgoing.reports.is_empty())
    }

    /// The next message for the stream, if there is something to say. Call it when the socket is free, until it gives none.
    pub(crate) fn poll_flush(&mut self, now: Instant) -> Option<Value> {
        if let Some(greeting) = self.connection.take_greeting() {
            return Some(greeting);
        }
        let client_id = self.connection.sends_as()?;
        let mut messages = Vec::new();
        for (key, reason) in std::mem::take(&mut self.outgoing.cancels) {
            messages.push(messages::cancel_keys(&[key], true, &reason));
        }
        let desires = self.settle_changed();
        let releases = std::mem::take(&mut self.outgoing.releases);
        if !releases.is_empty() {
            messages.push(messages::client_releases_keys(&releases, &client_id));
        }
        if std::mem::take(&mut self.outgoing.needs_heartbeat) {
            messages.push(messages::heartbeat_client());
            self.connection.count_heartbeat();
        }
        if !desires.is_empty() {
            messages.push(messages::client_desires_keys(&desires, &client_id));
        }
        messages.extend(std::mem::take(&mut self.outgoing.reports).iter().map(messages::report_key));
        messages.extend(self.take_batch(now));
        messages.extend(self.take_detaches());
        if self.connection.is_closing() && self.table.unsent_count() == 0 && self.connection.take_farewell() {
            messages.extend(messages::close_client());
        }
        self.set_timer();
        (!messages.is_empty()).then_some(Value::List(messages))
    }

    /// Adds the keys that are no longer wanted to the releases, and gives those that are wanted now and need no submission.
    fn settle_changed(&mut self) -> Vec<TaskKey> {
        let mut desires = Vec::new();
        for key in self.table.take_changed() {
            let Some(task) = self.table.get(&key) else { continue };
            let is_needed = task.is_needed_itself() || task.unsent_dependents > 0;
            match (task.place, &task.source) {
                (Place::Sent { wanted: true }, _) if !is_needed => {
                    self.table.settle(&key, Place::Sent { wanted: false });
                    self.outgoing.releases.push(key.clone());
                    self.set_limbo(&key);
                    self.table.sweep(&key);
                }
                (Place::Sent { wanted: false }, Source::Foreign) if task.held => {
                    self.table.settle(&key, Place::Sent { wanted: true });
                    // Else, a key that nobody knows would stay pending for ever.
                    self.outgoing.reports.push(key.clone());
                    desires.push(key);
                }
                _ => {}
            }
        }
        desires
    }

    /// Whether there are tasks to send. Not as long as others are being submitted that belong with them, unless these are as
    /// many as one message takes already.
    fn has_batch(&self) -> bool {
        let count = self.table.unsent_count();
        count >= BATCH_TASKS_MAX || self.begun == 0 && count > 0
    }

    /// One `update-graph` of what can be sent.
    fn take_batch(&mut self, now: Instant) -> Option<Value> {
        if !self.has_batch() {
            return None;
        }
        let (mut batch, mut nbytes, mut from) = (Vec::new(), 0, 0);
        while batch.len() < BATCH_TASKS_MAX && nbytes < BATCH_NBYTES_MAX {
            let Some((sequence, key)) = self.table.first_unsent(from) else { break };
            from = sequence + 1;
            if self.has_to_wait(now, &key) {
                self.table.settle(&key, Place::Waiting);
                continue;
            }
            if let Some(Work::Registered { arguments, .. }) =
                self.table.get(&key).and_then(|task| task.work()).map(|work| &**work)
            {
                nbytes += arguments.len();
            }
            batch.push((sequence, key));
        }
        for (_, key) in &batch {
            self.table.settle(key, Place::Sent { wanted: true });
        }
        let mut wanted = Vec::new();
        for (sequence, key) in &batch {
            let Some(task) = self.table.get_mut(key) else { continue };
            // Also what is there only for tasks of a later batch: the scheduler forgets what no wanted key needs.
            let is_wanted = task.is_needed_itself() || task.unsent_dependents > 0;
            if task.is_to_be_pinned() {
                task.pins = self.workers.python();
                self.table.pinned.insert(*sequence, key.clone());
            }
            if is_wanted {
                wanted.push(key.clone());
            } else {
                self.table.settle(key, Place::Sent { wanted: false });
            }
        }
        let tasks = batch.iter().filter_map(|(_, key)| {
            let task = self.table.get(key)?;
            match &task.source {
                Source::Work(work, options) => Some(GraphTask { key, work, options, pins: &task.pins }),
                Source::Scattered | Source::Foreign => None,
            }
        });
        let tasks: Vec<_> = tasks.collect();
        (!tasks.is_empty()).then(|| update_graph(&tasks, &wanted))
    }

    /// Whether something that the task needs is not there yet.
    fn has_to_wait(&mut self, now: Instant, key: &TaskKey) -> bool {
        let Some(task) = self.table.get(key) else { return false };
        let dependencies = Arc::clone(&task.dependencies);
        let is_to_be_pinned = task.is_to_be_pinned();
        let waits = |key: &TaskKey| {
            self.table.get(key).is_some_and(|task| matches!(task.place, Place::Waiting | Place::Scattering))
        };
        dependencies.iter().any(waits) || (is_to_be_pinned && !self.has_python_workers(now)) || self.awaits_lookup(key)
    }

    /// The keys that go on without handles, of those that the scheduler knows by now.
    fn take_detaches(&mut self) -> Option<Value> {
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for key in std::mem::take(&mut self.outgoing.detaches) {
            let Some(task) = self.table.get_mut(&key).filter(|task| task.detaching) else { continue };
            let is_known = matches!(task.place, Place::Sent { .. });
            if task.status == Status::Pending && !is_known {
                unknown.push(key);
                continue;
            }
            task.detaching = false;
            self.table.set_changed(&key);
            if is_known {
                known.push(key);
            } else {
                // It has erred before the scheduler was to hear of it.
                self.table.sweep(&key);
            }
        }
        self.outgoing.detaches = unknown;
        (!known.is_empty()).then(|| messages::detach_keys(&known))
    }
}
