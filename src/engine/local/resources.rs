//! The table of abstract resources, beside the engine: only tasks that ask for some come here.
//!
//! A ready task takes its amounts before it is queued, and gives them back when its body has really ended, also when it
//! was cancelled long before.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::Error;
use crate::engine::local::Engine;
use crate::engine::local::node::Node;
use crate::engine::local::parking::lock;
use crate::engine::local::prioritized::{Place, place};
use crate::engine::local::terms::start_unrunnable_timer;
use crate::task::Entry;

/// What an engine has, and who waits for it.
pub(crate) struct Resources {
    table: Mutex<Table>,
    /// How long those wait who want more than there is in all.
    unrunnable_timeout: Duration,
}

#[derive(Default)]
struct Table {
    has: BTreeMap<String, Amount>,
    /// Those who wait. There are as many groups as there are ways to combine resources, and many tasks in each.
    waiting: Vec<Group>,
    /// Those who want more than there is in all.
    unrunnable: BTreeMap<Place, Arc<dyn Node>>,
}

/// What there is of one resource.
struct Amount {
    total: f64,
    available: f64,
    /// How many tasks hold some.
    holders: usize,
}

/// What came of an attempt to take resources.
enum Taken {
    Granted,
    Waits,
    /// There never is as much, unless somebody adds to it.
    Unrunnable(Error),
}

/// The tasks that wait for the same resources, of whichever amounts.
struct Group {
    names: Vec<String>,
    tasks: BTreeMap<Place, Arc<dyn Node>>,
}

/// Amounts are sums of decimal fractions, which floating point only approximates: `0.1 + 0.2` fits into `0.3`.
const TOLERANCE: f64 = 1e-9;

impl Resources {
    pub(crate) fn new(total: BTreeMap<String, f64>, unrunnable_timeout: Duration) -> Self {
        let resources = Self { table: Mutex::default(), unrunnable_timeout };
        lock(&resources.table).add(total);
        resources
    }

    /// Whether `node` wants more than there is in all.
    pub(crate) fn is_unrunnable(&self, node: &Arc<dyn Node>) -> bool {
        lock(&self.table).unrunnable.contains_key(&place(node))
    }

    /// Takes a task away that wants more than there is in all. False if it wants so no more.
    pub(crate) fn forget_unrunnable(&self, node: &Arc<dyn Node>) -> bool {
        let forgotten = lock(&self.table).unrunnable.remove(&place(node));
        forgotten.is_some()
    }

    /// What there is, and what of it is free.
    pub(crate) fn amounts(&self) -> Vec<(String, f64, f64)> {
        let table = lock(&self.table);
        table.has.iter().map(|(name, amount)| (name.clone(), amount.total, amount.available.max(0.0))).collect()
    }

    /// Takes what `node` needs, if it is there. Whoever must wait is told by who gives back, or by who adds.
    fn take(&self, node: &Arc<dyn Node>) -> Taken {
        let mut dead = Vec::new();
        let mut table = lock(&self.table);
        if let Some(error) = table.lack_of(node) {
            table.unrunnable.insert(place(node), Arc::clone(node));
            return Taken::Unrunnable(error);
        }
        // One that wants much would wait for ever if those that want little went past it.
        let place = place(node);
        let mut is_before = |group: &mut Group| group.first(&mut dead).is_some_and(|first| first < place);
        if !table.waiting.iter_mut().any(|group| group.shares(node.resources()) && is_before(group))
            && table.try_take(node)
        {
            return Taken::Granted;
        }
        node.core().constrain();
        table.wait(node);
        Taken::Waits
    }

