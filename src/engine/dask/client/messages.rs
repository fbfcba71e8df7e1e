//! The messages that a client sends, field by field.
//!
//! A field too many or too few in a message of the stream ends the connection, so each has exactly the fields of the versions
//! that [`Version`](super::Version) admits.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::dask::client::Broadcast;
use crate::engine::dask::comm::request;
use crate::engine::dask::wire::{Serialized, TaskKey, Value};

/// The resource that our workers have, and the annotation of our tasks.
pub(crate) const ANYDASK: &str = "anydask";

/// The client in whose name a task goes on when nobody holds it.
const FIRE_AND_FORGET: &str = "fire-and-forget";

/// How workers are to write values: bytes and arrays as they are, what is plain as msgpack. Then no pickle has to be read.
const SERIALIZERS: [&str; 4] = ["dask", "msgpack", "pickle", "error"];

/// How long the scheduler waits for a worker that takes scattered values. Dask's own client says the same.
const SCATTER_TIMEOUT: Duration = Duration::from_secs(30);

// --- on the stream ---

/// `versions` is what the scheduler said of itself: an echo never mismatches.
pub(crate) fn register_client(client_id: &Arc<str>, versions: Value) -> Value {
    message("register-client", [("client", client_id.clone().into()), ("reply", false.into()), ("versions", versions)])
}

pub(crate) fn heartbeat_client() -> Value {
    message("heartbeat-client", [])
}

pub(crate) fn client_desires_keys(keys: &[TaskKey], client_id: &Arc<str>) -> Value {
    message("client-desires-keys", [("keys", list(keys)), ("client", client_id.clone().into())])
}

/// Has the scheduler bring these to their ends though nobody holds them.
pub(crate) fn detach_keys(keys: &[TaskKey]) -> Value {
    message("client-desires-keys", [("keys", list(keys)), ("client", FIRE_AND_FORGET.into())])
}

pub(crate) fn client_releases_keys(keys: &[TaskKey], client_id: &Arc<str>) -> Value {
    message("client-releases-keys", [("keys", list(keys)), ("client", client_id.clone().into())])
}

pub(crate) fn cancel_keys(keys: &[TaskKey], force: bool, reason: &Arc<str>) -> Value {
    let fields =
        [("keys", list(keys)), ("force", force.into()), ("reason", reason.clone().into()), ("msg", Value::Nil)];
    message("cancel-keys", fields)
}

pub(crate) fn report_key(key: &TaskKey) -> Value {
    message("report-key", [("key", key.to_value())])
}

pub(crate) fn close_client() -> [Value; 2] {
    [message("close-client", []), message("close-stream", [])]
}

// --- requests to the scheduler ---

pub(crate) fn versions() -> Value {
    request("versions", [])
}

/// With all workers.
pub(crate) fn identity() -> Value {
    request("identity", [("n_workers", Value::Int(-1))])
}

/// How many threads a worker has. Fails if its address cannot be looked up.
pub(crate) fn ncores(worker: &Arc<str>) -> Value {
    request("ncores", [("workers", texts(std::slice::from_ref(worker)))])
}

pub(crate) fn gather(keys: &[TaskKey]) -> Value {
    request("gather", [("keys", list(keys)), ("serializers", serializers())])
}

pub(crate) fn who_has(keys: &[TaskKey]) -> Value {
    request("who_has", [("keys", list(keys))])
}

pub(crate) fn scatter(
    values: Vec<(TaskKey, Serialized)>,
    workers: &[Arc<str>],
    client_id: &Arc<str>,
    broadcast: Broadcast,
) -> Value {
    let broadcast = match broadcast {
        Broadcast::One => Value::Bool(false),
        Broadcast::Some(workers) => Value::Int(i64::from(workers)),
        Broadcast::All => Value::Bool(true),
    };
    let fields = [
        ("data", data(values)),
        ("workers", if workers.is_empty() { Value::Nil } else { texts(workers) }),
        ("client", client_id.clone().into()),
        ("broadcast", broadcast),
        ("timeout", Value::Int(SCATTER_TIMEOUT.as_secs() as i64)),
    ];
    request("scatter", fields)
}

/// Tells the scheduler which worker took which values, and that this client wants them.
pub(crate) fn update_data_of_scheduler(keys: &[(TaskKey, u64)], address: &Arc<str>, client_id: &Arc<str>) -> Value {
    let who_has = keys.iter().map(|(key, _)| (key.to_value(), vec![Value::from(address.clone())].into()));
    let nbytes = keys.iter().map(|(key, nbytes)| (key.to_value(), (*nbytes).into()));
    let fields = [
        ("who_has", Value::Map(who_has.collect())),
        ("nbytes", Value::Map(nbytes.collect())),
        ("client", client_id.clone().into()),
    ];
    request("update_data", fields)
}

pub(crate) fn retry(keys: &[TaskKey], client_id: &Arc<str>) -> Value {
    request("retry", [("keys", list(keys)), ("client", client_id.clone().into())])
}

/// Only these workers may run these tasks.
pub(crate) fn set_restrictions(keys: &[TaskKey], addresses: &[Arc<str>]) -> Value {
    let worker = keys.iter().map(|key| (key.to_value(), texts(addresses)));
    request("set_restrictions", [("worker", Value::Map(worker.collect()))])
}

/// `count` copies of each value.
pub(crate) fn replicate(keys: &[TaskKey], count: usize) -> Value {
    let fields = [
        ("keys", list(keys)),
        ("n", Value::from(count as u64)),
        ("workers", Value::Nil),
        // How many copies each copy makes at once: Dask's own choice.
        ("branching_factor", Value::Int(2)),
    ];
    request("replicate", fields)
}

/// `field` is `workers` for addresses, and `names` for names.
pub(crate) fn retire_workers(field: &'static str, workers: &[Arc<str>]) -> Value {
    let fields = [
        (field, texts(workers)),
        ("close_workers", true.into()),
        ("remove", true.into()),
        ("stimulus_id", "retire-anydask".into()),
    ];
    request("retire_workers", fields)
}

// --- requests to workers ---

/// The text `"OK"` follows the reply.
pub(crate) fn get_data(keys: &[TaskKey]) -> Value {
    request("get_data", [("keys", list(keys)), ("who", Value::Nil), ("serializers", serializers())])
}

pub(crate) fn update_data_of_worker(values: Vec<(TaskKey, Serialized)>) -> Value {
    request("update_data", [("data", data(values))])
}

// --- parts ---

pub(crate) fn texts(texts: &[Arc<str>]) -> Value {
    Value::List(texts.iter().map(|text| text.clone().into()).collect())
}

fn list(keys: &[TaskKey]) -> Value {
    Value::List(keys.iter().map(TaskKey::to_value).collect())
}

fn data(values: Vec<(TaskKey, Serialized)>) -> Value {
    Value::Map(values.into_iter().map(|(key, value)| (key.to_value(), Value::Serialized(value))).collect())
}

fn serializers() -> Value {
    Value::List(SERIALIZERS.iter().map(|name| Value::from(*name)).collect())
}

pub(super) fn message<const N: usize>(op: &str, fields: [(&str, Value); N]) -> Value {
    Value::map(std::iter::once(("op", op.into())).chain(fields))
}
