//! What a future needs of the engine that runs its task.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use crate::Error;
use crate::task::{EntryRef, Key, Outcome, Transition, WatchId, Watcher, plain};

/// A boxed future that owns what it needs.
pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The engine as its futures see it.
#[doc(hidden)]
pub trait Scheduler: Send + Sync {
    /// Whether this thread may block, for the sake of `operation`.
    fn check_may_block(&self, operation: &'static str) -> Result<(), Error>;

    /// Runs `wait`, which blocks; a task that calls this gives its slot to others meanwhile.
    fn block(&self, wait: &mut dyn FnMut() -> Resume) -> Result<(), Error>;

    /// A sleep of the client's runtime.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// The first of the tasks `waiters` is about to wait for others, and each further one waits for the one before. Gives
    /// the number to end the wait with, if it is needed.
    fn begin_wait(&self, waiters: &[Arc<dyn Entry>], on: Vec<Arc<dyn Entry>>) -> Result<Option<u64>, Error>;

    /// The wait with this number is over.
    fn end_wait(&self, waiters: &[u64], number: u64);

    /// For the client, which knows its engine.
    fn as_any(self: Arc<Self>) -> Arc<dyn std::any::Any + Send + Sync>;
}

/// How a task goes on after it has blocked.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// Once it has a slot again.
    WithSlot,
    /// At once, since its time was over: if all slots are taken, without one.
    AtOnce,
}

/// A task as its futures see it, whatever it gives.
#[doc(hidden)]
pub trait Entry: Send + Sync {
    /// The engine, for the client that the task belongs to.
    fn scheduler(&self) -> Arc<dyn Scheduler>;

    /// Tells clients apart without a reference on one.
    fn scheduler_id(&self) -> usize;

    /// Tells the tasks of one engine apart, also from those that are gone.
    fn id(&self) -> u64;

    /// The task's key.
    fn key(&self) -> Key;

    /// How it ended, if it has.
    fn outcome(&self) -> Option<Outcome>;

    /// How it ended, or why its present run is no longer wanted although the task has not ended.
    fn run_outcome(&self) -> Option<Outcome>;

    /// Adds a watcher, or says how the task has already ended.
    fn watch(&self, watcher: Watcher) -> Result<WatchId, Outcome>;

    /// Replaces the waker of a watcher, or says how the task has ended.
    fn rewatch(&self, id: WatchId, waker: &Waker) -> Result<WatchId, Outcome>;

    /// Takes a watcher away again.
    fn unwatch(&self, id: WatchId);

    /// As [`outcome`](Self::outcome), but of the value's way here: a task of another process may have finished long before.
    fn value_outcome(&self) -> Option<Outcome> {
        self.outcome()
    }

    /// As [`watch`](Self::watch), but until the value is here: has it brought.
    fn watch_value(&self, watcher: Watcher) -> Result<WatchId, Outcome> {
        self.watch(watcher)
    }

    /// As [`rewatch`](Self::rewatch), of a watcher of the value.
    fn rewatch_value(&self, id: WatchId, waker: &Waker) -> Result<WatchId, Outcome> {
        self.rewatch(id, waker)
    }

    /// As [`unwatch`](Self::unwatch), of a watcher of the value.
    fn unwatch_value(&self, id: WatchId) {
        self.unwatch(id);
    }

    /// Counts one more handle.
    fn retain(&self);

    /// Counts one more handle, if there is one.
    fn retain_if_held(&self) -> bool;

    /// Counts one handle less if it is the last: whoever gets `true` owns the value alone.
    fn spend_if_last(&self) -> bool;

    /// Counts one handle less. True for the last, who must [`bury`](Self::bury) the task.
    fn release(&self) -> bool;

    /// Drops the value, and work that nobody needs.
    fn bury(self: Arc<Self>) {
        self.bury_because(&"its last future was dropped".into());
    }

    /// The same, with the reason that is told if it has not ended.
    fn bury_because(self: Arc<Self>, reason: &Arc<str>);

