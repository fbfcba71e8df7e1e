//! A small scheduler that does to keys what Dask's does, one client, no workers: a test says which task ends when, and how.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::driver::{about, beat, data, erred, graph_keys, in_memory, op, texts};
use crate::engine::dask::client::state::LOST_DEPENDENCIES;
use crate::engine::dask::wire::{TaskKey, Value};

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) tasks: BTreeMap<TaskKey, Task>,
    /// What each key depends on, whoever submits it.
    pub(super) dependencies: BTreeMap<TaskKey, Vec<TaskKey>>,
    /// To the client, in order.
    pub(super) outbox: VecDeque<Value>,
    /// Whether it fails to take in the next graph.
    pub(super) refuses_graph: bool,
}

#[derive(Debug, Default)]
pub(super) struct Task {
    pub(super) wanted: bool,
    /// By another client.
    pub(super) wanted_elsewhere: bool,
    pub(super) state: State,
    pub(super) is_data: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    /// Released, or waiting to be made if somebody needs it.
    #[default]
    Waiting,
    Memory,
    Erred,
}

impl Model {
    pub(super) fn handle(&mut self, message: &Value) {
        let keys = || -> Vec<TaskKey> {
            let items = message.get("keys").and_then(Value::items).expect("keys");
            items.iter().map(|key| TaskKey::of_value(key).expect("a key")).collect()
        };
        match op(message) {
            "update-graph" => self.update_graph(message),
            "client-releases-keys" => self.release(&keys()),
            "client-desires-keys" => {
                for key in keys() {
                    if let Some(task) = self.tasks.get_mut(&key) {
                        task.wanted = true;
                        self.report(&key);
                    }
                }
            }
            "report-key" => {
                let key = TaskKey::of_value(message.get("key").expect("a key")).expect("a key");
                if self.tasks.contains_key(&key) {
                    self.report_to_client(&key);
                } else {
                    self.outbox.push_back(cancelled(&[key], None));
                }
            }
            "cancel-keys" => {
                let (keys, mut all) = (keys(), Vec::new());
                keys.iter().for_each(|key| self.cancel(key, &mut all));
                self.release(&all);
                self.outbox.push_back(cancelled(&all, Some("cancelled")));
            }
            "heartbeat-client" => self.outbox.push_back(beat()),
            other => panic!("the scheduler would end the connection: {other}"),
        }
        self.tidy();
    }

    fn update_graph(&mut self, message: &Value) {
        let (wanted, all) = graph_keys(message);
        if std::mem::take(&mut self.refuses_graph) {
            // It says so of each key, and makes none.
            return self.outbox.extend(wanted.iter().map(|key| erred(&key.to_string())));
        }
        let (mut reached, mut keys) = (BTreeSet::new(), wanted.clone());
        while let Some(key) = keys.pop() {
            if !all.contains(&key) {
                if !self.tasks.contains_key(&key) {
                    self.outbox.push_back(cancelled(&wanted, Some(LOST_DEPENDENCIES)));
                    return self.release(&wanted);
                }
            } else if reached.insert(key.clone()) {
                keys.extend(self.dependencies[&key].clone());
            }
        }
        for key in &reached {
            self.tasks.entry(key.clone()).or_default();
        }
        for key in &wanted {
            self.tasks.get_mut(key).expect("it was reached").wanted = true;
        }
        self.spread_errors();
        wanted.iter().for_each(|key| self.report(key));
    }

    fn release(&mut self, keys: &[TaskKey]) {
        for key in keys {
            if let Some(task) = self.tasks.get_mut(key) {
                task.wanted = false;
            }
        }
        self.tidy();
    }

    fn cancel(&self, key: &TaskKey, all: &mut Vec<TaskKey>) {
        let Some(task) = self.tasks.get(key) else { return };
        self.dependents(key).iter().for_each(|dependent| self.cancel(dependent, all));
        all.push(key.clone());
        assert!(task.wanted || task.wanted_elsewhere, "the scheduler would end the connection: nobody wants {key}");
    }

