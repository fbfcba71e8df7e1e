//! What the state of a connection asks for, and who hears of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::Error;
use crate::engine::dask::client::connection::{Connection, Ordinal, lock};
use crate::engine::dask::client::entering::Entered;
use crate::engine::dask::client::failure::{error_of_exception, error_of_loss};
use crate::engine::dask::client::requesting::{ReplyTo, Request};
use crate::engine::dask::client::state::CLIENT_CLOSED;
use crate::engine::dask::client::{Action, Outcome, Report};
use crate::engine::dask::values::py_value;
use crate::engine::dask::wire::TaskKey;
use crate::engine::local::quietly;
use crate::task::Key;

impl Connection {
    /// Does what the state has asked for, outside of its lock: those who are told may come back with more. Only the driver calls
    /// this, and after its end whoever comes: what there is to do then needs no order.
    pub(super) fn carry_out(&self) {
        loop {
            let next = lock(&self.machine).actions.pop_front();
            let Some((ordinal, action)) = next else { return };
            // What panics is the user's, and the rest is for others.
            _ = quietly(|| self.act(ordinal, action));
        }
    }

    fn act(&self, ordinal: Ordinal, action: Action) {
        match action {
            Action::SchedulerRpc { id, message } => {
                let request = Request { reply_to: ReplyTo::State(id), worker: None, message, confirm: false };
                self.push(request);
            }
            Action::WorkerRpc { id, address, message, confirm } => {
                let request = Request { reply_to: ReplyTo::State(id), worker: Some(address), message, confirm };
                self.push(request);
            }
            Action::SetTimer { at } => self.work.change(|work| work.timer = Some(at)),
            Action::Disconnect => self.work.change(|work| work.must_disconnect = true),
            Action::Closed => self.work.change(|work| work.is_closed = true),
            Action::Registered { version } => {
                self.is_registered.store(true, Ordering::Release);
                self.milestones.open(Ok(()));
                tracing::info!(target: "anydask", address = %self.address, %version, "connected to a Dask scheduler");
            }
            Action::Refused(error) => {
                self.lose_all(&Error::NotConnected { address: Arc::clone(&self.address), source: Arc::new(error) });
                self.work.change(|work| work.is_closed = true);
            }
            Action::Resolve { key, outcome } => self.resolve(ordinal, &key, outcome),
            // The task has ended for those who wait for it. Who wants its value waits for that.
            Action::Reset { key: _ } => {}
            Action::Deliver { key, data } => {
                if let Some(task) = self.task_since(&key, ordinal) {
                    let value = py_value(&data)
                        .map_err(|source| Error::NotDecoded { key: task.key(), source: Arc::new(source) });
                    task.handle_value(value);
                }
            }
            Action::Conflict { key } => {
                if let Some(task) = self.task_since(&key, ordinal) {
                    let error = Error::KeyConflict { key: task.key() };
                    task.handle_ended(error);
                }
            }
            Action::WorkersChanged => self.workers_changed(),
            Action::Report(report) => self.report(&report),
        }
    }

    fn resolve(&self, ordinal: Ordinal, key: &TaskKey, outcome: Outcome) {
        let Some(task) = self.task_since(key, ordinal) else { return };
        match outcome {
            Outcome::Finished => task.handle_finished(),
            Outcome::Erred { exception, traceback, blamed } => {
                task.handle_ended(error_of_exception(blamed.to_string().into(), &exception, &traceback));
            }
            Outcome::Lost(loss) => task.handle_ended(error_of_loss(key.to_string().into(), &loss)),
            Outcome::Cancelled { reason } => {
                let is_close = *reason == *CLIENT_CLOSED;
                let error = Error::Cancelled { key: task.key(), reason };
                // What is here stays readable after the end, also where the cluster had to make it again.
                if is_close { task.handle_over(error) } else { task.handle_ended(error) }
            }
        }
    }

    fn report(&self, report: &Report) {
        let address = &self.address;
        match report {
            Report::NoPythonWorker { tasks } => tracing::warn!(
                target: "anydask", %address, tasks,
                "Python tasks wait for a Python worker; start one with `dask worker`"
            ),
            Report::Scheduler(message) => tracing::warn!(target: "anydask", %address, %message, "the scheduler says"),
            Report::RequestFailed(what) => tracing::debug!(target: "anydask", %address, %what, "a request failed"),
            Report::Malformed(what) => tracing::warn!(target: "anydask", %address, %what, "a message is malformed"),
            Report::UnknownOp(op) => tracing::debug!(target: "anydask", %address, %op, "an unknown message"),
        }
    }

    /// There is no connection, and there will be none.
    pub(super) fn lose_all(&self, error: &Error) {
        self.milestones.open(Err(error.clone()));
        self.end_all(|key| Error::Lost { key, reason: error.chain().into() });
    }

    /// Nothing comes any more: ends every task that has not ended, and the wait for every value, and refuses requests.
    pub(super) fn end_all(&self, error: impl Fn(Key) -> Error) {
        let tasks: Vec<_> = lock(&self.tasks).values().filter_map(Entered::task).collect();
        for task in tasks {
            let error = error(task.key());
            task.handle_over(error);
        }
        let requests = self.work.take(|work| {
            work.is_closed = true;
            std::mem::take(&mut work.requests)
        });
        // Who asked hears it, outside of the lock.
        drop(requests);
    }
}
