//! A task of the local engine as its futures, and the tasks that depend on it, see it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::Error;
use crate::engine::local::Engine;
use crate::engine::local::by_core::entry_by_core;
use crate::engine::local::close::cancel;
use crate::engine::local::failing::{fail, fail_silently, inherited, restart};
use crate::engine::local::node::{Node, Slot, Task, count_inputs};
use crate::engine::local::release::bury;
use crate::task::{Arguments, Entry, Key, Outcome, Scheduler, Stored, TaskFn, Transition, TypedEntry, Watch, Watchers};

impl<T, F, A, Args> Watch for Task<T, F, A, Args>
where
    T: Send + Sync + 'static,
    F: TaskFn<Args, Output = T>,
    A: Arguments<Args>,
    Args: 'static,
{
    fn handle_outcome(self: Arc<Self>, attempt: usize, outcome: &Outcome) -> Option<(Watchers, Outcome)> {
        match outcome {
            Ok(()) => {
                if self.core.input_finished(attempt) {
                    Engine::schedule_alone(self);
                }
                None
            }
            Err(error) => {
                let error = inherited(&*self, error);
                fail_silently(self, Some(attempt), &error)
            }
        }
    }

    fn is_live(&self) -> bool {
        !self.core.is_done()
    }
}

impl<T, F, A, Args> Entry for Task<T, F, A, Args>
where
    T: Send + Sync + 'static,
    F: TaskFn<Args, Output = T>,
    A: Arguments<Args>,
    Args: 'static,
{
    fn scheduler(&self) -> Arc<dyn Scheduler> {
        Arc::clone(self.about.client()) as Arc<dyn Scheduler>
    }

    fn scheduler_id(&self) -> usize {
        self.about.client().id()
    }

    fn id(&self) -> u64 {
        self.about.lease().id(self.core.index())
    }

    fn key(&self) -> Key {
        self.about.key(F::name(), self.core.index(), || self.location())
    }

    entry_by_core!();

    fn run_outcome(&self) -> Option<Outcome> {
        let outcome = self.core.outcome();
        outcome.or_else(|| self.about.terms()?.run_timeout(|| self.key()).map(Err))
    }

    fn bury(self: Arc<Self>) {
        bury(self, None);
    }

    fn bury_because(self: Arc<Self>, reason: &Arc<str>) {
        bury(self, Some(Arc::clone(reason)));
    }

    fn cancel(self: Arc<Self>, reason: &Arc<str>) {
        let error = Error::Cancelled { key: self.key(), reason: Arc::clone(reason) };
        fail(self, &error);
    }

    fn restart(self: Arc<Self>, error: &Error) {
        restart(self, error);
    }

    fn detach(self: Arc<Self>) {
        if !self.core.detach() && self.core.release() {
            bury(self, None);
        }
    }

    fn help(self: Arc<Self>) {
        self.about.engine().help(Arc::clone(&self) as Arc<dyn Node>);
    }

    fn inputs(&self) -> Vec<Arc<dyn Entry>> {
        self.inputs_of_call()
    }

    fn resources(&self) -> &[(String, f64)] {
        self.about.terms().map_or(&[], |terms| &terms.options.resources)
    }

    fn holds_resources(&self) -> bool {
        self.about.terms().is_some_and(|terms| terms.holds_resources.load(Ordering::Acquire))
    }

    fn is_repeatable(&self) -> bool {
        self.core.slot(|slot| matches!(slot, Slot::Call(..)))
    }

    fn retry(&self) -> bool {
        let retry = self.core.retry();
        if retry && let Some(terms) = self.about.terms() {
            terms.begin_anew();
        }
        retry
    }

    fn resume(self: Arc<Self>) {
        if let Some((function, arguments)) = self.core.slot(Slot::take_call) {
            self.core.add_missing(count_inputs(&arguments));
            Arc::clone(&self).enter(function, arguments);
            // Entered first, looked second, as one that is submitted.
            let lifecycle =
                if self.about.is_keyed() { &self.about.engine().lifecycle } else { &self.about.client().lifecycle };
            if lifecycle.is_closing() {
                let reason = lifecycle.reason();
                cancel(Arc::clone(&self) as Arc<dyn Node>, &reason.into());
            }
        }
    }

    fn story(&self) -> Vec<Transition> {
        self.core.steps().tell(self, self.core.outcome().as_ref())
    }
}

impl<T, F, A, Args> TypedEntry<T> for Task<T, F, A, Args>
where
    T: Send + Sync + 'static,
    F: TaskFn<Args, Output = T>,
    A: Arguments<Args>,
    Args: 'static,
{
    fn shared_value(&self) -> Option<Arc<T>> {
        self.core.slot(Slot::share)
    }

    fn take_value(&self) -> Option<Stored<T>> {
        let value = self.core.slot(Slot::take_value);
        if self.about.is_keyed() {
            self.about.engine().keys().forget(self);
        }
        value
    }
}
