//! The keys that this worker knows, and the indices over them. Here is the only place where a state changes.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::dask::wire::TaskKey;
use crate::engine::dask::worker::state::peers::Peers;
use crate::engine::dask::worker::state::queue::Queue;
use crate::engine::dask::worker::state::task::{Progress, State, Task, Wanted};
use crate::engine::dask::worker::state::{Address, Data};

#[derive(Debug)]
pub(super) struct Table<V> {
    pub(super) tasks: BTreeMap<TaskKey, Task<V>>,
    /// Those that are `Ready`.
    pub(super) queue: Queue,
    /// Those that are to be fetched, by who has them.
    pub(super) peers: Peers,
    /// Those that are `Missing`.
    pub(super) missing: BTreeSet<TaskKey>,
    /// Those that have come to be `Missing` since somebody looked.
    pub(super) newly_missing: BTreeSet<TaskKey>,
    /// Those that are `Declining`, and have not been asked for.
    pub(super) to_decline: BTreeSet<TaskKey>,
    /// Those in memory, together.
    pub(super) nbytes: u64,
}

impl<V> Table<V> {
    pub(super) fn new(address: &Address) -> Self {
        Self {
            tasks: BTreeMap::new(),
            queue: Queue::default(),
            peers: Peers::new(address),
            missing: BTreeSet::new(),
            newly_missing: BTreeSet::new(),
            to_decline: BTreeSet::new(),
            nbytes: 0,
        }
    }

    pub(super) fn state(&self, key: &TaskKey) -> &State<V> {
        self.tasks.get(key).map_or(&State::Released, |task| &task.state)
    }

    pub(super) fn data(&self, key: &TaskKey) -> Option<&Data<V>> {
        match self.state(key) {
            State::Memory { data, .. } => Some(data),
            _ => None,
        }
    }

    pub(super) fn version(&self, key: &TaskKey) -> Option<u64> {
        match self.state(key) {
            State::Memory { version, .. } => Some(*version),
            _ => None,
        }
    }

    pub(super) fn waiters(&self, key: &TaskKey) -> Vec<TaskKey> {
        self.tasks.get(key).into_iter().flat_map(|task| &task.waiters).cloned().collect()
    }

    pub(super) fn has_waiters(&self, key: &TaskKey) -> bool {
        self.tasks.get(key).is_some_and(|task| !task.waiters.is_empty())
    }

    pub(super) fn add_waiter(&mut self, key: &TaskKey, waiter: &TaskKey) {
        self.entry(key).waiters.insert(waiter.clone());
    }

    pub(super) fn remove_waiter(&mut self, key: &TaskKey, waiter: &TaskKey) {
        if let Some(task) = self.tasks.get_mut(key) {
            task.waiters.remove(waiter);
        }
    }

    /// Puts `key` into another state, and gives the one before.
    pub(super) fn replace(&mut self, key: &TaskKey, state: State<V>) -> State<V> {
        let before = std::mem::replace(&mut self.entry(key).state, State::Released);
        self.leave(key, &before);
        self.enter(key, &state);
        self.entry(key).state = state;
        before
    }

    /// Forgets a key that is released and that nobody waits for.
    pub(super) fn forget(&mut self, key: &TaskKey) {
        debug_assert!(matches!(self.state(key), State::Released) && !self.has_waiters(key), "{key} is in use");
        self.tasks.remove(key);
    }

    /// Changes what is known about data that is wanted, and what comes next for it. False if it is not wanted.
    pub(super) fn update_wanted(&mut self, key: &TaskKey, change: impl FnOnce(&mut Wanted)) -> bool {
        if !matches!(self.state(key), State::Wanted(_)) {
            return false;
        }
        if let State::Wanted(mut wanted) = self.replace(key, State::Released) {
            change(&mut wanted);
            wanted.settle();
            self.replace(key, State::Wanted(wanted));
        }
        true
    }

    fn entry(&mut self, key: &TaskKey) -> &mut Task<V> {
        self.tasks.entry(key.clone()).or_insert_with(|| Task { state: State::Released, waiters: BTreeSet::new() })
    }

    fn enter(&mut self, key: &TaskKey, state: &State<V>) {
        match state {
            State::Ready { assigned } => {
                self.queue.insert(assigned.rank.clone(), key.clone(), assigned.amounts.clone());
            }
            State::Declining { is_asked: false, .. } => _ = self.to_decline.insert(key.clone()),
            State::Memory { data, .. } => self.nbytes = self.nbytes.saturating_add(data.nbytes),
            State::Wanted(wanted) => match wanted.progress {
                Progress::Fetch => self.peers.insert_needed(&wanted.holders, &wanted.rank, key),
                Progress::Missing => {
                    self.missing.insert(key.clone());
                    self.newly_missing.insert(key.clone());
                }
                Progress::Flight(_) => {}
            },
            State::Released
            | State::Waiting { .. }
            | State::Executing { .. }
            | State::Declining { is_asked: true, .. }
            | State::Erred => {}
        }
    }

    fn leave(&mut self, key: &TaskKey, state: &State<V>) {
        match state {
            State::Ready { assigned } => self.queue.remove(&assigned.rank, &assigned.amounts),
            State::Declining { is_asked: false, .. } => _ = self.to_decline.remove(key),
            State::Memory { data, .. } => self.nbytes = self.nbytes.saturating_sub(data.nbytes),
            State::Wanted(wanted) => match wanted.progress {
                Progress::Fetch => self.peers.remove_needed(&wanted.holders, &wanted.rank),
                Progress::Missing => {
                    self.missing.remove(key);
                    self.newly_missing.remove(key);
                }
                Progress::Flight(_) => {}
            },
            State::Released
            | State::Waiting { .. }
            | State::Executing { .. }
            | State::Declining { is_asked: true, .. }
            | State::Erred => {}
        }
    }
}
