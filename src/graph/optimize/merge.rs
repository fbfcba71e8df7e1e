//! One node of several.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::graph::Lazy;
use crate::graph::graph::{Graph, Source, Step, Task};

/// Merges the steps of each task, where their [`Merge`](crate::graph::Merge) can.
pub(crate) fn merge(graph: Graph) -> Graph {
    let Graph { tasks, wanted } = graph;
    Graph { tasks: tasks.into_iter().map(merge_task).collect(), wanted }
}

fn merge_task(task: Task) -> Task {
    if task.steps.len() < 2 || task.steps.iter().all(|step| step.node.header().hints.merge.is_none()) {
        return task;
    }
    // Where the values of all nodes are that are taken from. What a merged node takes from is among them, since it takes from what
    // the two took from. Few, so that a tree is faster than a table of hashes.
    let mut sources = BTreeMap::new();
    for step in &task.steps {
        for (edge, source) in step.node.header().edges.iter().zip(&step.sources) {
            sources.insert(edge.id(), *source);
        }
    }
    let step_of = |edge: &Lazy| match sources.get(&edge.id()) {
        Some(Source::Step(step)) => Some(*step),
        _ => None,
    };
    let mut nodes: Vec<Option<Lazy>> = task.steps.iter().map(|step| Some(Lazy::new(Arc::clone(&step.node)))).collect();
    let mut uses = vec![0_usize; nodes.len()];
    let edges = task.steps.iter().flat_map(|step| &step.node.header().edges);
    edges.filter_map(step_of).for_each(|step| uses[step] += 1);

    for place in (0..nodes.len()).rev() {
        let Some(mut node) = nodes[place].take() else { continue };
        let mut refused = Vec::new();
        loop {
            let inputs = node.edges().iter().filter_map(step_of);
            let Some(step) = inputs.filter(|step| !refused.contains(step)).max() else { break };
            let own_uses = node.edges().iter().filter(|edge| step_of(edge) == Some(step)).count();
            let merged = match (&nodes[step], node.merger()) {
                (Some(input), Some(merger)) if uses[step] == own_uses => merger.merge(&node, input),
                _ => None,
            };
            // It may be made by a user's code: what takes from anything else than the two did is left as two.
            let is_there = |edge: &Lazy| match sources.get(&edge.id()) {
                Some(Source::Step(from)) => *from != step && *from < place && nodes[*from].is_some(),
                Some(Source::Task(_)) => true,
                None => false,
            };
            let Some(merged) = merged.filter(|merged| merged.edges().iter().all(is_there)) else {
                refused.push(step);
                continue;
            };
            node.edges().iter().filter_map(step_of).for_each(|step| uses[step] -= 1);
            if let Some(input) = nodes[step].take() {
                input.edges().iter().filter_map(step_of).for_each(|step| uses[step] -= 1);
            }
            merged.edges().iter().filter_map(step_of).for_each(|step| uses[step] += 1);
            node = merged;
        }
        nodes[place] = Some(node);
    }

    let mut moved = vec![0; nodes.len()];
    let mut steps = Vec::new();
    for (place, node) in nodes.into_iter().enumerate() {
        let Some(node) = node else { continue };
        let source = |edge: &Lazy| match sources.get(&edge.id()) {
            Some(Source::Step(step)) => Source::Step(moved[*step]),
            Some(source) => *source,
            None => unreachable!("what takes from anything else was not merged"),
        };
        let sources = node.edges().iter().map(source).collect();
        moved[place] = steps.len();
        steps.push(Step { node: Arc::clone(node.node()), sources });
    }
    Task { steps, is_wanted: task.is_wanted }
}
