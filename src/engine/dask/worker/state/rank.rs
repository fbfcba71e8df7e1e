//! The order of tasks.

use std::cmp::Ordering;
use std::sync::Arc;

/// The scheduler's priority of a task: the lowest comes first, compared number by number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Priority(Arc<[Number]>);

#[derive(Clone, Copy, Debug)]
struct Number(f64);

/// Where a task stands among others: by priority, and those of one priority as they came.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    pub(super) priority: Priority,
    pub(super) arrival: u64,
}

impl Priority {
    /// Of copies that nobody waits for. After the inputs of tasks of plain or high priority, whose first number is 0 or
    /// less; before those of tasks that a user put back.
    pub(crate) fn of_replicas() -> Self {
        [1.0].into_iter().collect()
    }
}

impl FromIterator<f64> for Priority {
    fn from_iter<I: IntoIterator<Item = f64>>(numbers: I) -> Self {
        Self(numbers.into_iter().map(Number).collect())
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}
