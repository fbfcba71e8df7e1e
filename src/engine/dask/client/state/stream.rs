//! What the scheduler says on the stream.

use std::sync::Arc;

use crate::engine::dask::client::state::gather::RESENDS_MAX;
use crate::engine::dask::client::state::outcome::is_pending;
use crate::engine::dask::client::state::{ClientState, LOST_DEPENDENCIES, Place, Source, Status};
use crate::engine::dask::client::{Action, Loss, Outcome, Report};
use crate::engine::dask::wire::{TaskKey, Value, stream_messages};
use crate::runtime::Instant;

/// Why keys are cancelled that another client cancelled and gave no reason for.
const CANCELLED_ELSEWHERE: &str = "cancelled by another client";

/// Why all keys are cancelled. Dask's words.
const SCHEDULER_RESTART: &str = "scheduler-restart";

/// How much of what the scheduler says is kept for a log.
const REPORT_CHARS_MAX: usize = 200;

impl ClientState {
    pub(super) fn handle_stream(&mut self, now: Instant, message: Value) {
        match stream_messages(message) {
            Ok(messages) => messages.iter().for_each(|message| self.handle_message(now, message)),
            Err(_) => self.report(Report::Malformed("a message of the stream")),
        }
    }

    fn handle_message(&mut self, now: Instant, message: &Value) {
        let Some(op) = message.get("op").and_then(Value::as_str) else {
            return self.report(Report::Malformed("a message without op"));
        };
        match op {
            "key-in-memory" => self.with_key(message, |client, key| {
                client.handle_found(now, key);
                // Of what is scattered, copies may still be on their way. The answer tells when all are there.
                if client.table.get(key).is_none_or(|task| task.place != Place::Scattering) {
                    client.finish(key);
                }
            }),
            "task-erred" => self.with_key(message, |client, key| {
                let value = |name| message.get(name).cloned().unwrap_or(Value::Nil);
                client.err(key, value("exception"), value("traceback"));
            }),
            "lost-data" => self.with_key(message, |client, key| {
                if client.table.get(key).is_some_and(|task| task.status == Status::Finished) {
                    client.reset(key);
                }
            }),
            "task-retried" => self.with_key(message, Self::handle_retried),
            "cancelled-keys" => self.handle_cancelled_keys(message),
            "restart" => self.handle_restart(),
            "adjust-heartbeat-interval" => {
                self.handle_heartbeat_answer(now, message.get("interval").and_then(Value::as_f64));
            }
            "stream-start" => self.handle_stream_start(now, message),
            "stream-closed" | "close" => self.handle_stream_closed(),
            "error" => self.report(Report::Scheduler("the scheduler failed to handle a message".into())),
            _ => {
                self.unknown_ops += 1;
                self.report(Report::UnknownOp(op.chars().take(REPORT_CHARS_MAX).collect::<String>().into()));
            }
        }
    }

    /// Calls `apply` with the key of the message if the scheduler speaks of what this client knows under it.
    fn with_key(&mut self, message: &Value, apply: impl FnOnce(&mut Self, &TaskKey)) {
        match message.get("key").and_then(TaskKey::of_value) {
            Some(key) if self.is_meant(&key) => apply(self, &key),
            Some(_) => {}
            None => self.report(Report::Malformed("a message without a key")),
        }
    }

    /// Whether what the scheduler says of `key` is about what this client knows under it: it was told of it, and of nothing else
    /// under this key whose end it may speak of still.
    fn is_meant(&self, key: &TaskKey) -> bool {
        let is_known = self
            .table
            .get(key)
            .is_some_and(|task| matches!(task.place, Place::Scattering | Place::Sent { wanted: true }));
        is_known && !self.limbo.contains_key(key)
    }

    fn handle_cancelled_keys(&mut self, message: &Value) {
        let Some(keys) = message.get("keys").and_then(Value::items) else {
            return self.report(Report::Malformed("cancelled-keys without keys"));
        };
        // Of all clients: most are not of this one.
        let keys = keys.iter().filter_map(TaskKey::of_value).filter(|key| self.is_meant(key)).collect();
        let keys = self.table.sorted(keys);
        let reason = message.get("reason").and_then(Value::as_str);
        if reason == Some(LOST_DEPENDENCIES) {
            return self.handle_lost_dependencies(&keys);
        }
        for key in &keys {
            let Some(task) = self.table.get(key) else { continue };
            if matches!(task.source, Source::Scattered) {
                self.lose(key, Loss::Scattered, is_pending);
                continue;
            }
            let reason = reason.unwrap_or(CANCELLED_ELSEWHERE).into();
            let dependents = self.table.dependents_of(key, is_pending);
            self.end(key, Outcome::Cancelled { reason });
            for dependent in dependents {
                self.end(&dependent, Outcome::Cancelled { reason: LOST_DEPENDENCIES.into() });
            }
        }
    }

    /// The scheduler did not take a whole batch because something that some of it depends on is gone, and has released all of it.
    /// What the gone one took along, the client knows, or the answers to its questions say, which come before the next answer.
    /// The rest goes again.
    fn handle_lost_dependencies(&mut self, keys: &[TaskKey]) {
        for key in keys {
            self.table.set_place(key, Place::Gone);
        }
        for key in keys {
            let Some(task) = self.table.get_mut(key).filter(|task| task.is_needed_itself()) else {
                self.table.sweep(key);
                continue;
            };
            task.resends += 1;
            if task.resends > RESENDS_MAX {
                let dependents = self.table.dependents_of(key, is_pending);
                for key in std::iter::once(key).chain(&dependents) {
                    self.end(key, Outcome::Cancelled { reason: LOST_DEPENDENCIES.into() });
                }
                continue;
            }
            let dependencies = Arc::clone(&task.dependencies);
            for dependency in dependencies.iter() {
                let is_kept = |key| self.table.get(key).is_some_and(|task| task.place == Place::Sent { wanted: true });
                if is_kept(dependency) && !self.outgoing.reports.contains(dependency) {
                    self.outgoing.reports.push(dependency.clone());
                }
            }
            self.reset(key);
            self.resend(key);
        }
    }

    /// The scheduler has forgotten all tasks of all clients.
    fn handle_restart(&mut self) {
        let keys = self.table.in_order();
        let is_told = |key: &&TaskKey| {
            // What is being scattered may come there after it.
            self.table.get(key).is_some_and(|task| matches!(task.place, Place::Sent { .. }))
        };
        let told: Vec<_> = keys.iter().filter(is_told).cloned().collect();
        for key in &told {
            match self.table.get(key).map(|task| task.place) {
                // It may have been told of it after the restart.
                Some(Place::Sent { wanted: true }) => self.forget_there(key),
                _ => self.table.set_place(key, Place::Gone),
            }
        }
        for key in told {
            let dependents = self.table.dependents_of(&key, |_| true);
            for key in std::iter::once(&key).chain(&dependents) {
                self.end(key, Outcome::Cancelled { reason: SCHEDULER_RESTART.into() });
            }
        }
        self.outgoing.reports.clear();
        self.table.stop_waiting();
    }

    fn report(&mut self, report: Report) {
        self.actions.push_back(Action::Report(report));
    }
}
