//! How keys end, and begin again. The only place where a status is assigned.

use crate::engine::dask::client::state::{ClientState, Fetch, Place, Status, Task};
use crate::engine::dask::client::{Action, Loss, Outcome};
use crate::engine::dask::wire::{TaskKey, Value};

impl ClientState {
    /// The value is on a worker. May be said again.
    pub(super) fn finish(&mut self, key: &TaskKey) {
        match self.table.get(key).map(|task| &task.status) {
            None | Some(Status::Finished) => return,
            Some(Status::Erred { .. }) => self.reset(key),
            Some(Status::Pending) => {}
        }
        let Some(task) = self.table.get_mut(key) else { return };
        (task.status, task.retrying) = (Status::Finished, false);
        let (is_wanted, is_held) = (task.fetch == Fetch::Wanted, task.held);
        if is_held {
            self.resolve(key, Outcome::Finished);
        }
        if is_wanted {
            self.set_ready(key);
        }
    }

    /// The task, or one that it depends on, failed. May be said again.
    pub(super) fn err(&mut self, key: &TaskKey, exception: Value, traceback: Value) {
        match self.table.get(key).map(|task| (&task.status, task.retrying)) {
            None | Some((Status::Erred { .. }, _) | (_, true)) => return,
            Some((Status::Finished, false)) => self.reset(key),
            Some((Status::Pending, false)) => {}
        }
        let blamed = self.blamed(key);
        let Some(task) = self.table.get_mut(key) else { return };
        task.fetch = Fetch::Unwanted;
        task.status = Status::Erred { exception, traceback, blamed };
        if task.held {
            self.tell(key);
        }
    }

    /// What had ended is pending again.
    pub(super) fn reset(&mut self, key: &TaskKey) {
        let Some(task) = self.table.get_mut(key).filter(|task| task.status != Status::Pending) else { return };
        task.status = Status::Pending;
        task.fetch = if task.fetch == Fetch::Unwanted { Fetch::Unwanted } else { Fetch::Wanted };
        if task.held {
            self.actions.push_back(Action::Reset { key: key.clone() });
        }
    }

    /// The scheduler runs again what had erred: if it errs, that is a new error.
    pub(super) fn handle_retried(&mut self, key: &TaskKey) {
        self.reset(key);
        if let Some(task) = self.table.get_mut(key) {
            task.retrying = false;
        }
    }

    /// Tells how a key that has ended did.
    pub(super) fn tell(&mut self, key: &TaskKey) {
        let outcome = match self.table.get(key).map(|task| &task.status) {
            None | Some(Status::Pending) => return,
            Some(Status::Finished) => Outcome::Finished,
            Some(Status::Erred { exception, traceback, blamed }) => {
                let (exception, traceback) = (exception.clone(), traceback.clone());
                Outcome::Erred { exception, traceback, blamed: blamed.clone() }
            }
        };
        self.resolve(key, outcome);
    }

    /// Cancels or loses a key: it is no longer held, nor a part of what is sent, and the scheduler is to forget it.
    pub(super) fn end(&mut self, key: &TaskKey, outcome: Outcome) {
        self.reset(key);
        let Some(task) = self.table.get_mut(key) else { return };
        let was_held = std::mem::replace(&mut task.held, false);
        (task.detaching, task.fetch) = (false, Fetch::Unwanted);
        let place = task.place;
        if was_held {
            self.resolve(key, outcome);
        }
        match place {
            Place::Unsent | Place::Waiting => self.table.set_place(key, Place::Gone),
            // Also where the scheduler said it: what it said may be older than what it was told.
            Place::Sent { wanted: true } => self.forget_there(key),
            Place::Gone | Place::Scattering | Place::Sent { wanted: false } => {}
        }
        self.table.sweep(key);
    }

    /// Loses a key, and what can no more be made without it.
    pub(super) fn lose(&mut self, key: &TaskKey, loss: Loss, is_through: impl Fn(&Task) -> bool) {
        let dependents = self.table.dependents_of(key, is_through);
        self.end(key, Outcome::Lost(loss));
        for dependent in dependents {
            self.end(&dependent, Outcome::Lost(Loss::Input(key.clone())));
        }
    }

    /// The task that is to blame for an error of `key`, as far as is known. The scheduler does not say it, but it tells of
    /// errors in their order.
    fn blamed(&self, key: &TaskKey) -> TaskKey {
        let dependencies = self.table.get(key).map(|task| &*task.dependencies).unwrap_or_default();
        let blamed = dependencies.iter().find_map(|dependency| match &self.table.get(dependency)?.status {
            Status::Erred { blamed, .. } => Some(blamed),
            Status::Pending | Status::Finished => None,
        });
        blamed.unwrap_or(key).clone()
    }

    fn resolve(&mut self, key: &TaskKey, outcome: Outcome) {
        self.actions.push_back(Action::Resolve { key: key.clone(), outcome });
    }
}

/// Whether the task has not ended: one that has is not touched by what becomes of its inputs.
pub(super) fn is_pending(task: &Task) -> bool {
    task.status == Status::Pending
}
