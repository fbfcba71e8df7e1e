//! Asks the scheduler where data is that nobody is known to have.

use std::collections::BTreeSet;

use anydask_runtime::Instant;

use crate::engine::dask::wire::TaskKey;
use crate::engine::dask::worker::state::config::REFRESH_INTERVAL;
use crate::engine::dask::worker::state::task::State;
use crate::engine::dask::worker::state::{Action, Address, Message, WorkerState};

#[derive(Debug, Default)]
pub(super) struct Refresh {
    /// To be asked for with the next message.
    to_ask: BTreeSet<TaskKey>,
    /// When all that is missing is asked for again.
    again_at: Option<Instant>,
}

impl Refresh {
    pub(super) fn ask(&mut self, key: TaskKey) {
        self.to_ask.insert(key);
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.again_at
    }
}

impl<V: Clone> WorkerState<V> {
    /// At once for what has come to be missing, later for what was asked for just now: a scheduler that knows no more than
    /// before is not asked as fast as messages travel.
    pub(super) fn poll_refresh(&mut self) -> Option<Action<V>> {
        let mut keys = std::mem::take(&mut self.table.newly_missing);
        keys.append(&mut self.refresh.to_ask);
        let now = self.now;
        keys.retain(|key| {
            let State::Wanted(wanted) = self.table.state(key) else { return false };
            wanted.asked_at.is_none_or(|asked_at| asked_at + REFRESH_INTERVAL <= now)
        });
        if !self.table.missing.is_empty() {
            self.refresh.again_at.get_or_insert(now + REFRESH_INTERVAL);
        }
        if keys.is_empty() {
            return None;
        }
        for key in &keys {
            self.table.update_wanted(key, |wanted| wanted.asked_at = Some(now));
            self.table.newly_missing.remove(key);
        }
        Some(Action::Send(Message::RequestRefreshWhoHas(keys.into_iter().collect())))
    }

    pub(super) fn handle_refresh_due(&mut self) {
        if self.refresh.again_at.is_some_and(|again_at| again_at <= self.now) {
            self.refresh.again_at = None;
            self.refresh.to_ask.extend(self.table.missing.iter().cloned());
        }
    }

    pub(super) fn handle_refresh_who_has(&mut self, who_has: Vec<(TaskKey, Vec<Address>)>) {
        for (key, holders) in who_has {
            let holders = self.table.peers.others(holders);
            self.table.update_wanted(&key, |wanted| wanted.holders = holders);
        }
    }
}
