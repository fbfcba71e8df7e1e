//! The embedded engine: threads of its own for CPU work, the client's runtime for asynchronous tasks.
//!
//! | file | what it knows |
//! |---|---|
//! | `core.rs` | a task's phases and who may change them |
//! | `node.rs`, `about.rs` | a task with its call, its value and its name |
//! | `entry.rs`, `failing.rs` | how others see it, and how it ends without a run |
//! | `release.rs` | the last handle |
//! | `pool.rs`, `parking.rs`, `worker.rs` | queues, seats and threads |
//! | `asynchronous.rs` | tasks on the runtime |
//! | `keys.rs` | chosen keys |
//! | `terms.rs`, `resources.rs` | options: retries, time limits, priorities, resources |
//! | `close.rs` | the end |

mod about;
mod asynchronous;
mod close;
mod core;
mod entry;
mod failing;
mod keys;
mod node;
mod panics;
mod parking;
mod pool;
mod prioritized;
mod release;
mod resources;
mod submit;
mod terms;
mod trace;
mod worker;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::Error;
use crate::runtime::Runtime;
use crate::task::{BoxFuture, Resume, Scheduler};

use self::asynchronous::Running;
pub(crate) use self::asynchronous::{Host, Spawned};
pub(crate) use self::close::EngineStatus;
use self::close::Lifecycle;
use self::keys::Keys;
use self::node::Node;
use self::pool::Pool;
use self::resources::Resources;
use self::terms::BackingOff;

/// One embedded engine.
pub(crate) struct Engine {
    pool: Arc<Pool>,
    host: Box<dyn Host>,
    asynchronous: Running,
    keys: Keys,
    resources: Resources,
    backing_off: BackingOff,
    lifecycle: Lifecycle,
    /// Counts the tasks that were submitted.
    tasks: AtomicU64,
}

/// How many tasks of an engine do what.
pub(crate) struct Occupancy {
    pub(crate) running: usize,
    pub(crate) asynchronous: usize,
    pub(crate) queued: usize,
    pub(crate) waiting_for_resources: usize,
}

impl Engine {
    /// Starts an engine of `threads` threads, whose asynchronous tasks run on `runtime`.
    pub(crate) fn start<R: Runtime>(
        runtime: R,
        threads: usize,
        name: &str,
        resources: BTreeMap<String, f64>,
    ) -> Result<Arc<Self>, Error> {
        panics::install_hook();
        Ok(Arc::new(Self {
            pool: Pool::start(threads, name)?,
            host: Box::new(runtime),
            asynchronous: Running::default(),
            keys: Keys::default(),
            resources: Resources::new(resources),
            backing_off: BackingOff::default(),
            lifecycle: Lifecycle::default(),
            tasks: AtomicU64::new(0),
        }))
    }

    /// Tells engines apart.
    pub(crate) fn id(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// The number of CPU tasks that run at once.
    pub(crate) fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// What its tasks do now.
    pub(crate) fn occupancy(&self) -> Occupancy {
        Occupancy {
            running: self.pool.running().len(),
            asynchronous: self.asynchronous.count(),
            queued: self.pool.queued(),
            waiting_for_resources: self.resources.waiting(),
        }
    }

    /// Each resource with its total and its available amount.
    pub(crate) fn resources(&self) -> Vec<(String, f64, f64)> {
        self.resources.amounts()
    }

    fn next_id(&self) -> u64 {
        self.tasks.fetch_add(1, Ordering::Relaxed)
    }

    fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Has a ready task run, on a thread of the engine or on the runtime.
    fn schedule(&self, node: Arc<dyn Node>) {
        if self.has_resources(&node) {
            self.queue(node);
        }
        // After the push: whoever closes meanwhile looks through the queues after saying so, and one of us sees the
        // other.
        if self.lifecycle.is_closing() {
            self.cancel_all();
        }
    }

    /// Has a ready task run that holds its resources.
    fn queue(&self, node: Arc<dyn Node>) {
        if node.about().is_asynchronous {
            self.spawn(node);
        } else {
            self.pool.push(node);
        }
    }

    /// Runs a task that somebody on this thread waits for, if it has not begun and this is a thread of the engine.
    fn help(&self, node: Arc<dyn Node>) {
        if worker::is_worker_of(&self.pool)
            && node.about().terms.is_none()
            && !node.about().is_asynchronous
            && node.core().is_ready()
        {
            worker::run_inline(&self.pool, node);
        }
    }
}

/// Runs `wait`, which blocks. If a task calls this, of whichever engine, its slot goes to others meanwhile.
///
/// # Errors
///
/// [`Error::TooManyBlocked`], before waiting.
pub(crate) fn without_slot(wait: &mut dyn FnMut() -> Resume) -> Result<(), Error> {
    worker::without_seat(wait)
}

impl Scheduler for Engine {
    fn check_may_block(&self, operation: &'static str) -> Result<(), Error> {
        if worker::is_worker() || !self.host.in_async_context() {
            return Ok(());
        }
        Err(Error::BlockingInAsync { operation, runtime: self.host.name() })
    }

    fn block(&self, wait: &mut dyn FnMut() -> Resume) -> Result<(), Error> {
        without_slot(wait)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        self.host.sleep(duration)
    }
}
