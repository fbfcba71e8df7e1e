//! Random programs of events against a model of what the scheduler, the peers and the bodies may expect.
//!
//! The scheduler here is worse than Dask's: it frees inputs of running tasks, assigns what is in memory, names peers that
//! have nothing. Whatever it does, each of its assignments that it does not take back is answered once, with the latest run.
//! At the end it comes to its senses; then all of it has to come to an end, and nothing may be left.

mod actions;
mod events;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::Config as ProptestConfig;

use super::bench::{OWN, Token, config};
use crate::engine::dask::wire::TaskKey;
use crate::engine::dask::worker::state::{
    Address, BodyEnd, BodyId, Config, Declined, Event, FetchEnd, FromScheduler, RunId, TransferId, WorkerState,
};

/// How many programs are run, unless `PROPTEST_CASES` says otherwise: two seconds in a debug build.
const CASES: u32 = 150;

/// How many events the end may take. Each of a few keys is fetched, run and declined a few times at most.
const END_MAX: usize = 1000;

/// Keys of tasks and data.
const KEYS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// The last of these is the worker itself, as a scheduler has it that is behind.
const PEERS: [&str; 4] = ["tcp://10.0.0.1:2", "tcp://10.0.0.2:1", "tcp://10.0.0.3:1", OWN];

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_assignment_is_answered_once_and_nothing_is_left(
        nthreads in 1..3_usize,
        steps in prop::collection::vec(events::step(), 1..80),
    ) {
        let mut model = Model::new(nthreads);
        for step in steps {
            model.step(step);
        }
        model.come_to_an_end();
        model.free_everything();
    }
}

/// What the world around the worker knows.
struct Model {
    state: WorkerState<Token>,
    bench: super::bench::Bench,
    nthreads: usize,
    seconds: f64,
    /// The assignments that have not been answered: the latest run of each. What the worker is to send, and no more.
    awaited: BTreeMap<TaskKey, RunId>,
    /// Which of these are of Python. They are given back instead.
    python: BTreeSet<TaskKey>,
    bodies: BTreeMap<BodyId, RunningBody>,
    transfers: BTreeMap<TransferId, (Address, Vec<TaskKey>)>,
    /// Who was ever said to have what, since the worker was last told otherwise.
    said: BTreeMap<TaskKey, BTreeSet<Address>>,
    asked_where: BTreeSet<TaskKey>,
    declining: bool,
    timer: Option<f64>,
    next_run: RunId,
}

struct RunningBody {
    key: TaskKey,
    gpus: f64,
    has_seceded: bool,
    was_cancelled: bool,
}

impl Model {
    fn new(nthreads: usize) -> Self {
        Self {
            state: WorkerState::new(Config { nthreads, incoming_bytes_max: 25, ..config() }),
            bench: super::bench::Bench::new(),
            nthreads,
            seconds: 0.0,
            awaited: BTreeMap::new(),
            python: BTreeSet::new(),
            bodies: BTreeMap::new(),
            transfers: BTreeMap::new(),
            said: BTreeMap::new(),
            asked_where: BTreeSet::new(),
            declining: false,
            timer: None,
            next_run: 0,
        }
    }

    /// Everybody does what they ought to, until there is nothing more to do.
    fn come_to_an_end(&mut self) {
        self.tell(Event::ResumeAsked);
        self.receive(FromScheduler::StatusChange(super::super::Status::Running));
        self.drain();
        for _ in 0..END_MAX {
            if let Some(&body) = self.bodies.keys().next() {
                self.end_body(body, 0);
            } else if let Some(&transfer) = self.transfers.keys().next() {
                self.end_transfer(transfer, 0);
            } else if self.declining {
                self.declined(Declined::Restricted);
            } else if let Some(key) = self.asked_where.pop_first() {
                let holders: Vec<Address> = vec![PEERS[0].into()];
                self.say_who_has(&key, &holders, false);
                self.receive(FromScheduler::RefreshWhoHas(vec![(key, holders)]));
            } else if let Some(timer) = self.timer.take() {
                self.seconds = self.seconds.max(timer);
                self.tell(Event::TimerFired);
            } else {
                assert!(self.awaited.is_empty(), "never answered: {:?}", self.awaited);
                return;
            }
            self.drain();
        }
        panic!("it does not come to an end");
    }

    fn free_everything(&mut self) {
        self.receive(FromScheduler::FreeKeys(KEYS.map(TaskKey::from).to_vec()));
        self.drain();
        assert!(self.state.table.tasks.is_empty(), "left: {:?}", self.state.table.tasks);
        assert!(self.bodies.is_empty() && self.state.bodies.is_empty());
        assert_eq!(self.state.table.peers.len(), 0, "peers that nobody has to do with");
        assert_eq!(self.state.resources.available(), config().resources);
        assert_eq!((self.state.table.nbytes, self.state.incoming_bytes), (0, 0));
        assert_eq!(self.bench.live(), 0, "values that nobody drops");
    }

    fn tell(&mut self, event: Event<Token>) {
        let now = std::time::Duration::from_secs_f64(self.seconds);
        self.state.handle(anydask_runtime::Instant::from_epoch(now), event);
        self.hear_what_is_decided();
    }

    fn receive(&mut self, message: FromScheduler) {
        self.tell(Event::Scheduler(message));
    }

    /// Kind 0 finishes, 1 errs, 2 stops by itself.
    fn end_body(&mut self, body: BodyId, kind: usize) {
        let Some(RunningBody { key, .. }) = self.bodies.remove(&body) else { return };
        let ran = super::bench::RAN;
        let end = match kind {
            0 => BodyEnd::Finished { data: self.bench.data(&key), ran },
            1 => BodyEnd::Erred { error: super::bench::error(), ran },
            _ => BodyEnd::Cancelled,
        };
        self.tell(Event::BodyEnded { body, end });
    }

    /// Kind 0 brings everything, 1 all but the first, 2 a thing that nobody asked for as well; 3 is busy, 4 cannot be read, 5
    /// fails.
    fn end_transfer(&mut self, transfer: TransferId, kind: usize) {
        let Some((peer, keys)) = self.transfers.remove(&transfer) else { return };
        let mut brought: Vec<_> = keys.iter().map(|key| (key.clone(), self.bench.data(key))).collect();
        let end = match kind {
            0 => FetchEnd::Arrived(brought),
            1 => {
                brought.remove(0);
                FetchEnd::Arrived(brought)
            }
            2 => {
                brought.extend([(TaskKey::from("a"), self.bench.data(&"a".into()))]);
                FetchEnd::Arrived(brought)
            }
            3 => FetchEnd::Busy,
            4 => FetchEnd::Unreadable { why: "no".into() },
            _ => {
                self.said.values_mut().for_each(|holders| _ = holders.remove(&peer));
                FetchEnd::Failed
            }
        };
        self.tell(Event::FetchEnded { transfer, end });
    }

    fn declined(&mut self, declined: Declined) {
        if std::mem::take(&mut self.declining) {
            self.tell(Event::PythonDeclined(declined));
        }
    }

    /// Remembers who is said to have it; `also` if those before are still possible.
    fn say_who_has(&mut self, key: &TaskKey, holders: &[Address], also: bool) {
        let said = self.said.entry(key.clone()).or_default();
        if !also {
            said.clear();
        }
        said.extend(holders.iter().cloned());
    }
}
