//! Many tasks in one: what a map submits is kept together, and each item of it is still a task by itself.
//!
//! An item goes by the number that it has among its kin. What is done to it often goes by that number; for what is done
//! seldom, it is [singled out](Items::single_out): from then on it is a task like any other, and the number leads to it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::Error;
use crate::task::{Entry, Key, Outcome, Scheduler, Stored, TypedEntry, Watch};

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

    /// The task that the item has become, as long as it is one.
    fn single(&self, index: u32) -> Option<Arc<dyn Entry>>;

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
    #[inline]
    pub(crate) fn count(&mut self, outcome: Option<Outcome>) {
        match outcome {
            None => self.pending += 1,
            Some(Ok(())) => self.ended += 1,
            Some(Err(error)) => {
                self.ended += 1;
                self.failure.get_or_insert(error);
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
    /// Makes the item a task of its own, if it is not. A handle of the item becomes one of the task.
    fn hand_over(&self, index: u32) -> Arc<dyn TypedEntry<T>>;

    /// The value, shared with whoever asks again. `None` if it has been taken.
    fn shared_value(&self, index: u32) -> Option<Arc<T>>;

    /// The value, leaving none. Only for the last handle.
    fn take_value(&self, index: u32) -> Option<Stored<T>>;

    /// Takes the values of the items from `first` on, up to `end`, with a handle of each. Stops at one that takes more
    /// than moving, or a copy of a number, and says how many there were.
    fn take_values(&self, run: Range<u32>, values: &mut Vec<T>) -> u32;
}

impl fmt::Debug for dyn Items + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Items")
    }
}
