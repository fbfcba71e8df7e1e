//! The queues of tasks that come before or after those of all others: by their priority, or because a task submitted them.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::engine::local::job::Job;
use crate::engine::local::node::Node;
use crate::engine::local::parking::lock;

/// Priority, and number of the task among those with options.
pub(crate) type Place = (Reverse<i32>, u64);

/// The place of a task that has options.
pub(crate) fn place(node: &Arc<dyn Node>) -> Place {
    node.about().terms().map_or((Reverse(0), 0), |terms| (Reverse(terms.options.priority), terms.number))
}

/// Tasks with a priority, highest first, and oldest first among equals.
///
/// Those above 0 come before all plain tasks, those below after them.
#[derive(Default)]
pub(crate) struct Prioritized {
    tasks: Mutex<BTreeMap<Place, Arc<dyn Node>>>,
    /// How many there are, and how many above 0: readable without the lock, so that plain tasks pay one load.
    count: AtomicUsize,
    urgent: AtomicUsize,
}

impl Prioritized {
    pub(crate) fn push(&self, node: Arc<dyn Node>) {
        let place = place(&node);
        let Reverse(priority) = place.0;
        let mut tasks = lock(&self.tasks);
        let before = tasks.insert(place, node);
        self.count.store(tasks.len(), Ordering::SeqCst);
        if priority > 0 && before.is_none() {
            self.urgent.fetch_add(1, Ordering::SeqCst);
        }
        drop(tasks);
        // It may be there already, from an attempt before.
        drop(before);
    }

    /// The first of those that come before all plain tasks.
    pub(crate) fn pop_urgent(&self) -> Option<Arc<dyn Node>> {
        if self.is_urgent() { self.pop_if(|priority| priority > 0) } else { None }
    }

    /// Whether there are any that come before all plain tasks.
    pub(crate) fn is_urgent(&self) -> bool {
        self.urgent.load(Ordering::SeqCst) > 0
    }

    /// The first of all.
    pub(crate) fn pop(&self) -> Option<Arc<dyn Node>> {
        if self.is_empty() { None } else { self.pop_if(|_| true) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::SeqCst) == 0
    }

    fn pop_if(&self, wanted: impl FnOnce(i32) -> bool) -> Option<Arc<dyn Node>> {
        let mut tasks = lock(&self.tasks);
        let first = tasks.first_entry()?;
        let Reverse(priority) = first.key().0;
        if !wanted(priority) {
            return None;
        }
        let node = first.remove();
        self.count.store(tasks.len(), Ordering::SeqCst);
        if priority > 0 {
            self.urgent.fetch_sub(1, Ordering::SeqCst);
        }
        Some(node)
    }
}

/// Tasks that were submitted by tasks without a seat, newest first.
#[derive(Default)]
pub(crate) struct Nested {
    tasks: Mutex<Vec<Job>>,
    /// How many there are: readable without the lock.
    count: AtomicUsize,
}

impl Nested {
    pub(crate) fn push(&self, job: Job) {
        let mut tasks = lock(&self.tasks);
        tasks.push(job);
        self.count.store(tasks.len(), Ordering::SeqCst);
    }

    pub(crate) fn pop(&self) -> Option<Job> {
        if self.is_empty() {
            return None;
        }
        let mut tasks = lock(&self.tasks);
        let job = tasks.pop();
        self.count.store(tasks.len(), Ordering::SeqCst);
        job
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::SeqCst) == 0
    }
}
