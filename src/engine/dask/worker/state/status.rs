//! Whether a worker takes up work, and how it leaves.

use crate::engine::dask::wire::TaskKey;
use crate::engine::dask::worker::state::task::State;
use crate::engine::dask::worker::state::{Action, Message, Status, Stop, WorkerState};

/// A key that no task has. The scheduler's answer to a question about it, that it is to be freed, comes in order.
const FENCE: &str = "anydask-worker-leaves";

#[derive(Debug, Default)]
pub(super) struct Standing {
    /// For want of memory.
    is_paused: bool,
    /// The scheduler retires this worker.
    is_retired: bool,
    leave: Leave,
    stop: Option<Stop>,
}

/// How far a worker has come that leaves of its own will.
#[derive(Debug, Default, PartialEq)]
enum Leave {
    #[default]
    No,
    /// What runs may finish first.
    Draining,
    /// What runs is not waited for.
    AtOnce,
    /// The scheduler is to answer, and then has read all that was said before: the retirement is a request of its own, which
    /// would overtake the news of the last results.
    Telling,
    /// Peers and the scheduler fetch its data.
    Retiring,
}

impl Standing {
    pub(super) fn status(&self) -> Status {
        match () {
            () if self.is_leaving() => Status::ClosingGracefully,
            () if self.is_paused => Status::Paused,
            () => Status::Running,
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.status() == Status::Running
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.is_retired || self.leave != Leave::No
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_some()
    }

    /// Why the worker stops, if it does.
    pub(super) fn stop(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }
}

impl<V: Clone> WorkerState<V> {
    /// The scheduler wants each of its changes echoed.
    pub(super) fn handle_status_change(&mut self, status: Status) {
        self.standing.is_retired = status == Status::ClosingGracefully;
        self.send(Message::StatusChange(self.standing.status()));
        self.give_back_if_leaving();
    }

    pub(super) fn handle_pause_asked(&mut self, is_paused: bool) {
        let before = self.standing.status();
        self.standing.is_paused = is_paused;
        self.tell_change(before);
    }

    pub(super) fn handle_leave_asked(&mut self) {
        let before = self.standing.status();
        self.standing.leave = match self.standing.leave {
            Leave::No => Leave::Draining,
            Leave::Draining | Leave::AtOnce => Leave::AtOnce,
            Leave::Telling => Leave::Telling,
            Leave::Retiring => Leave::Retiring,
        };
        self.tell_change(before);
        self.give_back_if_leaving();
    }

    /// Begins to leave once nothing runs whose result would be lost.
    pub(super) fn poll_retire(&mut self) -> Option<Action<V>> {
        let is_time = match self.standing.leave {
            Leave::No | Leave::Telling | Leave::Retiring => false,
            Leave::Draining => self.bodies.values().all(|body| body.is_abandoned),
            Leave::AtOnce => true,
        };
        is_time.then(|| {
            self.standing.leave = Leave::Telling;
            Action::Send(Message::RequestRefreshWhoHas(vec![FENCE.into()]))
        })
    }

    /// Asks for the data to be moved, if the scheduler has answered to the fence.
    pub(super) fn handle_fence(&mut self, key: &TaskKey) {
        if self.standing.leave == Leave::Telling && *key == FENCE.into() {
            self.standing.leave = Leave::Retiring;
            self.actions.push_back(Action::Retire);
        }
    }

    pub(super) fn handle_retired(&mut self) {
        if self.standing.leave == Leave::Retiring {
            self.send(Message::CloseStream);
            self.stop(Stop::Left);
        }
    }

    pub(super) fn stop(&mut self, reason: Stop) {
        for (id, body) in &self.bodies {
            if !body.is_abandoned || self.to_cancel.contains(id) {
                self.actions.push_back(Action::Cancel(*id));
            }
        }
        self.to_cancel.clear();
        self.standing.stop = Some(reason.clone());
        self.actions.push_back(Action::Stop { reason });
    }

    fn tell_change(&mut self, before: Status) {
        let status = self.standing.status();
        if status != before {
            self.send(Message::StatusChange(status));
        }
    }

    /// What has not begun will not: others may have it at once, and need not wait until this worker is gone.
    fn give_back_if_leaving(&mut self) {
        if !self.standing.is_leaving() {
            return;
        }
        let has_not_begun =
            |state: &State<V>| matches!(state, State::Waiting { .. } | State::Ready { .. } | State::Declining { .. });
        let keys = self.table.tasks.iter().filter(|(_, task)| has_not_begun(&task.state));
        let keys: Vec<_> = keys.map(|(key, _)| key.clone()).collect();
        for key in keys {
            self.unassign(&key);
            self.send(Message::Reschedule(key));
        }
    }
}
