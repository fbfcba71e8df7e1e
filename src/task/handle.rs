//! What a future refers to: a task by itself, or an item of many.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::task::Waker;

use crate::task::{Entry, Input, Items, Key, Outcome, Scheduler, Stored, TypedEntry, TypedItems, WatchId, Watcher};

/// What a future refers to.
pub(crate) enum Handle<T> {
    Task {
        entry: Arc<dyn TypedEntry<T>>,
        /// Whether the handle's count has been given up: the value was moved out, or the task detached.
        is_spent: bool,
    },
    Item {
        items: Arc<dyn TypedItems<T>>,
        index: u32,
        is_spent: bool,
    },
}

impl<T> Handle<T> {
    #[inline]
    pub(crate) fn entry(&self) -> EntryRef<'_> {
        match self {
            Self::Task { entry, .. } => EntryRef::Task(&**entry),
            Self::Item { items, index, .. } => EntryRef::Item(&**items, *index),
        }
    }

    pub(crate) fn shared_entry(&self) -> Arc<dyn Entry> {
        match self {
            Self::Task { entry, .. } => Arc::clone(entry) as Arc<dyn Entry>,
            Self::Item { items, index, .. } => items.single_out(*index),
        }
    }

    pub(crate) fn is_spent(&self) -> bool {
        match self {
            Self::Task { is_spent, .. } | Self::Item { is_spent, .. } => *is_spent,
        }
    }

    pub(crate) fn spend(&mut self) {
        match self {
            Self::Task { is_spent, .. } | Self::Item { is_spent, .. } => *is_spent = true,
        }
    }

    /// Spends the handle if it is the last.
    #[inline]
    pub(crate) fn spend_if_last(&mut self) -> bool {
        let is_last = !self.is_spent()
            && match self {
                Self::Task { entry, .. } => entry.spend_if_last(),
                Self::Item { items, index, .. } => items.spend_if_last(*index),
            };
        if is_last {
            self.spend();
        }
        is_last
    }

    /// Gives the handle to the engine.
    pub(crate) fn detach(&mut self) {
        // A handle whose value has been moved out has no count to give.
        if self.is_spent() {
            return;
        }
        self.spend();
        match self {
            Self::Task { entry, .. } => Arc::clone(entry).detach(),
            Self::Item { items, index, .. } => items.detach(*index),
        }
    }

    /// The same handle, as an argument.
    pub(crate) fn take_input(&mut self) -> Input<T> {
        // A handle whose value has been moved out has no count to give.
        if self.is_spent() {
            return self.clone().take_input();
        }
        self.spend();
        Input::new(match self {
            Self::Task { entry, .. } => Arc::clone(entry),
            Self::Item { items, index, .. } => items.hand_over(*index),
        })
    }

    /// If it is an item that has not been spent, it and those that follow it: `len` in all.
    pub(crate) fn items(&self, len: u32) -> Option<(Arc<dyn TypedItems<T>>, Range<u32>)> {
        match self {
            Self::Item { items, index, is_spent: false } => Some((Arc::clone(items), *index..*index + len)),
            _ => None,
        }
    }

    pub(crate) fn shared_value(&self) -> Option<Arc<T>> {
        match self {
            Self::Task { entry, .. } => entry.shared_value(),
            Self::Item { items, index, .. } => items.shared_value(*index),
        }
    }

    #[inline]
    pub(crate) fn take_value(&self) -> Option<Stored<T>> {
        match self {
            Self::Task { entry, .. } => entry.take_value(),
            Self::Item { items, index, .. } => items.take_value(*index),
        }
    }
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Task { entry, .. } => {
                entry.retain();
                Self::Task { entry: Arc::clone(entry), is_spent: false }
            }
            Self::Item { items, index, .. } => {
                items.retain(*index);
                Self::Item { items: Arc::clone(items), index: *index, is_spent: false }
            }
        }
    }
}

impl<T> Drop for Handle<T> {
    fn drop(&mut self) {
        if self.is_spent() {
            return;
        }
        match self {
            Self::Task { entry, .. } => {
                if entry.release() {
                    Arc::clone(entry).bury();
                }
            }
            Self::Item { items, index, .. } => items.release(*index),
        }
    }
}

