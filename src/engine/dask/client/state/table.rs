//! The keys that a client knows of: what they are, and which depends on which. What belongs together changes here together.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::engine::dask::client::{TaskOptions, Work};
use crate::engine::dask::wire::{TaskKey, Value};

/// One key.
#[derive(Debug)]
pub(super) struct Task {
    /// The order of submission. What a task depends on has a lower one.
    pub(super) sequence: u64,
    pub(super) source: Source,
    /// Each once.
    pub(super) dependencies: Arc<[TaskKey]>,
    /// Those in the table that depend on it: it stays for them, since they may have to be made again.
    pub(super) dependents: BTreeSet<TaskKey>,
    pub(super) held: bool,
    /// Whether the scheduler is still to hear that it goes on without handles.
    pub(super) detaching: bool,
    pub(super) place: Place,
    pub(super) status: Status,
    /// Whether the scheduler was asked to run it again, and has not said yet that it does: an error is its last one until then.
    pub(super) retrying: bool,
    pub(super) fetch: Fetch,
    /// How often its value was asked for in vain.
    pub(super) tries: u32,
    /// How often it was submitted again because the scheduler, or all workers, had lost it.
    pub(super) resends: u32,
    /// The workers that a Python task was given to.
    pub(super) pins: Arc<[Arc<str>]>,
    /// How many dependents the scheduler does not know yet: until then, it must not forget this one.
    pub(super) unsent_dependents: u32,
}

/// Where a value comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Work(Arc<Work>, TaskOptions),
    /// The client sent it, and has it no more.
    Scattered,
    /// Another client made it.
    Foreign,
}

/// What the scheduler has been told of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nothing, and nothing is to be told now.
    Gone,
    /// The next flush takes it.
    Unsent,
    /// A flush takes it once what it waits for is there: a scattered value, a Python worker, an answer about workers.
    Waiting,
    /// On its way to a worker, by a request.
    Scattering,
    Sent {
        /// Whether the scheduler keeps it for this client.
        wanted: bool,
    },
}

/// How far a key is. Assigned in `outcome.rs`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Status {
    Pending,
    Finished,
    Erred { exception: Value, traceback: Value, blamed: TaskKey },
}

/// How far a value is on its way to the client. Assigned in `gather.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fetch {
    Unwanted,
    /// Once it has finished.
    Wanted,
    /// The next request asks for it.
    Ready,
    Asked,
    /// It was not where it should be: the scheduler is asked what it knows.
    Missed,
    /// Is asked for again when its time comes.
    Delayed,
}

impl Place {
    fn is_unsent(self) -> bool {
        matches!(self, Self::Unsent | Self::Waiting)
    }
}

impl Task {
    pub(super) fn new(source: Source, dependencies: Arc<[TaskKey]>, held: bool) -> Self {
        Self {
            sequence: 0,
            source,
            dependencies,
            dependents: BTreeSet::new(),
            held,
            detaching: false,
            place: Place::Gone,
            status: Status::Pending,
            retrying: false,
            fetch: Fetch::Unwanted,
            tries: 0,
            resends: 0,
            pins: Arc::new([]),
            unsent_dependents: 0,
        }
    }

    pub(super) fn work(&self) -> Option<&Arc<Work>> {
        match &self.source {
            Source::Work(work, _) => Some(work),
            Source::Scattered | Source::Foreign => None,
        }
    }

    /// Whether the client puts the Python workers' addresses to it.
    pub(super) fn is_to_be_pinned(&self) -> bool {
        matches!(&self.source, Source::Work(work, options) if work.is_python() && options.workers.is_empty())
    }

    /// Whether it is there for a user, not only for other tasks.
    pub(super) fn is_needed_itself(&self) -> bool {
        self.held || self.detaching
    }

    fn is_unneeded(&self) -> bool {
        let is_told = matches!(self.place, Place::Sent { wanted: true } | Place::Scattering);
        !self.is_needed_itself() && self.dependents.is_empty() && !is_told
    }
}

/// The keys that a client knows of.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Never iterated as it is: `in_order` sorts.
    tasks: HashMap<TaskKey, Task>,
    unsent: BTreeMap<u64, TaskKey>,
    waiting: BTreeMap<u64, TaskKey>,
    /// Those of which the scheduler may have to hear that they are wanted, or are no more.
    changed: BTreeMap<u64, TaskKey>,
    /// Python tasks on their way, which may have to be given to other workers.
    pub(super) pinned: BTreeMap<u64, TaskKey>,
    next_sequence: u64,
}

impl Table {
    pub(super) fn get(&self, key: &TaskKey) -> Option<&Task> {
        self.tasks.get(key)
    }

    /// For all but `place`, `dependencies` and `dependents`.
    pub(super) fn get_mut(&mut self, key: &TaskKey) -> Option<&mut Task> {
        self.tasks.get_mut(key)
    }

