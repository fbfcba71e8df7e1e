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
        self.lease.id(index as u8)
    }

    fn key(&self, index: u32) -> Key {
        self.draft(index as usize).key(F::name())
    }

    fn outcome(&self, index: u32) -> Option<Outcome> {
        self.lock().items[index as usize].outcome()
    }

    fn single_out(&self, index: u32) -> Arc<dyn Entry> {
        self.become_single(&mut self.lock(), index as usize)
    }

    fn single(&self, index: u32) -> Option<Arc<dyn Entry>> {
        match &self.lock().items[index as usize].stage {
            Stage::Single(task) => Some(Arc::clone(task) as Arc<dyn Entry>),
            _ => None,
        }
    }

    fn retain(&self, index: u32) {
        let item = &mut self.lock().items[index as usize];
        item.handles += 1;
        if let Stage::Single(task) = &item.stage {
            task.core.retain();
        }
    }

    fn spend_if_last(&self, index: u32) -> bool {
        let item = &mut self.lock().items[index as usize];
        let is_last = match &item.stage {
            Stage::Single(task) => task.core.spend_if_last(),
            _ => item.handles == 1,
        };
        if is_last {
            item.handles = 0;
        }
        is_last
    }

    fn release(&self, index: u32) {
        let place = index as usize;
        let mut state = self.lock();
        let is_last = state.items[place].handles == 1;
        if is_last && matches!(state.items[place].stage, Stage::Running) {
            // Its body may ask whether it is cancelled, and is waited for by who closes.
            self.become_single(&mut state, place);
        }
        let item = &mut state.items[place];
        item.handles -= 1;
        if let Stage::Single(task) = &item.stage {
            let (task, is_last) = (Arc::clone(task), task.core.release());
            let gone = state.take_unneeded(place);
            drop(state);
            drop(gone);
            if is_last {
                task.bury();
            }
        } else if is_last {
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
    }

    fn detach(&self, index: u32) {
        if matches!(self.lock().items[index as usize].stage, Stage::Finished(_) | Stage::Gone) {
            return self.release(index);
        }
        self.hand_over(index).detach();
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
    fn hand_over(&self, index: u32) -> Arc<dyn TypedEntry<T>> {
        let place = index as usize;
        let mut state = self.lock();
        let task = self.become_single(&mut state, place);
        state.items[place].handles -= 1;
        let gone = state.take_unneeded(place);
        drop(state);
        drop(gone);
        task
    }

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
