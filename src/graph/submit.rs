//! Submitting a graph: task by task, in its order.

use crate::client::Submitter;
use crate::graph::asked::Computed;
use crate::graph::fused::{Step, Steps};
use crate::graph::graph::{Graph, Source};
use crate::graph::inputs::{Handle, Input, Inputs};

/// Submits every task and gives the futures of those that were asked for. The others are held by those that take from them
/// only, so that their values go as soon as they can.
pub(crate) fn submit(graph: Graph, to: &Submitter<'_>) -> Computed {
    let Graph { tasks, wanted } = graph;
    // How often each future is still needed here; the last time it is given away.
    let mut uses = vec![0_usize; tasks.len()];
    let sources = tasks.iter().flat_map(|task| &task.steps).flat_map(|step| &step.sources);
    sources.filter_map(|source| source.task()).chain(wanted.iter().copied()).for_each(|place| uses[place] += 1);
    let mut handles: Vec<Option<Handle>> = Vec::with_capacity(tasks.len());
    for (place, task) in tasks.into_iter().enumerate() {
        let mut steps = task.steps.into_iter().map(|step| {
            let input = |source| match source {
                Source::Task(place) => Input::Future(take(&mut handles, &mut uses, place)),
                Source::Step(step) => Input::Step(step),
            };
            Step { inputs: step.sources.into_iter().map(input).collect(), node: step.node }
        });
        let mut before: Vec<Step> = Vec::with_capacity(steps.len().saturating_sub(1));
        let mut last = None;
        for step in steps.by_ref() {
            before.extend(last.replace(step));
        }
        drop(steps);
        let Some(Step { node, inputs }) = last else { unreachable!("a task has a step") };
        let handle = if before.is_empty() {
            node.submit(to, Inputs::new(inputs, &mut []))
        } else {
            node.submit_fused(to, Steps::new(before, inputs))
        };
        // Nobody takes from it and nobody asked for it, but it is in the graph: it is to run.
        let is_held = uses[place] > 0;
        handles.push(if is_held {
            Some(handle)
        } else {
            handle.detach();
            None
        });
    }
    Computed::new(wanted.into_iter().map(|place| take(&mut handles, &mut uses, place)).collect())
}

fn take(handles: &mut [Option<Handle>], uses: &mut [usize], place: usize) -> Handle {
    uses[place] -= 1;
    let handle = if uses[place] == 0 { handles[place].take() } else { handles[place].clone() };
    handle.unwrap_or_else(|| unreachable!("a task is submitted before those that take from it"))
}
