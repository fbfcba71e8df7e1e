//! What holds between events. Ours to keep, whatever the peers do.

use std::collections::BTreeSet;

use crate::engine::dask::wire::TaskKey;
use crate::engine::dask::worker::state::config::TRANSFERS_MAX;
use crate::engine::dask::worker::state::task::{Progress, State};
use crate::engine::dask::worker::state::{Amounts, Data, WorkerState};

impl<V: Clone> WorkerState<V> {
    /// # Panics
    ///
    /// If something does not hold. Looks at everything, so it is for tests.
    pub(crate) fn validate(&self) {
        for (key, task) in &self.table.tasks {
            self.validate_state(key, &task.state);
            for waiter in &task.waiters {
                let inputs = self.inputs_of(waiter).unwrap_or_else(|| panic!("{waiter} waits for {key} in vain"));
                assert!(inputs.contains(key), "{waiter} takes no {key}");
            }
        }
        self.validate_indices();
        self.validate_bodies();
        self.validate_transfers();
    }

    fn validate_state(&self, key: &TaskKey, state: &State<V>) {
        match state {
            State::Released => panic!("{key} should be forgotten"),
            State::Waiting { assigned, missing, resumes } => {
                let not_here = assigned.inputs.iter().filter(|input| self.data(input).is_none()).count();
                assert_eq!(*missing, not_here, "missing of {key}");
                assert!(*missing > 0 || resumes.is_some(), "{key} should be ready");
                if let Some(body) = resumes {
                    assert!(self.bodies[body].is_abandoned && self.bodies[body].key == *key, "{key} resumes another");
                    assert!(!self.to_cancel.contains(body), "{key} could just go on");
                }
            }
            State::Ready { assigned } => {
                assert!(assigned.inputs.iter().all(|input| self.data(input).is_some()), "{key} lacks inputs");
                assert!(self.table.queue.contains(&assigned.rank, key, &assigned.amounts), "{key} is not queued");
            }
            State::Executing { body, .. } => {
                assert!(!self.bodies[body].is_abandoned && self.bodies[body].key == *key, "{key} runs another");
            }
            State::Declining { is_asked, .. } => assert_eq!(self.table.to_decline.contains(key), !is_asked),
            State::Wanted(wanted) => {
                assert!(wanted.is_replica || self.table.has_waiters(key), "nobody needs {key}");
                assert!(!wanted.holders.contains(&self.config.address), "{key} is to come from here");
                match wanted.progress {
                    Progress::Fetch => {
                        assert!(!wanted.holders.is_empty(), "nobody has {key}");
                        let is_needed = |holder| self.table.peers.is_needed(holder, &wanted.rank, key);
                        assert!(wanted.holders.iter().all(is_needed), "{key} is not asked for");
                    }
                    Progress::Flight(transfer) => {
                        assert!(self.transfers[&transfer].keys.contains(key), "{key} does not come");
                    }
                    Progress::Missing => assert!(wanted.holders.is_empty(), "somebody has {key}"),
                }
            }
            State::Memory { .. } | State::Erred => {}
        }
        if let Some(inputs) = self.inputs_of(key) {
            for input in inputs {
                assert!(self.table.tasks[input].waiters.contains(key), "{input} does not know of {key}");
            }
        }
    }

    fn validate_indices(&self) {
        let count =
            |is_it: fn(&State<V>) -> usize| -> usize { self.table.tasks.values().map(|task| is_it(&task.state)).sum() };
        let ready = count(|state| usize::from(matches!(state, State::Ready { .. })));
        assert_eq!(self.table.queue.len(), ready);
        let undeclined = count(|state| usize::from(matches!(state, State::Declining { is_asked: false, .. })));
        assert_eq!(self.table.to_decline.len(), undeclined);
        let fetched = count(|state| match state {
            State::Wanted(wanted) if wanted.progress == Progress::Fetch => wanted.holders.len(),
            _ => 0,
        });
        assert_eq!(self.table.peers.needed_count(), fetched);
        let missing = count(|state| match state {
            State::Wanted(wanted) => usize::from(wanted.progress == Progress::Missing),
            _ => 0,
        });
        assert_eq!(self.table.missing.len(), missing);
        assert!(self.table.newly_missing.is_subset(&self.table.missing));
        let nbytes = self.table.tasks.keys().filter_map(|key| self.data(key)).map(|data: &Data<V>| data.nbytes);
        assert_eq!(self.table.nbytes, nbytes.fold(0, u64::saturating_add));
    }

    fn validate_bodies(&self) {
        assert!(self.slots_used() <= self.config.nthreads.max(1), "more bodies than threads");
        let mut used = Amounts::new();
        for (id, body) in &self.bodies {
            let is_awaited =
                matches!(self.table.state(&body.key), State::Executing { body: current, .. } if current == id);
            assert_eq!(is_awaited, !body.is_abandoned, "body of {}", body.key);
            body.amounts.iter().for_each(|(name, amount)| *used.entry(name.clone()).or_default() += amount);
        }
        assert!(self.to_cancel.iter().all(|id| self.bodies[id].is_abandoned));
        for (name, available) in self.resources.available() {
            let total = self.config.resources[&name];
            let used = used.get(&name).copied().unwrap_or_default();
            assert!(available > -1e-6 && (available + used - total).abs() < 1e-6, "{name}: {available} of {total}");
        }
    }

    fn validate_transfers(&self) {
        assert!(self.transfers.len() <= TRANSFERS_MAX);
        let peers: BTreeSet<_> = self.transfers.values().map(|transfer| &transfer.peer).collect();
        assert_eq!(peers.len(), self.transfers.len(), "a peer is asked twice at once");
        let nbytes = self.transfers.values().map(|transfer| transfer.nbytes);
        assert_eq!(self.incoming_bytes, nbytes.fold(0, u64::saturating_add));
    }

    /// The inputs of a task that has not begun.
    fn inputs_of(&self, key: &TaskKey) -> Option<&BTreeSet<TaskKey>> {
        match self.table.state(key) {
            State::Waiting { assigned, .. } | State::Ready { assigned } => Some(&assigned.inputs),
            _ => None,
        }
    }
}
