//! Many tasks in one: the items of a map over plain values, without options.
//!
//! A plain task is an allocation with a state, a name, a row in the table and a place in a queue. Of a map all of that can
//! be shared: up to [`ITEMS_MAX`] items are one object with one lock, one row and one place in the queue, and an item is
//! its call, then its value, and a count of handles.
//!
//! What is done to a task seldom, such as to await it by itself, to cancel it, to look from inside of it or to let it fail,
//! singles an item out: it becomes a task like any other (`node.rs`) that goes on from where the item was, and the item
//! becomes a reference on it. So only what is done to most items is done here.
//!
//! | file | what it knows |
//! |---|---|
//! | `item.rs` | where an item is in its life, and how it is singled out |
//! | `handles.rs` | items as their futures see them |
//! | `watching.rs` | who waits for many of them at once |
//! | `run.rs` | how threads run them |
//! | `submit.rs` | how they come in |
//! | `view.rs` | the whole view |

mod handles;
mod item;
mod run;
mod submit;
mod view;
mod watching;

use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use slab::Slab;

use crate::engine::local::Engine;
use crate::engine::local::about::Draft;
use crate::engine::local::lease::Lease;
use crate::engine::local::parking::lock;
use crate::task::{Arguments, Items, TaskFn};

use self::item::Item;
pub(crate) use self::view::Seen;
use self::watching::Watching;

/// Most items of one bulk. What is done once for all of them costs little then, and not much memory waits for the last of
/// them to go. The place of a task in its lease is one byte, which has as many values.
const ITEMS_MAX: usize = 256;

/// Fewest items of one bulk. Fewer cost as much as that many tasks.
const ITEMS_MIN: usize = 4;

/// Largest item. The memory of an item goes with the last of its bulk, so it is not much more than that of a task is.
const ITEM_NBYTES_MAX: usize = 256;

/// Some items of a map.
pub(crate) struct Bulk<T, F, A, Args>
where
    T: Send + Sync + 'static,
    F: TaskFn<Args, Output = T>,
    Args: 'static,
{
    /// For those that it has report to it.
    me: Weak<Self>,
    /// Who submitted them, and their numbers; and their places in the table of tasks, once they are tasks.
    lease: Arc<Lease>,
    location: &'static Location<'static>,
    /// Where it stands in the table of bulks.
    row: usize,
    state: Mutex<State<T, F, A, Args>>,
}

/// What changes.
struct State<T, F, A, Args> {
    items: Box<[Item<T, F, A, Args>]>,
    /// The first that no thread has looked at.
    next: usize,
    /// How many are in the stage `Ready`.
    ready: usize,
    /// There as long as one of them is.
    function: Option<Arc<F>>,
    watching: Vec<Watching>,
}

/// A bulk of any type.
pub(crate) trait AnyBulk: Items {
    fn engine(&self) -> &Arc<Engine>;

    /// Whether at least two items have not begun.
    fn has_several(&self) -> bool;

    /// Runs what has not begun, one after the other, as long as `goes_on`.
    fn run(self: Arc<Self>, goes_on: &mut dyn FnMut() -> bool);

    /// Singles out all items that somebody holds, or only those that have not ended.
    fn single_out_all(&self, only_pending: bool);

    /// Shows every item that somebody holds and that has not been singled out.
    fn look(&self, seen: &mut dyn FnMut(Seen<'_>));
}

/// The bulks of one engine.
#[derive(Default)]
pub(crate) struct Bulks(Mutex<Slab<Weak<dyn AnyBulk>>>);

impl Bulks {
    /// All of them, in no order that means anything.
    pub(crate) fn all(&self) -> Vec<Arc<dyn AnyBulk>> {
        lock(&self.0).iter().filter_map(|(_, bulk)| bulk.upgrade()).collect()
    }

    /// Has the table of tasks show all items, or all that have not ended.
    pub(crate) fn single_out(&self, only_pending: bool) {
        self.all().iter().for_each(|bulk| bulk.single_out_all(only_pending));
    }
}

impl<T, F, A, Args> Bulk<T, F, A, Args>
where
    T: Send + Sync + 'static,
    F: TaskFn<Args, Output = T> + Sync,
    A: Arguments<Args>,
    Args: 'static,
{
    fn lock(&self) -> MutexGuard<'_, State<T, F, A, Args>> {
        // Nothing of the user's runs under the lock, and only moves happen.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an item is called and where it belongs, once it is a task of its own.
    fn draft(&self, index: usize) -> Draft {
        Draft::new((Arc::clone(&self.lease), index as u8), self.location)
    }
}

impl<T, F, A, Args> Drop for Bulk<T, F, A, Args>
where
    T: Send + Sync + 'static,
    F: TaskFn<Args, Output = T>,
    Args: 'static,
{
    fn drop(&mut self) {
        let removed = lock(&self.lease.client().engine().bulks.0).try_remove(self.row);
        drop(removed);
    }
}
