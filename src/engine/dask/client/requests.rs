//! What a client asks the scheduler beside its tasks.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::Error;
use crate::engine::dask::client::connection::Connection;
use crate::engine::dask::client::messages::{self, ANYDASK};
use crate::engine::dask::wire::{TaskKey, Value};
use crate::task::Key;

/// A worker of a Dask cluster.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WorkerInfo {
    /// Where it listens, such as `tcp://10.0.0.1:40331`.
    pub address: String,
    /// As it was started, or its address.
    pub name: String,
    /// CPU tasks that it runs at once.
    pub threads: usize,
    /// The most memory that it uses, in bytes; 0 if it has no limit.
    pub memory_limit: u64,
    /// Its abstract resources.
    pub resources: BTreeMap<String, f64>,
    /// Whether it runs Rust functions; if not, it runs Python.
    pub is_rust: bool,
}

impl WorkerInfo {
    fn of_value(address: &Value, worker: &Value) -> Option<Self> {
        let name = match worker.get("name")? {
            Value::Str(name) => name.to_string(),
            Value::Int(number) => number.to_string(),
            _ => address.as_str()?.to_owned(),
        };
        let resources = worker.get("resources").and_then(Value::entries).unwrap_or_default();
        let mut resources: BTreeMap<_, _> =
            resources.iter().filter_map(|(name, amount)| Some((name.as_str()?.to_owned(), amount.as_f64()?))).collect();
        let is_rust = resources.remove(ANYDASK).is_some();
        let number = |field| worker.get(field).and_then(Value::as_i64).and_then(|number| u64::try_from(number).ok());
        Some(Self {
            address: address.as_str()?.to_owned(),
            name,
            threads: usize::try_from(number("nthreads")?).ok()?,
            memory_limit: number("memory_limit").unwrap_or_default(),
            resources,
            is_rust,
        })
    }
}

pub(crate) async fn workers(connection: &Arc<Connection>) -> Result<Vec<WorkerInfo>, Error> {
    let reply = connection.call(messages::identity()).await?;
    let entries = reply.get("workers").and_then(Value::entries).ok_or_else(|| strange(connection, "identity"))?;
    let mut workers: Vec<_> =
        entries.iter().filter_map(|(address, worker)| WorkerInfo::of_value(address, worker)).collect();
    workers.sort_by(|one, other| one.address.cmp(&other.address));
    Ok(workers)
}

pub(crate) async fn who_has(connection: &Arc<Connection>, keys: Vec<Key>) -> Result<BTreeMap<Key, Vec<String>>, Error> {
    let reply = connection.call(messages::who_has(&task_keys(&keys))).await?;
    let entries = reply.entries().ok_or_else(|| strange(connection, "who_has"))?;
    let mut holders: BTreeMap<_, _> = keys.into_iter().map(|key| (key, Vec::new())).collect();
    for (key, workers) in entries {
        let Some(holders) = key.as_str().and_then(|key| holders.get_mut(key)) else { continue };
        holders.extend(workers.items().unwrap_or_default().iter().filter_map(Value::as_str).map(str::to_owned));
        holders.sort();
    }
    Ok(holders)
}

/// Copies values that have been made.
pub(crate) async fn replicate(connection: &Arc<Connection>, keys: Vec<Key>, count: usize) -> Result<(), Error> {
    let reply = connection.call(messages::replicate(&task_keys(&keys), count)).await?;
    // It says nothing where all went well.
    match reply.get("status").and_then(Value::as_str) {
        None | Some("OK") => Ok(()),
        Some(_) => {
            // It has made no copies at all then.
            let missing = reply.get("keys").and_then(Value::items).unwrap_or_default();
            let key = missing.first().and_then(Value::as_str).map(Key::from).or_else(|| keys.first().cloned());
            let key = key.ok_or_else(|| strange(connection, "replicate"))?;
            Err(Error::Lost { key, reason: "no worker has its value now, so there was nothing to copy".into() })
        }
    }
}

pub(crate) async fn retire_workers(connection: &Arc<Connection>, workers: Vec<Arc<str>>) -> Result<Vec<String>, Error> {
    // Addresses and names go in different fields.
    let (addresses, names): (Vec<_>, Vec<_>) = workers.into_iter().partition(|worker| worker.contains("://"));
    let mut retired = Vec::new();
    for (field, workers) in [("workers", addresses), ("names", names)] {
        if workers.is_empty() {
            continue;
        }
        let reply = connection.call(messages::retire_workers(field, &workers)).await?;
        let gone = reply.entries().unwrap_or_default();
        retired.extend(gone.iter().filter_map(|(address, _)| address.as_str()).map(str::to_owned));
    }
    Ok(retired)
}

fn task_keys(keys: &[Key]) -> Vec<TaskKey> {
    keys.iter().map(|key| TaskKey::from(key.as_str())).collect()
}

fn strange(connection: &Arc<Connection>, op: &'static str) -> Error {
    Error::NotConnected { address: Arc::clone(&connection.address), source: Arc::new(Strange(op)) }
}

/// The scheduler gave no such answer.
#[derive(Debug)]
struct Strange(&'static str);

impl fmt::Display for Strange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "what it answered to `{}` is no answer", self.0)
    }
}

impl std::error::Error for Strange {}
