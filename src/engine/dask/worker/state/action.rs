//! What a worker is to do.

use std::sync::Arc;

use anydask_runtime::Instant;

use crate::engine::dask::wire::{TaskKey, Value};
use crate::engine::dask::worker::state::{
    Address, BodyId, Call, Kind, Ran, Refusal, RunId, Status, TaskError, TransferId,
};

/// What is to be done, in this order.
#[derive(Clone, Debug)]
pub(crate) enum Action<V> {
    /// Sends a message on the scheduler's stream.
    Send(Message),
    /// Runs a body, and says `BodyEnded` once. A refused call ends with an error that says why.
    Execute {
        body: BodyId,
        key: TaskKey,
        #[cfg_attr(not(test), expect(dead_code, reason = "the model holds it against what was asked for"))]
        run_id: RunId,
        call: Result<Call, Refusal>,
        /// The values of `call.inputs`, in that order.
        inputs: Vec<V>,
    },
    /// Tells a body that nobody waits for it. It still says `BodyEnded`, whenever and however it ends.
    Cancel(BodyId),
    /// Asks a peer for data (`get_data`), and says `FetchEnded` once.
    Fetch { transfer: TransferId, peer: Address, keys: Vec<TaskKey> },
    /// A value that is needed no more. It comes out so that it can be dropped where that may take time.
    Drop(V),
    /// Restricts these tasks to Python workers (`set_restrictions`), and says `PythonDeclined` once.
    DeclinePython(Vec<TaskKey>),
    /// Asks the scheduler to move our data elsewhere (`retire_workers`, with `close_workers` false and `remove` true) while
    /// peers can still get it, and says `Retired`.
    Retire,
    /// Says `TimerFired` at this time. Takes the place of the timer before.
    SetTimer(Instant),
    /// Closes the stream. Nothing comes after it.
    Stop { reason: Stop },
}

/// Why a worker stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The scheduler said so, with its reason.
    Closed(Option<Arc<str>>),
    /// The scheduler ended the stream.
    StreamClosed,
    /// The worker left as it was asked to.
    Left,
    /// Somebody on this side asked.
    Asked,
}

/// A message to the scheduler.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Message {
    TaskFinished {
        key: TaskKey,
        run_id: RunId,
        nbytes: u64,
        kind: Kind,
        /// `None` of data that was put here.
        ran: Option<Ran>,
    },
    TaskErred {
        key: TaskKey,
        run_id: RunId,
        error: TaskError,
        ran: Ran,
    },
    AddKeys(Vec<TaskKey>),
    ReleaseWorkerData(TaskKey),
    RequestRefreshWhoHas(Vec<TaskKey>),
    /// Gives a task back, so that it is placed anew.
    Reschedule(TaskKey),
    LongRunning {
        key: TaskKey,
        run_id: RunId,
        /// How long it took a slot, in seconds. `None` if that was told before.
        compute_duration: Option<f64>,
    },
    StealResponse {
        key: TaskKey,
        /// `None` for what is not here.
        state: Option<StealState>,
        stimulus_id: Value,
    },
    StatusChange(Status),
    CloseStream,
}

/// The words of a steal response. Any other kills the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StealState {
    /// These three: the task is given away, and forgotten here.
    Ready,
    Waiting,
    Constrained,
    /// These: it stays.
    Executing,
    LongRunning,
    Memory,
    Resumed,
}

impl StealState {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Waiting => "waiting",
            Self::Constrained => "constrained",
            Self::Executing => "executing",
            Self::LongRunning => "long-running",
            Self::Memory => "memory",
            Self::Resumed => "resumed",
        }
    }

    pub(crate) fn is_given_away(self) -> bool {
        matches!(self, Self::Ready | Self::Waiting | Self::Constrained)
    }
}
