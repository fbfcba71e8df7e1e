use std::fmt;

use serde::Serialize;

/// What a task does at one moment, in the words of Dask's scheduler.
///
/// # Examples
///
/// ```
/// assert_eq!(anydask::TaskState::Constrained.to_string(), "constrained");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TaskState {
    /// Not submitted yet.
    Released,
    /// For inputs, or for its next run.
    Waiting,
    /// Ready, but for resources that others hold, or that the engine does not have.
    Constrained,
    /// In a queue.
    Ready,
    /// On a thread, or on the runtime.
    Running,
    /// It has its value.
    Memory,
    /// It has failed.
    Erred,
    /// It was cancelled.
    Cancelled,
}

impl fmt::Display for TaskState {
    /// Writes Dask's word: `waiting`, `ready`, `memory` and so on.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Released => "released",
            Self::Waiting => "waiting",
            Self::Constrained => "constrained",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Memory => "memory",
            Self::Erred => "erred",
            Self::Cancelled => "cancelled",
        })
    }
}

/// One step in the life of a task; see [`TaskFuture::story`](crate::TaskFuture::story).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Transition {
    /// What it did before.
    pub from: TaskState,
    /// What it did then.
    pub to: TaskState,
    /// Why, for a person to read.
    pub why: String,
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}: {}", self.from, self.to, self.why)
    }
}
