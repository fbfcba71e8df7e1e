//! A client in the hands of a test: it takes events, and tells what it wants.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::engine::dask::client::{
    Action, ClientState, Config, Event, OnLost, Outcome, RpcId, Submission, TaskOptions, Through, Work,
};
use crate::engine::dask::wire::{Serialized, TaskKey, Value};
use crate::runtime::Instant;

pub(super) struct Driver {
    pub(super) client: ClientState,
    pub(super) now: Instant,
    /// Those that no test has taken yet.
    pub(super) actions: Vec<Action>,
    /// When the client wants to hear of the clock.
    timer: Option<Instant>,
    connections: u32,
    /// How many heartbeats the test has not answered.
    beats: usize,
}

impl Driver {
    pub(super) fn new(gather: Through, on_lost: OnLost) -> Self {
        let client = ClientState::new(Config { gather, on_lost });
        let now = Instant::from_epoch(Duration::from_secs(1));
        let mut driver = Self { client, now, actions: Vec::new(), timer: None, connections: 0, beats: 0 };
        driver.connect();
        driver
    }

    pub(super) fn registered() -> Self {
        Self::new(Through::Scheduler, OnLost::Resubmit)
    }

    pub(super) fn connect(&mut self) {
        self.connections += 1;
        self.handle(Event::Connected { client_id: format!("Client-anydask-{}", self.connections).into() });
        let id = self.take_request("versions").0;
        self.reply(id, versions("2026.8.0"));
        assert_eq!(op(&self.client.poll_flush(self.now).expect("a greeting")), "register-client");
        self.stream([Value::map([("op", "stream-start".into()), ("warning", "".into()), ("error", "".into())])]);
        let is_registered = |action: &Action| matches!(action, Action::Registered { .. });
        let index = self.actions.iter().position(is_registered).expect("registered");
        self.actions.remove(index);
    }

    pub(super) fn handle(&mut self, event: Event) {
        self.client.handle(self.now, event);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(action) = self.client.poll_action() {
            match action {
                Action::SetTimer { at } => self.timer = Some(at),
                action => self.actions.push(action),
            }
        }
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        self.fire();
    }

    /// Until the time of the timer.
    pub(super) fn pass_until_timer(&mut self) {
        self.now = self.timer.expect("a timer");
        self.fire();
    }

    fn fire(&mut self) {
        self.timer = None;
        self.handle(Event::Timer);
        assert!(self.timer.is_none_or(|at| at > self.now), "the timer would fire at once, and again and again");
    }

    pub(super) fn stream<const N: usize>(&mut self, messages: [Value; N]) {
        self.handle(Event::Stream(Value::List(messages.into())));
    }

    pub(super) fn reply(&mut self, id: RpcId, reply: Value) {
        self.handle(Event::RpcReply { id, reply });
    }

    /// The messages of one flush.
    pub(super) fn flush(&mut self) -> Vec<Value> {
        let message = self.client.poll_flush(self.now);
        self.drain();
        let messages = message.map(|message| message.items().expect("a list").to_vec()).unwrap_or_default();
        self.beats += messages.iter().filter(|message| op(message) == "heartbeat-client").count();
        messages
    }

    pub(super) fn answer_beats(&mut self) {
        for _ in 0..std::mem::take(&mut self.beats) {
            self.stream([beat()]);
        }
    }

    /// The kinds of the messages of one flush.
    pub(super) fn flush_ops(&mut self) -> Vec<String> {
        self.flush().iter().map(|message| op(message).to_owned()).collect()
    }

    /// All of what is to be written, until there is nothing more.
    pub(super) fn flush_all(&mut self) -> Vec<Value> {
        let mut messages = Vec::new();
        while self.client.wants_flush() {
            messages.extend(self.flush());
        }
        messages
    }

    /// Takes the first request of this kind.
    pub(super) fn take_request(&mut self, wanted: &str) -> (RpcId, Value) {
        let of_kind = |action: &Action| match action {
            Action::SchedulerRpc { message, .. } | Action::WorkerRpc { message, .. } => op(message) == wanted,
            _ => false,
        };
        let index = self.actions.iter().position(of_kind);
        let index = index.unwrap_or_else(|| panic!("no request {wanted} in {:?}", self.actions));
        match self.actions.remove(index) {
            Action::SchedulerRpc { id, message } | Action::WorkerRpc { id, message, .. } => (id, message),
            _ => unreachable!("a request"),
        }
    }

