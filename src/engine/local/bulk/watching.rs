//! Who waits for many items of a bulk at once: a gather counts a run of them as one.

use std::ops::Range;
use std::sync::Arc;

use crate::engine::local::bulk::item::Stage;
use crate::engine::local::bulk::{Bulk, State};
use crate::task::{Arguments, Ends, Enough, Entry, Outcome, TaskFn, Watch, Watcher, Watchers};

/// One that waits for a run of items.
pub(super) struct Watching {
    run: Range<u32>,
    /// How many of them had not ended, and have not since.
    pending: u32,
    watch: Arc<dyn Watch>,
    at: Enough,
}

/// Those who must be told of the end of an item, once the lock is gone.
#[must_use = "those who wait must hear of it"]
pub(super) struct Told(Vec<Arc<dyn Watch>>);

impl Told {
    pub(super) fn nobody() -> Self {
        Self(Vec::new())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn notify(self, outcome: &Outcome) {
        for watch in self.0 {
            let mut watchers = Watchers::default();
            // There is room for the first without looking for dead ones.
            watchers.insert(Watcher::Object(watch, 0), 0, &mut Vec::new());
            watchers.notify(outcome.clone());
        }
    }
}

impl<T, F, A, Args> State<T, F, A, Args> {
    pub(super) fn is_watched(&self, index: usize) -> bool {
        self.watching.iter().any(|watching| watching.run.contains(&(index as u32)))
    }

    /// An item has ended. Gives those who must be told.
    pub(super) fn ended(&mut self, index: usize, is_failure: bool) -> Told {
        let mut told = Told::nobody();
        let mut place = 0;
        while let Some(watching) = self.watching.get_mut(place) {
            if watching.run.contains(&(index as u32)) {
                // One that was retried may have been counted before.
                watching.pending = watching.pending.saturating_sub(1);
                let is_enough = match watching.at {
                    Enough::All => false,
                    Enough::AnyFailure => is_failure,
                    Enough::Any => true,
                };
                if watching.pending == 0 || is_enough {
                    told.0.push(self.watching.swap_remove(place).watch);
                    continue;
                }
            }
            place += 1;
        }
        told
    }
}

impl<T, F, A, Args> Bulk<T, F, A, Args>
where
    T: Send + Sync + 'static,
    F: TaskFn<Args, Output = T> + Sync,
    A: Arguments<Args>,
    Args: 'static,
{
    pub(super) fn watch_run(self: &Arc<Self>, run: Range<u32>, watch: Arc<dyn Watch>, at: Enough) -> Ends {
        let (mut dead, mut singles) = (Vec::new(), Vec::new());
        let mut state = self.lock();
        let mut ends = Ends::default();
        for index in run.clone() {
            let item = &state.items[index as usize];
            match &item.stage {
                Stage::Finished(_) | Stage::Gone => ends.ended += 1,
                Stage::Ready(_) | Stage::Running => ends.pending += 1,
                // One that has ended and has not said so yet will.
                Stage::Single(_) if item.reports => ends.pending += 1,
                Stage::Single(task) => {
                    let outcome = task.outcome();
                    if outcome.is_none() {
                        singles.push((index as usize, Arc::clone(task)));
                    }
                    ends.count(outcome);
                }
            }
        }
        if ends.are_enough(at) {
            return ends;
        }
        // Those who have given up are few: each was one wait for many.
        dead.extend(state.watching.extract_if(.., |watching| !watching.watch.is_live()));
        singles.iter().for_each(|(index, _)| state.items[*index].reports = true);
        state.watching.push(Watching { run, pending: ends.pending, watch, at });
        drop(state);
        drop(dead);
        for (index, task) in singles {
            if let Err(outcome) = task.watch(self.reporter(index)) {
                Arc::clone(self).handle_outcome(index, &outcome);
            }
        }
        ends
    }

    /// Has the bulk hear of the end of a task that an item has become.
    pub(super) fn reporter(self: &Arc<Self>, index: usize) -> Watcher {
        Watcher::Object(Arc::clone(self) as Arc<dyn Watch>, index)
    }
}

/// Of tasks that items have become.
impl<T, F, A, Args> Watch for Bulk<T, F, A, Args>
where
    T: Send + Sync + 'static,
    F: TaskFn<Args, Output = T> + Sync,
    A: Arguments<Args>,
    Args: 'static,
{
    fn handle_outcome(self: Arc<Self>, index: usize, outcome: &Outcome) -> Option<(Watchers, Outcome)> {
        let mut state = self.lock();
        state.items[index].reports = false;
        let told = state.ended(index, outcome.is_err());
        drop(state);
        told.notify(outcome);
        None
    }

    fn is_live(&self) -> bool {
        // Asked under the lock of a task, which is taken under the lock of this.
        true
    }
}
