//! What the user of a client does with keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::dask::client::state::outcome::is_pending;
use crate::engine::dask::client::state::request::Request;
use crate::engine::dask::client::state::{ClientState, LOST_DEPENDENCIES, Place, Source, Status, Task};
use crate::engine::dask::client::{Action, Outcome, Report, Submission, messages};
use crate::engine::dask::wire::TaskKey;

impl ClientState {
    pub(super) fn submit(&mut self, submissions: Vec<Submission>) {
        let batch: BTreeSet<_> = submissions.iter().map(|submission| submission.key.clone()).collect();
        for submission in submissions {
            self.forget_other_work(&submission);
            if self.table.get(&submission.key).is_some() {
                self.submit_again(submission);
            } else {
                self.submit_new(submission, &batch);
            }
        }
        for key in &batch {
            // In case that nothing of the batch needed it.
            self.table.sweep(key);
        }
    }

    fn submit_new(&mut self, submission: Submission, batch: &BTreeSet<TaskKey>) {
        let Submission { key, work, options, held } = submission;
        let dependencies: Arc<[TaskKey]> = work.dependencies().into();
        let is_there = |key: &TaskKey| self.table.get(key).is_some_and(|task| task.held || batch.contains(key));
        if !dependencies.iter().all(is_there) {
            // As the scheduler would. Only that the others of the batch do not suffer for it.
            if held {
                let outcome = Outcome::Cancelled { reason: LOST_DEPENDENCIES.into() };
                self.actions.push_back(Action::Resolve { key, outcome });
            }
            return;
        }
        let task = Task::new(Source::Work(work, options), Arc::clone(&dependencies), held);
        self.table.insert(&key, task, Place::Unsent);
        if !self.inherit_error(&key) {
            // Those of the batch that are there already, for others only.
            dependencies.iter().for_each(|dependency| self.resend(dependency));
        }
    }

    /// Forgets a key that nobody needs any more and of which the scheduler has yet to hear that, so that it can stand for other
    /// work.
    fn forget_other_work(&mut self, submission: &Submission) {
        let key = &submission.key;
        let is_needed = |task: &Task| task.is_needed_itself() || !task.dependents.is_empty();
        if self.table.get(key).is_none_or(is_needed) || !self.is_conflict(key, &submission.work) {
            return;
        }
        if self.table.get(key).is_some_and(|task| task.place == Place::Sent { wanted: true }) {
            self.forget_there(key);
        }
        self.table.sweep(key);
    }

    /// Errs a task with an input that has erred on an earlier connection: this scheduler does not know of that.
    pub(super) fn inherit_error(&mut self, key: &TaskKey) -> bool {
        let dependencies = self.table.get(key).map(|task| Arc::clone(&task.dependencies)).unwrap_or_default();
        let erred = dependencies.iter().find_map(|dependency| match self.table.get(dependency)? {
            Task { place: Place::Gone, status: Status::Erred { exception, traceback, .. }, .. } => {
                Some((exception.clone(), traceback.clone()))
            }
            _ => None,
        });
        let Some((exception, traceback)) = erred else { return false };
        self.table.set_place(key, Place::Gone);
        self.err(key, exception, traceback);
        true
    }

    /// Submits what is there already: for others, or until its release is sent, or since its key is used twice.
    fn submit_again(&mut self, submission: Submission) {
        let Submission { key, work, held, .. } = submission;
        if self.is_conflict(&key, &work) {
            return self.actions.push_back(Action::Conflict { key });
        }
        let is_held = self.table.get(&key).is_none_or(|task| task.held);
        if !held || is_held {
            return;
        }
        let has_erred = self.table.get(&key).is_some_and(|task| matches!(task.status, Status::Erred { .. }));
        if has_erred {
            // Nobody holds the error any more: this is another attempt.
            self.reset(&key);
            self.renew(&key);
        }
        self.hold(&key);
    }

    pub(super) fn hold(&mut self, key: &TaskKey) {
        let Some(task) = self.table.get_mut(key) else {
            let task = Task::new(Source::Foreign, Arc::new([]), true);
            return self.table.insert(key, task, Place::Sent { wanted: false });
        };
        if task.held {
            return;
        }
        let (place, is_work) = (task.place, task.work().is_some());
        // What was to be released no longer is.
        let is_kept = !matches!(place, Place::Gone | Place::Sent { wanted: false });
        if !is_kept {
            self.reset(key);
        }
        if let Some(task) = self.table.get_mut(key) {
            task.held = true;
        }
        match (is_kept, is_work) {
            (true, _) => self.tell(key),
            (false, true) => self.resend(key),
            (false, false) => self.table.set_place(key, Place::Sent { wanted: false }),
        }
    }

    pub(super) fn release(&mut self, key: &TaskKey) {
        let Some(task) = self.table.get_mut(key) else { return };
        task.held = false;
        task.fetch = super::Fetch::Unwanted;
        self.table.set_changed(key);
        self.table.sweep(key);
    }

