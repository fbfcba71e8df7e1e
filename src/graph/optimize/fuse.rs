//! One task of several nodes.

use std::sync::Arc;

use crate::graph::Optimize;
use crate::graph::graph::{Graph, Source, Step, Task};

/// Makes one task of nodes whose values nobody but the others of them takes, all but the last: then no value has to be kept,
/// and nothing is run twice.
///
/// A node joins the task of those that take from it, if that is a single task, and
///
/// - it is the only thing that its only taker waits for: a chain, whose nodes could not have run at once anyway; or
/// - it and its takers are blockwise.
pub(crate) fn fuse(graph: &Graph, optimize: Optimize) -> Graph {
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
fn merged(graph: &Graph, root: &[usize]) -> Graph {
    let mut parts = vec![Vec::new(); root.len()];
    root.iter().enumerate().for_each(|(place, root)| parts[*root].push(place));
    let mut task_of = vec![0; root.len()];
    let roots = (0..root.len()).filter(|place| root[*place] == *place);
    roots.enumerate().for_each(|(task, place)| task_of[place] = task);

    // Where the value of each is: all of one root are here, in the order in which they run.
    let mut step_of = vec![0; root.len()];
    let mut tasks = Vec::new();
    for (place, parts) in parts.iter().enumerate().filter(|(_, parts)| !parts.is_empty()) {
        let mut steps: Vec<Step> = Vec::with_capacity(parts.len());
        for part in parts {
            // What is merged may have been merged before.
            let offset = steps.len();
            for step in &graph.tasks[*part].steps {
                let source = |source: &Source| match source {
                    Source::Step(step) => Source::Step(offset + step),
                    Source::Task(input) if root[*input] == place => Source::Step(step_of[*input]),
                    Source::Task(input) => Source::Task(task_of[root[*input]]),
                };
                let sources = step.sources.iter().map(source).collect();
                steps.push(Step { node: Arc::clone(&step.node), sources });
            }
            step_of[*part] = steps.len() - 1;
        }
        tasks.push(Task { steps, is_wanted: graph.tasks[place].is_wanted });
    }
    Graph { tasks, wanted: graph.wanted.iter().map(|place| task_of[*place]).collect() }
}
