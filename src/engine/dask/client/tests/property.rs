//! Any program of a client, with any scheduler behind it, in any order of what is under way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::driver::{data, graph_keys, keys, op, versions};
use super::model::{Model, State, Task};
use crate::engine::dask::client::{
    Action, Broadcast, ClientState, Config, Event, Loss, OnLost, Outcome, RpcId, Scatter, Submission, TaskOptions,
    Through, Work,
};
use crate::engine::dask::wire::{TaskKey, Value};
use crate::runtime::Instant;

/// Scattered ones, one that another client made, and tasks. A task depends on keys before it only.
const KEYS: [&str; 10] = ["a-x0", "a-x1", "b-y", "c-t0", "c-t1", "c-t2", "c-t3", "c-t4", "c-t5", "c-t6"];
const SCATTERED: usize = 2;
const FOREIGN: usize = 2;
/// The task whose worker may be one that cannot be looked up.
const NAMES_A_HOST: usize = 5;

#[derive(Clone, Debug)]
enum Step {
    /// The tasks of these bits; those of the other bits are held.
    Submit(u16, u16),
    Scatter(usize),
    HoldForeign,
    Release(usize),
    Cancel(usize, bool),
    Retry(usize),
    Want(usize),
    Flush,
    ToScheduler,
    ToClient,
    Reply(usize, bool),
    /// The scheduler says again what it knows of a key, since another client has come to want it.
    Repeat(usize),
    /// The scheduler fails to take in the next graph.
    RefuseGraph,
    Run(usize, bool),
    Lose(usize),
    Disconnect,
    Connect,
    Restart,
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (any::<u16>(), any::<u16>()).prop_map(|(tasks, held)| Step::Submit(tasks, held)),
        2 => (0..SCATTERED).prop_map(Step::Scatter),
        1 => Just(Step::HoldForeign),
        4 => (0..KEYS.len()).prop_map(Step::Release),
        2 => (0..KEYS.len(), any::<bool>()).prop_map(|(key, force)| Step::Cancel(key, force)),
        2 => (0..KEYS.len()).prop_map(Step::Retry),
        4 => (0..KEYS.len()).prop_map(Step::Want),
        8 => Just(Step::Flush),
        8 => Just(Step::ToScheduler),
        12 => Just(Step::ToClient),
        6 => (any::<usize>(), prop::bool::weighted(0.1)).prop_map(|(index, fails)| Step::Reply(index, fails)),
        2 => any::<usize>().prop_map(Step::Repeat),
        1 => Just(Step::RefuseGraph),
        8 => (any::<usize>(), prop::bool::weighted(0.2)).prop_map(|(index, fails)| Step::Run(index, fails)),
        2 => any::<usize>().prop_map(Step::Lose),
        1 => Just(Step::Disconnect),
        2 => Just(Step::Connect),
        1 => Just(Step::Restart),
        2 => (1_u64..6000).prop_map(Step::Pass),
    ]
}

/// How a user sees a held key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct View {
    end: End,
    is_wanted: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum End {
    #[default]
    Pending,
    Finished,
    Erred,
}

struct World {
    client: ClientState,
    model: Model,
    now: Instant,
    views: BTreeMap<TaskKey, View>,
    on_lost: OnLost,
    is_connected: bool,
    to_scheduler: VecDeque<Value>,
    requests: Vec<(RpcId, Value)>,
    rounds: u32,
}

impl World {
    fn new(dependencies: &[u16], on_lost: OnLost, gather: Through) -> Self {
        let mut model = Model::default();
        for (index, key) in keys(&KEYS).into_iter().enumerate() {
            let is_task = index > FOREIGN;
            let bits = dependencies.get(index).copied().unwrap_or(0);
            let on = |before: &usize| is_task && bits >> before & 1 == 1 && bits >> (before + 5) & 1 == 1;
            model.dependencies.insert(key, (0..index).filter(on).map(|before| KEYS[before].into()).collect());
        }
        let mut world = Self {
            client: ClientState::new(Config { gather, on_lost }),
            model,
            now: Instant::from_epoch(Duration::from_secs(1)),
            views: BTreeMap::new(),
            on_lost,
            is_connected: false,
            to_scheduler: VecDeque::new(),
            requests: Vec::new(),
            rounds: 0,
        };
        world.let_foreign_be();
        world.connect();
        world
    }

