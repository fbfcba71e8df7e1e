//! Bulks for who needs the whole view.

use std::sync::Arc;

use crate::engine::local::about::About;
use crate::engine::local::bulk::item::Stage;
use crate::engine::local::bulk::{AnyBulk, Bulk};
use crate::engine::local::node::Node;
use crate::engine::local::story::{Step, Steps};
use crate::task::{Arguments, Outcome, Stored, TaskFn, TaskState, Transition, plain};

/// An item that somebody holds and that has not been singled out.
pub(crate) struct Seen<'a> {
    pub(crate) about: &'a dyn Fn() -> About,
    pub(crate) state: TaskState,
    pub(crate) nbytes: Option<u64>,
}

impl Seen<'_> {
    /// What has happened to it.
    pub(crate) fn story(&self, about: &About) -> Vec<Transition> {
        let finished: Outcome = Ok(());
        let (more, outcome): (&[Step], _) = match self.state {
            TaskState::Running => (&[Step::Started], None),
            TaskState::Memory => (&[Step::Started, Step::Finished], Some(&finished)),
            _ => (&[], None),
        };
        let steps = Steps::default().and(Step::Submitted).and(Step::Ready);
        more.iter().fold(steps, |steps, step| steps.and(*step)).tell(about, outcome)
    }
}

impl<T, F, A, Args> AnyBulk for Bulk<T, F, A, Args>
where
    T: Send + Sync + 'static,
    F: TaskFn<Args, Output = T> + Sync,
    A: Arguments<Args>,
    Args: 'static,
{
    fn has_several(&self) -> bool {
        self.lock().unseen() > 1
    }

    fn run(self: Arc<Self>, goes_on: &mut dyn FnMut() -> bool, run: &dyn Fn(Arc<dyn Node>)) {
        self.run_items(goes_on, run);
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
                self.single(&mut state, index);
            }
        }
    }

    fn look(&self, seen: &mut dyn FnMut(Seen<'_>)) {
        let state = self.lock();
        for (index, item) in state.items.iter().enumerate().filter(|(_, item)| item.handles > 0) {
            let (state, nbytes) = match &item.stage {
                Stage::Ready(_) => (TaskState::Ready, None),
                Stage::Running => (TaskState::Running, None),
                Stage::Finished(Stored::Owned(value)) => (TaskState::Memory, Some(plain::nbytes(value))),
                Stage::Finished(Stored::Shared(value)) => (TaskState::Memory, Some(plain::nbytes(&**value))),
                Stage::Gone => (TaskState::Memory, None),
                Stage::Single(_) => continue,
            };
            seen(Seen { about: &|| self.about(index), state, nbytes });
        }
    }
}
