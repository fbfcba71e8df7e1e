//! Tasks and graphs, as pickles that the scheduler reads.
//!
//! Dask has no other form for them. Each function here names the Python class or function that it stands for.

use crate::engine::dask::wire::TaskKey;
use crate::engine::dask::wire::pickle::Pickle;

const TASK_SPEC: &str = "dask._task_spec";
const EXPR: &str = "dask._expr";
const HIGH_LEVEL_GRAPH: &str = "dask.highlevelgraph";

/// `TaskRef(key)`: the result of another task. Dask finds it as an argument of a task, and in `list`, `tuple` and `dict` of this
/// file, but not in plain containers.
pub(crate) fn task_ref(key: &TaskKey) -> Pickle {
    Pickle::call(Pickle::global(TASK_SPEC, "TaskRef"), [Pickle::from(key)])
}

/// `Task(key, function, *arguments)`. Without a key, it is a part of another task.
pub(crate) fn task(key: Option<&TaskKey>, function: Pickle, arguments: impl IntoIterator<Item = Pickle>) -> Pickle {
    let mut all = vec![key.map_or(Pickle::None, Pickle::from), function];
    all.extend(arguments);
    Pickle::call(Pickle::global(TASK_SPEC, "Task"), all)
}

/// `List(*items)`: a list that holds results of tasks.
pub(crate) fn list(items: impl IntoIterator<Item = Pickle>) -> Pickle {
    Pickle::call(Pickle::global(TASK_SPEC, "List"), items.into_iter().collect::<Vec<_>>())
}

/// `Tuple(*items)`: a tuple that holds results of tasks.
pub(crate) fn tuple(items: impl IntoIterator<Item = Pickle>) -> Pickle {
    Pickle::call(Pickle::global(TASK_SPEC, "Tuple"), items.into_iter().collect::<Vec<_>>())
}

/// `Dict({..})`: a dictionary that holds results of tasks.
pub(crate) fn dict(entries: Vec<(Pickle, Pickle)>) -> Pickle {
    Pickle::call(Pickle::global(TASK_SPEC, "Dict"), [Pickle::Dict(entries)])
}

/// A call of a Python function `"module:name"`, which only the worker that runs it has to have.
///
/// `arguments` are a plain tuple, or `list` if results of tasks are among them; `keywords` are a plain dictionary, or `dict`.
/// Without a key, it is a part of another task.
pub(crate) fn call_by_name(
    key: Option<&TaskKey>,
    function: &str,
    arguments: Pickle,
    keywords: Option<Pickle>,
) -> Pickle {
    // A global would be imported by the scheduler, and the whole graph fails if it cannot.
    let function = task(None, Pickle::global("pkgutil", "resolve_name"), [function.into()]);
    task(key, apply(), [function, arguments].into_iter().chain(keywords))
}

/// A task that only a worker of ours can run, since it reads what to do from the task's annotations. What is here tells Dask
/// the dependencies, and makes a Python worker raise `RuntimeError(message)`, should one ever run it.
pub(crate) fn foreign_task(key: &TaskKey, resource: &str, message: &str, dependencies: &[TaskKey]) -> Pickle {
    let import = Pickle::global("dask.utils", "import_required");
    let fails = task(None, import, [resource.into(), message.into()]);
    task(Some(key), apply(), std::iter::once(fails).chain(dependencies.iter().map(task_ref)))
}

/// A part of a graph, with annotations that hold for its tasks.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) name: String,
    pub(crate) tasks: Vec<(TaskKey, Pickle)>,
    /// One that can be called is called by the scheduler with each key. See `by_key`.
    pub(crate) annotations: Vec<(String, Pickle)>,
}

/// `HLGExpr(HighLevelGraph(..))`: a graph of layers, all of which is kept.
///
/// Which layers depend on which is left out: the tasks say it.
pub(crate) fn hlg_expr(layers: Vec<Layer>) -> Pickle {
    Pickle::call(Pickle::global(EXPR, "HLGExpr"), [high_level_graph(layers)])
}

/// `HighLevelGraph({name: layer}, {name: set()})`.
pub(crate) fn high_level_graph(layers: Vec<Layer>) -> Pickle {
    let dependencies = layers.iter().map(|layer| (layer.name.as_str().into(), Pickle::Set(Vec::new()))).collect();
    let layers = layers.into_iter().map(|layer| {
        let annotations = layer.annotations.iter().map(|(name, value)| (name.as_str(), value.clone()));
        let arguments = [tasks_of(layer.tasks), Pickle::dict(annotations)];
        let class = Pickle::global(HIGH_LEVEL_GRAPH, "MaterializedLayer");
        (layer.name.as_str().into(), Pickle::call(class, arguments))
    });
    let layers = Pickle::Dict(layers.collect());
    Pickle::call(Pickle::global(HIGH_LEVEL_GRAPH, "HighLevelGraph"), [layers, Pickle::Dict(dependencies)])
}

/// `{key: annotation}.get`: an annotation that each task has one of its own of.
pub(crate) fn by_key(annotations: impl IntoIterator<Item = (TaskKey, Pickle)>) -> Pickle {
    let getattr = Pickle::global("builtins", "getattr");
    Pickle::call(getattr, [tasks_of(annotations), "get".into()])
}

fn apply() -> Pickle {
    Pickle::global("dask.utils", "apply")
}

fn tasks_of(entries: impl IntoIterator<Item = (TaskKey, Pickle)>) -> Pickle {
    Pickle::Dict(entries.into_iter().map(|(key, value)| (Pickle::from(&key), value)).collect())
}
