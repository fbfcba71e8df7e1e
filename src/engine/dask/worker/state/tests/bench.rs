//! A worker on the bench: events by the names of keys, and actions as lines. Each step gives all that it caused, so that a
//! test also says that nothing else happened.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anydask_runtime::Instant;
use bytes::Bytes;

use crate::engine::dask::wire::{TaskKey, Value};
use crate::engine::dask::worker::state::{
    Action, BodyEnd, BodyId, Call, ComputeTask, Config, Data, Dependency, Event, FetchEnd, FromScheduler, Kind,
    Message, Ran, TaskError, TransferId, Work, WorkerState,
};

/// A value that knows whose result it is.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) key: TaskKey,
    /// One for each that exists.
    _live: Arc<()>,
}

pub(super) struct Bench {
    pub(super) state: WorkerState<Token>,
    now: Duration,
    live: Arc<()>,
    bodies: BTreeMap<BodyId, TaskKey>,
    transfers: BTreeMap<String, (TransferId, Vec<TaskKey>)>,
}

impl Bench {
    /// One thread, `anydask` and two `gpu`.
    pub(super) fn new() -> Self {
        Self::of(config())
    }

    pub(super) fn of(config: Config) -> Self {
        let (bodies, transfers) = (BTreeMap::new(), BTreeMap::new());
        Self { state: WorkerState::new(config), now: Duration::from_secs(100), live: Arc::new(()), bodies, transfers }
    }

    pub(super) fn token(&self, key: &TaskKey) -> Token {
        Token { key: key.clone(), _live: Arc::clone(&self.live) }
    }

    pub(super) fn data(&self, key: &TaskKey) -> Data<Token> {
        data(self.token(key))
    }

    /// How many values exist, here and there.
    pub(super) fn live(&self) -> usize {
        Arc::strong_count(&self.live) - 1
    }

    pub(super) fn now(&self) -> Instant {
        Instant::from_epoch(self.now)
    }

    pub(super) fn step(&mut self, event: Event<Token>) -> Vec<String> {
        self.state.handle(self.now(), event);
        self.drain()
    }

    /// Messages that come at once.
    pub(super) fn batch(&mut self, messages: impl IntoIterator<Item = FromScheduler>) -> Vec<String> {
        for message in messages {
            self.state.handle(self.now(), Event::Scheduler(message));
        }
        self.drain()
    }

    pub(super) fn receive(&mut self, message: impl Into<FromScheduler>) -> Vec<String> {
        self.batch([message.into()])
    }

    pub(super) fn free(&mut self, names: &[&str]) -> Vec<String> {
        self.receive(FromScheduler::FreeKeys(keys(names)))
    }

    pub(super) fn steal(&mut self, name: &str) -> Vec<String> {
        self.receive(FromScheduler::StealRequest { key: name.into(), stimulus_id: "steal-1".into() })
    }

    pub(super) fn refresh(&mut self, name: &str, holders: &[&str]) -> Vec<String> {
        let holders = holders.iter().map(|holder| Arc::from(*holder)).collect();
        self.receive(FromScheduler::RefreshWhoHas(vec![(name.into(), holders)]))
    }

    pub(super) fn acquire(&mut self, name: &str, holders: &[&str]) -> Vec<String> {
        self.receive(FromScheduler::AcquireReplicas(vec![dependency(name, holders, 10)]))
    }

    pub(super) fn finish(&mut self, name: &str) -> Vec<String> {
        let data = self.data(&name.into());
        self.end(name, BodyEnd::Finished { data, ran: RAN })
    }

    pub(super) fn err(&mut self, name: &str) -> Vec<String> {
        self.end(name, BodyEnd::Erred { error: error(), ran: RAN })
    }

    /// Ends the oldest body of the task.
    pub(super) fn end(&mut self, name: &str, end: BodyEnd<Token>) -> Vec<String> {
        let body = self.body(name);
        self.bodies.remove(&body);
        self.step(Event::BodyEnded { body, end })
    }

    pub(super) fn body(&self, name: &str) -> BodyId {
        let key = TaskKey::from(name);
        *self.bodies.iter().find(|(_, of)| **of == key).expect("a body of this task runs").0
    }

    /// The peer answers with all that it was asked for, but for `missing`.
    pub(super) fn arrive_without(&mut self, peer: &str, missing: &[&str]) -> Vec<String> {
        let (transfer, asked) = self.transfers.remove(peer).expect("the peer was asked");
        let given = asked.into_iter().filter(|key| !keys(missing).contains(key));
        let given = given.map(|key| (key.clone(), self.data(&key))).collect();
        self.step(Event::FetchEnded { transfer, end: FetchEnd::Arrived(given) })
    }

    pub(super) fn arrive(&mut self, peer: &str) -> Vec<String> {
        self.arrive_without(peer, &[])
    }

    pub(super) fn fetch_ends(&mut self, peer: &str, end: FetchEnd<Token>) -> Vec<String> {
        let (transfer, _) = self.transfers.remove(peer).expect("the peer was asked");
        self.step(Event::FetchEnded { transfer, end })
    }

    pub(super) fn after(&mut self, time: Duration) -> Vec<String> {
        self.now += time;
        self.step(Event::TimerFired)
    }

