//! Where an item is in its life, and how it is singled out.

use std::sync::Arc;

use crate::engine::local::bulk::{Bulk, State};
use crate::engine::local::core::Core;
use crate::engine::local::node::{Held, Slot, Task};
use crate::engine::local::story::Step;
use crate::task::{Arguments, Each, Entry, Outcome, Stored, TaskFn};

/// One of the items of a bulk.
pub(super) struct Item<T, F, A, Args> {
    pub(super) stage: Stage<T, F, A, Args>,
    /// Futures of it; the task that it has become counts them, too. Each takes memory: there are fewer than 2^32.
    pub(super) handles: u32,
    /// Whether the task that it has become reports its end to the bulk.
    pub(super) reports: bool,
    /// Whether it has become a task while a thread had it, which will end the task.
    pub(super) is_called: bool,
}

/// How far it is, with what it has there.
pub(super) enum Stage<T, F, A, Args> {
    /// It has not begun.
    Ready(A),
    /// A thread has it. Somebody holds it, or it would have been singled out.
    Running,
    /// It has its value.
    Finished(Stored<T>),
    /// It had one; or it never had one, and nobody holds it.
    Gone,
    /// It is a task of its own.
    Single(Arc<Single<T, F, A, Args>>),
}

/// What an item becomes.
pub(super) type Single<T, F, A, Args> = Task<T, Each<F>, A, Args>;

/// The steps of an item in the stage of the name.
pub(super) const READY: &[Step] = &[Step::Submitted, Step::Ready];
pub(super) const RUNNING: &[Step] = &[Step::Submitted, Step::Ready, Step::Started];
pub(super) const FINISHED: &[Step] = &[Step::Submitted, Step::Ready, Step::Started, Step::Finished];

impl<T, F, A, Args> State<T, F, A, Args> {
    /// An item is no longer in the stage `Ready`. Gives the reference on the function, if it was the last.
    pub(super) fn one_ready_less(&mut self) -> Option<Arc<F>> {
        self.ready -= 1;
        if self.ready == 0 { self.function.take() } else { None }
    }
}

impl<T, F, A, Args> Item<T, F, A, Args> {
    /// One that can run, with one handle.
    pub(super) fn ready(arguments: A) -> Self {
        Self { stage: Stage::Ready(arguments), handles: 1, reports: false, is_called: false }
    }
}

impl<T, F, A, Args> Item<T, F, A, Args>
where
    T: Send + Sync + 'static,
    F: TaskFn<Args, Output = T> + Sync,
    A: Arguments<Args>,
    Args: 'static,
{
    pub(super) fn outcome(&self) -> Option<Outcome> {
        match &self.stage {
            Stage::Ready(_) | Stage::Running => None,
            Stage::Finished(_) | Stage::Gone => Some(Ok(())),
            Stage::Single(task) => task.outcome(),
        }
    }

    /// Leaves nothing of it.
    pub(super) fn take(&mut self) -> Stage<T, F, A, Args> {
        std::mem::replace(&mut self.stage, Stage::Gone)
    }
}

impl<T, F, A, Args> State<T, F, A, Args>
where
    T: Send + Sync + 'static,
    F: TaskFn<Args, Output = T> + Sync,
    A: Arguments<Args>,
    Args: 'static,
{
    /// The task that an item has become, if it is not needed here: nobody holds it, or all who do hold the task itself, as
    /// inputs; and no thread will look for it here.
    pub(super) fn take_unneeded(&mut self, index: usize) -> Option<Stage<T, F, A, Args>> {
        let was_looked_at = index < self.next;
        let item = &mut self.items[index];
        match &item.stage {
            Stage::Single(task) if !item.is_called => {
                let is_needed = task.core.has_handles() && (item.handles > 0 || !was_looked_at);
                (!is_needed).then(|| item.take())
            }
            _ => None,
        }
    }
}

impl<T, F, A, Args> Bulk<T, F, A, Args>
where
    T: Send + Sync + 'static,
    F: TaskFn<Args, Output = T> + Sync,
    A: Arguments<Args>,
    Args: 'static,
{
    /// Makes the item a task of its own, if it is not, which goes on from where the item is.
    pub(super) fn become_single(&self, state: &mut State<T, F, A, Args>, index: usize) -> Arc<Single<T, F, A, Args>> {
        let is_watched = state.is_watched(index);
        let each = state.function.as_ref().map(Each::new);
        let handles = state.items[index].handles;
        let new = |made, slot| Task::new(Core::singled_out(made, index as u8, slot, handles), self.draft(index));
        let (task, is_pending) = match state.items[index].take() {
            Stage::Single(task) => (task, false),
            Stage::Ready(arguments) => {
                let call = each.map_or_else(Slot::default, |each| Slot::Call(each, arguments));
                let task = new(READY, call);
                // Not the last reference: the task has one.
                drop(state.one_ready_less());
                (task, true)
            }
            Stage::Running => {
                state.items[index].is_called = true;
                (new(RUNNING, Slot::default()), true)
            }
            Stage::Finished(value) => (new(FINISHED, Slot::Held(Held::Value(value))), false),
            Stage::Gone => (new(FINISHED, Slot::default()), false),
        };
        let item = &mut state.items[index];
        item.stage = Stage::Single(Arc::clone(&task));
        if is_pending
            && is_watched
            && let Some(me) = self.me.upgrade()
        {
            // Nobody else knows the task yet, so it is pending still, and has no dead watchers to be dropped.
            item.reports = task.watch(me.reporter(index)).is_ok();
        }
        task
    }

    /// Lets go of a task that is not needed here any more.
    pub(super) fn forget(&self, index: usize) {
        let gone = self.lock().take_unneeded(index);
        drop(gone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{IntoArgs, TaskFuture};

    #[test]
    fn an_item_and_its_future_are_small() {
        const NBYTES_MAX: usize = 64;

        type OfNumbers = Item<u64, fn(u64) -> u64, <u64 as IntoArgs<(u64,)>>::Arguments, (u64,)>;
        let nbytes = size_of::<OfNumbers>() + size_of::<TaskFuture<u64>>();
        assert!(nbytes <= NBYTES_MAX, "{nbytes}");
    }
}
