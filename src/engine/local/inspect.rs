//! The whole view: what there is, and what each task does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::engine::local::Engine;
use crate::engine::local::about::About;
use crate::engine::local::node::Node;
use crate::engine::local::terms::Terms;
use crate::task::{Key, TaskInfo, TaskState};

/// How many tasks of an engine do what.
#[derive(Default)]
pub(crate) struct Occupancy {
    pub(crate) clients: usize,
    pub(crate) tasks: usize,
    pub(crate) running: usize,
    pub(crate) asynchronous: usize,
    pub(crate) waiting: usize,
    pub(crate) queued: usize,
    pub(crate) constrained: usize,
    pub(crate) unrunnable: Vec<Key>,
    pub(crate) erred: usize,
    pub(crate) priorities: BTreeMap<i32, usize>,
    pub(crate) memory: BTreeMap<Key, u64>,
}

impl Engine {
    /// What its tasks do now. Looks at every task.
    pub(crate) fn occupancy(&self) -> Occupancy {
        let mut occupancy = Occupancy {
            clients: self.clients().iter().filter(|client| !client.lifecycle.is_closing()).count(),
            asynchronous: self.asynchronous.count(),
            ..Occupancy::default()
        };
        // Bulks first: an item that is singled out meanwhile counts twice rather than not at all.
        for bulk in self.bulks.all() {
            bulk.look(&mut |seen| {
                occupancy.tasks += 1;
                match seen.state {
                    TaskState::Running => occupancy.running += 1,
                    TaskState::Memory => {
                        _ = occupancy.memory.insert(bulk.key(seen.index), seen.nbytes.unwrap_or_default());
                    }
                    _ => {
                        occupancy.queued += 1;
                        *occupancy.priorities.entry(0).or_default() += 1;
                    }
                }
            });
        }
        for node in self.tasks.nodes() {
            let state = node.task_state();
            occupancy.running += usize::from(!node.is_asynchronous() && node.core().has_body());
            occupancy.tasks += usize::from(state != TaskState::Cancelled);
            match state {
                TaskState::Waiting => occupancy.waiting += 1,
                TaskState::Constrained => {
                    occupancy.constrained += 1;
                    if self.resources.is_unrunnable(&node) {
                        occupancy.unrunnable.push(node.key());
                    }
                }
                TaskState::Ready => {
                    occupancy.queued += 1;
                    *occupancy.priorities.entry(node.about().priority()).or_default() += 1;
                }
                TaskState::Erred => occupancy.erred += 1,
                TaskState::Memory => _ = occupancy.memory.insert(node.key(), node.nbytes().unwrap_or_default()),
                TaskState::Running | TaskState::Cancelled | TaskState::Released => {}
            }
        }
        occupancy
    }

    /// Each resource with its total and its available amount.
    pub(crate) fn resources(&self) -> Vec<(String, f64, f64)> {
        self.resources.amounts()
    }

    /// Every task with all that is known of it; those of each thread in the order in which it submitted them.
    pub(crate) fn dump(&self) -> Vec<TaskInfo> {
        let mut tasks = Vec::new();
        for bulk in self.bulks.all() {
            bulk.look(&mut |seen| {
                let looked = TaskInfo { nbytes: seen.nbytes, ..self.look_at(&(seen.task)()) };
                tasks.push((bulk.id(seen.index), looked));
            });
        }
        tasks.extend(self.tasks.nodes().iter().map(|node| (node.id(), self.look_at(node))));
        // One that was singled out meanwhile is there twice: the later look counts.
        tasks.reverse();
        tasks.sort_by_key(|(id, _)| *id);
        tasks.dedup_by_key(|(id, _)| *id);
        tasks.into_iter().map(|(_, task)| task).collect()
    }

    fn look_at(&self, node: &Arc<dyn Node>) -> TaskInfo {
        let about = node.about();
        let terms = about.terms();
        let missing = node.inputs().into_iter().chain(self.waits.of(node.id()));
        let waiting_on = missing.filter(|entry| entry.outcome().is_none()).map(|entry| entry.key()).collect();
        TaskInfo {
            key: node.key(),
            function: node.name(),
            location: node.place(),
            state: node.task_state(),
            is_asynchronous: node.is_asynchronous(),
            is_detached: node.core().is_detached(),
            priority: about.priority(),
            retries: terms.map_or(0, |terms| terms.options.retry.retries),
            runs: terms.map(Terms::runs_of_attempt),
            resources: terms.map_or_else(BTreeMap::new, |terms| terms.options.resources.iter().cloned().collect()),
            waiting_on,
            nbytes: node.nbytes(),
            error: node.core().outcome().and_then(Result::err).map(|error| error.chain()),
            story: node.story(),
        }
    }
}

impl dyn Node + '_ {
    /// What the task does.
    pub(crate) fn task_state(&self) -> TaskState {
        match self.core().task_state() {
            TaskState::Ready if self.about().is_constrained() => TaskState::Constrained,
            state => state,
        }
    }

    /// Where it was submitted, for a person.
    pub(crate) fn place(&self) -> String {
        self.location().map_or_else(String::new, ToString::to_string)
    }
}

impl About {
    pub(crate) fn priority(&self) -> i32 {
        self.terms().map_or(0, |terms| terms.options.priority)
    }

    /// Whether it asks for resources and has none.
    fn is_constrained(&self) -> bool {
        self.terms()
            .is_some_and(|terms| !terms.options.resources.is_empty() && !terms.holds_resources.load(Ordering::Acquire))
    }
}
