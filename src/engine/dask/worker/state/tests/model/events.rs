//! What may happen to the worker.

use proptest::prelude::*;
use proptest::sample::Index;

use super::{KEYS, Model, PEERS};
use crate::engine::dask::wire::TaskKey;
use crate::engine::dask::worker::state::tests::bench::{TaskBuilder, task};
use crate::engine::dask::worker::state::{Address, Declined, Event, FromScheduler, Status};

#[derive(Clone, Debug)]
pub(super) enum Step {
    Compute {
        key: usize,
        inputs: Vec<usize>,
        holders: Vec<usize>,
        kind: usize,
        priority: u8,
    },
    Free(Vec<usize>),
    FreeAndCompute {
        key: usize,
        inputs: Vec<usize>,
        holders: Vec<usize>,
        kind: usize,
    },
    RemoveReplicas(usize),
    Acquire {
        key: usize,
        holders: Vec<usize>,
    },
    Steal(usize),
    Refresh {
        holders: Vec<usize>,
    },
    RemoveWorker(usize),
    Put(usize),
    EndBody {
        which: Index,
        kind: usize,
    },
    Secede {
        which: Index,
    },
    EndTransfer {
        which: Index,
        kind: usize,
    },
    Declined(bool),
    Pause(bool),
    Status(bool),
    Pass {
        millis: u64,
    },
    /// The actions are carried out. Until then it is one batch.
    Drain,
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let key = || 0..KEYS.len();
    let keys = || prop::collection::vec(key(), 0..3);
    let holders = || prop::collection::vec(0..PEERS.len(), 0..3);
    prop_oneof![
        6 => (key(), keys(), holders(), 0..6_usize, 0..3_u8)
            .prop_map(|(key, inputs, holders, kind, priority)| Step::Compute { key, inputs, holders, kind, priority }),
        3 => keys().prop_map(Step::Free),
        2 => (key(), keys(), holders(), 0..6_usize)
            .prop_map(|(key, inputs, holders, kind)| Step::FreeAndCompute { key, inputs, holders, kind }),
        1 => key().prop_map(Step::RemoveReplicas),
        1 => (key(), holders()).prop_map(|(key, holders)| Step::Acquire { key, holders }),
        2 => key().prop_map(Step::Steal),
        2 => holders().prop_map(|holders| Step::Refresh { holders }),
        1 => (0..PEERS.len()).prop_map(Step::RemoveWorker),
        1 => key().prop_map(Step::Put),
        5 => (any::<Index>(), 0..3_usize).prop_map(|(which, kind)| Step::EndBody { which, kind }),
        1 => any::<Index>().prop_map(|which| Step::Secede { which }),
        4 => (any::<Index>(), 0..6_usize).prop_map(|(which, kind)| Step::EndTransfer { which, kind }),
        2 => any::<bool>().prop_map(Step::Declined),
        1 => any::<bool>().prop_map(Step::Pause),
        1 => any::<bool>().prop_map(Step::Status),
        2 => (0..1200_u64).prop_map(|millis| Step::Pass { millis }),
        12 => Just(Step::Drain),
    ]
}

