//! One task of several nodes.

use crate::graph::Optimize;
use crate::graph::graph::{Graph, Source, Step, Task};

/// Makes one task of nodes whose values nobody but the others of them takes, all but the last: then no value has to be kept,
/// and nothing is run twice.
///
/// A node joins the task of those that take from it, if that is a single task, and
///
/// - it is the only thing that its only taker waits for: a chain, whose nodes could not have run at once anyway; or
/// - it and its takers are blockwise.
pub(crate) fn fuse(graph: Graph, optimize: Optimize) -> Graph {
    let tasks = &graph.tasks;
    let inputs: Vec<Vec<usize>> = tasks.iter().map(Task::inputs).collect();
    let mut takers = vec![Vec::new(); tasks.len()];
    for (place, inputs) in inputs.iter().enumerate() {
        inputs.iter().for_each(|input| takers[*input].push(place));
    }
    let is_fusable: Vec<bool> = tasks.iter().map(|task| task.last().is_fusable()).collect();
    let is_blockwise = |place: usize| tasks[place].last().header().hints.is_blockwise;
    let is_chain = |place: usize, takers: &[usize]| {
        let [taker] = takers else { return false };
        // A future is there already, or on its way: it can be waited for beside.
        inputs[*taker].iter().all(|input| *input == place || tasks[*input].is_future())
    };

    // Which task each becomes a part of: from the takers to what they take from.
    let mut root: Vec<usize> = (0..tasks.len()).collect();
    for place in (0..tasks.len()).rev() {
        let takers = &takers[place];
        let Some(first) = takers.first().map(|taker| root[*taker]) else { continue };
        let is_one = takers.iter().all(|taker| root[*taker] == first);
        if tasks[place].is_wanted || !is_one || !is_fusable[place] || !is_fusable[first] {
            continue;
        }
        let is_block = || is_blockwise(place) && takers.iter().all(|taker| is_blockwise(*taker));
        if optimize.fuse && is_chain(place, takers) || optimize.blockwise && is_block() {
            root[place] = first;
        }
    }
    merged(graph, &root)
}

/// The graph in which each task is a part of its root. A root comes after its parts, so this keeps tasks after those
/// that they take from.
fn merged(graph: Graph, root: &[usize]) -> Graph {
    // Where each root will be, and how many of its parts' steps come before each part.
    let (mut task_of, mut roots) = (vec![0; root.len()], 0);
    for place in (0..root.len()).filter(|place| root[*place] == *place) {
        task_of[place] = roots;
        roots += 1;
    }
    let mut last_step_of = vec![0; root.len()];
    let mut steps: Vec<Vec<Step>> = (0..roots).map(|_| Vec::new()).collect();
    let mut tasks = Vec::with_capacity(roots);
    for (place, task) in graph.tasks.into_iter().enumerate() {
        let steps = &mut steps[task_of[root[place]]];
        // What is merged may have been merged before.
        let offset = steps.len();
        for mut step in task.steps {
            for source in &mut step.sources {
                *source = match *source {
                    Source::Step(step) => Source::Step(offset + step),
                    Source::Task(input) if root[input] == root[place] => Source::Step(last_step_of[input]),
                    Source::Task(input) => Source::Task(task_of[root[input]]),
                };
            }
            steps.push(step);
        }
        last_step_of[place] = steps.len() - 1;
        if root[place] == place {
            tasks.push(Task { steps: std::mem::take(steps), is_wanted: task.is_wanted });
        }
    }
    Graph { tasks, wanted: graph.wanted.iter().map(|place| task_of[*place]).collect() }
}
