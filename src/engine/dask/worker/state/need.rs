//! Data that is needed here, from when somebody needs it until it is here or nobody needs it any more.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::dask::wire::TaskKey;
use crate::engine::dask::worker::state::rank::Rank;
use crate::engine::dask::worker::state::task::{Progress, State, Wanted};
use crate::engine::dask::worker::state::{Action, Data, Dependency, Priority, Ran, Refusal, WorkerState};

impl<V: Clone> WorkerState<V> {
    /// Has `waiter` wait for an input. True if that is here.
    pub(super) fn need(&mut self, dependency: Dependency, waiter: &TaskKey, priority: &Priority) -> bool {
        self.table.add_waiter(&dependency.key, waiter);
        let is_here = matches!(self.table.state(&dependency.key), State::Memory { .. });
        if !is_here {
            self.want(dependency, priority.clone(), false);
        }
        is_here
    }

    /// Has data fetched, unless it is to be made here.
    pub(super) fn want(&mut self, dependency: Dependency, priority: Priority, is_replica: bool) {
        let Dependency { key, holders, nbytes } = dependency;
        let holders = self.table.peers.others(holders);
        match self.table.state(&key) {
            State::Released | State::Erred => {
                // Also if it is on its way for somebody who went: that may be another value, of a task of this name that the
                // scheduler has forgotten since. It frees no keys where it does not know of any.
                let progress = Progress::Missing;
                let rank = Rank { priority, arrival: self.number() };
                let mut wanted =
                    Wanted { progress, holders, nbytes, rank, is_replica, is_alone: false, asked_at: None };
                wanted.settle();
                self.table.replace(&key, State::Wanted(wanted));
            }
            State::Wanted(_) => {
                self.table.update_wanted(&key, |wanted| {
                    wanted.holders = holders;
                    wanted.nbytes = nbytes;
                    wanted.is_replica |= is_replica;
                    if priority < wanted.rank.priority {
                        wanted.rank.priority = priority;
                    }
                });
            }
            State::Waiting { .. }
            | State::Ready { .. }
            | State::Executing { .. }
            | State::Declining { .. }
            | State::Memory { .. } => {}
        }
    }

    pub(super) fn unneed_all(&mut self, inputs: &BTreeSet<TaskKey>, waiter: &TaskKey) {
        for input in inputs {
            self.table.remove_waiter(input, waiter);
            self.unwant_if_unneeded(input);
        }
    }

    /// Data stays until the scheduler frees it; what is not here yet need not come.
    fn unwant_if_unneeded(&mut self, key: &TaskKey) {
        let is_wanted = matches!(self.table.state(key), State::Wanted(Wanted { is_replica: false, .. }));
        if is_wanted && !self.table.has_waiters(key) {
            self.table.replace(key, State::Released);
            self.table.forget(key);
        }
    }

    /// Wanted data that will not come: the tasks here that take it err, when it is their turn.
    pub(super) fn give_up(&mut self, key: &TaskKey, why: &Arc<str>) {
        for waiter in self.table.waiters(key) {
            let Some(State::Waiting { assigned, missing, .. }) =
                self.table.tasks.get_mut(&waiter).map(|task| &mut task.state)
            else {
                continue;
            };
            assigned.call = Err(Refusal::UnreadableInput { key: key.clone(), why: Arc::clone(why) });
            assigned.amounts = Arc::default();
            *missing = 0;
            let inputs = std::mem::take(&mut assigned.inputs);
            self.unneed_all(&inputs, &waiter);
            self.make_ready_if_complete(&waiter);
        }
        // A copy that the scheduler wants.
        if matches!(self.table.state(key), State::Wanted(_)) {
            self.let_go(key);
        }
    }

    /// Lets go of whatever there is of `key`, and gives it. Tasks here that still need its data wait for it again.
    pub(super) fn let_go(&mut self, key: &TaskKey) -> State<V> {
        let before = self.table.replace(key, State::Released);
        let waiters = self.table.waiters(key);
        if matches!(before, State::Memory { .. }) {
            waiters.iter().for_each(|waiter| self.miss_one_more(waiter));
        }
        let priorities = waiters.iter().filter_map(|waiter| match self.table.state(waiter) {
            State::Waiting { assigned, .. } | State::Ready { assigned } => Some(&assigned.rank.priority),
            _ => None,
        });
        if let Some(priority) = priorities.min().cloned() {
            self.want(Dependency { key: key.clone(), holders: Vec::new(), nbytes: 0 }, priority, false);
        } else {
            self.table.forget(key);
        }
        before
    }

    fn miss_one_more(&mut self, waiter: &TaskKey) {
        if matches!(self.table.state(waiter), State::Ready { .. })
            && let State::Ready { assigned } = self.table.replace(waiter, State::Released)
        {
            self.table.replace(waiter, State::Waiting { assigned, missing: 1, resumes: None });
        } else if let Some(State::Waiting { missing, .. }) =
            self.table.tasks.get_mut(waiter).map(|task| &mut task.state)
        {
            *missing += 1;
        }
    }

    /// Keeps data, and has those that wait for it go on.
    pub(super) fn put_in_memory(&mut self, key: &TaskKey, data: Data<V>, ran: Option<Ran>) {
        let version = self.number();
        let before = self.table.replace(key, State::Memory { data, ran, version });
        if let State::Memory { data, .. } = before {
            // The tasks that wait have this one already.
            self.actions.push_back(Action::Drop(data.value));
            return;
        }
        for waiter in self.table.waiters(key) {
            if let Some(State::Waiting { missing, .. }) = self.table.tasks.get_mut(&waiter).map(|task| &mut task.state)
            {
                *missing = missing.saturating_sub(1);
            }
            self.make_ready_if_complete(&waiter);
        }
    }

    /// A copy that the scheduler wants here.
    pub(super) fn handle_acquire_replicas(&mut self, wanted: Vec<Dependency>) {
        for dependency in wanted {
            self.want(dependency, Priority::of_replicas(), true);
        }
    }
}
