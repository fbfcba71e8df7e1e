//! Bulks for who needs the whole view.

use std::sync::Arc;

use crate::engine::local::Engine;
use crate::engine::local::bulk::item::{FINISHED, READY, RUNNING, Single, Stage};
use crate::engine::local::bulk::{AnyBulk, Bulk};
use crate::engine::local::core::Core;
use crate::engine::local::node::{Node, Slot};
use crate::task::{Arguments, Stored, TaskFn, TaskState, plain};

/// An item that somebody holds and that has not been singled out.
pub(crate) struct Seen<'a> {
    pub(crate) index: u32,
    pub(crate) state: TaskState,
    pub(crate) nbytes: Option<u64>,
    /// Makes a task that is as far as the item and has nothing else of it, only to be looked at.
    pub(crate) task: &'a dyn Fn() -> Arc<dyn Node>,
}

impl<T, F, A, Args> AnyBulk for Bulk<T, F, A, Args>
where
    T: Send + Sync + 'static,
    F: TaskFn<Args, Output = T> + Sync,
    A: Arguments<Args>,
    Args: 'static,
{
    fn engine(&self) -> &Arc<Engine> {
        self.lease.client().engine()
    }

    fn has_several(&self) -> bool {
        self.lock().unseen() > 1
    }

    fn run(self: Arc<Self>, goes_on: &mut dyn FnMut() -> bool) {
        self.run_items(goes_on);
    }

    fn single_out_all(&self, only_pending: bool) {
        let mut state = self.lock();
        for index in 0..state.items.len() {
            let item = &state.items[index];
            let is_meant = match &item.stage {
                Stage::Ready(_) | Stage::Running => true,
                Stage::Finished(_) => !only_pending,
                Stage::Gone => !only_pending && item.handles > 0,
                Stage::Single(_) => false,
            };
            if is_meant {
                self.become_single(&mut state, index);
            }
        }
    }

    fn look(&self, seen: &mut dyn FnMut(Seen<'_>)) {
        let state = self.lock();
        for (index, item) in state.items.iter().enumerate().filter(|(_, item)| item.handles > 0) {
            let (state, steps, nbytes) = match &item.stage {
                Stage::Ready(_) => (TaskState::Ready, READY, None),
                Stage::Running => (TaskState::Running, RUNNING, None),
                Stage::Finished(Stored::Owned(value)) => (TaskState::Memory, FINISHED, Some(plain::nbytes(value))),
                Stage::Finished(Stored::Shared(value)) => (TaskState::Memory, FINISHED, Some(plain::nbytes(&**value))),
                Stage::Gone => (TaskState::Memory, FINISHED, None),
                Stage::Single(_) => continue,
            };
            let task = || {
                let core = Core::singled_out(steps, index as u8, Slot::default(), item.handles);
                // The table has room for one at a place, and the item may be singled out later.
                Single::<T, F, A, Args>::unlisted(core, self.draft(index)) as Arc<dyn Node>
            };
            seen(Seen { index: index as u32, state, nbytes, task: &task });
        }
    }
}
