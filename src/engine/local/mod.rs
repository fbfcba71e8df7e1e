//! The embedded engine: threads of its own for CPU work, the client's runtime for asynchronous tasks.
//!
//! | file | what it knows |
//! |---|---|
//! | `core.rs`, `story.rs` | a task's phases and who may change them, and those that it has had |
//! | `node.rs`, `about.rs`, `run.rs` | a task with its call, its value and its name, and its runs |
//! | `entry.rs`, `by_core.rs`, `failing.rs` | how others see it, and how it ends without a run |
//! | `handles.rs`, `release.rs` | the handles, and the last one |
//! | `bulk/` | many tasks in one |
//! | `clients.rs`, `lease.rs` | whose tasks they are, and what those submitted in a row share |
//! | `job.rs`, `pool.rs`, `prioritized.rs`, `parking.rs`, `worker.rs` | queues, seats and threads |
//! | `asynchronous.rs` | tasks on the runtime |
//! | `keys.rs`, `future_state.rs` | chosen keys, and what each client knows of them |
//! | `terms.rs`, `timer.rs`, `resources.rs` | options: retries, time limits, priorities, resources |
//! | `waits.rs` | which tasks wait inside for which others |
//! | `table.rs`, `inspect.rs` | the whole view |
//! | `submit.rs`, `scatter.rs`, `wake_once.rs` | how tasks come in |
//! | `panics.rs`, `trace.rs` | what is caught, and what is logged |
//! | `close.rs`, `needed.rs` | the end |

mod about;
mod asynchronous;
mod bulk;
pub(crate) mod by_core;
mod clients;
mod close;
mod core;
mod entry;
mod failing;
mod future_state;
mod handles;
mod inspect;
mod job;
mod keys;
mod lease;
mod needed;
mod node;
mod panics;
mod parking;
mod pool;
mod prioritized;
mod release;
mod resources;
mod run;
mod scatter;
mod story;
mod submit;
mod table;
mod terms;
mod timer;
mod trace;
mod waits;
mod wake_once;
mod worker;

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use crate::Error;
use crate::runtime::{AnyRuntime, Runtime};
use crate::task::{BoxFuture, Entry, Resume, Scheduler};

#[cfg(feature = "dask")]
pub(crate) use self::about::About;
pub(crate) use self::about::Draft;
use self::asynchronous::Running;
pub(crate) use self::asynchronous::{Host, Spawned};
use self::bulk::Bulks;
pub(crate) use self::clients::ClientState;
pub(crate) use self::close::EngineStatus;
use self::close::Lifecycle;
pub(crate) use self::failing::restart;
use self::job::Job;
use self::keys::Keys;
#[cfg(not(feature = "dask"))]
use self::node::Node;
pub(crate) use self::panics::catch;
use self::parking::lock;
use self::pool::Pool;
use self::resources::Resources;
pub(crate) use self::submit::refused;
use self::table::Table;
use self::waits::Waits;
#[cfg(feature = "dask")]
pub(crate) use self::{
    asynchronous::Presence,
    core::{Core, Ended},
    failing::fail,
    node::Node,
    release::{bury, drop_quietly, quietly, wake_all},
    trace::Trace,
};

/// One embedded engine.
pub(crate) struct Engine {
    pool: Arc<Pool>,
    host: Box<dyn Host>,
    asynchronous: Running,
    tasks: Table,
    bulks: Bulks,
    keys: Keys,
    resources: Resources,
    waits: Waits,
    clients: Mutex<Vec<Weak<ClientState>>>,
    lifecycle: Lifecycle,
    /// Handles that users hold, and one for each client.
    handles: AtomicUsize,
    /// Numbers of tasks that have been given out.
    ids: AtomicU64,
    /// Counts the tasks that were submitted with options.
    submitted: AtomicU64,
}

/// What an engine is started with.
pub(crate) struct Settings {
    pub(crate) threads: usize,
    /// Of its threads.
    pub(crate) name: String,
    pub(crate) resources: BTreeMap<String, f64>,
    /// How long a task may wait for resources that the engine does not have.
    pub(crate) unrunnable_timeout: Duration,
}

impl Engine {
    /// Starts an engine whose asynchronous tasks run on `runtime`, with one handle.
    pub(crate) fn start<R: Runtime>(runtime: R, settings: Settings) -> Result<Arc<Self>, Error> {
        panics::install_hook();
        Ok(Arc::new(Self {
            pool: Pool::start(settings.threads, &settings.name)?,
            host: Box::new(runtime),
            asynchronous: Running::default(),
            tasks: Table::default(),
            bulks: Bulks::default(),
            keys: Keys::default(),
            resources: Resources::new(settings.resources, settings.unrunnable_timeout),
            waits: Waits::default(),
            clients: Mutex::default(),
            lifecycle: Lifecycle::default(),
            handles: AtomicUsize::new(1),
            ids: AtomicU64::new(0),
            submitted: AtomicU64::new(0),
        }))
    }

