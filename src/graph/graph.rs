use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use crate::graph::asked::Asked;
use crate::graph::node::Node;
use crate::graph::optimize::{fuse, merge, order};
use crate::graph::{Compute, Lazy, Optimize};

/// What there is to be run for some lazy things: tasks, each of one node or, once it is optimised, of several, and which takes
/// from which. To be looked at, before or after it is [optimised](Self::optimized).
///
/// # Examples
///
/// ```
/// use anydask::{Graph, Optimize, delayed};
///
/// fn load(path: &str) -> String {
///     path.to_uppercase()
/// }
///
/// fn count(text: String) -> usize {
///     text.len()
/// }
///
/// fn sum(counts: Vec<usize>) -> usize {
///     counts.iter().sum()
/// }
///
/// let counts = ["a", "bb"].map(|path| delayed(count, delayed(load, path)));
/// let graph = Graph::of(&delayed(sum, counts));
/// assert_eq!((graph.node_count(), graph.edge_count()), (5, 4));
/// assert_eq!(graph.names(), ["load", "count", "load", "count", "sum"]);
/// assert_eq!(graph.optimized(Optimize::new()).names(), ["load+count", "load+count", "sum"]);
/// ```
#[derive(Clone)]
pub struct Graph {
    /// In the order in which they are submitted: each after those that it takes from.
    pub(crate) tasks: Vec<Task>,
    /// The tasks that were asked for, in the order in which they were.
    pub(crate) wanted: Vec<usize>,
}

/// A task that is to be submitted.
#[derive(Clone)]
pub(crate) struct Task {
    /// At least one, each after those that it takes from. The last gives the value.
    pub(crate) steps: Vec<Step>,
    /// Whether it was asked for.
    pub(crate) is_wanted: bool,
}

/// Up to how many inputs a search through all is quicker than a table.
const SEARCHED_MAX: usize = 16;

/// A node, and where it takes from, for each edge.
#[derive(Clone)]
pub(crate) struct Step {
    pub(crate) node: Arc<dyn Node>,
    pub(crate) sources: Vec<Source>,
}

/// Where a step takes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Another task.
    Task(usize),
    /// An earlier step of the same.
    Step(usize),
}

impl Graph {
    /// The graph of what can be computed, as it is before it is optimised: with all that collections are made of.
    pub fn of<C: Compute>(lazy: C) -> Self {
        let mut asked = Asked::new(true);
        lazy.ask(&mut asked);
        Self::new(asked)
    }

    pub(crate) fn new(asked: Asked) -> Self {
        let mut nodes = reachable(asked.wanted.iter().chain(&asked.parts));
        // A node is younger than those that it takes from.
        nodes.sort_unstable_by_key(|node| node.header().id);
        let ids: Vec<u64> = nodes.iter().map(|node| node.header().id).collect();
        let place_of = |lazy: &Lazy| {
            let place = ids.partition_point(|id| *id < lazy.id());
            debug_assert_eq!(ids.get(place), Some(&lazy.id()), "what can be reached is there");
            place
        };
        let wanted: Vec<usize> = asked.wanted.iter().map(place_of).collect();
        let task = |node: Arc<dyn Node>| {
            let sources = node.header().edges.iter().map(|edge| Source::Task(place_of(edge))).collect();
            Task { steps: vec![Step { node, sources }], is_wanted: false }
        };
        let mut tasks: Vec<_> = nodes.into_iter().map(task).collect();
        wanted.iter().for_each(|place| tasks[*place].is_wanted = true);
        Self { tasks, wanted }
    }

    /// The graph after these optimisations: what [`Client::compute_with`](crate::Client::compute_with) submits.
    pub fn optimized(&self, optimize: Optimize) -> Self {
        self.clone().into_optimized(optimize)
    }

    pub(crate) fn into_optimized(self, optimize: Optimize) -> Self {
        let mut graph = if optimize.cull { self.culled() } else { self };
        if optimize.fuse || optimize.blockwise {
            graph = merge::merge(fuse::fuse(graph, optimize));
        }
        if optimize.order {
            let order = order::order(&graph);
            graph = graph.reordered(&order);
        }
        graph
    }

    /// How many tasks there are, with futures that are taken from.
    pub fn node_count(&self) -> usize {
        self.tasks.len()
    }

    /// How many pairs of tasks there are of which one takes from the other.
    pub fn edge_count(&self) -> usize {
        self.tasks.iter().map(|task| task.inputs().len()).sum()
    }

    /// What the tasks are called, in the order in which they are submitted. One of several nodes has all of their names.
    pub fn names(&self) -> Vec<String> {
        self.tasks.iter().map(Task::name).collect()
    }