    /// The state of a key, in Dask's word.
    pub(super) fn word(&self, name: &str) -> &'static str {
        self.state.table.state(&name.into()).word()
    }

    fn drain(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(action) = self.state.poll_action() {
            self.state.validate();
            lines.push(self.line(action));
        }
        lines
    }

    fn line(&mut self, action: Action<Token>) -> String {
        match action {
            Action::Send(message) => line_of(&message),
            Action::Execute { body, key, run_id, call, inputs } => {
                self.bodies.insert(body, key.clone());
                match call {
                    Ok(_) => {
                        let inputs: String = inputs.iter().map(|input| format!(" {}", input.key)).collect();
                        format!("execute {key} run {run_id}:{inputs}")
                    }
                    Err(refusal) => format!("execute {key} run {run_id}: {refusal}"),
                }
            }
            Action::Cancel(body) => format!("cancel {}", self.bodies[&body]),
            Action::Fetch { transfer, peer, keys } => {
                let line = format!("fetch {} from {peer}", names(&keys));
                assert!(self.transfers.insert(peer.to_string(), (transfer, keys)).is_none(), "{peer} is asked twice");
                line
            }
            Action::Drop(token) => format!("drop {}", token.key),
            Action::DeclinePython(keys) => format!("decline {}", names(&keys)),
            Action::Retire => "retire".into(),
            Action::SetTimer(at) => format!("timer {:?}", at.saturating_duration_since(self.now())),
            Action::Stop { reason } => format!("stop {reason:?}"),
        }
    }
}

fn line_of(message: &Message) -> String {
    match message {
        Message::TaskFinished { key, run_id, .. } => format!("task-finished {key} run {run_id}"),
        Message::TaskErred { key, run_id, .. } => format!("task-erred {key} run {run_id}"),
        Message::AddKeys(keys) => format!("add-keys {}", names(keys)),
        Message::ReleaseWorkerData(key) => format!("release-worker-data {key}"),
        Message::RequestRefreshWhoHas(keys) => format!("request-refresh-who-has {}", names(keys)),
        Message::Reschedule(key) => format!("reschedule {key}"),
        Message::LongRunning { key, run_id, compute_duration } => {
            format!("long-running {key} run {run_id} after {compute_duration:?}")
        }
        Message::StealResponse { key, state, .. } => {
            format!("steal-response {key} {}", state.map_or("nil", |state| state.word()))
        }
        Message::StatusChange(status) => format!("status {}", status.word()),
        Message::CloseStream => "close-stream".into(),
    }
}

pub(super) const RAN: Ran = Ran { start: 1.0, stop: 2.0, thread: 1 };

/// Where the worker on the bench listens.
pub(super) const OWN: &str = "tcp://10.0.0.1:1";

pub(super) fn config() -> Config {
    let resources = [("anydask".into(), 1.0), ("gpu".into(), 2.0)].into();
    Config { address: OWN.into(), nthreads: 1, resources, incoming_bytes_max: 1000 }
}

pub(super) fn keys(names: &[&str]) -> Vec<TaskKey> {
    names.iter().map(|name| TaskKey::from(*name)).collect()
}

pub(super) fn error() -> TaskError {
    let text: Arc<str> = "RuntimeError('no')".into();
    TaskError { exception: Value::Nil, traceback: Value::Nil, exception_text: text, traceback_text: "".into() }
}

pub(super) fn data<V>(value: V) -> Data<V> {
    Data { value, nbytes: 10, kind: Kind { pickle: Bytes::new(), name: "bytes".into() } }
}

pub(super) fn dependency(name: &str, holders: &[&str], nbytes: u64) -> Dependency {
    Dependency { key: name.into(), holders: holders.iter().map(|holder| Arc::from(*holder)).collect(), nbytes }
}

fn names(keys: &[TaskKey]) -> String {
    keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// A task of ours with key `name` and run 1, as the scheduler assigns it.
pub(super) fn task(name: &str) -> TaskBuilder {
    let call = Call { function: "f".into(), arguments: Bytes::new(), inputs: [].into() };
    TaskBuilder(ComputeTask {
        key: name.into(),
        run_id: 1,
        priority: [0.0].into_iter().collect(),
        dependencies: Vec::new(),
        work: Work::Rust(Ok(call)),
        resources: [("anydask".into(), 0.0)].into(),
    })
}

#[derive(Clone)]
pub(super) struct TaskBuilder(pub(super) ComputeTask);

impl TaskBuilder {
    pub(super) fn run(mut self, run_id: i64) -> Self {
        self.0.run_id = run_id;
        self
    }

    pub(super) fn priority(mut self, priority: &[f64]) -> Self {
        self.0.priority = priority.iter().copied().collect();
        self
    }

    pub(super) fn takes(self, name: &str, holders: &[&str]) -> Self {
        self.takes_nbytes(name, holders, 10)
    }

    pub(super) fn takes_nbytes(mut self, name: &str, holders: &[&str], nbytes: u64) -> Self {
        if let Work::Rust(Ok(call)) = &mut self.0.work {
            call.inputs = call.inputs.iter().cloned().chain([name.into()]).collect();
        }
        self.0.dependencies.push(dependency(name, holders, nbytes));
        self
    }

    pub(super) fn function(mut self, name: &str) -> Self {
        if let Work::Rust(Ok(call)) = &mut self.0.work {
            call.function = name.into();
        }
        self
    }

    pub(super) fn uses(mut self, name: &str, amount: f64) -> Self {
        self.0.resources.insert(name.into(), amount);
        self
    }

    pub(super) fn python(mut self) -> Self {
        self.0.work = Work::Python;
        self
    }
}

impl From<TaskBuilder> for FromScheduler {
    fn from(task: TaskBuilder) -> Self {
        Self::ComputeTask(task.0)
    }
}
