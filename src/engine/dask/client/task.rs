//! A task of a cluster, as its futures see it.
//!
//! It ends when the scheduler says so. Its value is somewhere on the cluster then, and comes here when somebody waits for
//! it: `core` is the task's state, `arrival` that of its value's way.

use std::any::Any;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;

use crate::Error;
use crate::engine::dask::client::connection::Connection;
use crate::engine::dask::wire::TaskKey;
use crate::engine::local::by_core::entry_by_core;
use crate::engine::local::{About, Core, Draft, Ended, Node, Presence, Spawned, bury, drop_quietly, fail};
use crate::task::portable::{DecodeError, PyValue, TypeOf};
use crate::task::{
    BoxFuture, Entry, Key, Outcome, Scheduler, Stored, Transition, TypedEntry, Watch, WatchId, Watcher, Watchers,
};

/// What the connection tells a task.
pub(super) trait Remote: Node {
    /// Its value is on the cluster.
    fn handle_finished(self: Arc<Self>);

    /// It has ended without a value. Later words about the same end change nothing.
    fn handle_ended(self: Arc<Self>, error: Error);

    /// The connection is over: no value comes any more. One that is here stays.
    fn handle_over(self: Arc<Self>, error: Error);

    /// Its value has come.
    fn handle_value(self: Arc<Self>, value: Result<PyValue, Error>);

    /// What a worker makes a plain Python object of it with, if it is none yet.
    fn type_of(&self) -> Option<TypeOf>;

    /// For who knows its type.
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;

    /// The key under which it is a plain Python object, once that has been asked for.
    fn python_key(&self) -> &Mutex<Option<TaskKey>>;
}

/// A task of a cluster.
pub(super) struct ClusterTask<T> {
    core: Core<()>,
    arrival: Core<()>,
    name: fn() -> &'static str,
    about: About,
    key: TaskKey,
    connection: Arc<Connection>,
    decode: fn(&PyValue) -> Result<T, DecodeError>,
    type_of: Option<TypeOf>,
    python_key: Mutex<Option<TaskKey>>,
    value: Mutex<Option<Stored<T>>>,
    /// Whether its value has been asked for.
    is_wanted: AtomicBool,
    /// Whether the connection still holds the key for it.
    is_held: AtomicBool,
}

/// What a task is on the cluster.
pub(super) struct Origin<T> {
    /// The name of its function.
    pub(super) name: fn() -> &'static str,
    pub(super) key: TaskKey,
    pub(super) decode: fn(&PyValue) -> Result<T, DecodeError>,
    /// Its type, if it is a value of Rust's.
    pub(super) type_of: Option<TypeOf>,
}

