//! The `tracing` span of a task's life: submitted, started, finished. Costs one atomic load when nobody listens.
//!
//! Whoever listens is the user's: what panics there is not logged, and harms nothing else.

use tracing::span::EnteredSpan;
use tracing::{Instrument, Level, Span, enabled, event};

use crate::engine::local::about::Draft;
use crate::engine::local::release::{drop_quietly, quietly};
use crate::task::{Key, Outcome, Status};

/// A task's span, if somebody listened when it was submitted.
#[derive(Default)]
pub(crate) struct Trace(Option<Box<Span>>);

impl Trace {
    /// A span that nobody listens to.
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    /// Whether somebody listens.
    pub(crate) fn is_wanted() -> bool {
        enabled!(target: "anydask", Level::DEBUG)
    }

    /// Opens the span of a task that calls the function `name` and is being submitted, and says so there.
    pub(crate) fn submitted(draft: &mut Draft, name: fn() -> &'static str) {
        Self::open(draft, name);
        draft.about.trace().entered_table();
    }

    /// Opens the span of a task that calls the function `name` and is about to be submitted.
    pub(crate) fn open(draft: &mut Draft, name: fn() -> &'static str) {
        if !Self::is_wanted() {
            return;
        }
        let (key, location) = (draft.key(name()), draft.location);
        let open = || tracing::debug_span!(target: "anydask", "task", key = %key, %location);
        if let Some(span) = quietly(open) {
            draft.set_trace(Self(Some(Box::new(span))));
        }
    }

    /// The task is one of the table.
    pub(crate) fn entered_table(&self) {
        if let Some(span) = self.0.as_deref() {
            drop_quietly(|| event!(target: "anydask", parent: span, Level::DEBUG, "submitted"));
        }
    }

    /// The body begins on this thread: what it logs belongs to the span until the guard is dropped.
    pub(crate) fn started(&self) -> Option<EnteredSpan> {
        let span = self.0.as_deref()?;
        quietly(|| {
            let entered = span.clone().entered();
            event!(target: "anydask", Level::DEBUG, "started");
            entered
        })
    }

    /// What the rest of the body logs, as a future, belongs to the span too.
    pub(crate) fn instrument<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        future.instrument(self.0.as_deref().cloned().unwrap_or_else(Span::none))
    }

    /// The task has ended.
    pub(crate) fn finished(&self, key: impl Fn() -> Key, outcome: &Outcome) {
        let Some(span) = self.0.as_deref() else { return };
        let status = Status::of(Some(outcome.as_ref().map(|_| ())));
        drop_quietly(|| match outcome {
            Ok(()) => event!(target: "anydask", parent: span, Level::DEBUG, key = %key(), %status, "finished"),
            Err(error) => {
                event!(target: "anydask", parent: span, Level::DEBUG, key = %key(), %status, %error, "finished");
            }
        });
    }
}
