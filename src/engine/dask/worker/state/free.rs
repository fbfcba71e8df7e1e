//! Data and tasks that the scheduler needs no more, and data that others put here.

use crate::engine::dask::wire::TaskKey;
use crate::engine::dask::worker::state::task::{Progress, State};
use crate::engine::dask::worker::state::{Action, Data, Message, WorkerState};

impl<V: Clone> WorkerState<V> {
    pub(super) fn handle_free_key(&mut self, key: &TaskKey) {
        match self.table.state(key) {
            State::Released => self.handle_fence(key),
            State::Memory { .. } => self.drop_data(key),
            State::Erred => _ = self.let_go(key),
            State::Wanted(_) if self.table.has_waiters(key) => {
                self.table.update_wanted(key, |wanted| {
                    wanted.is_replica = false;
                    wanted.holders.clear();
                    wanted.progress = Progress::Missing;
                });
            }
            State::Wanted(_) => _ = self.let_go(key),
            State::Waiting { .. } | State::Ready { .. } | State::Executing { .. } | State::Declining { .. } => {
                self.unassign(key);
            }
        }
    }

    /// Copies that the scheduler thinks are too many. It has crossed them out already, and must hear of those that stay.
    pub(super) fn handle_remove_replicas(&mut self, keys: Vec<TaskKey>) {
        let mut kept = Vec::new();
        for key in keys {
            if !matches!(self.table.state(&key), State::Memory { .. }) {
                continue;
            }
            if self.table.has_waiters(&key) {
                kept.push(key);
            } else {
                self.drop_data(&key);
            }
        }
        if !kept.is_empty() {
            self.send(Message::AddKeys(kept));
        }
    }

    /// A task with the same key that had not ended is answered with this. Whoever puts data tells the scheduler of the
    /// rest.
    pub(super) fn handle_data_put(&mut self, put: Vec<(TaskKey, Data<V>)>) {
        for (key, data) in put {
            match self.table.state(&key) {
                State::Released | State::Wanted(_) | State::Memory { .. } | State::Erred => {
                    self.put_in_memory(&key, data, None);
                }
                State::Declining { run_id, .. } => {
                    let run_id = *run_id;
                    self.finish(&key, run_id, data, None);
                }
                State::Executing { run_id, body } => {
                    let (run_id, body) = (*run_id, *body);
                    self.abandon(body);
                    self.finish(&key, run_id, data, None);
                }
                State::Waiting { assigned, .. } | State::Ready { assigned } => {
                    let (run_id, inputs) = (assigned.run_id, assigned.inputs.clone());
                    self.finish(&key, run_id, data, None);
                    self.unneed_all(&inputs, &key);
                }
            }
        }
    }

    /// Says so each time. The scheduler has crossed out the copy before it wrote; but an `add-keys` from here that met that
    /// message would have made it think otherwise again.
    fn drop_data(&mut self, key: &TaskKey) {
        if let State::Memory { data, .. } = self.let_go(key) {
            self.actions.push_back(Action::Drop(data.value));
            self.send(Message::ReleaseWorkerData(key.clone()));
        }
    }
}
