//! What one client knows of a task with a chosen key. (Dask's clients have one of the same name for every key.)
//!
//! Several clients may want the same key. Each has handles of its own, and may cancel or drop them without harm to the
//! others: the task itself ends early only when no client wants it any more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::Error;
use crate::engine::local::by_core::entry_by_core;
use crate::engine::local::clients::ClientState;
use crate::engine::local::core::{Core, Ended};
use crate::engine::local::keys::is_void;
use crate::engine::local::parking::lock;
use crate::task::{Entry, Key, Outcome, Scheduler, Stored, Transition, TypedEntry, Watch, WatchId, Watcher, Watchers};

/// One client's view of a keyed task.
pub(crate) struct FutureState<T> {
    core: Core<()>,
    client: Arc<ClientState>,
    task: Arc<dyn TypedEntry<T>>,
    /// Where this is registered with the task.
    watch: Mutex<Option<WatchId>>,
    /// Whether it holds a handle of the task.
    holds: AtomicBool,
}

impl<T: Send + Sync + 'static> FutureState<T> {
    /// Takes over a handle of `task`. Comes with one handle of its own.
    pub(crate) fn new(client: Arc<ClientState>, task: Arc<dyn TypedEntry<T>>) -> Arc<Self> {
        let holds = AtomicBool::new(true);
        let state = Arc::new(Self { core: Core::waiting(0, 0, ()), client, task, watch: Mutex::new(None), holds });
        // Nobody watches it yet.
        drop(state.watch_task());
        state
    }

    /// Adds a handle, unless there is none any more or the client has cancelled it.
    pub(crate) fn join(&self) -> bool {
        let is_there = self.core.outcome().is_none_or(|outcome| !is_void(&outcome));
        is_there && self.core.retain_if_held()
    }

    /// Has this hear of the task's end; or, if it has ended, hands back those who must be told.
    fn watch_task(self: &Arc<Self>) -> Option<(Watchers, Outcome)> {
        let watcher = Watcher::Object(Arc::clone(self) as Arc<dyn Watch>, self.core.attempt());
        match self.task.watch(watcher) {
            Ok(id) => {
                *lock(&self.watch) = Some(id);
                None
            }
            Err(outcome) => self.conclude(&outcome, None),
        }
    }

    fn conclude(self: &Arc<Self>, outcome: &Outcome, attempt: Option<usize>) -> Option<(Watchers, Outcome)> {
        let ended = self.core.conclude(outcome, attempt)?;
        Some((self.settle(ended), outcome.clone()))
    }

    fn settle(self: &Arc<Self>, ended: Ended) -> Watchers {
        if ended.detached && self.core.release() {
            Arc::clone(self).bury();
        }
        ended.watchers
    }

    /// Gives up the handle of the task, and with the last one the task.
    fn give_up(&self, reason: &Arc<str>) {
        if !self.holds.swap(false, Ordering::AcqRel) {
            return;
        }
        let watch = lock(&self.watch).take();
        if let Some(id) = watch {
            self.task.unwatch(id);
        }
        let task = Arc::clone(&self.task);
        if task.spend_if_last() || task.release() {
            task.bury_because(reason);
        }
    }

    /// The task has no value although it had: the engine was restarted, and this has not heard of it yet.
    fn follow(&self) {
        if let Some(Err(error)) = self.task.outcome() {
            // It had ended, so nobody watches this.
            drop(self.core.restart(&error));
        }
    }

    fn forget(&self) {
        self.client.engine().keys().forget_view(&self.task.key(), std::ptr::from_ref(self).cast());
    }
}

impl<T: Send + Sync + 'static> Watch for FutureState<T> {
    fn handle_outcome(self: Arc<Self>, attempt: usize, outcome: &Outcome) -> Option<(Watchers, Outcome)> {
        self.conclude(outcome, Some(attempt))
    }

    /// Always: it takes itself away. If others did, its id could be that of another watcher by then.
    fn is_live(&self) -> bool {
        true
    }
}

