//! Python tasks that came to the wrong kind of worker.
//!
//! A `reschedule` alone may come back for ever: the scheduler sees an idle worker. It must first be told which workers may
//! run the task, on another connection and with an answer.

use anydask_runtime::Instant;

use crate::engine::dask::worker::state::config::{DECLINE_KEYS_MAX, DECLINE_RETRY};
use crate::engine::dask::worker::state::task::State;
use crate::engine::dask::worker::state::{Action, Declined, Message, WorkerState};

#[derive(Debug, Default)]
pub(super) struct Declines {
    /// A request is on its way. One at a time, so that those that come meanwhile share the next.
    pub(super) is_asked: bool,
    pub(super) retry_at: Option<Instant>,
}

impl<V: Clone> WorkerState<V> {
    pub(super) fn poll_decline(&mut self) -> Option<Action<V>> {
        if self.declines.is_asked || self.declines.retry_at.is_some() || self.table.to_decline.is_empty() {
            return None;
        }
        let keys: Vec<_> = self.table.to_decline.iter().take(DECLINE_KEYS_MAX).cloned().collect();
        for key in &keys {
            if let State::Declining { run_id, .. } = *self.table.state(key) {
                self.table.replace(key, State::Declining { run_id, is_asked: true });
            }
        }
        self.declines.is_asked = true;
        Some(Action::DeclinePython(keys))
    }

    /// Those that were freed meanwhile are not here, and those that came again meanwhile are asked for again.
    pub(super) fn handle_python_declined(&mut self, declined: Declined) {
        self.declines.is_asked = false;
        let asked = self.table.tasks.iter().filter_map(|(key, task)| match task.state {
            State::Declining { run_id, is_asked: true } => Some((key.clone(), run_id)),
            _ => None,
        });
        let asked: Vec<_> = asked.collect();
        for (key, run_id) in asked {
            match declined {
                Declined::Restricted => {
                    self.unassign(&key);
                    self.send(Message::Reschedule(key));
                }
                Declined::Failed => {
                    self.table.replace(&key, State::Declining { run_id, is_asked: false });
                }
            }
        }
        if declined == Declined::Failed {
            self.declines.retry_at = Some(self.now + DECLINE_RETRY);
        }
    }

    pub(super) fn handle_decline_due(&mut self) {
        if self.declines.retry_at.is_some_and(|retry_at| retry_at <= self.now) {
            self.declines.retry_at = None;
        }
    }
}
