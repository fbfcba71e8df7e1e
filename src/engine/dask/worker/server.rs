//! What a worker answers to peers, clients and the scheduler.

use std::slice;
use std::sync::{Arc, Mutex, PoisonError};

use crate::engine::dask::comm::{Address, Answer, Handler, Pool};
use crate::engine::dask::wire::{Serialized, TaskKey, Value, class_pickle};
use crate::engine::dask::worker::fetch::{data_of, fetch};
use crate::engine::dask::worker::registration::{Gauge, Identity, Vitals};
use crate::engine::dask::worker::shell::{Datum, Shell};
use crate::engine::dask::worker::state::{Data, Event, Kind};
use crate::engine::dask::worker::transfers::{Bandwidth, Outgoing};
use crate::runtime::Runtime;

/// Answers to peers at the same time. Dask's number (`distributed.worker.connections.incoming`): who comes late is asked to
/// come again, so that those before get their data sooner.
const SENDING_MAX: u64 = 50;

/// Answers requests.
pub(super) struct Server<R: Runtime> {
    identity: Arc<Identity>,
    pool: Pool<R>,
    gauge: Arc<Gauge>,
    /// The present registration.
    shell: Arc<Mutex<Option<Arc<Shell>>>>,
    outgoing: Arc<Outgoing>,
    bandwidth: Arc<Bandwidth>,
    /// Those of the scheduler, which are told as this worker's: it has no Python of its own that could differ.
    versions: Arc<Mutex<Value>>,
}

impl<R: Runtime> Clone for Server<R> {
    fn clone(&self) -> Self {
        Self {
            identity: Arc::clone(&self.identity),
            pool: self.pool.clone(),
            gauge: Arc::clone(&self.gauge),
            shell: Arc::clone(&self.shell),
            outgoing: Arc::clone(&self.outgoing),
            bandwidth: Arc::clone(&self.bandwidth),
            versions: Arc::clone(&self.versions),
        }
    }
}

impl<R: Runtime> Server<R> {
    pub(super) fn new(identity: Arc<Identity>, pool: Pool<R>, gauge: Arc<Gauge>) -> Self {
        let versions = Arc::new(Mutex::new(Value::map([])));
        let bandwidth = Arc::new(Bandwidth::new());
        Self { identity, pool, gauge, shell: Arc::default(), outgoing: Arc::default(), bandwidth, versions }
    }

    /// From now on, for this registration.
    pub(super) fn serve_for(&self, shell: Option<Arc<Shell>>) {
        let before = std::mem::replace(&mut *self.shell.lock().unwrap_or_else(PoisonError::into_inner), shell);
        drop(before);
    }

