//! One body, every runtime, on a cluster of Rust workers: what the tests of client and worker share.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anydask::runtime::{BlockOn, Runtime, Shutdown};
use anydask::{Builder, Client, Error, Operation, RunningWorker, TaskFuture, Worker};

use crate::cluster::Version;
use crate::cluster::pool::Lent;
use crate::support::{self, Event, Setting};

/// Longest wait for what takes a few round trips. A hang is a failure.
pub const LIMIT: Duration = Duration::from_secs(30);

/// A runtime and a cluster.
pub struct Ground<R> {
    pub on: Setting<R>,
    pub cluster: Lent,
}

impl<R: Runtime> Ground<R> {
    /// Chooses how a client connects.
    pub fn builder(&self) -> Builder<R> {
        self.on.builder()
    }

    pub async fn client(&self) -> Client<R> {
        self.get(self.builder().connect(self.cluster.address())).await.expect("a client connects")
    }

    /// Chooses how a worker is started.
    pub fn worker_as(&self, name: &str) -> Worker<R> {
        Worker::with_runtime(self.on.runtime.clone(), self.cluster.address()).name(name)
    }

    /// A worker with `threads` threads.
    pub async fn worker(&self, name: &str, threads: usize) -> RunningWorker {
        self.get(self.worker_as(name).threads(threads).start()).await.expect("a worker joins")
    }

    /// The workers `a` and `b`, with 1 and 2 threads, and a client that knows of both.
    pub async fn two_workers(&self) -> (Client<R>, RunningWorker, RunningWorker) {
        let (a, b) = (self.worker("a", 1).await, self.worker("b", 2).await);
        (self.client().await, a, b)
    }

    /// Waits for an operation: awaits it, or blocks.
    pub async fn get<T>(&self, operation: Operation<T>) -> Result<T, Error> {
        self.on.get(operation.timeout(LIMIT)).await
    }

    /// Waits for the value of a future, which is kept.
    pub async fn value<T: Clone + Send + Sync + 'static>(&self, future: &TaskFuture<T>) -> Result<T, Error> {
        self.get(future.timeout(LIMIT)).await
    }

    /// Waits for the failure of a future.
    pub async fn error<T: Send + Sync + 'static>(&self, future: &TaskFuture<T>) -> Error {
        match self.get(future.error()).await {
            Ok(Some(error)) | Err(error) => error,
            Ok(None) => panic!("`{}` did not fail", future.key()),
        }
    }

    /// Waits for an event.
    pub async fn passed(&self, event: &Event) {
        self.on.passed(event).await;
    }

    /// Waits until something holds of which no event tells.
    pub async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let start = Instant::now();
        while !holds() {
            assert!(start.elapsed() < LIMIT, "waited in vain until {what}");
            self.pause(Duration::from_millis(2)).await;
        }
    }

    /// What the scheduler says to a Python expression, in which it is `s`.
    #[track_caller]
    pub fn look(&self, expression: &str) -> String {
        self.cluster.look(expression)
    }

    /// Waits until the scheduler says `wanted` to a Python expression.
    pub async fn until_look(&self, expression: &str, wanted: &str) {
        let start = Instant::now();
        loop {
            let said = self.look(expression);
            if said == wanted {
                return;
            }
            assert!(start.elapsed() < LIMIT, "`{expression}` stays {said}, not {wanted}");
            self.pause(Duration::from_millis(2)).await;
        }
    }

    /// The state of a task as the scheduler has it; `forgotten` if it has none.
    pub fn state_of<T: Send + Sync + 'static>(&self, future: &TaskFuture<T>) -> String {
        self.look(&state(&future.key()))
    }

    /// Where the value of a future is: names of workers, in order.
    pub fn holders<T: Send + Sync + 'static>(&self, future: &TaskFuture<T>) -> String {
        self.look(&holders(&future.key()))
    }

    async fn pause(&self, time: Duration) {
        if self.on.is_blocking {
            thread::sleep(time);
        } else {
            self.on.runtime.sleep(time).await;
        }
    }
}

/// The state of a task.
pub fn state(key: &str) -> String {
    format!("s.tasks[{key:?}].state if {key:?} in s.tasks else 'forgotten'")
}

/// The names of the workers that have a value.
pub fn holders(key: &str) -> String {
    format!("sorted(w.name for w in s.tasks[{key:?}].who_has) if {key:?} in s.tasks else None")
}

/// Holds bodies of tasks: named, so that a task can be told.
#[derive(Clone)]
pub struct Gate {
    pub name: String,
    inner: std::sync::Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    /// How often a body has come to it.
    entered: AtomicUsize,
    /// How many are inside, and the most that there were.
    inside: AtomicUsize,
    most: AtomicUsize,
    began: Event,
    release: Event,
}

