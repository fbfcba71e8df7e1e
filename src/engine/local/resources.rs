//! The table of abstract resources, beside the engine: only tasks that ask for some come here.
//!
//! A ready task takes its amounts before it is queued, and gives them back when its body has really ended, also when it
//! was cancelled long before.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use crate::Error;
use crate::engine::local::Engine;
use crate::engine::local::node::{Node, fail};
use crate::engine::local::parking::lock;

/// What an engine has, and who waits for it.
#[derive(Default)]
pub(crate) struct Resources {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    total: BTreeMap<String, f64>,
    available: BTreeMap<String, f64>,
    /// By priority, then by age.
    waiting: Vec<Arc<dyn Node>>,
}

/// Amounts are sums of decimal fractions, which floating point only approximates: `0.1 + 0.2` fits into `0.3`.
const TOLERANCE: f64 = 1e-9;

impl Resources {
    pub(crate) fn new(total: BTreeMap<String, f64>) -> Self {
        Self { table: Mutex::new(Table { available: total.clone(), total, waiting: Vec::new() }) }
    }

    /// How many tasks wait.
    pub(crate) fn waiting(&self) -> usize {
        lock(&self.table).waiting.iter().filter(|node| node.core().is_ready()).count()
    }

    /// What there is, and what of it is free.
    pub(crate) fn amounts(&self) -> Vec<(String, f64, f64)> {
        let table = lock(&self.table);
        let free = |name: &str| table.available.get(name).copied().unwrap_or_default();
        table.total.iter().map(|(name, total)| (name.clone(), *total, free(name))).collect()
    }

    /// Takes what `node` needs. False if it must wait; then it is told by whoever gives back.
    ///
    /// # Errors
    ///
    /// [`Error::NoResource`] if the engine never has as much.
    fn take(&self, node: &Arc<dyn Node>) -> Result<bool, Error> {
        let mut table = lock(&self.table);
        for (name, amount) in wanted(node) {
            let total = table.total.get(name).copied().unwrap_or_default();
            if *amount > total + TOLERANCE {
                let resource = name.as_str().into();
                return Err(Error::NoResource { key: node.about().key(), resource, wanted: *amount, total });
            }
        }
        if table.try_take(node) {
            return Ok(true);
        }
        let place = table.waiting.partition_point(|other| priority(other) >= priority(node));
        table.waiting.insert(place, Arc::clone(node));
        Ok(false)
    }

    /// Takes away all who wait.
    pub(crate) fn drain(&self) -> Vec<Arc<dyn Node>> {
        std::mem::take(&mut lock(&self.table).waiting)
    }

    /// Gives back what `node` holds, and hands out the tasks that can go on with it.
    fn give_back(&self, node: &Arc<dyn Node>) -> Vec<Arc<dyn Node>> {
        let mut table = lock(&self.table);
        for (name, amount) in wanted(node) {
            if let Some(available) = table.available.get_mut(name) {
                *available += amount;
            }
        }
        let waiting = std::mem::take(&mut table.waiting);
        let mut granted = Vec::new();
        for node in waiting {
            // One that nobody wants any more is dropped here.
            if node.core().is_ready() {
                if table.try_take(&node) {
                    granted.push(node);
                } else {
                    table.waiting.push(node);
                }
            }
        }
        granted
    }
}

impl Table {
    fn try_take(&mut self, node: &Arc<dyn Node>) -> bool {
        let fits = |(name, amount): &(String, f64)| {
            self.available.get(name).is_some_and(|available| *available + TOLERANCE >= *amount)
        };
        if !wanted(node).iter().all(fits) {
            return false;
        }
        for (name, amount) in wanted(node) {
            if let Some(available) = self.available.get_mut(name) {
                *available -= amount;
            }
        }
        if let Some(terms) = node.about().terms.as_deref() {
            terms.holds_resources.store(true, Ordering::Release);
        }
        true
    }
}

fn wanted(node: &Arc<dyn Node>) -> &[(String, f64)] {
    node.about().terms.as_deref().map_or(&[], |terms| &terms.options.resources)
}

fn priority(node: &Arc<dyn Node>) -> i32 {
    node.about().terms.as_deref().map_or(0, |terms| terms.options.priority)
}

impl Engine {
    /// Whether a ready task may be queued now. If not, it waits for resources, or has failed for want of them.
    pub(super) fn has_resources(&self, node: &Arc<dyn Node>) -> bool {
        if wanted(node).is_empty() {
            return true;
        }
        match self.resources.take(node) {
            Ok(granted) => granted,
            Err(error) => {
                fail(Arc::clone(node), &error);
                false
            }
        }
    }

    /// The body of a task has ended, or will never begin.
    pub(super) fn give_back_resources(&self, node: &Arc<dyn Node>) {
        let Some(terms) = node.about().terms.as_deref() else { return };
        if !terms.holds_resources.swap(false, Ordering::AcqRel) {
            return;
        }
        for node in self.resources.give_back(node) {
            self.queue(node);
        }
    }
}