impl<T: Send + Sync + 'static> ClusterTask<T> {
    /// A task with one handle, that the connection is about to hear of.
    pub(super) fn new(connection: &Arc<Connection>, draft: Draft, origin: Origin<T>) -> Arc<Self> {
        let Draft { about, index, location } = draft;
        let node = Arc::new(Self {
            core: Core::waiting(0, index, ()),
            arrival: Core::waiting(0, index, ()),
            name: origin.name,
            about,
            key: origin.key,
            connection: Arc::clone(connection),
            decode: origin.decode,
            type_of: origin.type_of,
            python_key: Mutex::new(None),
            value: Mutex::new(None),
            is_wanted: AtomicBool::new(false),
            is_held: AtomicBool::new(true),
        });
        node.about.lease().enter(index, Arc::downgrade(&node) as Weak<dyn Node>, location);
        node
    }

    /// Its value will not come: whoever waits for it hears why.
    fn end_arrival(&self, error: &Error) {
        if !matches!(self.arrival.outcome(), Some(Err(_))) {
            self.arrival.restart(error).watchers.notify(Err(error.clone()));
        }
    }

    fn settle(self: Arc<Self>, ended: Ended) -> Watchers {
        if ended.detached && self.core.release() {
            bury(self, None);
        }
        ended.watchers
    }

    fn lock(&self) -> MutexGuard<'_, Option<Stored<T>>> {
        // Only moves happen under the lock.
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Send + Sync + 'static> Remote for ClusterTask<T> {
    fn handle_finished(self: Arc<Self>) {
        if let Some(ended) = self.core.conclude(&Ok(()), None) {
            self.about.trace().finished(|| self.key(), &Ok(()));
            self.settle(ended).notify(Ok(()));
        }
    }

    fn handle_ended(self: Arc<Self>, error: Error) {
        if !error.is_failure() {
            // The connection has forgotten it.
            self.is_held.store(false, Ordering::Release);
        }
        let ended = match self.core.outcome() {
            // What was there is there no more.
            Some(Ok(())) => Some(self.core.restart(&error)),
            Some(Err(_)) => None,
            None => self.core.conclude(&Err(error.clone()), None),
        };
        // The task first: who has waited for its value may have it retried at once.
        self.end_arrival(&error);
        self.drop_value();
        if let Some(ended) = ended {
            let outcome = Err(error);
            self.about.trace().finished(|| self.key(), &outcome);
            self.settle(ended).notify(outcome);
        }
    }

    fn handle_over(self: Arc<Self>, error: Error) {
        match (self.core.outcome(), self.arrival.outcome()) {
            (Some(Ok(())), Some(Ok(()))) => {}
            // It has finished, and nobody can have its value.
            (Some(Ok(())), _) => self.end_arrival(&error),
            _ => self.handle_ended(error),
        }
    }

    fn handle_value(self: Arc<Self>, value: Result<PyValue, Error>) {
        // What reads the value may be the user's.
        let decode = |value: &PyValue| catch_unwind(AssertUnwindSafe(|| (self.decode)(value)));
        let decoded = value.and_then(|value| match decode(&value) {
            Ok(decoded) => decoded.map_err(|error| Error::NotDecoded { key: self.key(), source: Arc::new(error) }),
            Err(payload) => {
                std::mem::forget(payload);
                Err(Error::NotDecoded { key: self.key(), source: Arc::new(DecodePanicked) })
            }
        });
        let outcome = match decoded {
            Ok(value) => {
                let before = self.lock().replace(Stored::Owned(value));
                drop_quietly(|| drop(before));
                Ok(())
            }
            Err(error) => Err(error),
        };
        match self.arrival.conclude(&outcome, None) {
            Some(ended) => ended.watchers.notify(outcome),
            // Nobody waits for it any more.
            None => self.drop_value(),
        }
    }

    fn type_of(&self) -> Option<TypeOf> {
        self.type_of
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }

    fn python_key(&self) -> &Mutex<Option<TaskKey>> {
        &self.python_key
    }
}

impl<T: Send + Sync + 'static> Node for ClusterTask<T> {
    fn core(&self) -> &Core {
        &self.core
    }

    fn about(&self) -> &About {
        &self.about
    }

    fn name(&self) -> &'static str {
        (self.name)()
    }

    fn location(&self) -> Option<&'static Location<'static>> {
        self.about.lease().location(self.core.index())
    }

    fn is_asynchronous(&self) -> bool {
        // It takes no thread here.
        true
    }

    fn run(self: Arc<Self>) {
        debug_assert!(false, "a task of a cluster is in no queue here");
    }

    fn future(self: Arc<Self>, _: Presence) -> BoxFuture<()> {
        debug_assert!(false, "a task of a cluster is not spawned here");
        Box::pin(std::future::ready(()))
    }

    fn keep(&self, _: u32, spawned: Box<dyn Spawned>) {
        drop(spawned);
    }

    fn drop_body(&self, for_good: bool) {
        if let Some(Err(error)) = self.core.outcome() {
            self.end_arrival(&error);
        }
        if for_good {
            self.let_go();
        }
    }

    fn drop_value(&self) {
        let value = self.lock().take();
        drop_quietly(|| drop(value));
    }

    fn nbytes(&self) -> Option<u64> {
        self.lock().as_ref().map(Stored::nbytes)
    }
}

impl<T: Send + Sync + 'static> Watch for ClusterTask<T> {
    fn handle_outcome(self: Arc<Self>, _: usize, _: &Outcome) -> Option<(Watchers, Outcome)> {
        // Its inputs are the scheduler's business.
        None
    }

    fn is_live(&self) -> bool {
        !self.core.is_done()
    }
}

