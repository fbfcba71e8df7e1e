use std::collections::BTreeMap;

use serde::Serialize;

use crate::task::{Key, TaskState, Transition};

/// All that is known of one task; see [`Client::dump`](crate::Client::dump).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TaskInfo {
    /// Its name.
    pub key: Key,
    /// The path of its function.
    pub function: &'static str,
    /// The source line where it was submitted.
    pub location: String,
    /// What it does now.
    pub state: TaskState,
    /// Whether it runs on the client's runtime.
    pub is_asynchronous: bool,
    /// Whether it goes on without handles.
    pub is_detached: bool,
    /// Higher first.
    pub priority: i32,
    /// How often it may be run again.
    pub retries: u32,
    /// How many runs have begun; known of tasks with options.
    pub runs: Option<u32>,
    /// What it holds while it runs.
    pub resources: BTreeMap<String, f64>,
    /// The tasks that it waits for: as inputs, or inside while it runs.
    pub waiting_on: Vec<Key>,
    /// How much memory its value takes, in bytes, if it has one. What texts and vectors of numbers hold on the heap is
    /// counted, of other types only what they are themselves. One that is on a cluster takes none here until somebody has
    /// waited for it.
    pub nbytes: Option<u64>,
    /// What it failed with, with all causes.
    pub error: Option<String>,
    /// Its last transitions.
    pub story: Vec<Transition>,
}
