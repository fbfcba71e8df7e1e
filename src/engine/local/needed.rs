//! What goes on when a client closes that is not alone on its engine.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::engine::local::Engine;
use crate::engine::local::node::Node;
use crate::task::Entry;

/// Tasks, and views of them, that go on, with what they need: their inputs, what they wait for inside, and what they have
/// submitted, which they may be about to wait for.
pub(crate) struct Needed<'a> {
    engine: &'a Engine,
    /// What the client's tasks have submitted, by the number of the task.
    submitted: HashMap<u64, Vec<Arc<dyn Entry>>>,
    addresses: HashSet<usize>,
}

impl<'a> Needed<'a> {
    /// Nothing yet, of the tasks `own` of a client and its `views` of keyed ones.
    pub(crate) fn new<'b>(
        engine: &'a Engine,
        own: impl Iterator<Item = &'b Arc<dyn Node>>,
        views: &[Arc<dyn Entry>],
    ) -> Self {
        let (mut submitted, mut parents) = (HashMap::<_, Vec<Arc<dyn Entry>>>::new(), HashMap::new());
        for node in own {
            if let Some(parent) = node.about().lease().parent() {
                parents.insert(node.id(), parent);
                submitted.entry(parent).or_default().push(Arc::clone(node) as Arc<dyn Entry>);
            }
        }
        for view in views {
            if let Some(parent) = parents.get(&view.id()) {
                submitted.entry(*parent).or_default().push(Arc::clone(view));
            }
        }
        Self { engine, submitted, addresses: HashSet::new() }
    }

    pub(crate) fn add(&mut self, entry: Arc<dyn Entry>) {
        let mut next = vec![entry];
        while let Some(entry) = next.pop() {
            if entry.outcome().is_none() && self.addresses.insert(Arc::as_ptr(&entry).addr()) {
                next.extend(entry.inputs());
                next.extend(self.engine.waits.of(entry.id()));
                next.extend(self.submitted.get(&entry.id()).into_iter().flatten().map(Arc::clone));
            }
        }
    }

    pub(crate) fn has(&self, entry: *const ()) -> bool {
        self.addresses.contains(&entry.addr())
    }
}
