//! What has happened to a task, in the little room that every task has for it.

use crate::engine::local::about::About;
use crate::task::{Outcome, TaskState, Transition};

/// Something that happened to a task. Each fits into four bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Step {
    /// It was submitted, and waits for its inputs.
    Submitted = 1,
    /// Its inputs have finished, and it waits for resources.
    Constrained,
    /// It can run.
    Ready,
    /// A body began.
    Started,
    /// It has its value.
    Finished,
    /// It has failed.
    Erred,
    /// It was cancelled.
    Cancelled,
    /// A run erred, and it is to be run again by itself.
    Rerun,
    /// The user had it run again.
    Retried,
    /// It came with its value.
    Scattered,
}

impl Step {
    const ALL: [Self; 10] = [
        Self::Submitted,
        Self::Constrained,
        Self::Ready,
        Self::Started,
        Self::Finished,
        Self::Erred,
        Self::Cancelled,
        Self::Rerun,
        Self::Retried,
        Self::Scattered,
    ];

    fn of_bits(bits: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|step| *step as u64 == bits)
    }

    /// The state that it leads to.
    fn to(self) -> TaskState {
        match self {
            Self::Submitted | Self::Rerun | Self::Retried => TaskState::Waiting,
            Self::Constrained => TaskState::Constrained,
            Self::Ready => TaskState::Ready,
            Self::Started => TaskState::Running,
            Self::Finished | Self::Scattered => TaskState::Memory,
            Self::Erred => TaskState::Erred,
            Self::Cancelled => TaskState::Cancelled,
        }
    }
}

/// The last 16 steps of a task: four bits each, the newest lowest.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Steps(u64);

impl Steps {
    /// How many steps are kept.
    pub(crate) const KEPT: usize = 16;

    pub(crate) fn push(&mut self, step: Step) {
        self.0 = self.0 << 4 | step as u64;
    }

    /// The steps, oldest first.
    fn iter(self) -> impl Iterator<Item = Step> {
        (0..Self::KEPT).rev().filter_map(move |place| Step::of_bits(self.0 >> (4 * place) & 0xf))
    }

    /// The story that the steps tell of a task that is called `about` and has the outcome `outcome`.
    pub(crate) fn tell(self, about: &About, outcome: Option<&Outcome>) -> Vec<Transition> {
        let steps: Vec<_> = self.iter().collect();
        let last = steps.len().saturating_sub(1);
        let mut from = TaskState::Released;
        let mut runs = 0;
        let mut story = Vec::with_capacity(steps.len());
        for (index, step) in steps.into_iter().enumerate() {
            let error = outcome.and_then(|outcome| outcome.as_ref().err()).filter(|_| index == last);
            let why = match (step, error) {
                (Step::Submitted, _) => format!("submitted at {}", about.location),
                (Step::Scattered, _) => format!("scattered at {}", about.location),
                (Step::Constrained, _) => format!("there was not enough of {}", about.resource_names()),
                (Step::Ready, _) => "all that it waited for was there".to_owned(),
                (Step::Started, _) if about.is_asynchronous => "spawned on the runtime".to_owned(),
                (Step::Started, _) => "taken by a thread".to_owned(),
                (Step::Finished, _) => "its function returned".to_owned(),
                (Step::Rerun, _) => about.failure_of_run(runs),
                (Step::Retried, _) => "retried by a client".to_owned(),
                (Step::Erred | Step::Cancelled, Some(error)) => error.to_string(),
                (Step::Erred, None) => "failed".to_owned(),
                (Step::Cancelled, None) => "cancelled".to_owned(),
            };
            runs = match step {
                Step::Started => runs + 1,
                Step::Retried => 0,
                _ => runs,
            };
            story.push(Transition { from, to: step.to(), why });
            from = step.to();
        }
        story
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_steps_are_kept_in_their_order() {
        let mut steps = Steps::default();
        steps.push(Step::Submitted);
        for _ in 0..5 {
            [Step::Ready, Step::Started, Step::Rerun].into_iter().for_each(|step| steps.push(step));
        }
        let first: Vec<_> = steps.iter().collect();
        assert_eq!((first.len(), first[0], first[15]), (16, Step::Submitted, Step::Rerun));
        steps.push(Step::Ready);
        assert_eq!(steps.iter().count(), Steps::KEPT);
        assert_eq!(steps.iter().next(), Some(Step::Ready));
    }

    #[test]
    fn every_step_is_told_from_its_bits() {
        for step in Step::ALL {
            assert_eq!(Step::of_bits(step as u64), Some(step));
        }
        assert_eq!(Step::of_bits(0), None);
    }
}
