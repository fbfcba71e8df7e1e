//! What a client asks of the shell around it.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::engine::dask::client::Version;
use crate::engine::dask::wire::{Serialized, TaskKey, Value};
use crate::runtime::Instant;

/// A request that waits for its reply. Never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RpcId(pub(super) u64);

/// What a client asks of the shell around it. In this order, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// A request to the scheduler, on a connection other than the stream.
    SchedulerRpc { id: RpcId, message: Value },
    /// A request to a worker. With `confirm`, the text `"OK"` follows its reply.
    WorkerRpc { id: RpcId, address: Arc<str>, message: Value, confirm: bool },
    /// The scheduler has taken the client. `version` is its own.
    Registered { version: Version },
    /// This scheduler cannot be worked with: drop the connection, and do not try again.
    Refused(ConnectError),
    /// A held key has come to its end: once in each of its lives.
    Resolve { key: TaskKey, outcome: Outcome },
    /// A held key that had come to its end is pending again: a new life.
    Reset { key: TaskKey },
    /// A wanted value.
    Deliver { key: TaskKey, data: Serialized },
    /// A submission was not taken, since its key stands for other work.
    Conflict { key: TaskKey },
    /// A worker has joined or left, or may have, if somebody asked for it.
    WorkersChanged,
    /// Sets the one timer.
    SetTimer { at: Instant },
    /// For logs.
    Report(Report),
    /// Drop the connection, then say that it is lost.
    Disconnect,
    /// The close has come to its end: drop everything.
    Closed,
}

/// How a key ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// Its value is on a worker.
    Finished,
    Erred {
        /// As it came: serialised bytes, or bytes, that are the pickle of an exception.
        exception: Value,
        /// Likewise, or nil.
        traceback: Value,
        /// The task that failed, as far as the client knows of it: this one, or one that it depends on.
        blamed: TaskKey,
    },
    /// It was, or would have been, and can be made no more. It is no longer held.
    Lost(Loss),
    /// It is no longer held.
    Cancelled { reason: Arc<str> },
}

/// Why a key was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The connection to the scheduler was lost, and with it everything that this client wanted there.
    Connection,
    /// A scattered value is gone: the scheduler cannot make it again.
    Scattered,
    /// No worker has taken it, and this is what the scheduler said of it.
    NotScattered(Arc<str>),
    /// It depends on this key, which is lost.
    Input(TaskKey),
    /// The scheduler says that it is there, but no worker gives it.
    Unavailable,
}

/// What a log may want to know.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Report {
    /// The scheduler sent what this client does not know. It goes on.
    UnknownOp(Arc<str>),
    /// The scheduler sent what cannot be read as what it claims to be. The client goes on.
    Malformed(&'static str),
    /// So many Python tasks wait for the first Python worker.
    NoPythonWorker { tasks: usize },
    /// The scheduler warns, or says that it failed.
    Scheduler(Arc<str>),
    /// A request for these keys was in vain.
    RequestFailed(&'static str),
}

/// Why a scheduler cannot be worked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConnectError {
    TooOld {
        found: Version,
        needed: Version,
    },
    /// It did not say its version.
    NoVersion,
    Refused {
        message: Arc<str>,
    },
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooOld { found, needed } => {
                write!(f, "the scheduler runs distributed {found}; upgrade it to {needed} or later")
            }
            Self::NoVersion => {
                f.write_str("the peer did not say which version of distributed it runs; is it a Dask scheduler?")
            }
            Self::Refused { message } => write!(f, "the scheduler refused the client: {message}"),
        }
    }
}

impl Error for ConnectError {}
