//! A future that is an argument of a task: no more than a reference count, since many tasks keep one or two.

use std::fmt;
use std::sync::Arc;

use crate::Error;
use crate::task::{AnyFuture, Entry, EntryRef, Key, Outcome, TypedEntry};

/// A handle of a task whose value another task takes.
#[doc(hidden)]
pub struct Input<T> {
    entry: Arc<dyn TypedEntry<T>>,
}

impl<T> Input<T> {
    /// Takes over one count of `entry`.
    pub(crate) fn new(entry: Arc<dyn TypedEntry<T>>) -> Self {
        Self { entry }
    }

    /// The value of a task that has finished: moved if this is the last handle.
    pub(crate) fn value(&self) -> Result<T, Error>
    where
        T: Clone,
    {
        self.finished()?;
        if self.entry.spend_if_last() {
            return self.entry.take_value().map(|value| value.into_value()).ok_or_else(|| taken(self.entry()));
        }
        let shared = self.entry.shared_value().ok_or_else(|| taken(self.entry()))?;
        Ok(Arc::unwrap_or_clone(shared))
    }

    /// As [`value`](Self::value), for any type.
    pub(crate) fn shared(&self) -> Result<Arc<T>, Error> {
        self.finished()?;
        if self.entry.spend_if_last() {
            return self.entry.take_value().map(|value| value.into_shared()).ok_or_else(|| taken(self.entry()));
        }
        self.entry.shared_value().ok_or_else(|| taken(self.entry()))
    }

    fn finished(&self) -> Result<(), Error> {
        self.entry.outcome().unwrap_or_else(|| Err(retried(self.entry.key())))
    }
}

/// Why a task that had ended has not: it had failed, or it could not have been retried.
pub(crate) fn retried(key: Key) -> Error {
    Error::Cancelled { key, reason: "it was retried while its failure was read".into() }
}

/// Why a task that had finished has no value: it was taken, or the engine was restarted since.
pub(crate) fn taken(entry: EntryRef<'_>) -> Error {
    entry.outcome().and_then(Outcome::err).unwrap_or_else(|| Error::Taken { key: entry.key() })
}

impl<T> AnyFuture for Input<T> {
    fn entry(&self) -> EntryRef<'_> {
        EntryRef::Task(&*self.entry)
    }

    fn shared_entry(&self) -> Arc<dyn Entry> {
        Arc::clone(&self.entry) as Arc<dyn Entry>
    }
}

impl<T> Clone for Input<T> {
    fn clone(&self) -> Self {
        self.entry.retain();
        Self { entry: Arc::clone(&self.entry) }
    }
}

impl<T> Drop for Input<T> {
    fn drop(&mut self) {
        // Not of one that has taken the value: the entry knows.
        if self.entry.release() {
            Arc::clone(&self.entry).bury();
        }
    }
}

impl<T> fmt::Debug for Input<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("key", &self.entry.key()).finish()
    }
}
