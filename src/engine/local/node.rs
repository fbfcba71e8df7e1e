//! A task of the local engine: its state, and beside it, typed, the call that it is and the value that it gives.

use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use crate::Error;
use crate::engine::local::Spawned;
use crate::engine::local::about::About;
use crate::engine::local::asynchronous::Presence;
use crate::engine::local::core::Core;
use crate::engine::local::failing::{fail, inherited};
use crate::engine::local::release::drop_quietly;
use crate::engine::local::terms::{Terms, start_deadline};
use crate::task::{Arguments, BoxFuture, Entry, Repeat, Stored, TaskFn, Watch, Watcher, plain};

/// A task of any type.
pub(crate) trait Node: Entry + Watch {
    fn core(&self) -> &Core;

    fn about(&self) -> &About;

    /// Runs the started task on this thread and ends it; or gives the delay after which it is to be queued for its next
    /// run.
    fn run(self: Arc<Self>) -> Option<Duration>;

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
pub(crate) struct Task<T, F, A, Args> {
    pub(super) core: Core,
    pub(super) about: About,
    pub(super) slot: Mutex<Slot<T, F, A>>,
    /// Copies the arguments for another run, if there may be one.
    pub(super) repeat: Option<Repeat<A>>,
    args: PhantomData<fn(Args)>,
}

/// What there is of a task besides its state: one thing at a time.
pub(crate) enum Slot<T, F, A> {
    /// Nothing: not yet, or no longer.
    Empty,
    /// The call, until it is made; also of a failed task, which may be run again.
    Call(F, A),
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
    pub(crate) fn new(core: Core, mut about: About, slot: Slot<T, F, A>, repeat: Option<Repeat<A>>) -> Arc<Self> {
        Arc::new_cyclic(|node: &Weak<Self>| {
            about.enter_table(Weak::clone(node) as Weak<dyn Node>);
            Self { core, about, slot: Mutex::new(slot), repeat, args: PhantomData }
        })
    }

    /// A task that was refused and stands nowhere.
    pub(crate) fn refused(about: About, error: Error) -> Arc<Self> {
        let (core, slot) = (Core::erred(error), Mutex::new(Slot::Empty));
        Arc::new(Self { core, about, slot, repeat: None, args: PhantomData })
    }

    /// Registers a task with its inputs, and queues it if they have all finished.
    pub(crate) fn enter(self: Arc<Self>, function: F, arguments: A) {
        let attempt = self.core.attempt();
        let mut failed = None;
        arguments.visit(&mut |input| {
            let input = input.entry();
            if failed.is_some() {
                return;
            }
            if input.scheduler_id() != self.about.client().id() {
                failed = Some(Error::ForeignFuture { key: input.key() });
                return;
            }
            self.core.add_missing();
            match input.watch(Watcher::Object(Arc::clone(&self) as Arc<dyn Watch>, attempt)) {
                Ok(_) => {}
                // Never the last: the submit itself counts as one.
                Err(Ok(())) => _ = self.core.input_finished(attempt),
                Err(Err(error)) => failed = Some(inherited(&self.about, &error)),
            }
        });
        self.set_call(function, arguments);
        if self.about.terms.is_some() {
            start_deadline(&(Arc::clone(&self) as Arc<dyn Node>));
        }
        if let Some(error) = failed {
            fail(self, &error);
        } else if self.core.input_finished(attempt) {
            self.about.engine().schedule(Arc::clone(&self) as Arc<dyn Node>);
        }
    }

    /// Puts the call in. A task that has ended for good meanwhile drops it again.
    pub(crate) fn set_call(&self, function: F, arguments: A) {
        let before = std::mem::replace(&mut *lock(&self.slot), Slot::Call(function, arguments));
        if let Slot::Spawned(spawned) = before {
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

    pub(super) fn has_call(&self) -> bool {
        matches!(*lock(&self.slot), Slot::Call(..))
    }

    /// The tasks whose results the call takes.
    pub(super) fn inputs_of_call(&self) -> Vec<Arc<dyn Entry>> {
        let mut inputs = Vec::new();
        if let Slot::Call(_, arguments) = &*lock(&self.slot) {
            arguments.visit(&mut |input| inputs.push(input.shared_entry()));
        }
        inputs
    }

    pub(super) fn take_call(&self) -> Option<(F, A)> {
        let mut slot = lock(&self.slot);
        match std::mem::replace(&mut *slot, Slot::Empty) {
            Slot::Call(function, arguments) => Some((function, arguments)),
            other => {
                *slot = other;
                None
            }
        }
    }

    /// Takes the value out, if there is one.
    pub(super) fn take_stored(&self) -> Option<Stored<T>> {
        let mut slot = lock(&self.slot);
        match std::mem::replace(&mut *slot, Slot::Empty) {
            Slot::Value(value) => Some(value),
            other => {
                *slot = other;
                None
            }
        }
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

    fn run(self: Arc<Self>) -> Option<Duration> {
        self.run_on_thread()
    }

    fn future(self: Arc<Self>, presence: Presence) -> BoxFuture<()> {
        self.run_on_runtime(presence)
    }

    fn keep(&self, run: u32, spawned: Box<dyn Spawned>) {
        let mut slot = lock(&self.slot);
        let latest = self.about.terms.as_deref().map_or(self.core.attempt() as u32, Terms::runs);
        let is_latest = latest == run;
        if !is_latest || !matches!(*slot, Slot::Empty) {
            // It was over before its handle was here. What there is now is its value, or belongs to the next run.
            drop(slot);
            return spawned.detach();
        }
        *slot = Slot::Spawned(spawned);
        drop(slot);
        self.drop_body_if_ended();
    }

    fn drop_body(&self, for_good: bool) {
        let mut slot = lock(&self.slot);
        let goes = match &*slot {
            Slot::Spawned(_) => true,
            Slot::Call(..) => for_good,
            Slot::Empty | Slot::Value(_) => false,
        };
        if goes {
            let dropped = std::mem::replace(&mut *slot, Slot::Empty);
            drop(slot);
            drop(dropped);
        }
    }

    fn drop_value(&self) {
        let value = self.take_stored();
        drop_quietly(|| drop(value));
    }

    fn nbytes(&self) -> Option<u64> {
        match &*lock(&self.slot) {
            Slot::Value(Stored::Owned(value)) => Some(plain::nbytes(value)),
            Slot::Value(Stored::Shared(value)) => Some(plain::nbytes(&**value)),
            Slot::Empty | Slot::Call(..) | Slot::Spawned(_) => None,
        }
    }
}

impl<T, F, A, Args> Drop for Task<T, F, A, Args> {
    fn drop(&mut self) {
        self.about.leave_table();
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Only moves happen under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