    fn let_foreign_be(&mut self) {
        let task = Task { wanted_elsewhere: true, state: State::Memory, ..Task::default() };
        self.model.tasks.entry(KEYS[FOREIGN].into()).or_insert(task);
    }

    fn connect(&mut self) {
        if self.is_connected {
            return;
        }
        self.is_connected = true;
        self.handle(Event::Connected { client_id: "me".into() });
        let (id, request) = self.requests.pop().expect("a request");
        assert_eq!(op(&request), "versions");
        self.handle(Event::RpcReply { id, reply: versions("2026.8.0") });
        assert_eq!(op(&self.client.poll_flush(self.now).expect("a greeting")), "register-client");
        self.handle(Event::Stream(Value::map([("op", "stream-start".into())])));
    }

    fn handle(&mut self, event: Event) {
        self.client.handle(self.now, event);
        self.watch();
    }

    /// Looks at each action whether it is one that may be.
    fn watch(&mut self) {
        while let Some(action) = self.client.poll_action() {
            match action {
                Action::Resolve { key, outcome } => {
                    let view = self.views.get_mut(&key).unwrap_or_else(|| panic!("{key} is not held"));
                    assert_eq!(view.end, End::Pending, "{key} resolves twice: {outcome:?}");
                    match outcome {
                        Outcome::Finished => view.end = End::Finished,
                        Outcome::Erred { .. } => *view = View { end: End::Erred, is_wanted: false },
                        Outcome::Lost(loss) => {
                            assert!(loss != Loss::Connection || self.on_lost == OnLost::Fail);
                            self.views.remove(&key);
                        }
                        Outcome::Cancelled { .. } => _ = self.views.remove(&key),
                    }
                }
                Action::Reset { key } => {
                    let view = self.views.get_mut(&key).unwrap_or_else(|| panic!("{key} is not held"));
                    assert_ne!(view.end, End::Pending, "{key} is pending already");
                    view.end = End::Pending;
                }
                Action::Deliver { key, .. } => {
                    let view = self.views.get_mut(&key).unwrap_or_else(|| panic!("{key} is not held"));
                    assert_eq!(*view, View { end: End::Finished, is_wanted: true }, "{key}");
                    view.is_wanted = false;
                }
                Action::SchedulerRpc { id, message } | Action::WorkerRpc { id, message, .. } => {
                    self.check_request(&message);
                    self.requests.push((id, message));
                }
                Action::Registered { .. } | Action::SetTimer { .. } | Action::Report(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// A request may overtake the stream, so it is only about what the scheduler has spoken of.
    fn check_request(&self, message: &Value) {
        let end = match op(message) {
            "gather" | "who_has" | "get_data" => End::Finished,
            // It is pending from then on.
            "retry" => End::Pending,
            _ => return,
        };
        for key in message.get("keys").and_then(Value::items).expect("keys") {
            let key = TaskKey::of_value(key).expect("a key");
            let view = self.views.get(&key);
            // A value may be on its way when its key is released.
            let is_asked_of_worker = op(message) == "get_data";
            assert!(is_asked_of_worker || view.is_some_and(|view| view.end == end), "{message:?}");
        }
    }

    fn flush(&mut self) -> bool {
        if !self.is_connected || !self.client.wants_flush() {
            return false;
        }
        let message = self.client.poll_flush(self.now);
        self.watch();
        let Some(message) = message else { return false };
        for message in message.items().expect("a list") {
            self.check_sent(message);
            self.to_scheduler.push_back(message.clone());
        }
        true
    }

    /// Nothing is sent for released keys, and nothing is sent that nobody needs.
    fn check_sent(&self, message: &Value) {
        if op(message) == "update-graph" {
            let (wanted, all) = graph_keys(message);
            let (mut needed, mut keys): (BTreeSet<_>, Vec<_>) = (BTreeSet::new(), self.views.keys().collect());
            while let Some(key) = keys.pop() {
                if needed.insert(key.clone()) {
                    keys.extend(&self.model.dependencies[key]);
                }
            }
            assert!(all.iter().all(|key| needed.contains(key)), "{all:?} for {:?}", self.views);
            assert!(wanted.iter().all(|key| all.contains(key)));
            for (index, key) in all.iter().enumerate() {
                let later = all.get(index..).unwrap_or_default();
                assert!(self.model.dependencies[key].iter().all(|input| !later.contains(input)), "{all:?}");
            }
        }
        if op(message) == "client-releases-keys" {
            for key in message.get("keys").and_then(Value::items).expect("keys") {
                let view = TaskKey::of_value(key).and_then(|key| self.views.get(&key));
                assert!(view.is_none_or(|view| view.end == End::Pending), "{key:?} is in use");
            }
        }
    }

    fn submit(&mut self, tasks: u16, held: u16) {
        let mut batch: Vec<Submission> = Vec::new();
        for (index, key) in keys(&KEYS).into_iter().enumerate().skip(FOREIGN + 1) {
            let dependencies = self.model.dependencies[&key].clone();
            let is_there = |key: &TaskKey| self.views.contains_key(key) || batch.iter().any(|task| task.key == *key);
            if tasks >> index & 1 == 0 || self.views.contains_key(&key) || !dependencies.iter().all(is_there) {
                continue;
            }
            let work = Work::Registered { name: "f".into(), arguments: Bytes::new(), dependencies };
            let (work, held) = (Arc::new(work), held >> index & 1 == 1);
            let workers = if index == NAMES_A_HOST { vec!["a-host:1".into()] } else { Vec::new() };
            batch.push(Submission { key, work, options: TaskOptions { workers, ..TaskOptions::default() }, held });
        }
        for submission in batch.iter().filter(|submission| submission.held) {
            self.views.insert(submission.key.clone(), View::default());
        }
        self.handle(Event::Submit(batch));
    }

    fn take(&mut self, step: Step) {
        let key = |index: usize| TaskKey::from(KEYS[index]);
        match step {
            Step::Submit(tasks, held) => self.submit(tasks, held),
            Step::Scatter(index) => {
                if self.views.contains_key(&key(index)) {
                    return;
                }
                self.views.insert(key(index), View::default());
                let values = vec![(key(index), data(b"\x01"))];
                let (broadcast, through) = (Broadcast::One, Through::Scheduler);
                self.handle(Event::Scatter(Scatter { values, workers: Vec::new(), broadcast, through }));
            }
            Step::HoldForeign => {
                if self.views.contains_key(&key(FOREIGN)) {
                    return;
                }
                self.views.insert(key(FOREIGN), View::default());
                self.handle(Event::Hold(vec![key(FOREIGN)]));
            }
            Step::Release(index) => {
                if self.views.remove(&key(index)).is_some() {
                    self.handle(Event::Release(vec![key(index)]));
                }
            }
            Step::Cancel(index, force) => {
                self.handle(Event::Cancel { keys: vec![key(index)], reason: "test".into(), force });
            }
            Step::Retry(index) => self.handle(Event::Retry(vec![key(index)])),
            Step::Want(index) => {
                if let Some(view) = self.views.get_mut(&key(index)).filter(|view| view.end != End::Erred) {
                    view.is_wanted = true;
                    self.handle(Event::Want(vec![key(index)]));
                }
            }
            Step::Flush => _ = self.flush(),
            Step::ToScheduler => {
                if let Some(message) = self.to_scheduler.pop_front() {
                    self.model.handle(&message);
                }
            }
            Step::ToClient => {
                if let Some(message) = self.model.outbox.pop_front() {
                    self.handle(Event::Stream(message));
                }
            }
            Step::Reply(index, fails) => {
                if let Some(index) = index.checked_rem(self.requests.len()) {
                    let (id, request) = self.requests.remove(index);
                    let reply = if fails { None } else { self.model.reply(&request) };
                    self.handle(match reply {
                        Some(reply) => Event::RpcReply { id, reply },
                        None => Event::RpcFailed { id, why: "gaierror: it is gone".into() },
                    });
                }
            }
            Step::Repeat(index) => {
                let wanted: Vec<_> =
                    self.model.tasks.iter().filter(|(_, task)| task.wanted).map(|(key, _)| key).collect();
                if let Some(key) = index.checked_rem(wanted.len()).map(|index| wanted[index].clone()) {
                    self.model.report(&key);
                }
            }
            Step::RefuseGraph => self.model.refuses_graph = true,
            Step::Run(index, fails) => {
                let runnable = self.model.runnable();
                if let Some(key) = index.checked_rem(runnable.len()).map(|index| &runnable[index]) {
                    self.model.run(key, if fails { State::Erred } else { State::Memory });
                }
            }
            Step::Lose(index) => {
                let in_memory = |(_, task): &(&TaskKey, &Task)| task.state == State::Memory && !task.wanted_elsewhere;
                let there: Vec<_> = self.model.tasks.iter().filter(in_memory).map(|(key, _)| key.clone()).collect();
                if let Some(key) = index.checked_rem(there.len()).map(|index| &there[index]) {
                    self.model.lose(key);
                }
            }
            Step::Disconnect => {
                if std::mem::replace(&mut self.is_connected, false) {
                    self.to_scheduler.clear();
                    self.requests.clear();
                    self.model.disconnect();
                    self.handle(Event::ConnectionLost);
                }
            }
            Step::Connect => self.connect(),
            Step::Restart => {
                if self.is_connected {
                    self.model.restart();
                }
                self.let_foreign_be();
            }
            Step::Pass(milliseconds) => {
                self.now = self.now + Duration::from_millis(milliseconds);
                self.handle(Event::Timer);
            }
        }
    }

    /// Until nothing more happens but heartbeats.
    fn settle(&mut self) {
        self.connect();
        let mut quiet_rounds = 0;
        while quiet_rounds < 3 {
            let mut is_quiet = self.requests.is_empty() && self.model.runnable().is_empty();
            while self.flush() {}
            while !self.to_scheduler.is_empty() {
                is_quiet &= self.to_scheduler.front().is_some_and(|message| op(message) == "heartbeat-client");
                self.take(Step::ToScheduler);
            }
            while !self.requests.is_empty() {
                self.take(Step::Reply(0, false));
            }
            while !self.model.runnable().is_empty() {
                self.take(Step::Run(0, false));
            }
            while !self.model.outbox.is_empty() {
                self.take(Step::ToClient);
            }
            // Longer than any delay.
            self.take(Step::Pass(7000));
            quiet_rounds = if is_quiet { quiet_rounds + 1 } else { 0 };
            self.rounds += 1;
            assert!(self.rounds < 1000, "it never comes to rest");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_held_key_ends_once_in_each_of_its_lives_and_nothing_remains(
        dependencies in prop::collection::vec(any::<u16>(), KEYS.len()),
        steps in prop::collection::vec(step(), 1..120),
        resubmits in prop::bool::weighted(0.7),
        direct in any::<bool>(),
    ) {
        let on_lost = if resubmits { OnLost::Resubmit } else { OnLost::Fail };
        let mut world = World::new(&dependencies, on_lost, if direct { Through::Workers } else { Through::Scheduler });
        for step in steps {
            world.take(step);
        }
        world.settle();
        for (key, view) in &world.views {
            prop_assert!(view.end != End::Pending, "{} never ends", key);
            prop_assert!(!(view.is_wanted && view.end == End::Finished), "the value of {} never comes", key);
        }
        let held: Vec<_> = std::mem::take(&mut world.views).into_keys().collect();
        world.handle(Event::Release(held));
        world.settle();
        prop_assert!(world.client.is_idle(), "{:#?}", world.client);
        world.model.tasks.remove(&KEYS[FOREIGN].into());
        prop_assert!(world.model.tasks.is_empty(), "{:#?}", world.model.tasks);
    }
}