    /// The number of CPU tasks that run at once.
    pub(crate) fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// The runtime, for whoever does not know its type.
    pub(crate) fn runtime(&self) -> AnyRuntime {
        self.host.erased()
    }

    /// Counts one more handle.
    pub(crate) fn retain(&self) {
        self.handles.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one handle less. The engine closes with the last.
    pub(crate) fn release(self: &Arc<Self>) {
        if self.handles.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.begin_close("the engine was dropped");
        }
    }

    fn add_client(&self, client: &Arc<ClientState>) -> Result<(), Error> {
        let mut clients = lock(&self.clients);
        // Under the lock: whoever closes says so first and looks at the clients second.
        if self.lifecycle.is_closing() {
            return Err(Error::EngineClosed);
        }
        clients.retain(|client| client.strong_count() > 0);
        clients.push(Arc::downgrade(client));
        Ok(())
    }

    fn clients(&self) -> Vec<Arc<ClientState>> {
        lock(&self.clients).iter().filter_map(Weak::upgrade).collect()
    }

    /// The first of `count` numbers in a row that no other task has.
    fn next_ids(&self, count: u64) -> u64 {
        self.ids.fetch_add(count, Ordering::Relaxed)
    }

    /// The number of the next task with options.
    fn next_number(&self) -> u64 {
        self.submitted.fetch_add(1, Ordering::Relaxed)
    }

    fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Cancels every task and drops every value, of all clients. Bodies that run go on to their ends.
    pub(crate) fn restart(&self) {
        const REASON: &str = "the engine was restarted";
        self.bulks.single_out(false);
        for node in self.tasks.nodes() {
            let error = Error::Cancelled { key: node.key(), reason: REASON.into() };
            restart(node, &error);
        }
        // Second: whoever submits one of the keys meanwhile finds its task cancelled, and makes another.
        for view in self.keys.all_views() {
            let error = Error::Cancelled { key: view.key(), reason: REASON.into() };
            view.restart(&error);
        }
    }

    /// Has a ready task run, on a thread of the engine or on the runtime.
    fn schedule(&self, node: Arc<dyn Node>) {
        if self.has_resources(&node) {
            self.queue(node);
        }
    }

    /// The same for whoever has only the task.
    fn schedule_alone(node: Arc<dyn Node>) {
        // Mostly it goes to the queue of this very thread. Nothing counts a reference on the engine for it, which all threads
        // would meet at.
        if node.about().is_plain() && !node.is_asynchronous() {
            return match worker::push_own(Job::Task(node)) {
                Ok(false) => {}
                Ok(true) => worker::drop_queues(),
                Err(job) => Arc::clone(job.engine()).queue_plain(job),
            };
        }
        let engine = Arc::clone(node.about().engine());
        engine.schedule(node);
    }

    /// Has a ready task run that holds its resources.
    fn queue(&self, node: Arc<dyn Node>) {
        if node.is_asynchronous() {
            self.spawn(node);
        } else {
            self.pool.push(node);
        }
        self.drop_queues_if_closing();
    }

    /// Has ready tasks run that need nothing but threads.
    fn queue_plain(&self, job: Job) {
        self.pool.push_plain(job);
        self.drop_queues_if_closing();
    }

    /// After a push: whoever closes meanwhile empties the queues after saying so, and one of us sees the other.
    fn drop_queues_if_closing(&self) {
        if self.lifecycle.is_closing() {
            self.drop_queues();
        }
    }

    /// Runs a task that somebody on this thread waits for, if it has not begun and this is a thread of the engine.
    fn help(&self, node: Arc<dyn Node>) {
        if worker::is_worker_of(&self.pool)
            && node.about().terms().is_none()
            && !node.is_asynchronous()
            && node.core().is_ready()
        {
            worker::run_inline(&self.pool, node);
        }
    }

    /// The tasks whose bodies run, on threads and on the runtime.
    fn bodies(&self) -> Vec<Arc<dyn Node>> {
        let mut nodes = self.tasks.nodes();
        nodes.retain(|node| node.core().has_body());
        nodes
    }
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

    fn begin_wait(&self, waiters: &[Arc<dyn Entry>], on: Vec<Arc<dyn Entry>>) -> Result<Option<u64>, Error> {
        // Numbers tell apart the tasks of one engine. Those of another may wait as they like.
        let is_own = |task: &Arc<dyn Entry>| {
            let client = task.scheduler().as_any().downcast::<ClientState>();
            client.is_ok_and(|client| std::ptr::eq(&**client.engine(), self))
        };
        let on: Vec<_> = on.into_iter().filter(is_own).collect();
        if waiters.iter().all(is_own) && !on.is_empty() {
            self.waits.begin(waiters, on, &self.resources).map(Some)
        } else {
            Ok(None)
        }
    }

    fn end_wait(&self, waiters: &[u64], number: u64) {
        self.waits.end(waiters, number);
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
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
