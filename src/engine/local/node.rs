//! A task of the local engine: its state, and beside it, typed, the call that it is and the value that it gives.

use std::marker::PhantomData;
use std::mem::{replace, take};
use std::panic::Location;
use std::sync::{Arc, Weak};

use crate::Error;
use crate::engine::local::Spawned;
use crate::engine::local::about::{About, Draft};
use crate::engine::local::asynchronous::Presence;
use crate::engine::local::core::Core;
use crate::engine::local::failing::{fail, inherited};
use crate::engine::local::release::drop_quietly;
use crate::engine::local::terms::{Terms, start_deadline};
use crate::task::{Arguments, BoxFuture, Entry, Stored, TaskFn, Watch, Watcher};

/// A task of any type.
pub(crate) trait Node: Entry + Watch {
    fn core(&self) -> &Core;

    fn about(&self) -> &About;

    /// The name of its function.
    fn name(&self) -> &'static str;

    /// Where it was submitted.
    fn location(&self) -> Option<&'static Location<'static>>;

    /// Whether it runs on the runtime instead of on a thread of the engine.
    fn is_asynchronous(&self) -> bool;

    /// Runs the task on this thread, if it is ready, and ends it; or has it queued for its next run.
    fn run(self: Arc<Self>);

    /// What a started asynchronous task does. Ends it, also when it is dropped before it is done; or queues it for its
    /// next run.
    fn future(self: Arc<Self>, presence: Presence) -> BoxFuture<()>;

    /// Keeps the handle of the spawned `run` of an asynchronous task; dropping it aborts.
    fn keep(&self, run: u32, spawned: Box<dyn Spawned>);

    /// Drops the handle of a spawned task, and, if the task has ended for good, the call with its references on inputs.
    fn drop_body(&self, for_good: bool);

    /// Drops the value.
    fn drop_value(&self);

    /// How much memory the value takes, in bytes, if there is one.
    fn nbytes(&self) -> Option<u64>;
}

/// A task that calls an `F` with arguments that are kept as an `A`.
///
/// Small on purpose: with its reference counts, one that captures nothing and takes one or two futures has 120 bytes. That is
/// the most that glibc frees into a list without a lock, and tasks are freed on other threads than they are made on.
pub(crate) struct Task<T, F, A, Args> {
    pub(super) about: About,
    args: PhantomData<fn(Args)>,
    pub(super) core: Core<Slot<T, F, A>>,
}

/// What there is of a task besides its state: one thing at a time.
///
/// In two levels, since the compiler then finds room for the tags.
pub(crate) enum Slot<T, F, A> {
    /// The call, until it is made; also of a failed task, which may be run again.
    Call(F, A),
    Held(Held<T>),
}

/// What there is besides the call.
pub(crate) enum Held<T> {
    /// Nothing: not yet, or no longer.
    Nothing,
    /// The handle of an asynchronous task that runs.
    Spawned(Box<dyn Spawned>),
    /// The value.
    Value(Stored<T>),
}

impl<T, F, A, Args> Task<T, F, A, Args>
where
    T: Send + Sync + 'static,
    F: TaskFn<Args, Output = T>,
    A: Arguments<Args>,
    Args: 'static,
{
    /// A task of the table.
    pub(crate) fn new(core: Core<Slot<T, F, A>>, draft: Draft) -> Arc<Self> {
        let Draft { about, index, location } = draft;
        let node = Arc::new(Self { core, about, args: PhantomData });
        node.about.lease().enter(index, Arc::downgrade(&node) as Weak<dyn Node>, location);
        node
    }

    /// A task that was refused.
    pub(crate) fn refused(draft: Draft, error: Error) -> Arc<Self> {
        Self::unlisted(Core::erred(draft.index, Slot::default(), error), draft)
    }

    /// A task that nobody finds in the table.
    pub(crate) fn unlisted(core: Core<Slot<T, F, A>>, draft: Draft) -> Arc<Self> {
        let Draft { about, index, location } = draft;
        about.lease().enter(index, Weak::<Self>::new() as Weak<dyn Node>, location);
        Arc::new(Self { core, about, args: PhantomData })
    }

    /// Registers a task, whose inputs have been counted, with them, and queues it if they have all finished.
    pub(crate) fn enter(self: Arc<Self>, function: F, arguments: A) {
        let attempt = self.core.attempt();
        let mut failed = None;
        // And one for the submit itself.
        let mut finished = 1;
        arguments.visit(&mut |input| {
            let input = input.entry();
            if failed.is_some() {
                return;
            }
            if input.scheduler_id() != self.about.client().id() {
                failed = Some(Error::ForeignFuture { key: input.key() });
                return;
            }
            match input.watch(Watcher::Object(Arc::clone(&self) as Arc<dyn Watch>, attempt)) {
                Ok(_) => {}
                Err(Ok(())) => finished += 1,
                Err(Err(error)) => failed = Some(inherited(&*self, &error)),
            }
        });
        self.set_call(function, arguments);
        if self.about.terms().is_some() {
            start_deadline(&(Arc::clone(&self) as Arc<dyn Node>));
        }
        if let Some(error) = failed {
            fail(self, &error);
        } else if self.core.inputs_finished(attempt, finished) {
            let node = Arc::clone(&self) as Arc<dyn Node>;
            self.about.engine().schedule(node);
        }
    }

    /// Puts the call in. A task that has ended for good meanwhile drops it again.
    pub(crate) fn set_call(&self, function: F, arguments: A) {
        let before = self.core.slot(|slot| replace(slot, Slot::Call(function, arguments)));
        if let Slot::Held(Held::Spawned(spawned)) = before {
            // The run that is over, and that calls this.
            spawned.detach();
        }
        self.drop_body_if_ended();
    }

    pub(super) fn drop_body_if_ended(&self) {
        if self.core.is_done() {
            let is_failure = matches!(self.core.outcome(), Some(Err(error)) if error.is_failure());
            self.drop_body(!is_failure || !self.core.has_handles());
        }
    }

    /// The tasks whose results the call takes.
    pub(super) fn inputs_of_call(&self) -> Vec<Arc<dyn Entry>> {
        self.core.slot(|slot| {
            let mut inputs = Vec::new();
            if let Slot::Call(_, arguments) = slot {
                arguments.visit(&mut |input| inputs.push(input.shared_entry()));
            }
            inputs
        })
    }
}

