//! What happens when the last handle of a task is dropped.

use std::any::Any;
use std::cell::RefCell;
use std::mem::needs_drop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Waker;

use crate::Error;
use crate::engine::local::failing::fail;
use crate::engine::local::node::Node;

thread_local! {
    /// The tasks that this thread has still to bury, while it buries one.
    static GRAVES: RefCell<Option<Vec<Grave>>> = const { RefCell::new(None) };
}

/// What is still to be dropped.
enum Grave {
    /// A task, and why it ends if it has not.
    Task(Arc<dyn Node>, Option<Arc<str>>),
    /// What an item had.
    Thing(Box<dyn Any>),
}

/// Drops the value of a task that has ended, and the call of one that has not: nobody needs it.
///
/// Dropping a call drops its references on other tasks, which may be the last, and so on: a chain of a million
/// tasks is walked in a loop, not by recursion.
pub(crate) fn bury(node: Arc<dyn Node>, reason: Option<Arc<str>>) {
    in_turn((node, reason), |(node, reason)| clear(node, reason), |(node, reason)| Grave::Task(node, reason));
}

/// Drops what an item had, in its turn: it may hold the last handles of others.
pub(crate) fn drop_in_turn<V: 'static>(value: V) {
    if needs_drop::<V>() {
        in_turn(value, |value| drop_quietly(|| drop(value)), |value| Grave::Thing(Box::new(value)));
    }
}

/// Does something now, and what comes up meanwhile afterwards; or, if it has come up itself, later.
fn in_turn<G>(grave: G, now: impl FnOnce(G), later: impl FnOnce(G) -> Grave) {
    let mut grave = Some(grave);
    let is_first = GRAVES.try_with(|graves| match &mut *graves.borrow_mut() {
        Some(graves) => {
            graves.extend(grave.take().map(later));
            false
        }
        none => {
            *none = Some(Vec::new());
            true
        }
    });
    let Some(grave) = grave else { return };
    // If the thread ends and has lost its locals, recursion is all that is left.
    let done = is_first.unwrap_or(false).then_some(Done);
    now(grave);
    while done.is_some()
        && let Some(next) = GRAVES.with_borrow_mut(|graves| graves.as_mut().and_then(Vec::pop))
    {
        match next {
            Grave::Task(node, reason) => clear(node, reason),
            Grave::Thing(thing) => drop_quietly(|| drop(thing)),
        }
    }
}

/// Ends the burials of this thread, also when a waker of the user's panics in one.
struct Done;

impl Drop for Done {
    fn drop(&mut self) {
        drop(GRAVES.take());
    }
}

fn clear(node: Arc<dyn Node>, reason: Option<Arc<str>>) {
    if node.about().is_keyed() {
        node.about().engine().keys().forget(&*node);
    }
    if !node.core().is_done() {
        let reason = reason.unwrap_or_else(|| "its last future was dropped".into());
        let error = Error::Cancelled { key: node.key(), reason };
        fail(Arc::clone(&node), &error);
    }
    drop_quietly(|| node.drop_body(true));
    node.drop_value();
}

/// Drops something of the user's. A panic in its `Drop` harms nothing else.
pub(crate) fn drop_quietly(drop: impl FnOnce()) {
    let _ = quietly(drop);
}

/// Wakes all. One that panics harms nothing else.
pub(crate) fn wake_all(wakers: Vec<Waker>) {
    wakers.into_iter().for_each(|waker| _ = quietly(|| waker.wake()));
}

/// Runs something of the user's. A panic harms nothing else, and gives nothing: the panic hook has reported it.
pub(crate) fn quietly<T>(run: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(value) => Some(value),
        Err(payload) => {
            // A payload may panic in its own `Drop`.
            std::mem::forget(payload);
            None
        }
    }
}