    /// The reply to a request, if it does not fail.
    pub(super) fn reply(&mut self, request: &Value) -> Option<Value> {
        let keys: Vec<_> = request.get("keys").and_then(Value::items).unwrap_or_default().to_vec();
        let keys: Vec<_> = keys.iter().map(|key| TaskKey::of_value(key).expect("a key")).collect();
        let is_there = |key: &&TaskKey| self.tasks.get(*key).is_some_and(|task| task.state == State::Memory);
        let reply = match op(request) {
            "gather" => {
                let missing: Vec<_> = keys.iter().filter(|key| !is_there(key)).map(TaskKey::to_value).collect();
                match missing.is_empty() {
                    true => self.values(&keys),
                    false => Value::map([("status", "error".into()), ("keys", missing.into())]),
                }
            }
            "get_data" => self.values(&keys),
            "who_has" => {
                let holders = |key: &TaskKey| if is_there(&key) { texts(&["tcp://w"]) } else { texts(&[]) };
                Value::Map(keys.iter().map(|key| (key.to_value(), holders(key))).collect())
            }
            "scatter" => {
                for (key, _) in request.get("data").and_then(Value::entries).expect("data") {
                    let key = TaskKey::of_value(key).expect("a key");
                    let task = Task { wanted: true, state: State::Memory, is_data: true, ..Task::default() };
                    self.tasks.insert(key.clone(), task);
                    self.report(&key);
                }
                Value::Nil
            }
            "ncores" => Value::Map(Vec::new()),
            "retry" if keys.iter().any(|key| !self.tasks.contains_key(key)) => return None,
            "retry" => {
                keys.iter().for_each(|key| self.retry(key));
                Value::Nil
            }
            other => panic!("an unknown request: {other}"),
        };
        self.tidy();
        Some(reply)
    }

    fn values(&self, keys: &[TaskKey]) -> Value {
        let is_there = |key: &&TaskKey| self.tasks.get(*key).is_some_and(|task| task.state == State::Memory);
        let value = |key: &TaskKey| (key.to_value(), Value::Serialized(data(b"\x0b")));
        let values = keys.iter().filter(is_there).map(value).collect();
        Value::map([("status", "OK".into()), ("data", Value::Map(values))])
    }

    fn retry(&mut self, key: &TaskKey) {
        let has_erred =
            |model: &Self, key: &TaskKey| model.tasks.get(key).is_some_and(|task| task.state == State::Erred);
        if !has_erred(self, key) {
            return;
        }
        self.set(key, State::Waiting);
        self.say(key, "task-retried");
        let neighbours: Vec<_> = self.dependencies[key].iter().cloned().chain(self.dependents(key)).collect();
        self.forget_if_lost(key);
        neighbours.iter().for_each(|key| self.retry(key));
    }

    /// The keys that a worker may make now.
    pub(super) fn runnable(&self) -> Vec<TaskKey> {
        let is_there = |key: &TaskKey| self.tasks.get(key).is_some_and(|task| task.state == State::Memory);
        let can_run = |key: &TaskKey| self.dependencies[key].iter().all(is_there);
        let waiting = self.tasks.iter().filter(|(_, task)| task.state == State::Waiting).map(|(key, _)| key);
        waiting.filter(|key| self.is_needed(key) && can_run(key)).cloned().collect()
    }

    pub(super) fn run(&mut self, key: &TaskKey, state: State) {
        self.set(key, state);
        self.report(key);
        self.spread_errors();
        self.tidy();
    }

    /// All workers that have it are gone.
    pub(super) fn lose(&mut self, key: &TaskKey) {
        self.say(key, "lost-data");
        self.set(key, State::Waiting);
        self.forget_if_lost(key);
        self.tidy();
    }

