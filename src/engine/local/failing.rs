//! Tasks that end without a run of their own: they were cancelled, or an input failed.

use std::sync::Arc;

use crate::Error;
use crate::engine::local::core::Ended;
use crate::engine::local::node::Node;
use crate::engine::local::release::{bury, drop_quietly};
use crate::task::{Outcome, Watchers};

/// Ends a task that has not ended with `error`, wherever it is. Its call is dropped, or told to stop.
pub(crate) fn fail(node: Arc<dyn Node>, error: &Error) {
    if let Some((watchers, outcome)) = fail_silently(node, None, error) {
        watchers.notify(outcome);
    }
}

/// As [`fail`], but hands back those who must be told; if an attempt is given, only in this one.
pub(crate) fn fail_silently(node: Arc<dyn Node>, attempt: Option<usize>, error: &Error) -> Option<(Watchers, Outcome)> {
    let outcome = Err(error.clone());
    let ended = node.core().conclude(&outcome, attempt)?;
    node.about().trace().finished(|| node.key(), &outcome);
    let_go(&node, &ended, !error.is_failure());
    Some((settle(&node, ended), outcome))
}

/// Ends a task also if it has ended, and drops its value: nothing that came before counts any more.
pub(crate) fn restart(node: Arc<dyn Node>, error: &Error) {
    let ended = node.core().restart(error);
    let outcome = Err(error.clone());
    let_go(&node, &ended, true);
    node.drop_value();
    settle(&node, ended).notify(outcome);
}

/// Gives up what a task holds that has ended without a value. Its call is kept where the user may have it run again.
fn let_go(node: &Arc<dyn Node>, ended: &Ended, for_good: bool) {
    if node.core().attempt() != ended.attempt {
        // The user has it run again already: what it holds belongs to that.
        return;
    }
    if let Some(terms) = node.about().terms() {
        terms.stop();
        // A body that runs gives back what it holds when it ends.
        if ended.was_queued {
            node.about().engine().give_back_resources(node);
        }
    }
    drop_quietly(|| node.drop_body(for_good));
}

/// A body has ended, in whichever way: it holds nothing any more. Before anybody hears of the end, since whoever does may
/// have the task run again.
pub(crate) fn leave_body(node: &Arc<dyn Node>) {
    if node.about().terms().is_some() {
        node.about().engine().give_back_resources(node);
    }
    node.core().leave();
}

/// The error of a task whose input has none but `error`: the original one, not one of our own about a failed input. But
/// a cancelled input was not wanted by somebody; that says nothing about this task, except why it cannot run.
pub(crate) fn inherited(node: &dyn Node, error: &Error) -> Error {
    match error {
        Error::Cancelled { key, .. } if !node.about().client().lifecycle.is_closing() => {
            Error::Cancelled { key: node.key(), reason: format!("lost dependencies: `{key}`").into() }
        }
        Error::Cancelled { reason, .. } => Error::Cancelled { key: node.key(), reason: Arc::clone(reason) },
        error => error.clone(),
    }
}

/// Gives up the engine's own handle of a task that has ended, and hands back its watchers.
pub(crate) fn settle(node: &Arc<dyn Node>, ended: Ended) -> Watchers {
    if ended.detached && node.core().release() {
        bury(Arc::clone(node), None);
    }
    ended.watchers
}