/// A task, or an item, as its futures see it.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub enum EntryRef<'a> {
    /// A task by itself.
    Task(&'a dyn Entry),
    /// One of many.
    Item(&'a dyn Items, u32),
}

/// As the methods of the same names of [`Entry`].
impl EntryRef<'_> {
    pub(crate) fn scheduler(self) -> Arc<dyn Scheduler> {
        match self {
            Self::Task(entry) => entry.scheduler(),
            Self::Item(items, _) => items.scheduler(),
        }
    }

    pub(crate) fn scheduler_id(self) -> usize {
        match self {
            Self::Task(entry) => entry.scheduler_id(),
            Self::Item(items, _) => items.scheduler_id(),
        }
    }

    pub(crate) fn id(self) -> u64 {
        match self {
            Self::Task(entry) => entry.id(),
            Self::Item(items, index) => items.id(index),
        }
    }

    pub(crate) fn key(self) -> Key {
        match self {
            Self::Task(entry) => entry.key(),
            Self::Item(items, index) => items.key(index),
        }
    }

    pub(crate) fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Task(entry) => entry.outcome(),
            Self::Item(items, index) => items.outcome(index),
        }
    }

    pub(crate) fn watch(self, watcher: Watcher) -> Result<WatchId, Outcome> {
        match self {
            Self::Task(entry) => entry.watch(watcher),
            Self::Item(items, index) => match items.outcome(index) {
                Some(outcome) => Err(outcome),
                None => items.single_out(index).watch(watcher),
            },
        }
    }

    /// Of a watcher that was added before.
    pub(crate) fn rewatch(self, id: WatchId, waker: &Waker) -> Result<WatchId, Outcome> {
        match self {
            Self::Task(entry) => entry.rewatch(id, waker),
            Self::Item(items, index) => match items.outcome(index) {
                Some(outcome) => Err(outcome),
                None => items.single_out(index).rewatch(id, waker),
            },
        }
    }

    /// Of a watcher that was added before.
    pub(crate) fn unwatch(self, id: WatchId) {
        match self {
            Self::Task(entry) => entry.unwatch(id),
            Self::Item(items, index) => {
                if let Some(single) = items.single(index) {
                    single.unwatch(id);
                }
            }
        }
    }

    /// The value of an item is here when it has ended.
    pub(crate) fn value_outcome(self) -> Option<Outcome> {
        match self {
            Self::Task(entry) => entry.value_outcome(),
            Self::Item(..) => self.outcome(),
        }
    }

    pub(crate) fn watch_value(self, watcher: Watcher) -> Result<WatchId, Outcome> {
        match self {
            Self::Task(entry) => entry.watch_value(watcher),
            Self::Item(..) => self.watch(watcher),
        }
    }

    pub(crate) fn rewatch_value(self, id: WatchId, waker: &Waker) -> Result<WatchId, Outcome> {
        match self {
            Self::Task(entry) => entry.rewatch_value(id, waker),
            Self::Item(..) => self.rewatch(id, waker),
        }
    }

    pub(crate) fn unwatch_value(self, id: WatchId) {
        match self {
            Self::Task(entry) => entry.unwatch_value(id),
            Self::Item(..) => self.unwatch(id),
        }
    }
}

impl fmt::Debug for EntryRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EntryRef").field(&self.key()).finish()
    }
}

#[cfg(all(test, feature = "smol"))]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use crate::client::embedded;
    use crate::runtime::Smol;

    #[test]
    fn a_future_whose_value_has_been_moved_out_has_no_count_to_give() {
        let client = embedded(Smol::new(), 1, "test").unwrap();
        let mut future = client.map(|x: i64| x + 1, 0..8).pop().unwrap();
        client.wait([&future]).wait().unwrap();
        let moved = Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(moved, Poll::Ready(Ok(8))));
        future.clone().detach();
        future.detach();
        client.close().wait().unwrap();
    }
}