/// How many tasks must finish first.
pub(super) fn count_inputs<A: Arguments<Args>, Args>(arguments: &A) -> usize {
    let mut inputs = 0;
    arguments.visit(&mut |_| inputs += 1);
    inputs
}

impl<T, F, A> Slot<T, F, A> {
    /// Takes the call out, if it is there.
    pub(super) fn take_call(&mut self) -> Option<(F, A)> {
        match take(self) {
            Self::Call(function, arguments) => Some((function, arguments)),
            other => {
                *self = other;
                None
            }
        }
    }

    /// Takes the value out, if there is one.
    pub(super) fn take_value(&mut self) -> Option<Stored<T>> {
        match take(self) {
            Self::Held(Held::Value(value)) => Some(value),
            other => {
                *self = other;
                None
            }
        }
    }

    /// Shares the value, if there is one.
    pub(super) fn share(&mut self) -> Option<Arc<T>> {
        if let Self::Held(Held::Value(Stored::Shared(shared))) = self {
            return Some(Arc::clone(shared));
        }
        let shared = self.take_value()?.into_shared();
        *self = Self::Held(Held::Value(Stored::Shared(Arc::clone(&shared))));
        Some(shared)
    }
}

impl<T, F, A> Default for Slot<T, F, A> {
    fn default() -> Self {
        Self::Held(Held::Nothing)
    }
}

impl<T, F, A, Args> Node for Task<T, F, A, Args>
where
    T: Send + Sync + 'static,
    F: TaskFn<Args, Output = T>,
    A: Arguments<Args>,
    Args: 'static,
{
    fn core(&self) -> &Core {
        &self.core
    }

    fn about(&self) -> &About {
        &self.about
    }

    fn name(&self) -> &'static str {
        F::name()
    }

    fn location(&self) -> Option<&'static Location<'static>> {
        self.about.lease().location(self.core.index())
    }

    fn is_asynchronous(&self) -> bool {
        F::ASYNCHRONOUS
    }

    fn run(self: Arc<Self>) {
        self.run_on_thread();
    }

    fn future(self: Arc<Self>, presence: Presence) -> BoxFuture<()> {
        self.run_on_runtime(presence)
    }

    fn keep(&self, run: u32, spawned: Box<dyn Spawned>) {
        let mut spawned = Some(spawned);
        self.core.slot(|slot| {
            let latest = self.about.terms().map_or(self.core.attempt() as u32, Terms::runs);
            if latest == run && matches!(slot, Slot::Held(Held::Nothing)) {
                *slot = spawned.take().map_or_else(Slot::default, |spawned| Slot::Held(Held::Spawned(spawned)));
            }
        });
        match spawned {
            // It was over before its handle was here. What there is now is its value, or belongs to the next run.
            Some(spawned) => spawned.detach(),
            None => self.drop_body_if_ended(),
        }
    }

    fn drop_body(&self, for_good: bool) {
        let dropped = self.core.slot(|slot| {
            let goes = match slot {
                Slot::Held(Held::Spawned(_)) => true,
                Slot::Call(..) => for_good,
                Slot::Held(Held::Nothing | Held::Value(_)) => false,
            };
            if goes { take(slot) } else { Slot::default() }
        });
        drop(dropped);
    }

    fn drop_value(&self) {
        let value = self.core.slot(Slot::take_value);
        drop_quietly(|| drop(value));
    }

    fn nbytes(&self) -> Option<u64> {
        self.core.slot(|slot| match slot {
            Slot::Held(Held::Value(value)) => Some(value.nbytes()),
            Slot::Call(..) | Slot::Held(Held::Nothing | Held::Spawned(_)) => None,
        })
    }
}

impl<T, F, A, Args> Drop for Task<T, F, A, Args> {
    fn drop(&mut self) {
        self.about.lease().leave(self.core.index());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Input;

    #[test]
    fn a_plain_task_is_small() {
        /// The most that glibc frees into a list without a lock, less the two counts of an `Arc`.
        const NBYTES_MAX: usize = 120 - 16;

        type NoInput = Task<u64, fn() -> u64, (), ()>;
        type OneInput = Task<u64, fn(u64) -> u64, (Input<u64>,), (u64,)>;
        type Pure<A> = Task<u64, (), A, ()>;
        assert!(size_of::<NoInput>() <= NBYTES_MAX, "{}", size_of::<NoInput>());
        assert!(size_of::<OneInput>() <= NBYTES_MAX, "{}", size_of::<OneInput>());
        assert!(
            size_of::<Pure<(Input<u64>, Input<u64>)>>() <= NBYTES_MAX,
            "{}",
            size_of::<Pure<(Input<u64>, Input<u64>)>>()
        );
    }
}
