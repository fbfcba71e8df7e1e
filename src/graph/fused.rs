//! Several nodes as one task: its steps, run one after the other.

use std::sync::Arc;

use crate::Error;
use crate::client::caught;
use crate::graph::inputs::{Input, Inputs, Slot};
use crate::graph::node::Node;
use crate::task::{AnyFuture, Argument, Failure, Key, TaskContext};

/// The last node of a task with several, which gives its value, its type and its name.
pub(crate) struct Fused<N>(pub(crate) Arc<N>);

/// The nodes of a task, as its only argument: those before the last, and what the last takes.
pub(crate) struct Steps {
    before: Vec<Step>,
    last: Vec<Input>,
    /// How many edges each of those before the last feeds.
    uses: Vec<usize>,
}

/// A node of a task, and where its inputs come from.
pub(crate) struct Step {
    pub(crate) node: Arc<dyn Node>,
    pub(crate) inputs: Vec<Input>,
}

impl Steps {
    pub(crate) fn new(before: Vec<Step>, last: Vec<Input>) -> Self {
        let mut uses = vec![0; before.len()];
        for input in before.iter().flat_map(|step| &step.inputs).chain(&last) {
            if let Input::Step(step) = input {
                uses[*step] += 1;
            }
        }
        Self { before, last, uses }
    }

    /// Runs all steps but the last, and has `last` run that.
    ///
    /// A step that fails does so under its own name: the task has that of the last.
    pub(crate) fn run<T>(self, last: impl FnOnce(Inputs<'_>) -> Result<T, Error>) -> Result<T, Failure> {
        let context = TaskContext::current()?;
        let mut slots: Vec<Slot> = self.before.iter().map(|_| Slot::default()).collect();
        for (index, Step { node, inputs }) in self.before.into_iter().enumerate() {
            // Nobody may want the rest any more.
            context.check()?;
            let key = || Key::from(format!("{} in {}", node.name(), context.key()));
            let uses = self.uses[index];
            let result = caught(key, || node.run(Inputs::new(inputs, &mut slots), uses))?;
            let value = result.map_err(|source| match source.downcast::<Error>() {
                Ok(error) => *error,
                Err(source) => Error::Failed { key: key(), source: source.into() },
            })?;
            slots[index] = Slot::filled(value, uses);
        }
        context.check()?;
        Ok(last(Inputs::new(self.last, &mut slots))?)
    }

    fn inputs(&self) -> impl Iterator<Item = &Input> {
        self.before.iter().flat_map(|step| &step.inputs).chain(&self.last)
    }
}

impl std::fmt::Debug for Steps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Steps").field("len", &(self.before.len() + 1)).finish_non_exhaustive()
    }
}

impl Argument<Steps> for Steps {
    fn visit(&self, input: &mut dyn FnMut(&dyn AnyFuture)) {
        for given in self.inputs() {
            if let Input::Future(handle) = given {
                input(handle.future());
            }
        }
    }

    fn take(self) -> Result<Self, Error> {
        Ok(self)
    }

    fn again(&self) -> Option<Self> {
        let again = |inputs: &Vec<Input>| inputs.iter().map(Input::again).collect();
        let step = |step: &Step| Step { node: Arc::clone(&step.node), inputs: again(&step.inputs) };
        Some(Self { before: self.before.iter().map(step).collect(), last: again(&self.last), uses: self.uses.clone() })
    }
}

impl Input {
    fn again(&self) -> Self {
        match self {
            Self::Future(handle) => Self::Future(handle.clone()),
            Self::Step(step) => Self::Step(*step),
        }
    }
}
