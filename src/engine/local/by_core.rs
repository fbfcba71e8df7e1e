//! What a future asks of its task that the task's core answers, whatever else the task is.

/// The methods of `Entry` that the field `core` answers. For an `impl Entry`.
macro_rules! entry_by_core {
    () => {
        fn outcome(&self) -> Option<crate::task::Outcome> {
            self.core.outcome()
        }

        fn watch(&self, watcher: crate::task::Watcher) -> Result<crate::task::WatchId, crate::task::Outcome> {
            self.core.watch(watcher)
        }

        fn rewatch(
            &self,
            id: crate::task::WatchId,
            waker: &std::task::Waker,
        ) -> Result<crate::task::WatchId, crate::task::Outcome> {
            self.core.rewatch(id, waker)
        }

        fn unwatch(&self, id: crate::task::WatchId) {
            self.core.unwatch(id);
        }

        fn retain(&self) {
            self.core.retain();
        }

        fn retain_if_held(&self) -> bool {
            self.core.retain_if_held()
        }

        fn spend_if_last(&self) -> bool {
            self.core.spend_if_last()
        }

        fn release(&self) -> bool {
            self.core.release()
        }

        fn is_detached(&self) -> bool {
            self.core.is_detached()
        }
    };
}

pub(crate) use entry_by_core;
