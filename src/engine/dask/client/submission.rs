//! What a client submits.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

use crate::engine::dask::wire::TaskKey;
use crate::engine::dask::wire::pickle::Pickle;

/// A task on its way to the scheduler.
#[derive(Clone, Debug)]
pub(crate) struct Submission {
    pub(crate) key: TaskKey,
    pub(crate) work: Arc<Work>,
    pub(crate) options: TaskOptions,
    /// Whether somebody holds the key from the start. Tasks inside a graph are there for others only.
    pub(crate) held: bool,
}

/// What a task runs. Equal work under one key is one task.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Work {
    /// A registered function of ours, on a worker of ours.
    Registered {
        name: Arc<str>,
        /// As postcard.
        arguments: Bytes,
        /// In the order in which the function takes them.
        dependencies: Vec<TaskKey>,
    },
    /// A Python function, which the Python worker that runs it finds by its name.
    Python {
        /// `module:qualname`.
        function: Arc<str>,
        arguments: Vec<Argument>,
        keywords: Vec<(Arc<str>, Argument)>,
    },
}

/// An argument of a Python function.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Argument {
    /// Plain data: no results of tasks are looked for in it.
    Value(Pickle),
    /// The result of a task.
    Result(TaskKey),
    /// An array of numpy, which the worker makes of its bytes: the scheduler need not have numpy.
    Array {
        dtype: Arc<str>,
        shape: Vec<usize>,
        data: Bytes,
    },
    List(Vec<Argument>),
    Tuple(Vec<Argument>),
    Dict(Vec<(Pickle, Argument)>),
}

/// What a submission asks for beyond its work.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TaskOptions {
    /// Higher first.
    pub(crate) priority: i64,
    pub(crate) retries: u32,
    /// Addresses, hosts or names of the workers that may run it. Empty: all that can.
    pub(crate) workers: Vec<Arc<str>>,
    /// Whether other workers may run it when none of `workers` is there.
    pub(crate) allow_other_workers: bool,
    pub(crate) resources: Vec<(Arc<str>, f64)>,
}

impl Work {
    pub(crate) fn is_python(&self) -> bool {
        matches!(self, Self::Python { .. })
    }

    /// The keys whose results it takes, each once, in the order of first use.
    pub(crate) fn dependencies(&self) -> Vec<TaskKey> {
        let mut keys = Vec::new();
        match self {
            Self::Registered { dependencies, .. } => keys.extend(dependencies.iter().cloned()),
            Self::Python { arguments, keywords, .. } => {
                // A stack of its own: how deep arguments are nested is the caller's choice.
                let mut stack: Vec<&Argument> = keywords.iter().rev().map(|(_, argument)| argument).collect();
                stack.extend(arguments.iter().rev());
                while let Some(argument) = stack.pop() {
                    match argument {
                        Argument::Value(_) | Argument::Array { .. } => {}
                        Argument::Result(key) => keys.push(key.clone()),
                        Argument::List(items) | Argument::Tuple(items) => stack.extend(items.iter().rev()),
                        Argument::Dict(entries) => stack.extend(entries.iter().rev().map(|(_, item)| item)),
                    }
                }
            }
        }
        let mut seen = BTreeSet::new();
        keys.retain(|key| seen.insert(key.clone()));
        keys
    }
}

impl Argument {
    /// Whether a result of a task is in it, or what the worker makes before the call. What holds none is written as plain data.
    pub(crate) fn has_nodes(&self) -> bool {
        let mut stack = vec![self];
        while let Some(argument) = stack.pop() {
            match argument {
                Self::Value(_) => {}
                Self::Result(_) | Self::Array { .. } => return true,
                Self::List(items) | Self::Tuple(items) => stack.extend(items),
                Self::Dict(entries) => stack.extend(entries.iter().map(|(_, item)| item)),
            }
        }
        false
    }
}