    fn shell(&self) -> Option<Arc<Shell>> {
        self.shell.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How the process is doing, and what it sends and gets. `lateness` is that of the runtime's last timer, in seconds.
    pub(super) fn vitals(&self, lateness: f64) -> Vitals {
        let mut vitals = self.gauge.read();
        vitals.lateness = lateness;
        vitals.outgoing = self.outgoing.read();
        vitals.bandwidth = self.bandwidth.report();
        vitals
    }

    pub(super) fn bandwidth(&self) -> &Arc<Bandwidth> {
        &self.bandwidth
    }

    pub(super) fn set_versions(&self, versions: &Value) {
        *self.versions.lock().unwrap_or_else(PoisonError::into_inner) = versions.clone();
    }

    async fn answer(&self, request: &Value) -> Answer {
        let op = request.get("op").and_then(Value::as_str).unwrap_or_default();
        Answer::Reply(match op {
            "get_data" => return self.get_data(request),
            "update_data" => self.update_data(request),
            "gather" => self.gather(request).await,
            "free_keys" => self.free_keys(request),
            "identity" => self.describe(),
            "ping" => Value::Bin("pong".into()),
            "echo" => request.get("data").cloned().unwrap_or(Value::Nil),
            "keys" => self.keys(),
            "versions" => self.versions.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            "get_logs" | "get_story" => Value::List(Vec::new()),
            "call_stack" | "dump_state" => Value::map([]),
            "profile" => no_profile(),
            "profile_metadata" => Value::map([("counts", Value::List(Vec::new())), ("keys", Value::List(Vec::new()))]),
            "get_monitor_info" => {
                Value::map([("range_query", Value::map([])), ("count", Value::Int(0)), ("last_time", Value::Int(0))])
            }
            // For the dashboard's page of the hardware, which shows the mean of those that have measured.
            "benchmark_disk" | "benchmark_memory" | "benchmark_network" => Value::map([]),
            "plugin-add" | "plugin-remove" => Value::map([("status", "OK".into())]),
            "terminate" => {
                if let Some(shell) = self.shell() {
                    shell.handle(Event::StopAsked);
                }
                return Answer::ReplyAndClose("OK".into());
            }
            // Code of Python, mostly.
            op => not_implemented(op),
        })
    }

    fn get_data(&self, request: &Value) -> Answer {
        let Some(mut sending) = self.outgoing.begin(SENDING_MAX) else {
            return Answer::Reply(Value::map([("status", "busy".into())]));
        };
        let data = self.shell().map(|shell| shell.data(&keys(request))).unwrap_or_default();
        sending.holds(data.iter().map(|(_, datum)| nbytes(datum)).sum());
        let data = data.into_iter().map(|(key, datum)| (key.to_value(), Value::Serialized(Serialized::clone(&datum))));
        let reply = Value::map([("status", "OK".into()), ("data", Value::Map(data.collect()))]);
        Answer::Data { reply, held: Box::new(sending) }
    }

    fn update_data(&self, request: &Value) -> Value {
        let data = request.get("data").map_or(Ok(Vec::new()), data_of).unwrap_or_else(|error| {
            tracing::warn!(target: "anydask", %error, "data that cannot be kept");
            Vec::new()
        });
        let nbytes = data.iter().map(|(key, datum)| (key.to_value(), Value::from(datum.nbytes))).collect();
        if let Some(shell) = self.shell() {
            shell.handle(Event::DataPut(data));
        }
        Value::map([("nbytes", Value::Map(nbytes)), ("status", "OK".into())])
    }

    /// Fetches what the scheduler wants to have here.
    async fn gather(&self, request: &Value) -> Value {
        let mut missing = Vec::new();
        let mut arrived = Vec::new();
        for (key, holders) in request.get("who_has").and_then(Value::entries).unwrap_or_default() {
            let Some(task_key) = TaskKey::of_value(key) else { continue };
            let mut found = None;
            for holder in holders.items().unwrap_or_default().iter().filter_map(text) {
                if let Ok(Some(data)) =
                    fetch(&self.pool, &self.bandwidth, holder, slice::from_ref(&task_key), &self.identity.address).await
                    && !data.is_empty()
                {
                    found = Some(data);
                    break;
                }
            }
            match found {
                Some(data) => arrived.extend(data),
                None => missing.push(key.clone()),
            }
        }
        if let Some(shell) = self.shell() {
            shell.handle(Event::DataPut(arrived));
        }
        if missing.is_empty() {
            return Value::map([("status", "OK".into())]);
        }
        Value::map([("status", "partial-fail".into()), ("keys", Value::List(missing))])
    }

    fn free_keys(&self, request: &Value) -> Value {
        if let Some(shell) = self.shell() {
            shell.free_keys(keys(request));
        }
        Value::Nil
    }

    fn describe(&self) -> Value {
        match self.shell() {
            Some(shell) => self.identity.describe(shell.metrics().1),
            None => Value::map([("type", "Worker".into()), ("status", "init".into())]),
        }
    }

    fn keys(&self) -> Value {
        let keys = self.shell().map(|shell| shell.keys()).unwrap_or_default();
        Value::List(keys.iter().map(TaskKey::to_value).collect())
    }
}

impl<R: Runtime> Handler for Server<R> {
    async fn handle(&self, _: &Address, request: Value) -> Answer {
        self.answer(&request).await
    }
}

fn text(value: &Value) -> Option<&Arc<str>> {
    match value {
        Value::Str(text) => Some(text),
        _ => None,
    }
}

fn nbytes(value: &Serialized) -> u64 {
    value.frames.iter().map(|frame| frame.len() as u64).sum()
}

fn keys(request: &Value) -> Vec<TaskKey> {
    let keys = request.get("keys").and_then(Value::items).unwrap_or_default();
    keys.iter().filter_map(TaskKey::of_value).collect()
}

/// Of a program that samples nothing.
fn no_profile() -> Value {
    let description =
        Value::map([("filename", "".into()), ("name", "".into()), ("line_number", Value::Int(0)), ("line", "".into())]);
    Value::map([
        ("count", Value::Int(0)),
        ("children", Value::map([])),
        ("identifier", "root".into()),
        ("description", description),
    ])
}

fn not_implemented(op: &str) -> Value {
    let message = format!("a worker of anydask runs no Python, and so has no `{op}`");
    Value::map([
        ("status", "error".into()),
        ("exception", Value::Serialized(Serialized::of_exception("NotImplementedError", &message, "failed"))),
        ("traceback", Value::Nil),
        ("exception_text", message.into()),
        ("traceback_text", "".into()),
    ])
}

/// Data whose Python type is not known here.
pub(super) fn datum(value: Serialized) -> Data<Datum> {
    let nbytes = nbytes(&value);
    let name = value.header.get("type").and_then(Value::as_str).unwrap_or("object");
    let kind = Kind { pickle: class_pickle("builtins", "object"), name: name.into() };
    Data { value: Arc::new(value), nbytes, kind }
}