/// Of this process.
static GATES: Mutex<BTreeMap<String, Gate>> = Mutex::new(BTreeMap::new());

impl Gate {
    pub fn new() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let name = format!("gate-{}", MADE.fetch_add(1, Ordering::Relaxed));
        let gate = Self { name: name.clone(), inner: std::sync::Arc::default() };
        GATES.lock().unwrap().insert(name, gate.clone());
        gate
    }

    /// That of a task's body.
    pub fn named(name: &str) -> Self {
        GATES.lock().unwrap().get(name).unwrap_or_else(|| panic!("there is no gate `{name}`")).clone()
    }

    /// A body comes to it, and waits until it is open.
    pub fn pass(&self) {
        self.enter();
        self.inner.release.wait();
    }

    /// A body has come to it.
    pub fn enter(&self) {
        self.inner.entered.fetch_add(1, Ordering::SeqCst);
        self.inner.began.set();
    }

    pub fn open(&self) {
        self.inner.release.set();
    }

    pub fn is_open(&self) -> bool {
        self.inner.release.is_set()
    }

    /// Set when the first body comes.
    pub fn began(&self) -> &Event {
        &self.inner.began
    }

    /// A body is inside for as long as this lives.
    pub fn inside(&self) -> Inside {
        let now = self.inner.inside.fetch_add(1, Ordering::SeqCst) + 1;
        self.inner.most.fetch_max(now, Ordering::SeqCst);
        Inside(self.clone())
    }

    /// How many bodies have been inside at once.
    pub fn most(&self) -> usize {
        self.inner.most.load(Ordering::SeqCst)
    }

    pub fn entered(&self) -> usize {
        self.inner.entered.load(Ordering::SeqCst)
    }
}

/// See [`Gate::inside`].
pub struct Inside(Gate);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.inner.inside.fetch_sub(1, Ordering::SeqCst);
    }
}

/// All levels of an error.
pub fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}

/// The next of what completes, awaited or blocked for.
macro_rules! next {
    ($on:expr, $source:expr) => {{
        let next = $source.next().timeout(crate::ground::LIMIT);
        if $on.on.is_blocking { next.wait().unwrap() } else { next.await.unwrap() }
    }};
}
pub(crate) use next;

/// What the bodies ask of a runtime.
pub trait AnyOf: Runtime + BlockOn + Shutdown {}

impl<R: Runtime + BlockOn + Shutdown> AnyOf for R {}

/// Runs a body that awaits, inside its runtime.
pub fn run<R, Fut>(
    name: &'static str,
    runtime: R,
    version: Version,
    body: impl FnOnce(Ground<R>) -> Fut + Send + 'static,
) where
    R: Runtime + BlockOn,
    Fut: Future<Output = ()>,
{
    // Before the clock of the test runs: the first has to start a scheduler.
    let cluster = Lent::new(version);
    support::run(name, runtime, |on| body(Ground { on, cluster }));
}

/// Runs a body that blocks, on a plain thread.
pub fn run_blocking<R, Fut>(
    name: &'static str,
    runtime: R,
    version: Version,
    body: impl FnOnce(Ground<R>) -> Fut + Send + 'static,
) where
    R: Runtime,
    Fut: Future<Output = ()>,
{
    let cluster = Lent::new(version);
    support::run_blocking(name, runtime, |on| body(Ground { on, cluster }));
}

/// Makes, of each named body, one `#[test]` for every runtime with the newest version of Dask, and one with the oldest for
/// blocking code.
macro_rules! on_clusters {
    ($($body:ident;)*) => {
        crate::ground::awaited_on_clusters! {
            tokio, anydask::runtime::Tokio::multi_thread(2).unwrap(), $($body;)*
        }
        crate::ground::awaited_on_clusters! { async_std, anydask::runtime::AsyncStd::new(), $($body;)* }
        crate::ground::awaited_on_clusters! { smol, anydask::runtime::Smol::new(), $($body;)* }
        mod blocking_oldest {$(
            #[test]
            fn $body() {
                let (runtime, version) = (anydask::runtime::Smol::new(), crate::cluster::Version::Oldest);
                crate::ground::run_blocking(stringify!($body), runtime, version, super::$body);
            }
        )*}
    };
}
pub(crate) use on_clusters;

/// The tests of one runtime.
macro_rules! awaited_on_clusters {
    ($runtime:ident, $value:expr, $($body:ident;)*) => {
        mod $runtime {$(
            #[test]
            fn $body() {
                crate::ground::run(stringify!($body), $value, crate::cluster::Version::Newest, super::$body);
            }
        )*}
    };
}
pub(crate) use awaited_on_clusters;