    pub(super) fn detach(&mut self, key: &TaskKey) {
        let Some(task) = self.table.get_mut(key).filter(|task| task.held && task.status == Status::Pending) else {
            return;
        };
        if !std::mem::replace(&mut task.detaching, true) {
            self.outgoing.detaches.push(key.clone());
            self.table.set_changed(key);
        }
    }

    /// A cancel without force is a release of the key and of what depends on it: the same to the scheduler, which goes on with what
    /// other clients want. Its own `cancel-keys` ends the connection when it meets a task that nobody wants and others depend
    /// on. A forced one is sent key by key, dependents first, so that it meets none of ours.
    pub(super) fn cancel(&mut self, keys: &[TaskKey], reason: &Arc<str>, force: bool) {
        for key in keys {
            let is_cancellable = |task: &Task| force || is_pending(task);
            if !self.table.get(key).is_some_and(|task| task.held && is_cancellable(task)) {
                continue;
            }
            let dependents = self.table.dependents_of(key, is_cancellable);
            if force {
                for key in dependents.iter().rev().chain([key]) {
                    if self.table.get(key).is_some_and(|task| task.place == Place::Sent { wanted: true }) {
                        self.outgoing.cancels.push((key.clone(), Arc::clone(reason)));
                        self.table.set_place(key, Place::Gone);
                        self.set_limbo(key);
                    }
                }
            }
            self.end(key, Outcome::Cancelled { reason: Arc::clone(reason) });
            for dependent in dependents {
                self.end(&dependent, Outcome::Cancelled { reason: LOST_DEPENDENCIES.into() });
            }
        }
    }

    /// They are pending from now on, whatever becomes of the request. What these depend on and has erred is retried with them:
    /// the scheduler says that.
    pub(super) fn retry(&mut self, keys: &[TaskKey]) {
        let mut known = Vec::new();
        for key in self.table.sorted(keys.to_vec()) {
            let task = self.table.get(&key).filter(|task| task.held);
            match task.map(|task| (&task.status, task.place)) {
                Some((Status::Erred { .. }, Place::Sent { .. })) => {
                    self.reset(&key);
                    if let Some(task) = self.table.get_mut(&key) {
                        task.retrying = true;
                    }
                    known.push(key);
                }
                Some((Status::Erred { .. }, Place::Gone)) => {
                    self.reset(&key);
                    self.resend(&key);
                }
                // It was retried with another already, and this is how that ended.
                Some((Status::Finished, _)) => {
                    self.reset(&key);
                    self.finish(&key);
                }
                _ => {}
            }
        }
        if let (false, Some(client_id)) = (known.is_empty(), self.connection.registered_as()) {
            let message = messages::retry(&known, &client_id);
            self.request(Request::Retry(known), message);
        }
    }

    /// The scheduler knows one of the keys not at all, since it has failed to take the graph with it; or it was not reached.
    pub(super) fn handle_retry_failed(&mut self, keys: &[TaskKey]) {
        self.actions.push_back(Action::Report(Report::RequestFailed("retry")));
        for key in keys {
            if self.table.get(key).is_some_and(|task| task.held && is_pending(task)) {
                self.forget_errors_before(key);
                self.renew(key);
            }
        }
    }

    /// What `key` depends on and has erred is to be made anew with it, as the scheduler would have done.
    fn forget_errors_before(&mut self, key: &TaskKey) {
        let mut keys = vec![key.clone()];
        while let Some(key) = keys.pop() {
            let dependencies = self.table.get(&key).map(|task| Arc::clone(&task.dependencies)).unwrap_or_default();
            for dependency in dependencies.iter() {
                let Some(task) = self.table.get(dependency) else { continue };
                if !matches!(task.status, Status::Erred { .. }) {
                    continue;
                }
                let is_there = task.place == (Place::Sent { wanted: true });
                self.reset(dependency);
                if is_there {
                    self.forget_there(dependency);
                }
                keys.push(dependency.clone());
            }
        }
    }

    /// Submits a key with the next flush, with all that it depends on and that the scheduler does not keep for this client.
    /// What it has of that already stays as it is.
    pub(super) fn resend(&mut self, key: &TaskKey) {
        let mut keys = vec![key.clone()];
        while let Some(key) = keys.pop() {
            let Some(task) = self.table.get(&key) else { continue };
            let is_there =
                matches!(task.place, Place::Unsent | Place::Waiting | Place::Scattering | Place::Sent { wanted: true });
            if is_there || task.work().is_none() {
                continue;
            }
            keys.extend(task.dependencies.iter().cloned());
            self.reset(&key);
            self.table.set_place(&key, Place::Unsent);
        }
    }

    /// Has the scheduler forget a key and make it anew.
    pub(super) fn renew(&mut self, key: &TaskKey) {
        if self.table.get(key).is_some_and(|task| task.place == Place::Sent { wanted: true }) {
            self.forget_there(key);
        }
        self.resend(key);
    }

    /// Has the scheduler forget a key before anything else is said of it.
    pub(super) fn forget_there(&mut self, key: &TaskKey) {
        self.outgoing.releases.push(key.clone());
        self.table.set_place(key, Place::Gone);
        self.set_limbo(key);
    }
}
