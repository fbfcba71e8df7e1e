//! Tasks that the scheduler would rather have run elsewhere.

use crate::engine::dask::wire::{TaskKey, Value};
use crate::engine::dask::worker::state::task::State;
use crate::engine::dask::worker::state::{Message, StealState, WorkerState};

impl<V: Clone> WorkerState<V> {
    /// What has not begun is given away, and forgotten before the answer goes: the scheduler sends it on without a word.
    pub(super) fn handle_steal_request(&mut self, key: TaskKey, stimulus_id: Value) {
        let state = match self.table.state(&key) {
            State::Waiting { resumes: None, .. } => Some(StealState::Waiting),
            State::Waiting { resumes: Some(_), .. } => Some(StealState::Resumed),
            State::Ready { assigned } if assigned.amounts.is_empty() => Some(StealState::Ready),
            State::Ready { .. } => Some(StealState::Constrained),
            State::Declining { .. } => Some(StealState::Ready),
            State::Executing { body, .. } => match self.bodies.get(body) {
                Some(body) if body.has_seceded => Some(StealState::LongRunning),
                _ => Some(StealState::Executing),
            },
            State::Memory { .. } => Some(StealState::Memory),
            // Nothing that will be answered. The scheduler places the task anew, if it still thinks that it is here; there
            // are no words for these on the wire.
            State::Released | State::Wanted(_) | State::Erred => None,
        };
        if state.is_some_and(StealState::is_given_away) {
            self.unassign(&key);
        }
        self.send(Message::StealResponse { key, state, stimulus_id });
    }
}