    pub(super) fn is_empty(&self) -> bool {
        let queues = [&self.unsent, &self.waiting, &self.changed, &self.pinned];
        self.tasks.is_empty() && queues.iter().all(|queue| queue.is_empty())
    }

    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Adds a key that is not there yet.
    pub(super) fn insert(&mut self, key: &TaskKey, mut task: Task, place: Place) {
        debug_assert!(!self.tasks.contains_key(key), "{key} is there already");
        task.sequence = self.next_sequence;
        self.next_sequence += 1;
        for dependency in task.dependencies.iter() {
            if let Some(dependency) = self.tasks.get_mut(dependency) {
                dependency.dependents.insert(key.clone());
            }
        }
        self.tasks.insert(key.clone(), task);
        self.set_place(key, place);
    }

    /// As `set_place`, where the flush that does it need not look at it again.
    pub(super) fn settle(&mut self, key: &TaskKey, place: Place) {
        self.set_place(key, place);
        if let Some(task) = self.tasks.get(key) {
            self.changed.remove(&task.sequence);
        }
    }

    pub(super) fn set_place(&mut self, key: &TaskKey, place: Place) {
        let Some(task) = self.tasks.get_mut(key) else { return };
        let before = std::mem::replace(&mut task.place, place);
        // What is submitted again has no error of before.
        task.retrying &= matches!(place, Place::Gone | Place::Sent { wanted: true });
        let (sequence, dependencies) = (task.sequence, Arc::clone(&task.dependencies));
        self.unsent.remove(&sequence);
        self.waiting.remove(&sequence);
        match place {
            Place::Unsent => _ = self.unsent.insert(sequence, key.clone()),
            Place::Waiting => _ = self.waiting.insert(sequence, key.clone()),
            Place::Gone | Place::Scattering | Place::Sent { .. } => {}
        }
        self.changed.insert(sequence, key.clone());
        if before.is_unsent() == place.is_unsent() {
            return;
        }
        for key in dependencies.iter() {
            let Some(dependency) = self.tasks.get_mut(key) else { continue };
            if place.is_unsent() {
                dependency.unsent_dependents += 1;
            } else {
                dependency.unsent_dependents -= 1;
                self.changed.insert(dependency.sequence, key.clone());
            }
        }
    }

    /// Has the next flush look at it.
    pub(super) fn set_changed(&mut self, key: &TaskKey) {
        if let Some(task) = self.tasks.get(key) {
            self.changed.insert(task.sequence, key.clone());
        }
    }

    /// Forgets `key` if nobody needs it, then what it depended on.
    pub(super) fn sweep(&mut self, key: &TaskKey) {
        let mut keys = vec![key.clone()];
        while let Some(key) = keys.pop() {
            if !self.tasks.get(&key).is_some_and(Task::is_unneeded) {
                continue;
            }
            self.set_place(&key, Place::Gone);
            let Some(task) = self.tasks.remove(&key) else { continue };
            self.changed.remove(&task.sequence);
            self.pinned.remove(&task.sequence);
            for dependency in task.dependencies.iter() {
                if let Some(dependency) = self.tasks.get_mut(dependency) {
                    dependency.dependents.remove(&key);
                }
                keys.push(dependency.clone());
            }
        }
    }

    /// The first that the next flush takes, from this sequence on.
    pub(super) fn first_unsent(&self, from: u64) -> Option<(u64, TaskKey)> {
        self.unsent.range(from..).next().map(|(sequence, key)| (*sequence, key.clone()))
    }

    pub(super) fn unsent_count(&self) -> usize {
        self.unsent.len()
    }

    pub(super) fn waiting(&self) -> impl Iterator<Item = (&TaskKey, &Task)> {
        self.waiting.values().filter_map(|key| Some((key, self.tasks.get(key)?)))
    }

    /// Has the next flush look again at all that waits.
    pub(super) fn stop_waiting(&mut self) {
        for key in self.waiting.values().cloned().collect::<Vec<_>>() {
            self.set_place(&key, Place::Unsent);
        }
    }

    pub(super) fn has_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    pub(super) fn take_changed(&mut self) -> Vec<TaskKey> {
        std::mem::take(&mut self.changed).into_values().collect()
    }

    /// All keys, in the order of submission.
    pub(super) fn in_order(&self) -> Vec<TaskKey> {
        self.sorted(self.tasks.keys().cloned().collect())
    }

    /// These keys, as far as they are there, in the order of submission.
    pub(super) fn sorted(&self, mut keys: Vec<TaskKey>) -> Vec<TaskKey> {
        keys.retain(|key| self.tasks.contains_key(key));
        keys.sort_by_key(|key| self.tasks.get(key).map(|task| task.sequence));
        keys
    }

    /// What depends on `key`, directly and not, as far as `is_through` holds, in the order of submission.
    pub(super) fn dependents_of(&self, key: &TaskKey, is_through: impl Fn(&Task) -> bool) -> Vec<TaskKey> {
        let (mut found, mut keys) = (BTreeSet::new(), vec![key]);
        while let Some(key) = keys.pop() {
            let Some(task) = self.tasks.get(key) else { continue };
            for dependent in &task.dependents {
                if self.tasks.get(dependent).is_some_and(&is_through) && found.insert(dependent.clone()) {
                    keys.push(dependent);
                }
            }
        }
        self.sorted(found.into_iter().collect())
    }
}