    pub(super) fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    pub(super) fn submit<const N: usize>(&mut self, tasks: [Submission; N]) {
        self.handle(Event::Submit(tasks.into()));
    }

    /// Submits a task, sends it and has the scheduler finish it.
    pub(super) fn finished(&mut self, key: &str) {
        self.submit([task(key, &[])]);
        self.flush_all();
        self.stream([in_memory(key)]);
        assert_eq!(self.take_actions(), [resolved(key, FINISHED)]);
    }
}

pub(super) const FINISHED: Outcome = Outcome::Finished;

pub(super) fn resolved(key: &str, outcome: Outcome) -> Action {
    Action::Resolve { key: key.into(), outcome }
}

pub(super) fn reset(key: &str) -> Action {
    Action::Reset { key: key.into() }
}

pub(super) fn cancelled(key: &str, reason: &str) -> Action {
    resolved(key, Outcome::Cancelled { reason: reason.into() })
}

pub(super) fn keys(names: &[&str]) -> Vec<TaskKey> {
    names.iter().map(|name| (*name).into()).collect()
}

pub(super) fn task(key: &str, dependencies: &[&str]) -> Submission {
    let dependencies = keys(dependencies);
    let work = Work::Registered { name: "add".into(), arguments: Bytes::from_static(b"\x01"), dependencies };
    Submission { key: key.into(), work: Arc::new(work), options: TaskOptions::default(), held: true }
}

/// A task that is there for others only.
pub(super) fn inner(key: &str, dependencies: &[&str]) -> Submission {
    Submission { held: false, ..task(key, dependencies) }
}

pub(super) fn python(key: &str) -> Submission {
    let work = Work::Python { function: "operator:add".into(), arguments: Vec::new(), keywords: Vec::new() };
    Submission { work: Arc::new(work), ..task(key, &[]) }
}

pub(super) fn op(message: &Value) -> &str {
    message.get("op").and_then(Value::as_str).unwrap_or("")
}

pub(super) fn about(op: &str, key: &str) -> Value {
    Value::map([("op", op.into()), ("key", key.into())])
}

pub(super) fn in_memory(key: &str) -> Value {
    about("key-in-memory", key)
}

pub(super) fn erred(key: &str) -> Value {
    let fields = [("exception", Value::Bin(Bytes::from_static(b"boom"))), ("traceback", Value::Nil)];
    Value::map([("op", "task-erred".into()), ("key", key.into())].into_iter().chain(fields))
}

pub(super) fn cancelled_keys(names: &[&str], reason: Option<&str>) -> Value {
    Value::map([("op", "cancelled-keys".into()), ("keys", texts(names)), ("reason", reason.into())])
}

pub(super) fn beat() -> Value {
    Value::map([("op", "adjust-heartbeat-interval".into()), ("interval", 5.0.into())])
}

pub(super) fn versions(distributed: &str) -> Value {
    Value::map([("packages", Value::map([("distributed", distributed.into())]))])
}

pub(super) fn texts(texts: &[&str]) -> Value {
    Value::List(texts.iter().map(|text| (*text).into()).collect())
}

pub(super) fn data(bytes: &'static [u8]) -> Serialized {
    let header = Value::map([("serializer", "msgpack".into())]);
    Serialized { header: Box::new(header), frames: vec![Bytes::from_static(bytes)] }
}

pub(super) fn all_data(names: &[&str]) -> Value {
    let entries = names.iter().map(|name| ((*name).into(), Value::Serialized(data(b"\x0b"))));
    Value::map([("status", "OK".into()), ("data", Value::Map(entries.collect()))])
}

/// The keys that an `update-graph` wants, and all that are in it.
pub(super) fn graph_keys(message: &Value) -> (Vec<TaskKey>, Vec<TaskKey>) {
    let wanted = message.get("keys").and_then(Value::items).expect("keys");
    let all = message.get("internal_priority").and_then(Value::entries).expect("priorities");
    let of = |value: &Value| TaskKey::of_value(value).expect("a key");
    (wanted.iter().map(of).collect(), all.iter().map(|(key, _)| of(key)).collect())
}
