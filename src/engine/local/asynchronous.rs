//! Asynchronous tasks: they run on the client's runtime and take no thread of the engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::engine::local::Engine;
use crate::engine::local::failing::leave_body;
use crate::engine::local::node::Node;
use crate::engine::local::terms::Terms;
use crate::runtime::{AnyRuntime, Runtime, TaskHandle};
use crate::task::BoxFuture;

/// What the engine asks of the client's runtime.
///
/// Smaller than the runtime's own traits, so that the engine, and every future that reaches it, names no runtime.
pub(crate) trait Host: Send + Sync {
    fn name(&self) -> &'static str;
    fn in_async_context(&self) -> bool;
    fn spawn(&self, future: BoxFuture<()>) -> Box<dyn Spawned>;
    fn sleep(&self, duration: Duration) -> BoxFuture<()>;
    /// The runtime, for whoever does not know its type.
    fn erased(&self) -> AnyRuntime;
}

/// A spawned task. Dropping it aborts.
pub(crate) trait Spawned: Send + Sync {
    /// Lets the task go on by itself.
    fn detach(self: Box<Self>);
}

impl<R: Runtime> Host for R {
    fn name(&self) -> &'static str {
        Runtime::name(self)
    }

    fn in_async_context(&self) -> bool {
        Runtime::in_async_context(self)
    }

    fn spawn(&self, future: BoxFuture<()>) -> Box<dyn Spawned> {
        Box::new(SpawnedOn::<R>(R::spawn(self, future)))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        Box::pin(R::sleep(self, duration))
    }

    fn erased(&self) -> AnyRuntime {
        Runtime::erased(self)
    }
}

struct SpawnedOn<R: Runtime>(R::Task<()>);

impl<R: Runtime> Spawned for SpawnedOn<R> {
    fn detach(self: Box<Self>) {
        self.0.detach();
    }
}

/// Counts the asynchronous tasks that have been spawned and whose futures still exist.
#[derive(Default)]
pub(crate) struct Running {
    count: AtomicUsize,
}

impl Running {
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }
}

impl Engine {
    /// Starts a ready asynchronous task.
    pub(super) fn spawn(self: &Engine, node: Arc<dyn Node>) {
        if node.core().start(|_| ()).is_none() {
            return self.pass_over(&node);
        }
        let run = node.about().terms().map_or(node.core().attempt() as u32, Terms::begin_run);
        self.asynchronous.count.fetch_add(1, Ordering::AcqRel);
        let body = Arc::clone(&node).future(Presence { node: Arc::clone(&node), has_left: false });
        let spawned = self.host.spawn(body);
        node.keep(run, spawned);
    }
}

/// Says for as long as it lives that a spawned future exists.
pub(crate) struct Presence {
    node: Arc<dyn Node>,
    /// Whether its body is over.
    has_left: bool,
}

impl Presence {
    /// The body is over, before its end is told.
    pub(crate) fn leave(&mut self) {
        if !std::mem::replace(&mut self.has_left, true) {
            leave_body(&self.node);
        }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.leave();
        let about = self.node.about();
        let engine = about.engine();
        engine.asynchronous.count.fetch_sub(1, Ordering::AcqRel);
        about.client().lifecycle.handle_exit();
        engine.lifecycle.handle_exit();
    }
}
