//! The encoding of what is submitted: one `update-graph` for all tasks of a flush.

use std::sync::Arc;

use crate::engine::dask::client::messages::{ANYDASK, message};
use crate::engine::dask::client::{Argument, TaskOptions, Work};
use crate::engine::dask::wire::pickle::{Pickle, task_spec};
use crate::engine::dask::wire::{Serialized, TaskKey, Value};

/// What a Python worker says that is given a task of ours by mistake.
const MISPLACED: &str = "this task can only run on an anydask worker";

/// A task as it goes to the scheduler.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GraphTask<'a> {
    pub(crate) key: &'a TaskKey,
    pub(crate) work: &'a Work,
    pub(crate) options: &'a TaskOptions,
    /// The workers that may run it, if `options` name none.
    pub(crate) pins: &'a [Arc<str>],
}

/// One `update-graph` with `tasks` in the order of their submission, which is the order of their priorities. The scheduler keeps
/// those that `wanted` need.
///
/// A layer for tasks of ours and one for Python tasks. A number of workers or retries that all tasks of a layer share is said
/// once; else, the scheduler asks for that of each key.
pub(crate) fn update_graph(tasks: &[GraphTask<'_>], wanted: &[TaskKey]) -> Value {
    let (python, ours): (Vec<_>, Vec<_>) = tasks.iter().copied().partition(|task| task.work.is_python());
    let layers = [(ANYDASK, ours), ("python", python)].into_iter().filter(|(_, tasks)| !tasks.is_empty());
    let graph = task_spec::hlg_expr(layers.map(|(name, tasks)| layer(name, &tasks)).collect());
    let header = Value::map([("serializer", "pickle".into()), ("writeable", Value::List(Vec::new()))]);
    let expr_ser = Serialized { header: Box::new(header), frames: vec![graph.dumps()] };
    let priorities = tasks.iter().zip(0..).map(|(task, index)| (task.key.to_value(), Value::Int(index)));
    let fields = [
        ("expr_ser", Value::Serialized(expr_ser)),
        ("keys", Value::Set(wanted.iter().map(TaskKey::to_value).collect())),
        ("internal_priority", Value::Map(priorities.collect())),
        ("submitting_task", Value::Nil),
        // What was submitted before goes first.
        ("fifo_timeout", Value::Int(0)),
        ("actors", Value::Nil),
        ("code", Value::List(Vec::new())),
        ("annotations", Value::Map(Vec::new())),
        ("span_metadata", Value::Map(Vec::new())),
    ];
    message("update-graph", fields)
}

/// What a task is annotated with, if it is.
type Annotation = fn(&GraphTask<'_>) -> Option<Pickle>;

fn layer(name: &str, tasks: &[GraphTask<'_>]) -> task_spec::Layer {
    let specs = tasks.iter().map(|task| (task.key.clone(), spec(task)));
    let kinds: [(&str, Annotation); 6] = [
        ("resources", resources),
        (ANYDASK, call),
        ("workers", workers),
        ("allow_other_workers", |task| task.options.allow_other_workers.then_some(Pickle::Bool(true))),
        ("retries", |task| (task.options.retries > 0).then(|| i64::from(task.options.retries).into())),
        ("priority", |task| (task.options.priority != 0).then(|| task.options.priority.into())),
    ];
    let annotations = kinds.into_iter().filter_map(|(name, of)| {
        let values: Vec<_> = tasks.iter().map(of).collect();
        let first = values.first()?.clone();
        if name != ANYDASK && values.iter().all(|value| *value == first) {
            return Some((name.to_owned(), first?));
        }
        let values = tasks.iter().zip(values).filter_map(|(task, value)| Some((task.key.clone(), value?)));
        Some((name.to_owned(), task_spec::by_key(values))).filter(|_| tasks.iter().any(|task| of(task).is_some()))
    });
    task_spec::Layer { name: name.to_owned(), tasks: specs.collect(), annotations: annotations.collect() }
}

fn spec(task: &GraphTask<'_>) -> Pickle {
    match task.work {
        Work::Registered { .. } => task_spec::foreign_task(task.key, ANYDASK, MISPLACED, &task.work.dependencies()),
        Work::Python { function, arguments, keywords } => {
            // Dask looks for results of tasks in a `List`, not in a plain tuple.
            let has_nodes = arguments.iter().any(Argument::has_nodes);
            let arguments: Vec<_> = arguments.iter().map(argument).collect();
            let arguments = if has_nodes { task_spec::list(arguments) } else { Pickle::Tuple(arguments) };
            let has_nodes = keywords.iter().any(|(_, value)| value.has_nodes());
            let keywords: Vec<_> =
                keywords.iter().map(|(name, value)| (Pickle::Str(Arc::clone(name)), argument(value))).collect();
            let keywords = if has_nodes { task_spec::dict(keywords) } else { Pickle::Dict(keywords) };
            let keywords = Some(keywords).filter(|keywords| *keywords != Pickle::Dict(Vec::new()));
            task_spec::call_by_name(Some(task.key), function, arguments, keywords)
        }
    }
}

fn argument(tree: &Argument) -> Pickle {
    let is_plain = !tree.has_nodes();
    match tree {
        Argument::Value(value) => value.clone(),
        Argument::Result(key) => task_spec::task_ref(key),
        Argument::Array { dtype, shape, data } => {
            let flat = Pickle::Tuple(vec![Pickle::Bytes(data.clone()), Pickle::Str(Arc::clone(dtype))]);
            let flat = task_spec::call_by_name(None, "numpy:frombuffer", flat, None);
            let shape = shape.iter().map(|length| Pickle::UInt(*length as u64)).collect();
            task_spec::call_by_name(None, "numpy:reshape", task_spec::list([flat, Pickle::Tuple(shape)]), None)
        }
        Argument::List(items) => {
            let items: Vec<_> = items.iter().map(argument).collect();
            if is_plain { Pickle::List(items) } else { task_spec::list(items) }
        }
        Argument::Tuple(items) => {
            let items: Vec<_> = items.iter().map(argument).collect();
            if is_plain { Pickle::Tuple(items) } else { task_spec::tuple(items) }
        }
        Argument::Dict(entries) => {
            let entries: Vec<_> = entries.iter().map(|(key, item)| (key.clone(), argument(item))).collect();
            if is_plain { Pickle::Dict(entries) } else { task_spec::dict(entries) }
        }
    }
}

/// 0 of ours: any amount is enough, and only workers of ours have one.
fn resources(task: &GraphTask<'_>) -> Option<Pickle> {
    let ours = (!task.work.is_python()).then_some((ANYDASK, Pickle::Int(0)));
    let others = task.options.resources.iter().map(|(name, amount)| (&**name, (*amount).into()));
    let all: Vec<_> = ours.into_iter().chain(others).collect();
    (!all.is_empty()).then(|| Pickle::dict(all))
}

/// What a worker of ours reads instead of the task: the function, its arguments, and its dependencies in their order.
fn call(task: &GraphTask<'_>) -> Option<Pickle> {
    let Work::Registered { name, arguments, dependencies } = task.work else { return None };
    let dependencies = dependencies.iter().map(Pickle::from).collect();
    let call =
        [("f", Pickle::Str(Arc::clone(name))), ("a", arguments.clone().into()), ("d", Pickle::List(dependencies))];
    Some(Pickle::dict(call))
}

fn workers(task: &GraphTask<'_>) -> Option<Pickle> {
    let workers = if task.options.workers.is_empty() { task.pins } else { &task.options.workers };
    (!workers.is_empty()).then(|| Pickle::List(workers.iter().map(|worker| Pickle::Str(Arc::clone(worker))).collect()))
}
