//! What an engine knows of each of its clients.
//!
//! A client owns what it submits: its futures end with it. One that started its engine takes the engine along; one of
//! several on an engine takes only its own tasks, and of those not the detached ones.

use std::any::Any;
use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::Error;
use crate::engine::local::close::Lifecycle;
use crate::engine::local::{Engine, EngineStatus};
use crate::task::{BoxFuture, Entry, Resume, Scheduler};

/// One client of an engine.
pub(crate) struct ClientState {
    engine: Arc<Engine>,
    /// Whether the engine was started for it and closes with it.
    owns_engine: bool,
    pub(super) lifecycle: Lifecycle,
    /// Handles that users hold.
    handles: AtomicUsize,
}

impl ClientState {
    /// Adds a client, with one handle.
    ///
    /// # Errors
    ///
    /// [`Error::EngineClosed`].
    pub(crate) fn new(engine: &Arc<Engine>, owns_engine: bool) -> Result<Arc<Self>, Error> {
        let client = Arc::new(Self {
            engine: Arc::clone(engine),
            owns_engine,
            lifecycle: Lifecycle::default(),
            handles: AtomicUsize::new(1),
        });
        engine.add_client(&client)?;
        engine.retain();
        Ok(client)
    }

    /// Tells clients apart.
    pub(crate) fn id(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    pub(super) fn owns_engine(&self) -> bool {
        self.owns_engine
    }

    /// Wakes threads once for all that `submit` submits.
    pub(crate) fn at_once(&self, submit: impl FnOnce()) {
        self.engine.pool.wake_once(submit);
    }

    /// Whether it takes submissions.
    pub(crate) fn status(&self) -> EngineStatus {
        if self.owns_engine { self.engine.status() } else { self.lifecycle.status() }
    }

    /// Counts one more handle.
    pub(crate) fn retain(&self) {
        self.handles.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one more handle of a client that users still hold.
    pub(crate) fn retain_if_held(&self) -> bool {
        self.handles.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n > 0).then_some(n + 1)).is_ok()
    }

    /// Counts one handle less. The client closes with the last.
    pub(crate) fn release(self: &Arc<Self>) {
        if self.handles.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.begin_close("the client was dropped");
            self.engine.release();
        }
    }
}

/// A task's reference on its client.
///
/// Tasks that one thread submits in a row share it, so that threads which submit and threads which drop tasks do not
/// meet at one counter.
pub(crate) struct Lease {
    client: Arc<ClientState>,
}

/// How many tasks share a lease: enough that it costs nothing, and few enough that a thread has gone on to the next by the
/// time that the first of them are dropped.
const LEASE_TASKS: u32 = 64;

thread_local! {
    /// The lease that this thread gives out, for which client, and for how many tasks more. It keeps nothing alive.
    static LEASE: RefCell<(usize, Weak<Lease>, u32)> = const { RefCell::new((0, Weak::new(), 0)) };
}

impl Lease {
    pub(crate) fn client(&self) -> &Arc<ClientState> {
        &self.client
    }
}

impl ClientState {
    pub(super) fn lease(self: &Arc<Self>) -> Arc<Lease> {
        let leased = LEASE.try_with(|lease| {
            let (client_id, current, left) = &mut *lease.borrow_mut();
            if *client_id == self.id()
                && *left > 0
                && let Some(current) = current.upgrade()
            {
                *left -= 1;
                return current;
            }
            let new = self.new_lease();
            (*client_id, *current, *left) = (self.id(), Arc::downgrade(&new), LEASE_TASKS - 1);
            new
        });
        // A thread that ends has lost its locals.
        leased.unwrap_or_else(|_| self.new_lease())
    }

    fn new_lease(self: &Arc<Self>) -> Arc<Lease> {
        Arc::new(Lease { client: Arc::clone(self) })
    }
}

impl Scheduler for ClientState {
    fn check_may_block(&self, operation: &'static str) -> Result<(), Error> {
        self.engine.check_may_block(operation)
    }

    fn block(&self, wait: &mut dyn FnMut() -> Resume) -> Result<(), Error> {
        self.engine.block(wait)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        self.engine.sleep(duration)
    }

    fn begin_wait(&self, waiters: &[Arc<dyn Entry>], on: Vec<Arc<dyn Entry>>) -> Result<Option<u64>, Error> {
        self.engine.begin_wait(waiters, on)
    }

    fn end_wait(&self, waiters: &[u64], number: u64) {
        self.engine.end_wait(waiters, number);
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}
