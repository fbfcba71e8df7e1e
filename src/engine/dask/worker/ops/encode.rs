//! What the worker says. A field too many or too few, and the scheduler drops the worker.

use std::sync::Arc;

use crate::engine::dask::wire::{TaskKey, Value};
use crate::engine::dask::worker::arrivals::Arrival;
use crate::engine::dask::worker::state::{Message, Ran};

/// The message as it is sent, alone or in a list. `number` makes its stimulus id: the scheduler only writes that down, and
/// whoever reads its story wants to find the message again.
///
/// `arrivals` are the transfers that a task that has ended was waiting for.
pub(crate) fn encode(message: Message, number: u64, arrivals: &[Arrival]) -> Value {
    let op = op(&message);
    let stimulus_id = || Value::from(format!("{op}-anydask-{number}"));
    let fields = match message {
        Message::TaskFinished { key, run_id, nbytes, kind, ran } => vec![
            ("status", "OK".into()),
            ("key", key.to_value()),
            ("run_id", run_id.into()),
            ("nbytes", nbytes.into()),
            ("type", kind.pickle.into()),
            ("typename", kind.name.into()),
            ("metadata", Value::map([])),
            ("thread", ran.map(|ran| ran.thread).into()),
            ("startstops", ran.map_or(Value::List(Vec::new()), |ran| startstops(ran, arrivals))),
            ("stimulus_id", stimulus_id()),
        ],
        Message::TaskErred { key, run_id, error, ran } => vec![
            ("status", "error".into()),
            ("key", key.to_value()),
            ("run_id", run_id.into()),
            ("exception", error.exception),
            ("traceback", error.traceback),
            ("exception_text", error.exception_text.into()),
            ("traceback_text", error.traceback_text.into()),
            ("thread", ran.thread.into()),
            ("startstops", startstops(ran, arrivals)),
            ("stimulus_id", stimulus_id()),
        ],
        Message::AddKeys(keys) | Message::RequestRefreshWhoHas(keys) => {
            vec![
                ("keys", keys.iter().map(TaskKey::to_value).collect::<Vec<_>>().into()),
                ("stimulus_id", stimulus_id()),
            ]
        }
        Message::ReleaseWorkerData(key) | Message::Reschedule(key) => {
            vec![("key", key.to_value()), ("stimulus_id", stimulus_id())]
        }
        Message::LongRunning { key, run_id, compute_duration } => vec![
            ("key", key.to_value()),
            ("run_id", run_id.into()),
            ("compute_duration", compute_duration.into()),
            ("stimulus_id", stimulus_id()),
        ],
        // Its own would make it an answer to nothing.
        Message::StealResponse { key, state, stimulus_id } => vec![
            ("key", key.to_value()),
            ("state", state.map(|state| state.word()).into()),
            ("stimulus_id", stimulus_id),
        ],
        Message::StatusChange(status) => vec![("status", status.word().into()), ("stimulus_id", stimulus_id())],
        // These two take nothing at all.
        Message::CloseStream => Vec::new(),
    };
    Value::map([("op", op.into())].into_iter().chain(fields))
}

fn op(message: &Message) -> &'static str {
    match message {
        Message::TaskFinished { .. } => "task-finished",
        Message::TaskErred { .. } => "task-erred",
        Message::AddKeys(_) => "add-keys",
        Message::ReleaseWorkerData(_) => "release-worker-data",
        Message::RequestRefreshWhoHas(_) => "request-refresh-who-has",
        Message::Reschedule(_) => "reschedule",
        Message::LongRunning { .. } => "long-running",
        Message::StealResponse { .. } => "steal-response",
        Message::StatusChange(_) => "worker-status-change",
        Message::CloseStream => "close-stream",
    }
}

fn startstops(ran: Ran, arrivals: &[Arrival]) -> Value {
    let transfers = arrivals.iter().map(|arrival| {
        Value::map([
            ("action", "transfer".into()),
            ("start", arrival.start.into()),
            ("stop", arrival.stop.into()),
            ("source", Value::Str(Arc::clone(&arrival.peer))),
        ])
    });
    let compute = Value::map([("action", "compute".into()), ("start", ran.start.into()), ("stop", ran.stop.into())]);
    Value::List(transfers.chain([compute]).collect())
}
