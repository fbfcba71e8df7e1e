//! Many tasks in one: what a map submits is kept together, and each item of it is still a task by itself.
//!
//! An item goes by the number that it has among its kin. What is done to it often goes by that number; for what is done
//! seldom, it is [singled out](Items::single_out): from then on it is a task like any other, and the number leads to it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::task::Waker;

use crate::Error;
use crate::task::{Entry, Key, Outcome, Scheduler, Stored, TypedEntry, Watch, WatchId, Watcher};

/// Many tasks as their futures see them, whatever they give.
#[doc(hidden)]
pub trait Items: Send + Sync {
    /// The engine, for the client that the tasks belong to.
    fn scheduler(&self) -> Arc<dyn Scheduler>;

    /// Tells clients apart without a reference on one.
    fn scheduler_id(&self) -> usize;

    /// As of a task.
    fn id(&self, index: u32) -> u64;

    /// The item's key.
    fn key(&self, index: u32) -> Key;

    /// How it ended, if it has.
    fn outcome(&self, index: u32) -> Option<Outcome>;

    /// Makes the item a task of its own, if it is not, for all that is not on this page.
    fn single_out(&self, index: u32) -> Arc<dyn Entry>;

    /// Counts one more handle.
    fn retain(&self, index: u32);

    /// Counts one handle less if it is the last: whoever gets `true` owns the value alone.
    fn spend_if_last(&self, index: u32) -> bool;

    /// Counts one handle less. With the last one the value goes, and work that nobody needs.
    fn release(&self, index: u32);

    /// Gives one handle to the engine until the task has ended.
    fn detach(&self, index: u32);

    /// How a run of items have ended.
    fn ends(&self, run: Range<u32>) -> Ends;

    /// Has `watch` hear once when enough of a run have ended. Nobody is told if they have already. One that ended before
    /// and was retried since may count twice: look again.
    fn watch(&self, run: Range<u32>, watch: Arc<dyn Watch>, at: Enough) -> Ends;
}

/// What is enough of several tasks, besides that all have ended.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enough {
    /// Nothing.
    All,
    /// That one has failed.
    AnyFailure,
    /// That one has ended, in whichever way.
    Any,
}

/// How several tasks have ended.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct Ends {
    /// How many have not.
    pub pending: u32,
    /// How many have, in whichever way.
    pub ended: u32,
    /// The first failure, in order.
    pub failure: Option<Error>,
}

impl Ends {
    /// Counts one more.
    pub(crate) fn count(&mut self, outcome: Option<Outcome>) {
        match outcome {
            None => self.pending += 1,
            Some(outcome) => {
                self.ended += 1;
                if let (None, Err(error)) = (&self.failure, outcome) {
                    self.failure = Some(error);
                }
            }
        }
    }

    /// Whether these are enough.
    pub(crate) fn are_enough(&self, at: Enough) -> bool {
        self.pending == 0
            || match at {
                Enough::All => false,
                Enough::AnyFailure => self.failure.is_some(),
                Enough::Any => self.ended > 0,
            }
    }

    /// Counts those of `other`, which come after these.
    pub(crate) fn add(&mut self, other: Self) {
        self.pending += other.pending;
        self.ended += other.ended;
        self.failure = self.failure.take().or(other.failure);
    }
}

/// Many tasks that give a `T` each.
#[doc(hidden)]
pub(crate) trait TypedItems<T>: Items {
    /// The value, shared with whoever asks again. `None` if it has been taken.
    fn shared_value(&self, index: u32) -> Option<Arc<T>>;

    /// The value, leaving none. Only for the last handle.
    fn take_value(&self, index: u32) -> Option<Stored<T>>;

    /// Takes the values of the items from `first` on, up to `end`, with a handle of each. Stops at one that takes more
    /// than moving, or a copy of a number, and says how many there were.
    fn take_values(&self, run: Range<u32>, values: &mut Vec<T>) -> u32;
}

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
        self.spend();
        match self {
            Self::Task { entry, .. } => Arc::clone(entry).detach(),
            Self::Item { items, index, .. } => items.detach(*index),
        }
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
            Self::Item(items, index) => items.single_out(index).rewatch(id, waker),
        }
    }

    /// Of a watcher that was added before.
    pub(crate) fn unwatch(self, id: WatchId) {
        match self {
            Self::Task(entry) => entry.unwatch(id),
            Self::Item(items, index) => items.single_out(index).unwatch(id),
        }
    }
}

impl fmt::Debug for EntryRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EntryRef").field(&self.key()).finish()
    }
}

impl fmt::Debug for dyn Items + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Items")
    }
}