    /// What was released and can never be made again is forgotten.
    fn forget_if_lost(&mut self, key: &TaskKey) {
        let is_lost = |key: &TaskKey| !self.tasks.contains_key(key);
        if self.tasks[key].is_data || self.dependencies[key].iter().any(is_lost) {
            self.forget(key);
        }
    }

    fn forget(&mut self, key: &TaskKey) {
        let Some(task) = self.tasks.remove(key) else { return };
        if task.wanted {
            self.outbox.push_back(cancelled(std::slice::from_ref(key), Some("already forgotten")));
        }
        for dependent in self.dependents(key) {
            if self.tasks.get(&dependent).is_some_and(|task| task.state == State::Waiting) {
                self.forget(&dependent);
            }
        }
    }

    /// The connection is gone, with all that the client wanted.
    pub(super) fn disconnect(&mut self) {
        self.outbox.clear();
        self.tasks.values_mut().for_each(|task| task.wanted = false);
        self.tidy();
    }

    pub(super) fn restart(&mut self) {
        self.tasks.clear();
        self.outbox.push_back(Value::map([("op", "restart".into())]));
    }

    fn set(&mut self, key: &TaskKey, state: State) {
        self.tasks.get_mut(key).expect("it is there").state = state;
    }

    fn dependents(&self, key: &TaskKey) -> Vec<TaskKey> {
        self.tasks.keys().filter(|other| self.dependencies[*other].contains(key)).cloned().collect()
    }

    fn is_needed(&self, key: &TaskKey) -> bool {
        let task = &self.tasks[key];
        let is_waited_for = |key: &TaskKey| self.tasks[key].state == State::Waiting && self.is_needed(key);
        task.wanted || task.wanted_elsewhere || self.dependents(key).iter().any(is_waited_for)
    }

    /// Forgets what nobody needs.
    fn tidy(&mut self) {
        loop {
            let mut goes = None;
            for (key, task) in &self.tasks {
                let is_kept = task.wanted || task.wanted_elsewhere || !self.dependents(key).is_empty();
                let is_freed = task.state == State::Memory && !self.is_needed(key);
                if !is_kept || is_freed {
                    goes = Some((key.clone(), is_kept));
                    break;
                }
            }
            match goes {
                Some((key, true)) => {
                    self.set(&key, State::Waiting);
                    self.forget_if_lost(&key);
                }
                Some((key, false)) => _ = self.tasks.remove(&key),
                None => return,
            }
        }
    }

    /// Errs what waits for what has erred. Keys are in the order of their dependencies.
    fn spread_errors(&mut self) {
        for key in self.tasks.keys().cloned().collect::<Vec<_>>() {
            let has_erred = |key: &TaskKey| self.tasks.get(key).is_some_and(|task| task.state == State::Erred);
            if self.tasks[&key].state == State::Waiting
                && self.is_needed(&key)
                && self.dependencies[&key].iter().any(has_erred)
            {
                self.set(&key, State::Erred);
                self.report(&key);
            }
        }
    }

    pub(super) fn report(&mut self, key: &TaskKey) {
        if self.tasks[key].wanted {
            self.report_to_client(key);
        }
    }

    fn report_to_client(&mut self, key: &TaskKey) {
        let name = key.to_string();
        match self.tasks[key].state {
            State::Waiting => {}
            State::Memory => self.outbox.push_back(in_memory(&name)),
            State::Erred => self.outbox.push_back(erred(&name)),
        }
    }

    fn say(&mut self, key: &TaskKey, op: &str) {
        if self.tasks[key].wanted {
            self.outbox.push_back(about(op, &key.to_string()));
        }
    }
}

fn cancelled(keys: &[TaskKey], reason: Option<&str>) -> Value {
    let keys = keys.iter().map(TaskKey::to_value).collect();
    Value::map([("op", "cancelled-keys".into()), ("keys", Value::Set(keys)), ("reason", reason.into())])
}
