//! Goals, and whether they are met.

use crate::goals::{self, Goal};
use crate::report::Results;
use crate::report::format::{number, ratio};

/// A goal beside what was measured.
pub(super) struct Verdict {
    goal: Goal,
    value: f64,
}

impl Verdict {
    /// Those of a scenario that something was measured for.
    pub(super) fn all(scenario: &str, results: &Results) -> Vec<Self> {
        let verdict = |goal: Goal| {
            let value = match goal.against {
                Some(against) => results.ratio(scenario, goal.subject, against, goal.figure),
                None => results.figure(scenario, goal.subject, goal.figure),
            };
            value.is_finite().then_some(Self { goal, value })
        };
        goals::of(scenario, &results.about.allocator).into_iter().filter_map(verdict).collect()
    }

    pub(super) fn is_missed(&self) -> bool {
        self.value > self.goal.gate
    }

    /// What is bounded, the value, the gate, the stretch, and the word for it.
    pub(super) fn cells(&self) -> [String; 5] {
        let Goal { subject, figure, against, gate, stretch, .. } = self.goal;
        let (what, show): (_, fn(f64) -> String) = match against {
            Some(against) => (format!("{figure}: {subject} ÷ {against}"), ratio),
            None => (format!("{figure}: {subject}"), number),
        };
        let word = match self.value {
            value if value > gate => "MISSED",
            value if value > stretch => "gate met",
            _ => "stretch met",
        };
        [what, show(self.value), show(gate), show(stretch), word.into()]
    }
}
