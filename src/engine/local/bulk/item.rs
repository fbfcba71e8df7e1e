//! Where an item is in its life, and how it is singled out.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::engine::local::bulk::{Bulk, State};
use crate::engine::local::core::Core;
use crate::engine::local::node::{Slot, Task};
use crate::engine::local::story::Step;
use crate::task::{Arguments, Each, Entry, Outcome, Stored, TaskFn};

/// One of the items of a bulk.
pub(super) struct Item<T, F, A, Args> {
    pub(super) stage: Stage<T, F, A, Args>,
    /// Futures of it, as long as it is no task of its own. Each takes memory: there are fewer than 2^32.
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

    /// The task that it has become, if nobody holds it and no thread will look for it here.
    pub(super) fn take_if_unheld(&mut self) -> Option<Stage<T, F, A, Args>> {
        match &self.stage {
            Stage::Single(task) if !self.is_called && !task.core.has_handles() => Some(self.take()),
            _ => None,
        }
    }

    /// Leaves nothing of it.
    pub(super) fn take(&mut self) -> Stage<T, F, A, Args> {
        std::mem::replace(&mut self.stage, Stage::Gone)
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
    pub(super) fn single(&self, state: &mut State<T, F, A, Args>, index: usize) -> Arc<Single<T, F, A, Args>> {
        let is_watched = state.is_watched(index);
        let each = state.function.as_ref().map(Each::new);
        let about = || self.about(index);
        let handles = state.items[index].handles as usize;
        let new = |made: &[Step], about, slot| Task::new(Core::singled_out(made, handles), about, slot, None);
        const READY: [Step; 2] = [Step::Submitted, Step::Ready];
        const RUNNING: [Step; 3] = [Step::Submitted, Step::Ready, Step::Started];
        const FINISHED: [Step; 4] = [Step::Submitted, Step::Ready, Step::Started, Step::Finished];
        let (task, is_pending) = match state.items[index].take() {
            Stage::Single(task) => (task, false),
            Stage::Ready(arguments) => {
                let call = each.map_or(Slot::Empty, |each| Slot::Call(each, arguments));
                let task = new(&READY, about(), call);
                // Not the last reference: the task has one.
                drop(state.one_ready_less());
                (task, true)
            }
            Stage::Running => {
                let about = about();
                about.bodies.store(1, Ordering::Relaxed);
                state.items[index].is_called = true;
                (new(&RUNNING, about, Slot::Empty), true)
            }
            Stage::Finished(value) => (new(&FINISHED, about(), Slot::Value(value)), false),
            Stage::Gone => (new(&FINISHED, about(), Slot::Empty), false),
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

    /// Lets go of a task that nobody holds any more.
    pub(super) fn forget(&self, index: usize) {
        let gone = self.lock().items[index].take_if_unheld();
        drop(gone);
    }
}
