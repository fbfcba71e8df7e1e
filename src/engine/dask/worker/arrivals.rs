//! When data of other workers came, which the scheduler's task stream shows beside the task that was waiting for it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::engine::dask::wire::TaskKey;

/// One transfer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Arrival {
    pub(crate) peer: Arc<str>,
    /// Unix time, in seconds.
    pub(crate) start: f64,
    pub(crate) stop: f64,
}

/// Those that no task has told of.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    of_data: BTreeMap<TaskKey, Arrival>,
    order: VecDeque<TaskKey>,
    of_tasks: BTreeMap<TaskKey, Vec<Arrival>>,
}

/// Most that are kept. Replicas come without a task that tells of them, and tasks are cancelled. Only a picture lacks the rest.
const KEPT_MAX: usize = 1000;

impl Arrivals {
    /// Data has come.
    pub(super) fn come<'a>(&mut self, keys: impl Iterator<Item = &'a TaskKey>, arrival: &Arrival) {
        for key in keys {
            self.order.push_back(key.clone());
            self.of_data.insert(key.clone(), arrival.clone());
        }
        while self.order.len() > KEPT_MAX {
            if let Some(key) = self.order.pop_front() {
                self.of_data.remove(&key);
            }
        }
    }

    /// A task takes its inputs. The first one tells of how they came.
    pub(super) fn take_inputs(&mut self, task: &TaskKey, inputs: &[TaskKey]) {
        if self.of_data.is_empty() {
            return;
        }
        let mut arrivals: Vec<_> = inputs.iter().filter_map(|input| self.of_data.remove(input)).collect();
        // What came together is one transfer.
        arrivals.dedup();
        if !arrivals.is_empty() {
            if self.of_tasks.len() >= KEPT_MAX {
                self.of_tasks.pop_first();
            }
            self.of_tasks.insert(task.clone(), arrivals);
        }
    }

    /// What a task that has ended tells of.
    pub(super) fn take(&mut self, task: &TaskKey) -> Vec<Arrival> {
        self.of_tasks.remove(task).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_task_that_takes_data_tells_how_it_came() {
        let mut arrivals = Arrivals::default();
        let keys: [TaskKey; 3] = ["a".into(), "b".into(), "c".into()];
        let arrival = Arrival { peer: "tcp://peer:1".into(), start: 1.0, stop: 2.0 };
        arrivals.come(keys[..2].iter(), &arrival);
        arrivals.take_inputs(&"first".into(), &keys);
        arrivals.take_inputs(&"second".into(), &keys);
        assert_eq!(arrivals.take(&"first".into()), std::slice::from_ref(&arrival));
        assert!(arrivals.take(&"first".into()).is_empty() && arrivals.take(&"second".into()).is_empty());
        let many: Vec<TaskKey> = (0..2 * KEPT_MAX).map(|index| index.to_string().as_str().into()).collect();
        arrivals.come(many.iter(), &arrival);
        assert_eq!((arrivals.of_data.len(), arrivals.order.len()), (KEPT_MAX, KEPT_MAX));
    }
}