    /// How many values are held at once, at most, when the tasks run one after the other in this order, and each value goes
    /// with the last task that takes it. What was asked for stays to the end. Futures are not counted.
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask::{Graph, Optimize, delayed};
    ///
    /// let x: Vec<_> = (0..8).map(|i| delayed(|i: u64| i, i)).collect();
    /// let pairs: Vec<_> = x.chunks(2).map(|x| delayed(|x: Vec<u64>| x.len(), x)).collect();
    /// let graph = Graph::of(&delayed(|pairs: Vec<usize>| pairs.len(), pairs));
    /// assert_eq!(graph.peak_value_count(), 9);
    /// assert_eq!(graph.optimized(Optimize::new()).peak_value_count(), 6);
    /// ```
    pub fn peak_value_count(&self) -> usize {
        let mut uses = vec![0_usize; self.tasks.len()];
        let inputs: Vec<_> = self.tasks.iter().map(Task::inputs).collect();
        inputs.iter().flatten().for_each(|input| uses[*input] += 1);
        let (mut held, mut peak) = (0_usize, 0);
        for (place, task) in self.tasks.iter().enumerate() {
            if task.is_future() {
                continue;
            }
            held += 1;
            peak = peak.max(held);
            if uses[place] == 0 && !task.is_wanted {
                held -= 1;
            }
            for input in &inputs[place] {
                uses[*input] -= 1;
                if uses[*input] == 0 && !self.tasks[*input].is_wanted && !self.tasks[*input].is_future() {
                    held -= 1;
                }
            }
        }
        peak
    }

    /// Leaves out what is not needed for what was asked for.
    fn culled(self) -> Self {
        let mut is_needed = vec![false; self.tasks.len()];
        self.wanted.iter().for_each(|place| is_needed[*place] = true);
        for (place, task) in self.tasks.iter().enumerate().rev() {
            if is_needed[place] {
                task.inputs().into_iter().for_each(|input| is_needed[input] = true);
            }
        }
        let needed: Vec<usize> = (0..self.tasks.len()).filter(|place| is_needed[*place]).collect();
        if needed.len() == self.tasks.len() { self } else { self.reordered(&needed) }
    }

    /// The graph of these of its tasks, in this order. What they take from must be among them.
    fn reordered(self, places: &[usize]) -> Self {
        let mut moved = vec![usize::MAX; self.tasks.len()];
        places.iter().enumerate().for_each(|(to, from)| moved[*from] = to);
        let mut tasks: Vec<Option<Task>> = self.tasks.into_iter().map(Some).collect();
        let task = |place: &usize| {
            let mut task = tasks[*place].take()?;
            for source in task.steps.iter_mut().flat_map(|step| &mut step.sources) {
                if let Source::Task(place) = source {
                    *place = moved[*place];
                }
            }
            Some(task)
        };
        Self {
            tasks: places.iter().filter_map(task).collect(),
            wanted: self.wanted.iter().map(|place| moved[*place]).collect(),
        }
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph").field("node_count", &self.node_count()).field("wanted", &self.wanted).finish()
    }
}

impl Task {
    /// The tasks that it takes from, each once, in the order in which it does.
    pub(crate) fn inputs(&self) -> Vec<usize> {
        let sources = self.steps.iter().flat_map(|step| &step.sources);
        let mut inputs: Vec<usize> = sources.filter_map(|source| source.task()).collect();
        if inputs.len() <= SEARCHED_MAX {
            let mut distinct = Vec::with_capacity(inputs.len());
            inputs.into_iter().for_each(|input| {
                if !distinct.contains(&input) {
                    distinct.push(input);
                }
            });
            inputs = distinct;
        } else {
            let mut seen = HashSet::with_capacity(inputs.len());
            inputs.retain(|input| seen.insert(*input));
        }
        inputs
    }

    /// The node that gives the value.
    pub(crate) fn last(&self) -> &Arc<dyn Node> {
        match &self.steps[..] {
            [.., last] => &last.node,
            [] => unreachable!("a task has a step"),
        }
    }

    /// Whether it was submitted before the graph was.
    pub(crate) fn is_future(&self) -> bool {
        self.last().future().is_some()
    }

    /// Whether it is a future for which nobody has to wait any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.last().future().is_some_and(|handle| handle.future().entry().outcome().is_some())
    }

    pub(crate) fn name(&self) -> String {
        let names: Vec<_> = self.steps.iter().map(|step| step.node.name()).collect();
        names.join("+")
    }
}

impl Source {
    pub(crate) fn task(self) -> Option<usize> {
        match self {
            Self::Task(place) => Some(place),
            Self::Step(_) => None,
        }
    }
}

/// These nodes and all that they take from, each once.
fn reachable<'a>(lazy: impl Iterator<Item = &'a Lazy>) -> Vec<Arc<dyn Node>> {
    let mut seen = HashSet::new();
    let mut nodes: Vec<Arc<dyn Node>> = Vec::new();
    let mut visit = |lazy: &Lazy, nodes: &mut Vec<_>| {
        if seen.insert(lazy.id()) {
            nodes.push(Arc::clone(lazy.node()));
        }
    };
    lazy.for_each(|lazy| visit(lazy, &mut nodes));
    let mut next = 0;
    while let Some(node) = nodes.get(next).map(Arc::clone) {
        node.header().edges.iter().for_each(|edge| visit(edge, &mut nodes));
        next += 1;
    }
    nodes
}