impl<T: Send + Sync + 'static> Entry for ClusterTask<T> {
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
        self.about.key(self.name(), self.core.index(), || self.location())
    }

    entry_by_core!();

    fn run_outcome(&self) -> Option<Outcome> {
        self.core.outcome()
    }

    fn value_outcome(&self) -> Option<Outcome> {
        self.arrival.outcome()
    }

    fn watch_value(&self, watcher: Watcher) -> Result<WatchId, Outcome> {
        let watched = self.arrival.watch(watcher)?;
        // Afterwards: the value may come at once.
        if !self.is_wanted.swap(true, Ordering::AcqRel) {
            self.connection.want(&self.key);
        }
        Ok(watched)
    }

    fn rewatch_value(&self, id: WatchId, waker: &Waker) -> Result<WatchId, Outcome> {
        self.arrival.rewatch(id, waker)
    }

    fn unwatch_value(&self, id: WatchId) {
        self.arrival.unwatch(id);
    }

    fn bury_because(self: Arc<Self>, reason: &Arc<str>) {
        bury(self, Some(Arc::clone(reason)));
    }

    fn cancel(self: Arc<Self>, reason: &Arc<str>) {
        if self.core.is_done() {
            return;
        }
        if self.is_held.swap(false, Ordering::AcqRel) {
            self.connection.cancel(&self.key, self.id(), reason);
        }
        let error = Error::Cancelled { key: self.key(), reason: Arc::clone(reason) };
        fail(self, &error);
    }

    fn restart(self: Arc<Self>, error: &Error) {
        crate::engine::local::restart(self, error);
    }

    fn detach(self: Arc<Self>) {
        if self.core.detach() {
            self.connection.detach(&self.key);
        } else if self.core.release() {
            bury(self, None);
        }
    }

    fn help(self: Arc<Self>) {}

    fn call_back(&self, callback: Box<dyn FnOnce() + Send>) {
        self.connection.call_back(callback);
    }

    fn inputs(&self) -> Vec<Arc<dyn Entry>> {
        // The scheduler retries those that it needs.
        Vec::new()
    }

    fn is_repeatable(&self) -> bool {
        self.is_held.load(Ordering::Acquire)
    }

    fn retry(&self) -> bool {
        let retry = self.core.retry();
        if retry {
            self.is_wanted.store(false, Ordering::Release);
            self.arrival.retry();
        }
        retry
    }

    fn resume(self: Arc<Self>) {
        self.connection.retry(&self.key);
    }

    fn story(&self) -> Vec<Transition> {
        self.core.steps().tell(self, self.core.outcome().as_ref())
    }
}

impl<T: Send + Sync + 'static> TypedEntry<T> for ClusterTask<T> {
    fn shared_value(&self) -> Option<Arc<T>> {
        let mut value = self.lock();
        let shared = value.take()?.into_shared();
        *value = Some(Stored::Shared(Arc::clone(&shared)));
        Some(shared)
    }

    fn take_value(&self) -> Option<Stored<T>> {
        let value = self.lock().take();
        self.let_go();
        value
    }
}

impl<T> ClusterTask<T> {
    /// The connection need not hold the key any more.
    fn let_go(&self) {
        if self.is_held.swap(false, Ordering::AcqRel) {
            self.connection.release(&self.key, self.about.lease().id(self.core.index()));
        }
        // Bound first: what follows from the release is not for under the lock.
        let python_key = self.python_key.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(key) = python_key {
            self.connection.release_conversion(key);
        }
    }
}

impl<T> Drop for ClusterTask<T> {
    fn drop(&mut self) {
        // Of one that was detached: it goes on there without this client.
        self.let_go();
        self.connection.forget(&self.key, self.about.lease().id(self.core.index()));
        self.about.lease().leave(self.core.index());
    }
}

/// What reads a value has panicked.
#[derive(Debug)]
struct DecodePanicked;

impl std::fmt::Display for DecodePanicked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("its `Deserialize` panicked")
    }
}

impl std::error::Error for DecodePanicked {}
