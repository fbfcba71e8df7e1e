//! The tasks that could run if there were a slot and enough resources for them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::engine::dask::wire::TaskKey;
use crate::engine::dask::worker::state::Amounts;
use crate::engine::dask::worker::state::rank::Rank;
use crate::engine::dask::worker::state::resources::Resources;

/// The tasks that are ready, in groups that ask for the same resources, of whichever amounts. There are as many groups as
/// there are ways to combine resources, and many tasks in each.
#[derive(Debug, Default)]
pub(super) struct Queue {
    groups: BTreeMap<Vec<Arc<str>>, Group>,
    len: usize,
}

type Group = BTreeMap<Rank, (TaskKey, Arc<Amounts>)>;

impl Queue {
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn insert(&mut self, rank: Rank, key: TaskKey, amounts: Arc<Amounts>) {
        let group = self.groups.entry(names(&amounts)).or_default();
        self.len += usize::from(group.insert(rank, (key, amounts)).is_none());
    }

    pub(super) fn remove(&mut self, rank: &Rank, amounts: &Amounts) {
        let names = names(amounts);
        if let Some(group) = self.groups.get_mut(&names) {
            self.len -= usize::from(group.remove(rank).is_some());
            if group.is_empty() {
                self.groups.remove(&names);
            }
        }
    }

    /// The first task for which there is enough. One that waits for a resource is overtaken only by those that do not ask
    /// for that one: else a stream of small tasks would keep a large one away for ever.
    pub(super) fn first(&self, resources: &Resources) -> Option<TaskKey> {
        let mut heads: Vec<_> =
            self.groups.iter().filter_map(|(names, group)| Some((group.first_key_value()?, names))).collect();
        heads.sort_by_key(|((rank, _), _)| *rank);
        let mut waited_for = BTreeSet::new();
        for ((_, (key, amounts)), names) in heads {
            if resources.has(amounts) && names.iter().all(|name| !waited_for.contains(name)) {
                return Some(key.clone());
            }
            waited_for.extend(names);
        }
        None
    }

    #[cfg(test)]
    pub(super) fn contains(&self, rank: &Rank, key: &TaskKey, amounts: &Amounts) -> bool {
        self.groups.get(&names(amounts)).and_then(|group| group.get(rank)).is_some_and(|(queued, _)| queued == key)
    }
}

/// What is really used: a requirement of 0 is about the kind of worker.
fn names(amounts: &Amounts) -> Vec<Arc<str>> {
    amounts.iter().filter(|(_, amount)| **amount > 0.0).map(|(name, _)| Arc::clone(name)).collect()
}
