//! What the scheduler says.

use std::fmt;
use std::sync::Arc;

use crate::engine::dask::wire::{TaskKey, Value, stream_messages};
use crate::engine::dask::worker::ops::ANYDASK;
use crate::engine::dask::worker::state::{
    Address, Amounts, Call, ComputeTask, Dependency, FromScheduler, Priority, Refusal, Status, Work,
};

/// A message of the stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Received {
    Message(FromScheduler),
    /// What this worker knows nothing of, and need not: extensions of the scheduler write to their own kind here.
    Unknown {
        op: Arc<str>,
    },
}

/// A message that this worker knows is not as it should be. What the scheduler thinks of this worker is not known any more,
/// so the stream has to be closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// `None` if not even that can be read.
    pub(crate) op: Option<Arc<str>>,
    pub(crate) field: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.op {
            Some(op) => write!(f, "the scheduler's message `{op}` has no readable `{}`", self.field),
            None => write!(f, "a message of the scheduler has no readable `{}`", self.field),
        }
    }
}

impl std::error::Error for Malformed {}

/// Reads what came on the stream at once: one message, or a list of them.
pub(crate) fn decode(batch: Value) -> Result<Vec<Received>, Malformed> {
    let messages = stream_messages(batch).map_err(|_| Malformed { op: None, field: "op" })?;
    messages.iter().map(decode_one).collect()
}

fn decode_one(message: &Value) -> Result<Received, Malformed> {
    let op = message.get("op").and_then(Value::as_str).ok_or(Malformed { op: None, field: "op" })?;
    let fields = Fields { op, message };
    let message = match op {
        "compute-task" => FromScheduler::ComputeTask(compute_task(&fields)?),
        "free-keys" => FromScheduler::FreeKeys(fields.keys("keys")?),
        "remove-replicas" => FromScheduler::RemoveReplicas(fields.keys("keys")?),
        "acquire-replicas" => FromScheduler::AcquireReplicas(fields.dependencies()?),
        "steal-request" => FromScheduler::StealRequest {
            key: fields.read("key", TaskKey::of_value)?,
            stimulus_id: fields.read("stimulus_id", |value| Some(value.clone()))?,
        },
        "refresh-who-has" => FromScheduler::RefreshWhoHas(fields.read("who_has", who_has)?),
        "remove-worker" => FromScheduler::RemoveWorker(fields.read("worker", text)?),
        "worker-status-change" => {
            let word = fields.read("status", text)?;
            match Status::of_word(&word) {
                Some(status) => FromScheduler::StatusChange(status),
                // Nothing that a worker could adopt. It goes on.
                None => return Ok(Received::Unknown { op: op.into() }),
            }
        }
        "close" => FromScheduler::Close { reason: message.get("reason").and_then(text) },
        "close-stream" | "stream-closed" => FromScheduler::StreamClosed,
        _ => return Ok(Received::Unknown { op: op.into() }),
    };
    Ok(Received::Message(message))
}

fn compute_task(fields: &Fields<'_>) -> Result<ComputeTask, Malformed> {
    Ok(ComputeTask {
        key: fields.read("key", TaskKey::of_value)?,
        run_id: fields.read("run_id", Value::as_i64)?,
        priority: fields.read("priority", priority)?,
        dependencies: fields.dependencies()?,
        work: work(fields.message.get("annotations")),
        resources: fields.read_or_default("resource_restrictions", amounts)?,
    })
}

/// A call of ours, or anything else. A call that cannot be read is one task that errs, not a worker that goes: whoever
/// submits a task writes its annotations.
fn work(annotations: Option<&Value>) -> Work {
    let Some(call) = annotations.and_then(|annotations| annotations.get(ANYDASK)) else { return Work::Python };
    let read = || {
        Ok(Call {
            function: call.get("f").and_then(text).ok_or(Refusal::Unreadable { field: "f" })?,
            arguments: match call.get("a") {
                Some(Value::Bin(bytes)) => bytes.clone(),
                _ => return Err(Refusal::Unreadable { field: "a" }),
            },
            inputs: call.get("d").and_then(keys).ok_or(Refusal::Unreadable { field: "d" })?.into(),
        })
    };
    Work::Rust(read())
}

struct Fields<'a> {
    op: &'a str,
    message: &'a Value,
}

impl Fields<'_> {
    fn read<T>(&self, field: &'static str, read: impl FnOnce(&Value) -> Option<T>) -> Result<T, Malformed> {
        self.message.get(field).and_then(read).ok_or_else(|| Malformed { op: Some(self.op.into()), field })
    }

    /// Of a field that may be nil or not there.
    fn read_or_default<T: Default>(
        &self,
        field: &'static str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<T, Malformed> {
        match self.message.get(field) {
            None | Some(Value::Nil) => Ok(T::default()),
            Some(_) => self.read(field, read),
        }
    }

    fn keys(&self, field: &'static str) -> Result<Vec<TaskKey>, Malformed> {
        self.read(field, keys)
    }

    /// `who_has`, with what `nbytes` says of the same keys. 0 where it says nothing, as of data whose size is not known.
    fn dependencies(&self) -> Result<Vec<Dependency>, Malformed> {
        let nbytes = self.read("nbytes", |value| {
            let sizes = value.entries()?.iter();
            sizes.map(|(key, size)| Some((TaskKey::of_value(key)?, nbytes(size)?))).collect::<Option<_>>()
        })?;
        let nbytes: std::collections::BTreeMap<TaskKey, u64> = nbytes;
        let who_has = self.read("who_has", who_has)?.into_iter();
        Ok(who_has
            .map(|(key, holders)| Dependency { nbytes: nbytes.get(&key).copied().unwrap_or_default(), key, holders })
            .collect())
    }
}

fn text(value: &Value) -> Option<Arc<str>> {
    match value {
        Value::Str(text) => Some(Arc::clone(text)),
        _ => None,
    }
}

fn keys(value: &Value) -> Option<Vec<TaskKey>> {
    value.items()?.iter().map(TaskKey::of_value).collect()
}

fn who_has(value: &Value) -> Option<Vec<(TaskKey, Vec<Address>)>> {
    let holders = |value: &Value| value.items()?.iter().map(text).collect::<Option<Vec<_>>>();
    value.entries()?.iter().map(|(key, value)| Some((TaskKey::of_value(key)?, holders(value)?))).collect()
}

/// Unknown sizes are -1.
fn nbytes(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => Some(u64::try_from(*number).unwrap_or_default()),
        Value::UInt(number) => Some(*number),
        Value::Float(number) => Some(*number as u64),
        _ => None,
    }
}

fn priority(value: &Value) -> Option<Priority> {
    value.items()?.iter().map(|number| number.as_f64().filter(|number| number.is_finite())).collect()
}

fn amounts(value: &Value) -> Option<Amounts> {
    let amount = |value: &Value| value.as_f64().filter(|amount| amount.is_finite() && *amount >= 0.0);
    value.entries()?.iter().map(|(name, value)| Some((text(name)?, amount(value)?))).collect()
}
