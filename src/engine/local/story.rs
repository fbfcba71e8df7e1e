//! What has happened to a task, in the little room that every task has for it.

use crate::engine::local::node::Node;
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
    fn of_bits(bits: u64) -> Option<Self> {
        Some(match bits {
            1 => Self::Submitted,
            2 => Self::Constrained,
            3 => Self::Ready,
            4 => Self::Started,
            5 => Self::Finished,
            6 => Self::Erred,
            7 => Self::Cancelled,
            8 => Self::Rerun,
            9 => Self::Retried,
            10 => Self::Scattered,
            _ => return None,
        })
    }

    /// The phase that it leads to.
    fn phase(self) -> Phase {
        match self {
            Self::Submitted | Self::Rerun | Self::Retried => Phase::Waiting,
            Self::Constrained | Self::Ready => Phase::Ready,
            Self::Started => Phase::Running,
            Self::Finished | Self::Scattered => Phase::Memory,
            Self::Erred | Self::Cancelled => Phase::Erred,
        }
    }

    /// The state that it leads to, for a person.
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

/// Where a task is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Some inputs have not finished.
    Waiting,
    /// In a queue, or about to be. One that is no longer wanted stays there, erred, and is passed over.
    Ready,
    /// A thread, or the runtime, has it.
    Running,
    /// It has a value.
    Memory,
    /// It has none and will have none.
    Erred,
}

impl Phase {
    /// Whether the task has ended.
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Memory | Self::Erred)
    }
}

/// The last 16 steps of a task: four bits each, the newest lowest. There is always one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Steps(u64);

impl Steps {
    /// How many steps are kept.
    pub(crate) const KEPT: usize = 16;

    pub(crate) const fn of_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    /// These and one more.
    pub(crate) fn and(self, step: Step) -> Self {
        Self(self.0 << 4 | step as u64)
    }

    fn last(self) -> Step {
        // Only steps are put in.
        Step::of_bits(self.0 & 0xf).unwrap_or(Step::Submitted)
    }

    pub(crate) fn phase(self) -> Phase {
        self.last().phase()
    }

    pub(crate) fn state(self) -> TaskState {
        self.last().to()
    }

    /// The steps, oldest first.
    fn iter(self) -> impl Iterator<Item = Step> {
        (0..Self::KEPT).rev().filter_map(move |place| Step::of_bits(self.0 >> (4 * place) & 0xf))
    }

    /// The story that the steps tell of a task.
    pub(crate) fn tell(self, node: &dyn Node, outcome: Option<&Outcome>) -> Vec<Transition> {
        let about = node.about();
        let steps: Vec<_> = self.iter().collect();
        let last = steps.len().saturating_sub(1);
        let mut from = TaskState::Released;
        // Runs are numbered from the last retry on, and the first of them may be forgotten.
        let anew = steps.iter().rposition(|step| *step == Step::Retried);
        let remembered = steps[anew.unwrap_or_default()..].iter().filter(|step| **step == Step::Started).count();
        let forgotten = about.runs().saturating_sub(remembered as u32);
        let mut runs = if anew.is_none() { forgotten } else { 0 };
        let mut story = Vec::with_capacity(steps.len());
        for (index, step) in steps.into_iter().enumerate() {
            let error = outcome.and_then(|outcome| outcome.as_ref().err()).filter(|_| index == last);
            let why = match (step, error) {
                (Step::Submitted, _) => format!("submitted at {}", node.place()),
                (Step::Scattered, _) => format!("scattered at {}", node.place()),
                (Step::Constrained, _) => format!("there was not enough of {}", about.resource_names()),
                (Step::Ready, _) => "all that it waited for was there".to_owned(),
                (Step::Started, _) if node.is_asynchronous() => "spawned on the runtime".to_owned(),
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
                Step::Retried if anew == Some(index) => forgotten,
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
        let mut steps = Steps::default().and(Step::Submitted);
        for _ in 0..5 {
            steps = steps.and(Step::Ready).and(Step::Started).and(Step::Rerun);
        }
        let first: Vec<_> = steps.iter().collect();
        assert_eq!((first.len(), first[0], first[15]), (16, Step::Submitted, Step::Rerun));
        let steps = steps.and(Step::Ready);
        assert_eq!(steps.iter().count(), Steps::KEPT);
        assert_eq!(steps.iter().next(), Some(Step::Ready));
    }

    #[test]
    fn every_step_is_told_from_its_bits() {
        let all: Vec<_> = (1..=10).filter_map(Step::of_bits).collect();
        assert_eq!(all.len(), 10);
        assert!(all.iter().zip(1..).all(|(step, bits)| *step as u64 == bits));
        assert_eq!((Step::of_bits(0), Step::of_bits(11)), (None, None));
    }
}
