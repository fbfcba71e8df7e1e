//! What a worker is told.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::engine::dask::wire::{TaskKey, Value};
use crate::engine::dask::worker::state::{Amounts, Priority};

/// Where a worker listens, such as `tcp://10.0.0.1:40331`.
pub(crate) type Address = Arc<str>;

/// The scheduler's number of one assignment of a task to a worker. An answer carries that of the latest assignment: with
/// an older one the scheduler throws the result away and has the task run again.
pub(crate) type RunId = i64;

/// A body that runs, or that was told to stop and has not ended yet. Never used again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BodyId(pub(super) u64);

/// A request for data to another worker that has not ended yet. Never used again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TransferId(pub(super) u64);

/// What a worker is told. `V` is a value as the worker around keeps it.
#[derive(Clone, Debug)]
pub(crate) enum Event<V> {
    Scheduler(FromScheduler),
    /// A body is over, however it came to that. Frees its slot and its resources.
    BodyEnded {
        body: BodyId,
        end: BodyEnd<V>,
    },
    /// A body goes on for long without using a thread, and gives its slot back. It keeps its resources.
    BodySeceded {
        body: BodyId,
    },
    FetchEnded {
        transfer: TransferId,
        end: FetchEnd<V>,
    },
    /// Data that somebody else put here: `update_data`, which is a scatter or a `gather` of this worker.
    DataPut(Vec<(TaskKey, Data<V>)>),
    /// The answer to `Action::DeclinePython`.
    PythonDeclined(Declined),
    /// The time of `Action::SetTimer` has come. Harmless if it has not.
    TimerFired,
    /// Memory runs short: no more tasks and transfers are to begin.
    PauseAsked,
    ResumeAsked,
    /// The worker is to leave once its bodies have ended and its data is elsewhere. A second time: without the bodies.
    LeaveAsked,
    /// `Action::Retire` is done, well or not.
    Retired,
    /// The worker is to stop at once.
    StopAsked,
}

/// Messages of the scheduler's stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FromScheduler {
    ComputeTask(ComputeTask),
    FreeKeys(Vec<TaskKey>),
    RemoveReplicas(Vec<TaskKey>),
    AcquireReplicas(Vec<Dependency>),
    StealRequest { key: TaskKey, stimulus_id: Value },
    RefreshWhoHas(Vec<(TaskKey, Vec<Address>)>),
    RemoveWorker(Address),
    StatusChange(Status),
    Close { reason: Option<Arc<str>> },
    StreamClosed,
}

/// A task that is assigned to this worker.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ComputeTask {
    pub(crate) key: TaskKey,
    pub(crate) run_id: RunId,
    pub(crate) priority: Priority,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) work: Work,
    pub(crate) resources: Amounts,
}

/// Data that a task takes, or of which a copy is wanted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dependency {
    pub(crate) key: TaskKey,
    pub(crate) holders: Vec<Address>,
    pub(crate) nbytes: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Work {
    /// A call of ours, or why it cannot be made.
    Rust(Result<Call, Refusal>),
    /// Any other task: it has come to the wrong kind of worker.
    Python,
}

/// A call of a registered function.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) function: Arc<str>,
    /// The arguments, in postcard.
    pub(crate) arguments: Bytes,
    /// The keys of those arguments that are results of other tasks, in the order of the arguments.
    pub(crate) inputs: Arc<[TaskKey]>,
}

/// Why a task errs before it begins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Refusal {
    /// What stands in the annotation of the call is none.
    Unreadable { field: &'static str },
    /// The call takes the result of a task on which its own does not depend.
    UnknownInput { key: TaskKey },
    /// The call takes what others have, and what cannot be read as it comes from there.
    UnreadableInput { key: TaskKey, why: Arc<str> },
    /// The task asks for more than this worker has in all.
    LacksResource { name: Arc<str>, asked: f64, total: f64 },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { field } => write!(f, "the annotation of the call has no readable `{field}`"),
            Self::UnknownInput { key } => {
                write!(f, "the call takes the result of {key}, on which the task does not depend")
            }
            Self::UnreadableInput { key, why } => write!(f, "the input {key} cannot be read: {why}"),
            Self::LacksResource { name, asked, total } => {
                write!(f, "the task asks for {asked} of the resource {name}, and this worker has {total}")
            }
        }
    }
}

impl std::error::Error for Refusal {}

/// A value, and what the scheduler is told of it.
#[derive(Clone, Debug)]
pub(crate) struct Data<V> {
    pub(crate) value: V,
    pub(crate) nbytes: u64,
    pub(crate) kind: Kind,
}

/// The Python type of a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kind {
    /// The pickle of the class.
    pub(crate) pickle: Bytes,
    pub(crate) name: Arc<str>,
}

#[derive(Clone, Debug)]
pub(crate) enum BodyEnd<V> {
    Finished {
        data: Data<V>,
        ran: Ran,
    },
    Erred {
        error: TaskError,
        ran: Ran,
    },
    /// It stopped before it came to anything: it was told to, or the engine closes.
    Cancelled,
}

/// When and where a body ran.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ran {
    /// In seconds of Unix time: the scheduler compares them with its clock.
    pub(crate) start: f64,
    pub(crate) stop: f64,
    pub(crate) thread: i64,
}

/// An error of a task as it travels. Opaque here.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TaskError {
    pub(crate) exception: Value,
    /// Nil if there is none.
    pub(crate) traceback: Value,
    pub(crate) exception_text: Arc<str>,
    pub(crate) traceback_text: Arc<str>,
}

#[derive(Clone, Debug)]
pub(crate) enum FetchEnd<V> {
    /// What the peer gave. What was asked for and is not there, it does not have.
    Arrived(Vec<(TaskKey, Data<V>)>),
    /// The peer serves too many others.
    Busy,
    /// The peer could not be reached, or does not know what it is asked for.
    Failed,
    /// The peer has answered, and the answer is none that can be read: with what is in it, perhaps, or with how much.
    Unreadable { why: Arc<str> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Declined {
    /// The scheduler will not send these keys to workers of our kind again.
    Restricted,
    /// It does still: there is no Python worker, or it did not answer.
    Failed,
}

/// The status of a worker, of those that may come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Running,
    Paused,
    ClosingGracefully,
}

impl Status {
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        [Self::Running, Self::Paused, Self::ClosingGracefully].into_iter().find(|status| status.word() == word)
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::ClosingGracefully => "closing_gracefully",
        }
    }
}
