//! Futures in runs: the items of a map that are given in their order are looked at together.

use std::ops::Range;
use std::ptr::addr_eq;
use std::sync::Arc;

use crate::client::shape::Leaves;
use crate::task::{EntryRef, Items};

/// A future, or items that follow each other.
pub(crate) enum Run<'a> {
    One(EntryRef<'a>),
    Items(&'a dyn Items, Range<u32>),
}

impl Run<'_> {
    pub(crate) fn first(&self) -> EntryRef<'_> {
        match self {
            Self::One(entry) => *entry,
            Self::Items(items, run) => EntryRef::Item(*items, run.start),
        }
    }
}

/// Visits every future, in order.
pub(crate) fn visit_runs(leaves: &impl Leaves, visit: &mut dyn FnMut(Run<'_>)) {
    let mut run: Option<(Arc<dyn Items>, Range<u32>)> = None;
    leaves.visit(&mut |leaf| {
        let entry = leaf.entry();
        if let (EntryRef::Item(items, index), Some((same, range))) = (entry, &mut run)
            && index == range.end
            && addr_eq(items, Arc::as_ptr(same))
        {
            range.end += 1;
            return;
        }
        if let Some((items, range)) = run.take() {
            visit(Run::Items(&*items, range));
        }
        match (entry, leaf.shared_items()) {
            (EntryRef::Item(_, index), Some(items)) => run = Some((items, index..index + 1)),
            _ => visit(Run::One(entry)),
        }
    });
    if let Some((items, range)) = run {
        visit(Run::Items(&*items, range));
    }
}
