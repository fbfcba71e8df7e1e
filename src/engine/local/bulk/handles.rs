//! Items as their futures see them.

use std::ops::Range;
use std::sync::Arc;

use crate::engine::local::bulk::Bulk;
use crate::engine::local::bulk::item::Stage;
use crate::engine::local::release::drop_in_turn;
use crate::task::{
    Arguments, Ends, Enough, Entry, Items, Key, Outcome, Scheduler, Stored, TaskFn, TypedEntry, TypedItems, Watch,
    plain,
};

impl<T, F, A, Args> Items for Bulk<T, F, A, Args>
where
    T: Send + Sync + 'static,
    F: TaskFn<Args, Output = T> + Sync,
    A: Arguments<Args>,
    Args: 'static,
{
    fn scheduler(&self) -> Arc<dyn Scheduler> {
        Arc::clone(self.lease.client()) as Arc<dyn Scheduler>
    }

    fn scheduler_id(&self) -> usize {
        self.lease.client().id()
    }

    fn id(&self, index: u32) -> u64 {
        self.first_id + u64::from(index)
    }

    fn key(&self, index: u32) -> Key {
        self.about(index as usize).key()
    }

    fn outcome(&self, index: u32) -> Option<Outcome> {
        self.lock().items[index as usize].outcome()
    }

    fn single_out(&self, index: u32) -> Arc<dyn Entry> {
        self.single(&mut self.lock(), index as usize)
    }

    fn retain(&self, index: u32) {
        let item = &mut self.lock().items[index as usize];
        match &item.stage {
            Stage::Single(task) => task.core.retain(),
            _ => item.handles += 1,
        }
    }

    fn spend_if_last(&self, index: u32) -> bool {
        let item = &mut self.lock().items[index as usize];
        match &item.stage {
            Stage::Single(task) => task.core.spend_if_last(),
            _ if item.handles == 1 => {
                item.handles = 0;
                true
            }
            _ => false,
        }
    }

    fn release(&self, index: u32) {
        let place = index as usize;
        let mut state = self.lock();
        let item = &mut state.items[place];
        let is_last = item.handles == 1;
        match &item.stage {
            // Its body may ask whether it is cancelled, and is waited for by who closes.
            Stage::Running if is_last => _ = self.single(&mut state, place),
            Stage::Single(_) => {}
            Stage::Ready(_) | Stage::Running | Stage::Finished(_) | Stage::Gone => {
                item.handles -= 1;
                if is_last {
                    let was_pending = matches!(item.stage, Stage::Ready(_));
                    let dropped = item.take();
                    // Who watched it has given up, or would hold it.
                    let told = was_pending.then(|| state.ended(place, false));
                    let function = if was_pending { state.one_ready_less() } else { None };
                    drop(state);
                    match dropped {
                        Stage::Ready(arguments) => drop_in_turn((function, arguments)),
                        Stage::Finished(value) => drop_in_turn(value),
                        Stage::Running | Stage::Gone | Stage::Single(_) => {}
                    }
                    if let Some(told) = told {
                        told.notify(&Ok(()));
                    }
                }
                return;
            }
        }
        let item = &mut state.items[place];
        if let Stage::Single(task) = &item.stage
            && task.core.release()
        {
            let task = Arc::clone(task);
            let reference = item.take_if_unheld();
            drop(state);
            drop(reference);
            task.bury();
        }
    }

    fn detach(&self, index: u32) {
        let place = index as usize;
        let mut state = self.lock();
        if matches!(state.items[place].stage, Stage::Finished(_) | Stage::Gone) {
            drop(state);
            return self.release(index);
        }
        let task = self.single(&mut state, place);
        drop(state);
        task.detach();
        self.forget(place);
    }

    fn ends(&self, run: Range<u32>) -> Ends {
        let state = self.lock();
        let mut ends = Ends::default();
        for item in &state.items[run.start as usize..run.end as usize] {
            match item.stage {
                Stage::Finished(_) | Stage::Gone => ends.ended += 1,
                _ => ends.count(item.outcome()),
            }
        }
        ends
    }

    fn watch(&self, run: Range<u32>, watch: Arc<dyn Watch>, at: Enough) -> Ends {
        // Whoever calls this holds it.
        self.me.upgrade().map(|me| me.watch_run(run, watch, at)).unwrap_or_default()
    }
}

impl<T, F, A, Args> TypedItems<T> for Bulk<T, F, A, Args>
where
    T: Send + Sync + 'static,
    F: TaskFn<Args, Output = T> + Sync,
    A: Arguments<Args>,
    Args: 'static,
{
    fn shared_value(&self, index: u32) -> Option<Arc<T>> {
        let item = &mut self.lock().items[index as usize];
        match item.take() {
            Stage::Finished(value) => {
                let shared = value.into_shared();
                item.stage = Stage::Finished(Stored::Shared(Arc::clone(&shared)));
                Some(shared)
            }
            Stage::Single(task) => {
                let shared = task.shared_value();
                item.stage = Stage::Single(task);
                shared
            }
            other => {
                item.stage = other;
                None
            }
        }
    }

    fn take_value(&self, index: u32) -> Option<Stored<T>> {
        let mut state = self.lock();
        match state.items[index as usize].take() {
            Stage::Finished(value) => Some(value),
            Stage::Single(task) => {
                // Put back: if the engine was restarted meanwhile, it says why there is no value.
                state.items[index as usize].stage = Stage::Single(Arc::clone(&task));
                drop(state);
                let value = task.take_value();
                if value.is_some() {
                    self.forget(index as usize);
                }
                value
            }
            _ => None,
        }
    }

    fn take_values(&self, run: Range<u32>, values: &mut Vec<T>) -> u32 {
        let mut state = self.lock();
        let first = run.start;
        for index in run.clone() {
            let item = &mut state.items[index as usize];
            match item.take() {
                Stage::Finished(Stored::Owned(value)) if item.handles == 1 => {
                    item.handles = 0;
                    values.push(value);
                }
                // A number is copied, and no code of the user's runs.
                Stage::Finished(Stored::Owned(value)) if !std::mem::needs_drop::<T>() => {
                    let copy = plain::copy(&value);
                    item.stage = Stage::Finished(Stored::Owned(value));
                    let Some(copy) = copy else { return index - first };
                    item.handles -= 1;
                    values.push(copy);
                }
                other => {
                    item.stage = other;
                    return index - first;
                }
            }
        }
        run.end - first
    }
}
