//! The tasks of a client that somebody has, by their keys: how they are entered, and how the connection forgets them.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use crate::Error;
use crate::engine::dask::client::connection::{Connection, Ordinal, lock};
use crate::engine::dask::client::task::{ClusterTask, Remote};
use crate::engine::dask::client::{Event, Work};
use crate::engine::dask::wire::TaskKey;
use crate::runtime::Timer;
use crate::task::Entry;

/// A task that somebody has.
pub(super) struct Entered {
    /// Another may have its key later.
    id: u64,
    task: Weak<dyn Remote>,
    /// What the state asked for earlier was for an earlier task with its key.
    since: Ordinal,
}

impl Entered {
    pub(super) fn task(&self) -> Option<Arc<dyn Remote>> {
        self.task.upgrade()
    }
}

impl Connection {
    /// Enters a task, and has the state hear of it by `event`; unless its key has a task already. Gives the task that the
    /// caller is to have a future of: of other work under one key, the new one, which has ended with that.
    ///
    /// `work` tells what is the same, unless the key itself does.
    pub(super) fn enter<T: Send + Sync + 'static>(
        &self,
        key: &TaskKey,
        task: Arc<ClusterTask<T>>,
        work: Option<&Work>,
        event: Event,
    ) -> Arc<ClusterTask<T>> {
        let mut tasks = lock(&self.tasks);
        let there = tasks.get(key).and_then(Entered::task);
        let joined = there.as_ref().and_then(|there| self.join(key, there, work));
        if joined.is_none() {
            self.insert(&mut tasks, &[(key.clone(), Arc::clone(&task) as _)], event);
        }
        drop(tasks);
        self.follow_up();
        // After the lock: who lets go of a task last has it forgotten.
        drop(there);
        match joined {
            None => task,
            Some(Ok(joined)) => joined,
            Some(Err(error)) => {
                Arc::clone(&task).handle_ended(error);
                task
            }
        }
    }

    /// Enters tasks whose keys are new.
    pub(super) fn enter_all(&self, entered: &[(TaskKey, Arc<dyn Remote>)], event: Event) {
        self.insert(&mut lock(&self.tasks), entered, event);
        self.follow_up();
    }

    /// The state counts keys, not tasks. What is replaced here has yet to say that nobody holds it, if anybody has to: its own
    /// word comes too late to be heard.
    fn insert(&self, tasks: &mut HashMap<TaskKey, Entered>, entered: &[(TaskKey, Arc<dyn Remote>)], event: Event) {
        let now = self.runtime.now();
        let mut machine = lock(&self.machine);
        let replaced: Vec<_> =
            entered.iter().map(|(key, _)| key).filter(|key| tasks.contains_key(*key)).cloned().collect();
        if !replaced.is_empty() {
            machine.handle(now, Event::Release(replaced));
        }
        let since = machine.next;
        let rows = entered
            .iter()
            .map(|(key, task)| (key.clone(), Entered { id: task.id(), task: Arc::downgrade(task), since }));
        tasks.extend(rows);
        machine.handle(now, event);
    }

    /// The task that is `there`, with one more handle, if it is the same work and still wanted.
    fn join<T: Send + Sync + 'static>(
        &self,
        key: &TaskKey,
        there: &Arc<dyn Remote>,
        work: Option<&Work>,
    ) -> Option<Result<Arc<ClusterTask<T>>, Error>> {
        let is_void = matches!(there.core().outcome(), Some(Err(error)) if !error.is_failure());
        if is_void || !there.core().has_handles() {
            return None;
        }
        let is_conflict = work.is_some_and(|work| lock(&self.machine).state.is_conflict(key, work));
        match Arc::clone(there).as_any().downcast::<ClusterTask<T>>() {
            Ok(there) if !is_conflict => there.retain_if_held().then_some(Ok(there)),
            _ => Some(Err(Error::KeyConflict { key: there.key() })),
        }
    }

    /// The task with this key, as long as somebody has it.
    pub(super) fn task(&self, key: &TaskKey) -> Option<Arc<dyn Remote>> {
        lock(&self.tasks).get(key)?.task()
    }

    /// The same, if what the state asked for in this place can be for it.
    pub(super) fn task_since(&self, key: &TaskKey, ordinal: Ordinal) -> Option<Arc<dyn Remote>> {
        let tasks = lock(&self.tasks);
        tasks.get(key).filter(|entered| entered.since <= ordinal)?.task()
    }

    /// A task is gone. Another may have its key by now.
    pub(super) fn forget(&self, key: &TaskKey, id: u64) {
        let mut tasks = lock(&self.tasks);
        if tasks.get(key).is_some_and(|entered| entered.id == id) {
            tasks.remove(key);
        }
    }

    /// Nobody holds the key any more that no task has: that of a conversion.
    pub(super) fn release_conversion(&self, key: TaskKey) {
        self.tell(Event::Release(vec![key]));
    }

    /// Nobody holds the task `id` any more.
    pub(super) fn release(&self, key: &TaskKey, id: u64) {
        self.let_go(key, id, Event::Release(vec![key.clone()]));
    }

    pub(super) fn cancel(&self, key: &TaskKey, id: u64, reason: &Arc<str>) {
        self.let_go(key, id, Event::Cancel { keys: vec![key.clone()], reason: Arc::clone(reason), force: false });
    }

    /// The state counts keys, not tasks: the last word of a task whose key another has by now is not for it.
    fn let_go(&self, key: &TaskKey, id: u64, event: Event) {
        let mut tasks = lock(&self.tasks);
        if tasks.get(key).is_none_or(|entered| entered.id != id) {
            return;
        }
        tasks.remove(key);
        self.apply(event);
        drop(tasks);
        self.follow_up();
    }

    pub(super) fn detach(&self, key: &TaskKey) {
        self.tell(Event::Detach(vec![key.clone()]));
    }

    pub(super) fn retry(&self, key: &TaskKey) {
        self.tell(Event::Retry(vec![key.clone()]));
    }

    pub(super) fn want(&self, key: &TaskKey) {
        self.tell(Event::Want(vec![key.clone()]));
    }
}
