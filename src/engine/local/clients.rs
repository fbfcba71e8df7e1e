//! What an engine knows of each of its clients.
//!
//! A client owns what it submits: its futures end with it. One that started its engine takes the engine along; one of
//! several on an engine takes only its own tasks, and of those not the detached ones.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::Error;
use crate::engine::local::close::Lifecycle;
use crate::engine::local::{Engine, EngineStatus};
use crate::task::context::with_current_task;
use crate::task::{BoxFuture, Entry, Resume, Scheduler};

/// One client of an engine.
pub(crate) struct ClientState {
    engine: Arc<Engine>,
    /// Whether the engine was started for it and closes with it.
    owns_engine: bool,
    pub(super) lifecycle: Lifecycle,
    /// Handles that users hold.
    handles: AtomicUsize,
    /// Whether the last of them has gone.
    is_released: AtomicBool,
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
            is_released: AtomicBool::new(false),
        });
        engine.add_client(&client)?;
        engine.retain();
        Ok(client)
    }

    /// Tells clients apart.
    #[inline]
    pub(crate) fn id(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    #[inline]
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

    /// Counts one more handle of a client that users still hold, or that a task asks for which goes on without it.
    pub(crate) fn retain_for(&self, task: &dyn Entry) -> bool {
        if task.outcome().is_none() {
            self.retain();
            return true;
        }
        self.handles.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n > 0).then_some(n + 1)).is_ok()
    }

    /// Counts one handle less. The client closes with the last.
    pub(crate) fn release(self: &Arc<Self>) {
        if self.handles.fetch_sub(1, Ordering::AcqRel) == 1 && !self.is_released.swap(true, Ordering::AcqRel) {
            self.begin_close("the client was dropped");
            self.engine.release();
        }
    }
}

impl ClientState {
    /// Whether it takes no submissions from here. What goes on after a close, for the sake of others, may still submit.
    #[inline]
    pub(crate) fn refuses(&self) -> bool {
        self.lifecycle.is_closing() && (self.engine.lifecycle.is_closing() || !self.is_inside_of_its_own())
    }

    /// Why it closes.
    #[cfg(feature = "dask")]
    pub(crate) fn reason(&self) -> &'static str {
        self.lifecycle.reason()
    }

    /// Whether the caller is a task of this client that has not ended.
    fn is_inside_of_its_own(&self) -> bool {
        with_current_task(|task| task.scheduler_id() == self.id() && task.outcome().is_none()).unwrap_or(false)
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
