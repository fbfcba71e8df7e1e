//! Tasks that take little and give much wait for their turn.
//!
//! Threads take tasks that are ready from a queue, many at a time, and what takes from nothing, or from a table, is ready early: so
//! a thread that could do nothing better would make chunk after chunk, long before what reduces them can run. The order in
//! which tasks are submitted holds few values only if threads stay near to each other in it. So such a task waits
//! for another one, whose value it does not take: one some way before it in the order, which lets go of a large value.

use crate::graph::graph::{Graph, Task};

/// How many values each thread may be ahead with: it makes one, reduces one, and has some in reserve, for tasks that do not all
/// take the same time.
const AHEAD: usize = 3;

/// Smaller values are not waited for: a thousand of them are less than what waiting saves.
const NBYTES_MIN: u64 = 64 << 10;

/// Of how many takers of a value all are waited for. Of more it is the last.
const TAKERS_MAX: usize = 4;

/// For each task those that it waits for without taking from them. Empty if nothing waits.
///
/// What is waited for may fail, and then who waits fails with it. So only graphs of which one value was asked for are throttled:
/// there both fail in any case.
pub(crate) fn throttle(graph: &Graph, threads: usize) -> Vec<Vec<usize>> {
    let ahead = AHEAD.saturating_mul(threads);
    let inputs: Vec<Vec<usize>> = graph.tasks.iter().map(Task::inputs).collect();
    let is_root = |place: &usize| {
        let task = &graph.tasks[*place];
        let taken = inputs[*place].iter().map(|input| nbytes(&graph.tasks[*input])).fold(0, u64::saturating_add);
        nbytes(task) >= NBYTES_MIN && taken <= nbytes(task) / 2 && task.last().is_fusable()
    };
    if graph.wanted.len() != 1 || (0..inputs.len()).filter(is_root).count() <= ahead {
        return Vec::new();
    }
    let mut takers = vec![Vec::new(); inputs.len()];
    for (place, inputs) in inputs.iter().enumerate() {
        inputs.iter().for_each(|input| takers[*input].push(place));
    }
    if takers.iter().zip(&graph.tasks).any(|(takers, task)| takers.is_empty() && !task.is_wanted) {
        return Vec::new();
    }
    // For each task the large value that it lets go of, if what it gives is smaller.
    let mut frees: Vec<Option<usize>> = vec![None; inputs.len()];
    for (place, takers) in takers.iter().enumerate() {
        let own = nbytes(&graph.tasks[place]);
        if let Some(last) = takers.last()
            && own >= NBYTES_MIN
            && nbytes(&graph.tasks[*last]) <= own / 2
        {
            frees[*last] = Some(place);
        }
    }
    // Values that are let go of, with how many roots come before that in the order. Roots wait for one that has `ahead`
    // fewer before it.
    let mut freed: Vec<(usize, usize)> = Vec::new();
    let (mut next, mut roots, mut open) = (0, 0, None);
    let mut waits = vec![Vec::new(); inputs.len()];
    for place in 0..inputs.len() {
        if let Some(value) = frees[place] {
            freed.push((value, roots));
        } else if is_root(&place) {
            while let Some((value, before)) = freed.get(next)
                && before + ahead <= roots
            {
                (open, next) = (Some(*value), next + 1);
            }
            let takers = open.map_or(&[][..], |value| &takers[value]);
            waits[place] = takers[if takers.len() > TAKERS_MAX { takers.len() - 1 } else { 0 }..].to_vec();
            roots += 1;
        }
    }
    waits
}

/// How much memory the value takes, if its maker has said it.
fn nbytes(task: &Task) -> u64 {
    if task.is_future() { 0 } else { task.last().header().hints.nbytes.unwrap_or(0) }
}