    /// Ends the task, if it has not ended, as cancelled.
    fn cancel(self: Arc<Self>, reason: &Arc<str>);

    /// Ends the task also if it has ended: its value goes.
    fn restart(self: Arc<Self>, error: &Error);

    /// Gives one handle to the engine until the task has ended.
    fn detach(self: Arc<Self>);

    /// Whether the engine holds a handle.
    fn is_detached(&self) -> bool;

    /// Runs the task on this thread, if this is a thread of its engine and it is ready but has not begun.
    fn help(self: Arc<Self>);

    /// Calls what was to be called at the end of the task, on this thread or where it may block.
    fn call_back(&self, callback: Box<dyn FnOnce() + Send>) {
        callback();
    }

    /// The tasks whose results it takes, as long as it has its call.
    fn inputs(&self) -> Vec<Arc<dyn Entry>>;

    /// The amounts of resources that it asks for.
    fn resources(&self) -> &[(String, f64)] {
        &[]
    }

    /// Whether it has them now.
    fn holds_resources(&self) -> bool {
        false
    }

    /// Whether a failed task still has its call, so that it can be run again.
    fn is_repeatable(&self) -> bool;

    /// Takes a failed task back. [`resume`](Self::resume) must follow. False if it has not failed.
    fn retry(&self) -> bool;

    /// Has a task that was taken back wait for its inputs, and run.
    fn resume(self: Arc<Self>);

    /// The last transitions of the task.
    fn story(&self) -> Vec<Transition>;
}

/// What is waited for of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Awaited {
    /// That it ends.
    End,
    /// That its value is here, or that there will be none.
    Value,
}

impl Awaited {
    pub(crate) fn outcome(self, entry: EntryRef<'_>) -> Option<Outcome> {
        match self {
            Self::End => entry.outcome(),
            Self::Value => entry.value_outcome(),
        }
    }

    pub(crate) fn watch(self, entry: EntryRef<'_>, watcher: Watcher) -> Result<WatchId, Outcome> {
        match self {
            Self::End => entry.watch(watcher),
            Self::Value => entry.watch_value(watcher),
        }
    }
}

/// A future, whatever it gives.
#[doc(hidden)]
pub trait AnyFuture {
    /// The task.
    fn entry(&self) -> EntryRef<'_>;

    /// The task, to hold on to.
    fn shared_entry(&self) -> Arc<dyn Entry>;
}

impl fmt::Debug for dyn Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scheduler")
    }
}

impl fmt::Debug for dyn Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Entry").field(&self.key()).finish()
    }
}

/// A task that gives a `T`.
#[doc(hidden)]
pub(crate) trait TypedEntry<T>: Entry {
    /// The value, shared with whoever asks again. `None` if it has been taken.
    fn shared_value(&self) -> Option<Arc<T>>;

    /// The value, leaving none. Only for the last handle.
    fn take_value(&self) -> Option<Stored<T>>;
}

/// A value as a task keeps it: in place until somebody shares it, so that a plain task costs one allocation.
#[doc(hidden)]
#[derive(Debug)]
pub(crate) enum Stored<T> {
    /// Nobody has shared it.
    Owned(T),
    /// Somebody has.
    Shared(Arc<T>),
}

impl<T> Stored<T> {
    /// How much memory the value takes, in bytes; see [`plain::nbytes`].
    pub(crate) fn nbytes(&self) -> u64
    where
        T: 'static,
    {
        match self {
            Self::Owned(value) => plain::nbytes(value),
            Self::Shared(value) => plain::nbytes(&**value),
        }
    }

    pub(crate) fn into_shared(self) -> Arc<T> {
        match self {
            Self::Owned(value) => Arc::new(value),
            Self::Shared(value) => value,
        }
    }

    pub(crate) fn into_value(self) -> T
    where
        T: Clone,
    {
        match self {
            Self::Owned(value) => value,
            Self::Shared(value) => Arc::unwrap_or_clone(value),
        }
    }
}