    /// Whether `waiting` cannot begin before `holder` has given back what it holds, since the rest is too little.
    pub(crate) fn must_wait_for(&self, waiting: &dyn Entry, holder: &dyn Entry) -> bool {
        if waiting.holds_resources() || !holder.holds_resources() {
            return false;
        }
        let table = lock(&self.table);
        waiting.resources().iter().any(|(name, amount)| {
            let total = table.has.get(name).map_or(0.0, |amount| amount.total);
            let held: f64 = holder.resources().iter().filter(|(other, _)| other == name).map(|(_, held)| held).sum();
            // Who wants more than there is in all fails for that.
            *amount <= total + TOLERANCE && *amount > total - held + TOLERANCE
        })
    }

    /// Adds to what there is, and hands out the tasks that can go on now.
    fn add(&self, amounts: BTreeMap<String, f64>) -> Vec<Arc<dyn Node>> {
        let mut dead = Vec::new();
        let mut table = lock(&self.table);
        table.add(amounts);
        table.grant(&mut dead)
    }

    /// Hands out those who want more than there was in all, to be tried again.
    fn take_unrunnable(&self) -> Vec<Arc<dyn Node>> {
        std::mem::take(&mut lock(&self.table).unrunnable).into_values().collect()
    }

    /// Takes away all who wait.
    pub(crate) fn drain(&self) -> Vec<Arc<dyn Node>> {
        let mut table = lock(&self.table);
        let waiting = std::mem::take(&mut table.waiting).into_iter().flat_map(|group| group.tasks.into_values());
        let unrunnable = std::mem::take(&mut table.unrunnable).into_values();
        waiting.chain(unrunnable).collect()
    }

    /// Gives back what `node` holds, if it does, and hands out the tasks that can go on now.
    fn give_back(&self, node: &Arc<dyn Node>, holds: bool) -> Vec<Arc<dyn Node>> {
        let mut dead = Vec::new();
        let mut table = lock(&self.table);
        if holds {
            table.put(node);
        }
        table.grant(&mut dead)
    }
}

impl Table {
    fn add(&mut self, amounts: BTreeMap<String, f64>) {
        for (name, amount) in amounts {
            let has = self.has.entry(name).or_insert(Amount { total: 0.0, available: 0.0, holders: 0 });
            has.total += amount;
            has.available += amount;
        }
    }

    /// What `node` wants more of than there is in all.
    fn lack_of(&self, node: &Arc<dyn Node>) -> Option<Error> {
        let total = |name: &String| self.has.get(name).map(|amount| amount.total);
        let lacks = |(name, amount): &&(String, f64)| total(name).is_none_or(|total| *amount > total + TOLERANCE);
        let (name, amount) = node.resources().iter().find(lacks)?;
        let (resource, total) = (name.as_str().into(), total(name).unwrap_or_default());
        Some(Error::NoResource { key: node.key(), resource, wanted: *amount, total })
    }

    fn try_take(&mut self, node: &Arc<dyn Node>) -> bool {
        let fits =
            |(name, amount): &(String, f64)| self.has.get(name).is_some_and(|has| has.available + TOLERANCE >= *amount);
        if !node.resources().iter().all(fits) {
            return false;
        }
        for (name, amount) in node.resources() {
            if let Some(has) = self.has.get_mut(name) {
                has.available -= amount;
                has.holders += 1;
            }
        }
        if let Some(terms) = node.about().terms() {
            terms.holds_resources.store(true, Ordering::Release);
        }
        true
    }

    fn put(&mut self, node: &Arc<dyn Node>) {
        for (name, amount) in node.resources() {
            if let Some(has) = self.has.get_mut(name) {
                has.holders -= 1;
                // Rounding errors end with the last holder.
                has.available = if has.holders == 0 { has.total } else { has.available + amount };
            }
        }
    }

    fn wait(&mut self, node: &Arc<dyn Node>) {
        let index = self.waiting.iter().position(|group| group.is_of(node.resources())).unwrap_or_else(|| {
            let names = node.resources().iter().map(|(name, _)| name.clone()).collect();
            self.waiting.push(Group { names, tasks: BTreeMap::new() });
            self.waiting.len() - 1
        });
        self.waiting[index].tasks.insert(place(node), Arc::clone(node));
    }

