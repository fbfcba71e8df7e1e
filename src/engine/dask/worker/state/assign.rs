//! Tasks that the scheduler assigns to this worker, until they are ready.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::dask::wire::TaskKey;
use crate::engine::dask::worker::state::rank::Rank;
use crate::engine::dask::worker::state::task::{Assigned, State};
use crate::engine::dask::worker::state::{
    Amounts, BodyId, Call, ComputeTask, Data, Dependency, Message, Ran, Refusal, RunId, Work, WorkerState,
};

impl<V: Clone> WorkerState<V> {
    /// A task that is here already only gets its new number: that of the latest assignment is the one that counts.
    pub(super) fn handle_compute_task(&mut self, task: ComputeTask) {
        let (work, amounts) = self.checked(&task);
        if self.renew(&task, &work, &amounts) {
            return;
        }
        // The same key for another call. What there was of the old one answers nothing.
        self.unassign(&task.key);
        if self.standing.is_leaving() {
            self.send(Message::Reschedule(task.key.clone()));
            return;
        }
        match work {
            Work::Python => {
                self.table.replace(&task.key, State::Declining { run_id: task.run_id, is_asked: false });
            }
            Work::Rust(call) => self.assign(task, call, amounts),
        }
    }

    /// The work, or why it cannot be done here. What cannot be done takes no inputs and no resources.
    fn checked(&self, task: &ComputeTask) -> (Work, Amounts) {
        let Work::Rust(Ok(call)) = &task.work else { return (task.work.clone(), Amounts::new()) };
        let dependencies: BTreeSet<_> = task.dependencies.iter().map(|dependency| &dependency.key).collect();
        let is_unknown = |input: &&TaskKey| **input == task.key || !dependencies.contains(input);
        let refusal = match call.inputs.iter().find(is_unknown) {
            Some(input) => Err(Refusal::UnknownInput { key: input.clone() }),
            None => self.resources.check(&task.resources),
        };
        match refusal {
            Ok(()) => (task.work.clone(), task.resources.clone()),
            Err(refusal) => (Work::Rust(Err(refusal)), Amounts::new()),
        }
    }

    /// Answers, or gives its new number to, a task that is here already.
    fn renew(&mut self, task: &ComputeTask, work: &Work, amounts: &Amounts) -> bool {
        let Some(entry) = self.table.tasks.get_mut(&task.key) else { return false };
        match &mut entry.state {
            State::Memory { data, ran, .. } => {
                let message = finished(task.key.clone(), task.run_id, data, *ran);
                self.send(message);
                true
            }
            State::Executing { run_id, body } => {
                let is_same = self.bodies.get(body).is_some_and(|body| Work::Rust(body.call.clone()) == *work);
                if is_same {
                    *run_id = task.run_id;
                }
                is_same
            }
            State::Waiting { assigned, .. } | State::Ready { assigned } => {
                let is_same = Work::Rust(assigned.call.clone()) == *work && *assigned.amounts == *amounts;
                if is_same {
                    assigned.run_id = task.run_id;
                    self.update_holders(&task.dependencies);
                }
                is_same
            }
            State::Declining { run_id, .. } => {
                let is_same = *work == Work::Python;
                if is_same {
                    *run_id = task.run_id;
                }
                is_same
            }
            State::Released | State::Wanted(_) | State::Erred => false,
        }
    }

    fn update_holders(&mut self, dependencies: &[Dependency]) {
        for dependency in dependencies {
            let holders = self.table.peers.others(dependency.holders.iter().cloned());
            self.table.update_wanted(&dependency.key, |wanted| wanted.holders = holders);
        }
    }

    fn assign(&mut self, task: ComputeTask, call: Result<Call, Refusal>, amounts: Amounts) {
        let resumes = self.abandoned_body(&task.key, &call);
        if let Some(body) = resumes.filter(|body| self.to_cancel.remove(body)) {
            self.take_up(task.key, task.run_id, body);
            return;
        }
        let rank = Rank { priority: task.priority, arrival: self.number() };
        let inputs: BTreeSet<_> = call.iter().flat_map(|call| call.inputs.iter().cloned()).collect();
        let mut missing = 0;
        for dependency in task.dependencies {
            // What only the graph depends on is nothing that the call takes. And a peer may name one twice.
            if inputs.contains(&dependency.key) && !self.is_waiter(&dependency.key, &task.key) {
                missing += usize::from(!self.need(dependency, &task.key, &rank.priority));
            }
        }
        let assigned = Assigned { run_id: task.run_id, rank, call, inputs, amounts: Arc::new(amounts) };
        self.table.replace(&task.key, State::Waiting { assigned, missing, resumes });
        self.make_ready_if_complete(&task.key);
    }

    /// Goes on with a body that nobody has told to stop.
    fn take_up(&mut self, key: TaskKey, run_id: RunId, body: BodyId) {
        let Some(running) = self.bodies.get_mut(&body) else { return };
        running.is_abandoned = false;
        let has_seceded = running.has_seceded;
        self.table.replace(&key, State::Executing { run_id, body });
        if has_seceded {
            // The scheduler has forgotten.
            self.send(Message::LongRunning { key, run_id, compute_duration: None });
        }
    }

    fn is_waiter(&self, key: &TaskKey, waiter: &TaskKey) -> bool {
        self.table.tasks.get(key).is_some_and(|task| task.waiters.contains(waiter))
    }

    pub(super) fn make_ready_if_complete(&mut self, key: &TaskKey) {
        if matches!(self.table.state(key), State::Waiting { missing: 0, resumes: None, .. })
            && let State::Waiting { assigned, .. } = self.table.replace(key, State::Released)
        {
            self.table.replace(key, State::Ready { assigned });
        }
    }

    /// Takes back what was assigned, if anything was: the scheduler waits for no answer any more.
    pub(super) fn unassign(&mut self, key: &TaskKey) {
        if !self.table.state(key).is_assigned() {
            return;
        }
        match self.let_go(key) {
            State::Waiting { assigned, .. } | State::Ready { assigned } => self.unneed_all(&assigned.inputs, key),
            State::Executing { body, .. } => self.abandon(body),
            _ => {}
        }
    }

    /// Keeps the result of a task and answers with it.
    pub(super) fn finish(&mut self, key: &TaskKey, run_id: RunId, data: Data<V>, ran: Option<Ran>) {
        let message = finished(key.clone(), run_id, &data, ran);
        self.put_in_memory(key, data, ran);
        self.send(message);
    }
}

fn finished<V>(key: TaskKey, run_id: RunId, data: &Data<V>, ran: Option<Ran>) -> Message {
    Message::TaskFinished { key, run_id, nbytes: data.nbytes, kind: data.kind.clone(), ran }
}
