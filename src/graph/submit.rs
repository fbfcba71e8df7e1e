//! Submitting a graph: task by task, in its order.

use crate::client::{Counting, Submitter};
use crate::graph::Optimize;
use crate::graph::asked::{Asked, Computed};
use crate::graph::fused::{Step, Steps};
use crate::graph::graph::{Graph, Source, Task};
use crate::graph::inputs::{Handle, Input, Inputs};
use crate::graph::optimize::throttle::throttle;
use crate::task::context::is_in_task;

/// How many tasks are submitted before a sleeping thread is woken for them. A task that is submitted late, when all that it
/// takes from has finished, queues behind what is ready; one that is there when its last input ends runs next. So an
/// idle engine begins when it has seen the first so many tasks, which takes some milliseconds at most. A cluster hears of
/// so many in one message: it takes them in while the next are submitted.
const AT_ONCE: usize = 4096;

/// Submits every task that what was asked for needs, and gives the futures of that. The others are held by those that take
/// from them only, so that their values go as soon as they can.
pub(crate) fn submit(asked: Asked, optimize: Optimize, to: &Submitter<'_>, counting: Option<&Counting>) -> Computed {
    let optimize = if to.can_fuse() { optimize } else { optimize.fuse(false).blockwise(false) };
    let graph = Graph::new(asked).into_optimized(optimize);
    // A cluster's scheduler holds such tasks back itself.
    let waits = if to.can_fuse() && optimize.order { throttle(&graph, to.threads()) } else { Vec::new() };
    let Graph { tasks, wanted } = graph;
    let mut futures = Futures::new(&tasks, &wanted, waits, counting);
    let mut tasks = tasks.into_iter();
    // Inside a task, what is queued later begins earlier, and this thread is not idle.
    let at_once = if is_in_task() { usize::MAX } else { AT_ONCE };
    while tasks.len() > 0 {
        to.at_once(|| tasks.by_ref().take(at_once).for_each(|task| futures.submit(task, to)));
    }
    Computed::new(wanted.into_iter().map(|place| futures.take(place)).collect())
}

/// The futures of what has been submitted, as long as somebody is to be given them.
struct Futures<'a> {
    /// Whoever wants to know of each.
    counting: Option<&'a Counting>,
    handles: Vec<Option<Handle>>,
    /// The tasks that each waits for without taking their values.
    waits: Vec<Vec<usize>>,
    /// How often each is still to be given; the last time it is given away.
    uses: Vec<usize>,
}

impl<'a> Futures<'a> {
    fn new(tasks: &[Task], wanted: &[usize], waits: Vec<Vec<usize>>, counting: Option<&'a Counting>) -> Self {
        let mut uses = vec![0; tasks.len()];
        let sources = tasks.iter().flat_map(|task| &task.steps).flat_map(|step| &step.sources);
        let given = sources
            .filter_map(|source| source.task())
            .chain(wanted.iter().copied())
            .chain(waits.iter().flatten().copied());
        given.for_each(|place| uses[place] += 1);
        Self { counting, handles: Vec::with_capacity(tasks.len()), waits, uses }
    }

    /// Submits the next task.
    fn submit(&mut self, task: Task, to: &Submitter<'_>) {
        let mut steps: Vec<Step> = Vec::with_capacity(task.steps.len());
        for step in task.steps {
            let input = |source| match source {
                Source::Task(place) => Input::Future(self.take(place)),
                Source::Step(step) => Input::Step(step),
            };
            steps.push(Step { inputs: step.sources.into_iter().map(input).collect(), node: step.node });
        }
        let Some(Step { node, mut inputs }) = steps.pop() else { return };
        let waits = self.waits.get_mut(self.handles.len()).map(std::mem::take).unwrap_or_default();
        let is_alone = steps.is_empty() && waits.is_empty();
        // After all that the node takes: it leaves these.
        inputs.extend(waits.into_iter().map(|place| Input::Future(self.take(place))));
        let handle = if is_alone {
            node.submit(to, Inputs::new(inputs, &mut []))
        } else {
            node.submit_fused(to, Steps::new(steps, inputs))
        };
        if let Some(counting) = self.counting {
            counting.add(handle.future());
        }
        if self.uses[self.handles.len()] > 0 {
            self.handles.push(Some(handle));
        } else {
            // Nobody takes from it and nobody asked for it, but it is in the graph: it is to run.
            self.handles.push(None);
            handle.detach();
        }
    }

    fn take(&mut self, place: usize) -> Handle {
        self.uses[place] -= 1;
        let handle = if self.uses[place] == 0 { self.handles[place].take() } else { self.handles[place].clone() };
        handle.unwrap_or_else(|| unreachable!("a task is submitted before those that take from it"))
    }
}
