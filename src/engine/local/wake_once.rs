//! One wake for many tasks that are queued at once.

use std::cell::Cell;
use std::sync::Arc;

use crate::engine::local::pool::Pool;

thread_local! {
    /// The pool for which this thread holds wakes back, and whether there was one.
    static HELD: Cell<Option<(usize, bool)>> = const { Cell::new(None) };
}

impl Pool {
    /// Has whatever `push` queues on this thread wake a thread once, at its end. That one wakes the next, and so on.
    pub(crate) fn wake_once(self: &Arc<Self>, push: impl FnOnce()) {
        let _held = Held { pool: self, before: HELD.replace(Some((self.id(), false))) };
        push();
    }

    /// Whether a wake waits for the end of what this thread queues at once. Wakes of other engines do not.
    pub(super) fn holds_back(&self) -> bool {
        let is_held = HELD.get().is_some_and(|(pool, _)| pool == self.id());
        if is_held {
            HELD.set(Some((self.id(), true)));
        }
        is_held
    }

    fn id(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

/// Holds wakes back until it is dropped, also by a panic.
struct Held<'a> {
    pool: &'a Arc<Pool>,
    before: Option<(usize, bool)>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some((_, true)) = HELD.replace(self.before) {
            self.pool.notify();
        }
    }
}
