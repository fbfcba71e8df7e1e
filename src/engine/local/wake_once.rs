//! Many tasks that are queued at once, in whose order they begin: threads are woken for all of them together, at the end.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use crate::engine::local::job::Job;
use crate::engine::local::pool::Pool;
use crate::engine::local::release::drop_quietly;

thread_local! {
    /// What this thread queues at once.
    static BATCH: Cell<Option<Batch>> = const { Cell::new(None) };
    /// The tasks of it that go to a queue where the newest comes first. They go there at its end, the first of them last.
    static READY: RefCell<Vec<Job>> = const { RefCell::new(Vec::new()) };
}

#[derive(Clone, Copy)]
struct Batch {
    /// For which pool it holds wakes back, and how many there were.
    pool: usize,
    wakes: usize,
    /// Whether its tasks go to their queues now.
    is_complete: bool,
}

impl Pool {
    /// Has whatever `push` queues on this thread wake others once, at its end.
    pub(crate) fn wake_once(self: &Arc<Self>, push: impl FnOnce()) {
        if self.batch().is_some() {
            return push();
        }
        let batch = Batch { pool: self.id(), wakes: 0, is_complete: false };
        let _held = Held { pool: self, before: BATCH.replace(Some(batch)), ready: READY.take() };
        push();
    }

    /// Whether a wake waits for the end of what this thread queues at once. Wakes of other engines do not.
    pub(super) fn holds_back(&self) -> bool {
        let batch = self.batch();
        if let Some(batch) = batch {
            BATCH.set(Some(Batch { wakes: batch.wakes + 1, ..batch }));
        }
        batch.is_some()
    }

    /// Keeps a ready task for the end of what this thread queues at once, where the newest would come first.
    pub(super) fn put_aside(&self, job: Job) -> Result<(), Job> {
        match self.batch() {
            Some(Batch { is_complete: false, .. }) => {
                READY.with_borrow_mut(|ready| ready.push(job));
                Ok(())
            }
            _ => Err(job),
        }
    }

    fn batch(&self) -> Option<Batch> {
        BATCH.get().filter(|batch| batch.pool == self.id())
    }

    fn id(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

/// Holds wakes and tasks back until it is dropped, also by a panic.
struct Held<'a> {
    pool: &'a Arc<Pool>,
    before: Option<Batch>,
    ready: Vec<Job>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        BATCH.set(self.pool.batch().map(|batch| Batch { is_complete: true, ..batch }));
        let ready = READY.replace(std::mem::take(&mut self.ready));
        ready.into_iter().rev().for_each(|job| self.pool.push_plain(job));
        let wakes = BATCH.replace(self.before).map_or(0, |batch| batch.wakes);
        self.pool.notify_for(wakes);
        // Whoever closed meanwhile has emptied the queues before these came.
        if self.pool.is_closed() {
            drop_quietly(|| self.pool.drain().for_each(Job::give_up));
        }
    }
}