impl Model {
    pub(super) fn step(&mut self, step: Step) {
        match step {
            Step::Compute { key, inputs, holders, kind, priority } => {
                self.compute(key, &inputs, &holders, kind, priority)
            }
            Step::Free(keys) => self.free(&keys),
            Step::FreeAndCompute { key, inputs, holders, kind } => {
                self.free(&[key]);
                self.compute(key, &inputs, &holders, kind, 0);
            }
            Step::RemoveReplicas(key) => self.receive(FromScheduler::RemoveReplicas(vec![KEYS[key].into()])),
            Step::Acquire { key, holders } => {
                let holders = addresses(&holders);
                self.say_who_has(&KEYS[key].into(), &holders, true);
                let dependency = super::super::bench::dependency(KEYS[key], &refs(&holders), 10);
                self.receive(FromScheduler::AcquireReplicas(vec![dependency]));
            }
            Step::Steal(key) => {
                self.receive(FromScheduler::StealRequest { key: KEYS[key].into(), stimulus_id: "steal-1".into() });
            }
            Step::Refresh { holders } => {
                let Some(key) = self.asked_where.pop_first() else { return };
                let holders = addresses(&holders);
                self.say_who_has(&key, &holders, true);
                self.receive(FromScheduler::RefreshWhoHas(vec![(key, holders)]));
            }
            Step::RemoveWorker(peer) => {
                self.said.values_mut().for_each(|holders| _ = holders.remove(PEERS[peer]));
                self.receive(FromScheduler::RemoveWorker(PEERS[peer].into()));
            }
            Step::Put(key) => {
                let key = TaskKey::from(KEYS[key]);
                let data = self.bench.data(&key);
                self.tell(Event::DataPut(vec![(key, data)]));
            }
            Step::EndBody { which, kind } => {
                let bodies: Vec<_> = self.bodies.keys().copied().collect();
                if !bodies.is_empty() {
                    self.end_body(bodies[which.index(bodies.len())], kind);
                }
            }
            Step::Secede { which } => {
                let bodies: Vec<_> = self.bodies.keys().copied().collect();
                if !bodies.is_empty() {
                    let body = bodies[which.index(bodies.len())];
                    self.bodies.get_mut(&body).unwrap().has_seceded = true;
                    self.tell(Event::BodySeceded { body });
                }
            }
            Step::EndTransfer { which, kind } => {
                let transfers: Vec<_> = self.transfers.keys().copied().collect();
                if !transfers.is_empty() {
                    self.end_transfer(transfers[which.index(transfers.len())], kind);
                }
            }
            Step::Declined(is_restricted) => {
                self.declined(if is_restricted { Declined::Restricted } else { Declined::Failed });
            }
            Step::Pause(true) => self.tell(Event::PauseAsked),
            Step::Pause(false) => self.tell(Event::ResumeAsked),
            Step::Status(is_running) => {
                let status = if is_running { Status::Running } else { Status::ClosingGracefully };
                self.receive(FromScheduler::StatusChange(status));
            }
            Step::Pass { millis } => {
                self.seconds += millis as f64 / 1000.0;
                if self.timer.is_some_and(|timer| timer <= self.seconds) {
                    self.timer = None;
                    self.tell(Event::TimerFired);
                }
            }
            Step::Drain => self.drain(),
        }
    }

    /// Kind 0 is of Python, 1 takes a `gpu`, 2 both, 3 more than there are, the others none.
    fn compute(&mut self, key: usize, inputs: &[usize], holders: &[usize], kind: usize, priority: u8) {
        let name = KEYS[key];
        let holders = addresses(holders);
        self.next_run += 1;
        let mut task: TaskBuilder = task(name).run(self.next_run).priority(&[f64::from(priority)]);
        for input in inputs {
            // Only what is lower in the alphabet: circles never come to an end.
            if *input < key {
                self.say_who_has(&KEYS[*input].into(), &holders, true);
                task = task.takes(KEYS[*input], &refs(&holders));
            }
        }
        task = match kind {
            0 => task.python(),
            kind @ 1..=3 => task.uses("gpu", kind as f64),
            _ => task,
        };
        self.awaited.insert(name.into(), self.next_run);
        if kind == 0 {
            self.python.insert(name.into());
        } else {
            self.python.remove(&TaskKey::from(name));
        }
        self.receive(task.into());
    }

    fn free(&mut self, keys: &[usize]) {
        let keys: Vec<_> = keys.iter().map(|key| TaskKey::from(KEYS[*key])).collect();
        for key in &keys {
            self.awaited.remove(key);
        }
        self.receive(FromScheduler::FreeKeys(keys));
    }
}

fn addresses(peers: &[usize]) -> Vec<Address> {
    peers.iter().map(|peer| Address::from(PEERS[*peer])).collect()
}

fn refs(addresses: &[Address]) -> Vec<&str> {
    addresses.iter().map(|address| &**address).collect()
}