    /// Takes for those who wait, in their order, as long as there is enough for the next of those who wait for the same.
    /// Those who are no longer wanted go to `dead`.
    fn grant(&mut self, dead: &mut Vec<Arc<dyn Node>>) -> Vec<Arc<dyn Node>> {
        let mut granted = Vec::new();
        let mut groups = std::mem::take(&mut self.waiting);
        // Groups whose first must wait, and those that share a resource with them.
        let mut blocked = Vec::new();
        loop {
            let open = groups.iter_mut().enumerate().filter(|(index, _)| !blocked.contains(index));
            let first = open.filter_map(|(index, group)| Some((group.first(dead)?, index))).min();
            let Some((place, index)) = first else { break };
            let is_behind = blocked.iter().any(|other: &usize| groups[*other].has_one_of(&groups[index].names));
            if is_behind || !self.try_take(&groups[index].tasks[&place]) {
                blocked.push(index);
            } else {
                let node = groups[index].tasks.remove(&place);
                node.iter().for_each(|node| node.core().grant());
                granted.extend(node);
            }
        }
        groups.retain(|group| !group.tasks.is_empty());
        self.waiting = groups;
        granted
    }
}

impl Group {
    /// The place of the first that is still wanted. Those before it go to `dead`: whoever drops the last reference on a
    /// task runs the user's code, which must not happen under the lock.
    fn first(&mut self, dead: &mut Vec<Arc<dyn Node>>) -> Option<Place> {
        while let Some(first) = self.tasks.first_entry() {
            if first.get().core().is_ready() {
                return Some(*first.key());
            }
            dead.push(first.remove());
        }
        None
    }

    fn is_of(&self, wanted: &[(String, f64)]) -> bool {
        self.names.iter().eq(wanted.iter().map(|(name, _)| name))
    }

    fn shares(&self, wanted: &[(String, f64)]) -> bool {
        wanted.iter().any(|(name, _)| self.names.contains(name))
    }

    fn has_one_of(&self, names: &[String]) -> bool {
        names.iter().any(|name| self.names.contains(name))
    }
}

impl Engine {
    /// Whether a ready task may be queued now. If not, it waits for resources, or has failed for want of them.
    pub(super) fn has_resources(&self, node: &Arc<dyn Node>) -> bool {
        if node.resources().is_empty() {
            return true;
        }
        match self.resources.take(node) {
            Taken::Granted => true,
            Taken::Waits => false,
            Taken::Unrunnable(error) => {
                node.core().constrain();
                tracing::warn!(target: "anydask", key = %node.key(), %error, "a task cannot run");
                start_unrunnable_timer(node, self.resources.unrunnable_timeout, error);
                false
            }
        }
    }

    /// Adds to what the engine has of resources.
    pub(crate) fn add_resources(&self, amounts: BTreeMap<String, f64>) {
        self.resources.add(amounts).into_iter().for_each(|node| self.queue(node));
        for node in self.resources.take_unrunnable().into_iter().filter(|node| node.core().is_ready()) {
            if let Some(terms) = node.about().terms() {
                terms.stop_unrunnable_timer();
            }
            self.schedule(node);
        }
    }

    /// A task was found in a queue that nobody wants, or that runs elsewhere already.
    pub(super) fn pass_over(&self, node: &Arc<dyn Node>) {
        // One that was cancelled on its way into the queue took its resources after all.
        if node.core().is_done() {
            self.give_back_resources(node);
        }
    }

    /// The body of a task has ended, or will never begin: others may go on with what it held, or waited for.
    pub(super) fn give_back_resources(&self, node: &Arc<dyn Node>) {
        if node.resources().is_empty() {
            return;
        }
        let Some(terms) = node.about().terms() else { return };
        let holds = terms.holds_resources.swap(false, Ordering::AcqRel);
        self.resources.forget_unrunnable(node);
        for node in self.resources.give_back(node, holds) {
            self.queue(node);
        }
    }
}
