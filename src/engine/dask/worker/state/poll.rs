//! What is decided when actions are polled, and the timer.

use anydask_runtime::Instant;

use crate::engine::dask::worker::state::{Action, WorkerState};

impl<V: Clone> WorkerState<V> {
    /// The next action to carry out. Drain after each event, or after each batch of messages.
    pub(crate) fn poll_action(&mut self) -> Option<Action<V>> {
        if let Some(action) = self.actions.pop_front() {
            return Some(action);
        }
        if self.standing.is_stopped() {
            return None;
        }
        if let Some(body) = self.to_cancel.pop_first() {
            return Some(Action::Cancel(body));
        }
        self.poll_execute()
            .or_else(|| self.poll_fetch())
            .or_else(|| self.poll_refresh())
            .or_else(|| self.poll_decline())
            .or_else(|| self.poll_retire())
            .or_else(|| self.poll_timer())
    }

    pub(super) fn handle_due(&mut self) {
        self.table.peers.handle_due(self.now);
        self.handle_refresh_due();
        self.handle_decline_due();
    }

    fn poll_timer(&mut self) -> Option<Action<V>> {
        let next = self.next_due()?;
        if self.timer == Some(next) {
            return None;
        }
        self.timer = Some(next);
        Some(Action::SetTimer(next))
    }

    fn next_due(&self) -> Option<Instant> {
        [self.table.peers.next_free(), self.refresh.next(), self.declines.retry_at].into_iter().flatten().min()
    }
}
