//! Bodies: from their start to their end, whether somebody waits for them or not.

use std::sync::Arc;

use anydask_runtime::Instant;

use crate::engine::dask::wire::TaskKey;
use crate::engine::dask::worker::state::task::State;
use crate::engine::dask::worker::state::{Action, Amounts, BodyEnd, BodyId, Call, Message, Refusal, WorkerState};

#[derive(Debug)]
pub(super) struct Body {
    pub(super) key: TaskKey,
    pub(super) call: Result<Call, Refusal>,
    /// Which data it took.
    inputs: Vec<(TaskKey, Option<u64>)>,
    pub(super) amounts: Arc<Amounts>,
    pub(super) started_at: Instant,
    pub(super) has_seceded: bool,
    /// Nobody waits for it. It holds its slot and its resources until it ends all the same.
    pub(super) is_abandoned: bool,
}

impl<V: Clone> WorkerState<V> {
    /// Starts the first task that is ready, if there is a slot.
    pub(super) fn poll_execute(&mut self) -> Option<Action<V>> {
        if !self.standing.is_running() || self.slots_used() >= self.config.nthreads.max(1) {
            return None;
        }
        let key = self.table.queue.first(&self.resources)?;
        let body = BodyId(self.number());
        let run_id = match self.table.state(&key) {
            State::Ready { assigned } => assigned.run_id,
            _ => return None,
        };
        let State::Ready { assigned } = self.table.replace(&key, State::Executing { run_id, body }) else {
            return None;
        };
        let inputs = assigned.call.iter().flat_map(|call| call.inputs.iter());
        let inputs = inputs.filter_map(|input| self.table.data(input)).map(|data| data.value.clone()).collect();
        let versions = assigned.inputs.iter().map(|input| (input.clone(), self.table.version(input))).collect();
        self.unneed_all(&assigned.inputs, &key);
        self.resources.take(&assigned.amounts);
        let running = Body {
            key: key.clone(),
            call: assigned.call.clone(),
            inputs: versions,
            amounts: assigned.amounts,
            started_at: self.now,
            has_seceded: false,
            is_abandoned: false,
        };
        self.bodies.insert(body, running);
        Some(Action::Execute { body, key, run_id, call: assigned.call, inputs })
    }

    pub(super) fn slots_used(&self) -> usize {
        self.bodies.values().filter(|body| !body.has_seceded).count()
    }

    pub(super) fn handle_body_ended(&mut self, body: BodyId, end: BodyEnd<V>) {
        let Some(Body { key, amounts, .. }) = self.bodies.remove(&body) else {
            return self.drop_end(end);
        };
        self.to_cancel.remove(&body);
        self.resources.give_back(&amounts);
        match self.table.state(&key) {
            State::Executing { run_id, body: current } if *current == body => {
                let run_id = *run_id;
                match end {
                    BodyEnd::Finished { data, ran } => self.finish(&key, run_id, data, Some(ran)),
                    BodyEnd::Erred { error, ran } => {
                        self.err(&key);
                        self.send(Message::TaskErred { key, run_id, error, ran });
                    }
                    BodyEnd::Cancelled => {
                        self.unassign(&key);
                        self.send(Message::Reschedule(key));
                    }
                }
            }
            State::Waiting { assigned, resumes: Some(resumed), .. } if *resumed == body => {
                let (run_id, inputs) = (assigned.run_id, assigned.inputs.clone());
                if let BodyEnd::Finished { data, ran } = end {
                    self.finish(&key, run_id, data, Some(ran));
                    self.unneed_all(&inputs, &key);
                } else {
                    // An error may be of its own making, or of having been told to stop. Only a second run can tell.
                    self.run_anew(&key);
                }
            }
            _ => self.drop_end(end),
        }
    }

    /// Tasks here that wait for its data ask where else it may be. They are freed as a rule before that is answered.
    fn err(&mut self, key: &TaskKey) {
        if self.table.has_waiters(key) {
            self.let_go(key);
        } else {
            self.table.replace(key, State::Erred);
        }
    }

    fn run_anew(&mut self, key: &TaskKey) {
        if let Some(State::Waiting { resumes, .. }) = self.table.tasks.get_mut(key).map(|task| &mut task.state) {
            *resumes = None;
        }
        self.make_ready_if_complete(key);
    }

    /// The slot is free again, the resources are not.
    pub(super) fn handle_body_seceded(&mut self, id: BodyId) {
        let Some(body) = self.bodies.get_mut(&id).filter(|body| !body.has_seceded) else { return };
        body.has_seceded = true;
        let compute_duration = self.now.saturating_duration_since(body.started_at).as_secs_f64();
        let key = body.key.clone();
        if let State::Executing { run_id, body } = self.table.state(&key)
            && *body == id
        {
            let run_id = *run_id;
            self.send(Message::LongRunning { key, run_id, compute_duration: Some(compute_duration) });
        }
    }

    /// Nobody waits for this body any more. It is told when the actions are polled, unless somebody waits again by then.
    pub(super) fn abandon(&mut self, id: BodyId) {
        if let Some(body) = self.bodies.get_mut(&id) {
            body.is_abandoned = true;
            self.to_cancel.insert(id);
        }
    }

    /// The latest body of just this call, with just these values of its inputs, for which nobody waits.
    pub(super) fn abandoned_body(&self, key: &TaskKey, call: &Result<Call, Refusal>) -> Option<BodyId> {
        let has_its_inputs =
            |body: &Body| body.inputs.iter().all(|(input, version)| self.table.version(input) == *version);
        let is_it = |body: &Body| body.is_abandoned && body.key == *key && body.call == *call && has_its_inputs(body);
        self.bodies.iter().rev().find(|(_, body)| is_it(body)).map(|(id, _)| *id)
    }

    fn drop_end(&mut self, end: BodyEnd<V>) {
        if let BodyEnd::Finished { data, .. } = end {
            self.actions.push_back(Action::Drop(data.value));
        }
    }
}