impl<T: Send + Sync + 'static> Entry for FutureState<T> {
    fn scheduler(&self) -> Arc<dyn Scheduler> {
        Arc::clone(&self.client) as Arc<dyn Scheduler>
    }

    fn scheduler_id(&self) -> usize {
        self.client.id()
    }

    fn id(&self) -> u64 {
        self.task.id()
    }

    fn key(&self) -> Key {
        self.task.key()
    }

    entry_by_core!();

    fn run_outcome(&self) -> Option<Outcome> {
        self.core.outcome()
    }

    fn bury_because(self: Arc<Self>, reason: &Arc<str>) {
        self.forget();
        let error = Error::Cancelled { key: self.key(), reason: Arc::clone(reason) };
        let told = self.conclude(&Err(error), None);
        self.give_up(reason);
        if let Some((watchers, outcome)) = told {
            watchers.notify(outcome);
        }
    }

    fn cancel(self: Arc<Self>, reason: &Arc<str>) {
        let error = Error::Cancelled { key: self.key(), reason: Arc::clone(reason) };
        if let Some((watchers, outcome)) = self.conclude(&Err(error), None) {
            self.give_up(reason);
            watchers.notify(outcome);
        }
    }

    fn restart(self: Arc<Self>, error: &Error) {
        let ended = self.core.restart(error);
        self.give_up(&"the engine was restarted".into());
        self.settle(ended).notify(Err(error.clone()));
    }

    fn detach(self: Arc<Self>) {
        if !self.core.detach() && self.core.release() {
            self.bury();
        }
    }

    fn help(self: Arc<Self>) {
        Arc::clone(&self.task).help();
    }

    fn inputs(&self) -> Vec<Arc<dyn Entry>> {
        vec![Arc::clone(&self.task) as Arc<dyn Entry>]
    }

    fn is_repeatable(&self) -> bool {
        self.holds.load(Ordering::Acquire)
    }

    fn retry(&self) -> bool {
        self.core.retry()
    }

    fn resume(self: Arc<Self>) {
        if let Some((watchers, outcome)) = self.watch_task() {
            watchers.notify(outcome);
        }
        if self.client.lifecycle.is_closing() {
            let reason = self.client.lifecycle.reason();
            self.cancel(&reason.into());
        }
    }

    fn story(&self) -> Vec<Transition> {
        self.task.story()
    }
}

impl<T: Send + Sync + 'static> TypedEntry<T> for FutureState<T> {
    fn shared_value(&self) -> Option<Arc<T>> {
        let value = self.task.shared_value();
        if value.is_none() {
            self.follow();
        }
        value
    }

    fn take_value(&self) -> Option<Stored<T>> {
        self.forget();
        if !self.holds.swap(false, Ordering::AcqRel) {
            return None;
        }
        let value = if self.task.spend_if_last() {
            self.task.take_value()
        } else {
            let value = self.task.shared_value().map(Stored::Shared);
            if self.task.release() {
                Arc::clone(&self.task).bury();
            }
            value
        };
        if value.is_none() {
            self.follow();
        }
        value
    }
}

#[cfg(all(test, feature = "smol"))]
mod tests {
    use std::panic::Location;

    use super::*;
    use crate::client::embedded;
    use crate::engine::local::about::Draft;
    use crate::engine::local::node::{Slot, Task};
    use crate::runtime::Smol;

    /// A task that watches another and has not ended.
    #[derive(Default)]
    struct Dependant {
        is_told: AtomicBool,
    }

    impl Watch for Dependant {
        fn handle_outcome(self: Arc<Self>, _: usize, _: &Outcome) -> Option<(Watchers, Outcome)> {
            self.is_told.store(true, Ordering::Relaxed);
            None
        }

        fn is_live(&self) -> bool {
            true
        }
    }

    #[test]
    fn a_view_that_goes_takes_no_other_watcher_along() {
        let client = embedded(Smol::new(), 1, "views").unwrap();
        let draft = Draft::new(client.state().lease(), Location::caller());
        let task = Task::<i64, fn() -> i64, (), ()>::new(Core::waiting(0, draft.index, Slot::default()), draft);
        task.retain();
        let view = FutureState::new(Arc::clone(client.state()), Arc::clone(&task) as Arc<dyn TypedEntry<i64>>);
        // Between the two steps of a cancel, so many watch the task that it looks for those who need not hear any more.
        let cancelled = Err(Error::Cancelled { key: task.key(), reason: "a test".into() });
        assert!(view.conclude(&cancelled, None).is_some());
        let dependants: Vec<_> = (0..200).map(|_| Arc::<Dependant>::default()).collect();
        for dependant in &dependants {
            task.watch(Watcher::Object(Arc::clone(dependant) as Arc<dyn Watch>, 0)).unwrap();
        }
        view.give_up(&"a test".into());
        Arc::clone(&task).cancel(&"a test".into());
        assert!(dependants.iter().all(|dependant| dependant.is_told.load(Ordering::Relaxed)));
        client.close().wait().unwrap();
    }
}
