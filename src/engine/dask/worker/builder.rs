//! A worker, as a program starts it.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZero;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use crate::client::{Wait, embedded};
use crate::engine::dask::comm::Security;
use crate::engine::dask::token::token;
use crate::engine::dask::tries::Patience;
use crate::engine::dask::worker::bodies::Bodies;
use crate::engine::dask::worker::driver::{Settings, drive};
use crate::engine::dask::worker::registration::Identity;
use crate::engine::dask::worker::shared::{Shared, Wish};
use crate::runtime::{Current, NoRuntime, Runtime, TaskHandle, Timer};
use crate::task::BoxFuture;
use crate::{Error, Operation};

/// A worker of a Dask cluster that runs the registered tasks of this program.
///
/// It joins an unmodified Dask scheduler beside other workers, of Rust and of Python: it takes tasks, fetches what they
/// need from other workers, serves what it has, and can lose its scheduler and find it again. Whatever `#[task]` functions are
/// linked into the program can run on it; tasks of Python that come its way are given back.
///
/// **Who can reach a worker's port can read its data, and who can reach the scheduler's can run its tasks.** It listens on
/// the loopback interface unless [`listen`](Self::listen) says otherwise; use TLS ([`security`](Self::security)) beyond it.
///
/// # What Python sees
///
/// The result of a task is a `bytes` object: the eight bytes `b"\xc1anydask"`, and behind them the value in [postcard]. A Python
/// task that our client submits gets it as a plain object instead, which a Rust task has made of it; other code of Python reads
/// it with any reader of postcard: `client.submit(lambda data: data, Future(key, client)).result()`. With the feature `array`,
/// arrays of `ndarray` are arrays of numpy for everybody.
///
/// Data of Python is kept here as it came, and given to others. `Client.run` and whatever else needs a Python of its own says
/// `NotImplementedError`; a plugin for workers is taken and does nothing here.
///
/// [postcard]: https://postcard.jamesmunns.com
///
/// # Examples
///
/// The whole of a worker's program:
///
/// ```no_run
/// # #[cfg(feature = "smol")] {
/// use anydask::{Worker, runtime::Smol, task};
///
/// #[task]
/// fn inc(x: i64) -> i64 {
///     x + 1
/// }
///
/// Worker::<Smol>::connect("tcp://127.0.0.1:8786").threads(8).run().wait()?;
/// # }
/// # Ok::<(), anydask::Error>(())
/// ```
#[must_use = "a worker does nothing until it is run or started"]
pub struct Worker<R> {
    source: Source<R>,
    scheduler: String,
    threads: Option<usize>,
    name: Option<String>,
    resources: Vec<(String, f64)>,
    memory_limit: Option<u64>,
    listen: SocketAddr,
    contact_host: Option<String>,
    security: Option<Security>,
    patience: Patience,
}

/// Where the runtime comes from.
enum Source<R> {
    Given(R),
    Find { available: fn() -> Result<R, NoRuntime>, start: fn() -> io::Result<R> },
}

impl<R: Current> Worker<R> {
    /// A worker for the scheduler at `tcp://host:port` or `tls://host:port`.
    pub fn connect(scheduler: impl Into<String>) -> Self {
        Self::new(Source::Find { available: R::available, start: R::start }, scheduler.into())
    }
}

impl<R: Runtime> Worker<R> {
    /// The same on a runtime that is there.
    pub fn with_runtime(runtime: R, scheduler: impl Into<String>) -> Self {
        Self::new(Source::Given(runtime), scheduler.into())
    }
}

impl<R> Worker<R> {
    fn new(source: Source<R>, scheduler: String) -> Self {
        Self {
            source,
            scheduler,
            threads: None,
            name: None,
            resources: Vec::new(),
            memory_limit: None,
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            contact_host: None,
            security: None,
            patience: Patience::default(),
        }
    }

    /// How many CPU tasks run at once; as many as the machine has cores by default. Asynchronous tasks take none.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// How the worker is known in the cluster, where names are unique; its address by default.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What it has of abstract resources, such as `("GPU", 2.0)`. Tasks that ask for some share them.
    pub fn resources<N: Into<String>>(mut self, amounts: impl IntoIterator<Item = (N, f64)>) -> Self {
        self.resources = amounts.into_iter().map(|(name, amount)| (name.into(), amount)).collect();
        self
    }

    /// How much memory the process may use, in bytes; as much as the machine has by default. At 80 % of it the worker takes
    /// up no more work, until it is below 70 %.
    pub fn memory_limit(mut self, nbytes: u64) -> Self {
        self.memory_limit = Some(nbytes);
        self
    }

    /// Where it listens for other workers, for clients and for the scheduler: an address of this machine, with port 0 for a
    /// free one. A free port of the loopback interface by default.
    pub fn listen(mut self, at: SocketAddr) -> Self {
        self.listen = at;
        self
    }

    /// The host under which others reach it, where that is not the address that it listens at, such as `0.0.0.0`.
    pub fn contact_host(mut self, host: impl Into<String>) -> Self {
        self.contact_host = Some(host.into());
        self
    }

    /// The certificates of a cluster with TLS.
    pub fn security(mut self, security: Security) -> Self {
        self.security = Some(security);
        self
    }

    /// How long a scheduler is waited for that cannot be reached, or does not take the worker; 30 s by default.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.patience.connect_timeout = limit;
        self
    }

    /// How long a scheduler that has gone away is waited for; a minute by default.
    pub fn reconnect_timeout(mut self, limit: Duration) -> Self {
        self.patience.reconnect_timeout = limit;
        self
    }

    /// How long a scheduler may say nothing and answer no heartbeat before it counts as lost; five minutes by default, and 15 s
    /// at least. One whose machine or network has failed may end no connection.
    pub fn silence_timeout(mut self, limit: Duration) -> Self {
        self.patience.silence_timeout = limit;
        self
    }
}

impl<R: Runtime> Worker<R> {
    /// Joins the cluster, and works until the scheduler closes the worker or is lost for good.
    ///
    /// A scheduler that is ended in order closes its workers, as all of Dask's: that is `Ok`, and whoever ends and starts
    /// schedulers starts workers too. One that dies, or cannot be reached for a while, is waited for.
    ///
    /// # Cancel safety
    ///
    /// Dropping the operation stops the worker at once: what it was doing is done elsewhere. To leave in order, use
    /// [`start`](Self::start) and [`RunningWorker::leave`].
    ///
    /// # Errors
    ///
    /// [`Error::NotConnected`], with what was found at the address, if the scheduler cannot be reached, is none, or refuses the
    /// worker, for example since its name is taken; [`Error::InvalidThreads`].
    pub fn run(self) -> Operation<()> {
        Operation::new("worker", None, Run { starting: self.starting(), running: None })
    }

    /// Joins the cluster, and gives a handle on the worker once the scheduler has taken it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the operation stops the worker.
    ///
    /// # Errors
    ///
    /// As of [`run`](Self::run).
    pub fn start(self) -> Operation<RunningWorker> {
        Operation::new("worker", None, self.starting())
    }

    fn starting(self) -> Starting<R> {
        Starting { worker: Some(self), running: None, is_blocking: false }
    }

    fn spawn(self, is_blocking: bool) -> Result<RunningWorker, Error> {
        crate::task::check_registrations()?;
        let runtime = match self.source {
            Source::Given(runtime) => runtime,
            Source::Find { available, start } => match available() {
                Err(_) if is_blocking => start().map_err(Error::start)?,
                found => found?,
            },
        };
        if is_blocking && runtime.in_async_context() {
            return Err(Error::BlockingInAsync { operation: "worker", runtime: runtime.name() });
        }
        let scheduler = self.scheduler.parse().map_err(|source| Error::NotConnected {
            address: self.scheduler.as_str().into(),
            source: Arc::new(source),
        })?;
        let nthreads = self.threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZero::get));
        let token = token();
        let server_id = format!("Worker-anydask-{token:016x}");
        let identity = Identity {
            address: String::new(),
            name: self.name.unwrap_or_else(|| server_id.clone()),
            nthreads,
            resources: crate::task::sum_amounts(self.resources)?,
            memory_limit: self.memory_limit.unwrap_or_default(),
            server_id,
        };
        let name = identity.name.clone();
        let erased = runtime.erased();
        let settings = Settings {
            scheduler,
            listen: self.listen,
            contact_host: self.contact_host,
            security: self.security,
            identity,
            patience: self.patience,
            bodies: Bodies::new(embedded(erased.clone(), nthreads, "anydask-worker")?),
        };
        let shared = Arc::<Shared>::default();
        runtime.spawn(drive(runtime.clone(), settings, Arc::clone(&shared))).detach();
        Ok(RunningWorker { shared, name, sleep: Arc::new(move |limit| Box::pin(erased.sleep(limit))) })
    }
}

/// A worker that runs. Dropping it stops the worker at once.
#[must_use = "dropping it stops the worker"]
pub struct RunningWorker {
    shared: Arc<Shared>,
    name: String,
    sleep: Arc<dyn Fn(Duration) -> BoxFuture<()> + Send + Sync>,
}

impl RunningWorker {
    /// Where the worker listens, as others know it.
    pub fn address(&self) -> String {
        self.shared.address().as_deref().unwrap_or_default().to_owned()
    }

    /// How the worker is known in the cluster.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Leaves the cluster in order: no more tasks begin, those that run end, what only this worker has is moved to others, and
    /// then it ends. Dask's `retire_workers`.
    ///
    /// The last worker leaves too. What only it has and no other can take is lost with it, as by [`stop`](Self::stop), and the log
    /// says so: have another one join first, and [wait for it](crate::Client::wait_for_workers).
    ///
    /// This takes as long as the longest task that runs. Bound it with [`timeout`](Operation::timeout), and then
    /// [`leave_now`](Self::leave_now) or [`stop`](Self::stop).
    ///
    /// # Cancel safety
    ///
    /// Once polled, the worker goes on leaving when this is dropped, or when its time is over.
    ///
    /// # Errors
    ///
    /// [`Error::StillRunning`] if the time is over first, with how many tasks still run.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # #[cfg(feature = "smol")] {
    /// use std::time::Duration;
    /// use anydask::{Worker, runtime::Smol};
    ///
    /// let worker = Worker::<Smol>::connect("tcp://127.0.0.1:8786").start().wait()?;
    /// if worker.leave().timeout(Duration::from_secs(60)).wait().is_err() {
    ///     worker.leave_now().wait()?;
    /// }
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn leave(&self) -> Operation<()> {
        self.ending("leave", Some(Wish::Leave))
    }

    /// Leaves the cluster without waiting for tasks that run: they are done elsewhere. What only this worker has is moved to
    /// others first.
    ///
    /// # Cancel safety
    ///
    /// As of [`leave`](Self::leave).
    ///
    /// # Errors
    ///
    /// As of [`leave`](Self::leave).
    pub fn leave_now(&self) -> Operation<()> {
        self.ending("leave_now", Some(Wish::LeaveNow))
    }

    /// Stops at once: what it was doing is done elsewhere, and what only it has is lost or made again.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the worker stops when this is dropped.
    pub fn stop(&self) -> Operation<()> {
        self.ending("stop", Some(Wish::Stop))
    }

    /// Waits for the end of the worker.
    ///
    /// # Errors
    ///
    /// [`Error::NotConnected`] if the scheduler is lost for good.
    pub fn closed(&self) -> Operation<()> {
        self.ending("closed", None)
    }

    fn ending(&self, name: &'static str, wish: Option<Wish>) -> Operation<()> {
        let (shared, sleep) = (Arc::clone(&self.shared), Arc::clone(&self.sleep));
        Operation::new(name, None, Ending { shared, wish, sleep })
    }
}

impl Drop for RunningWorker {
    fn drop(&mut self) {
        self.shared.wish(Wish::Stop);
    }
}

struct Starting<R> {
    worker: Option<Worker<R>>,
    running: Option<RunningWorker>,
    is_blocking: bool,
}

impl<R> Unpin for Starting<R> {}

impl<R: Runtime> Future for Starting<R> {
    type Output = Result<RunningWorker, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(worker) = self.worker.take() {
            self.running = Some(worker.spawn(self.is_blocking)?);
        }
        let Some(running) = &self.running else { return Poll::Pending };
        match running.shared.milestones.poll_opened(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) => self.running.take().map_or(Poll::Pending, |running| Poll::Ready(Ok(running))),
        }
    }
}

impl<R: Runtime> Wait<RunningWorker> for Starting<R> {
    fn begin_blocking(mut self: Pin<&mut Self>) -> Result<(), Error> {
        self.is_blocking = true;
        Ok(())
    }

    fn sleep(&self, limit: Duration) -> Option<BoxFuture<()>> {
        self.running.as_ref().map(|running| (running.sleep)(limit))
    }
}

struct Run<R> {
    starting: Starting<R>,
    running: Option<RunningWorker>,
}

impl<R> Unpin for Run<R> {}

impl<R: Runtime> Future for Run<R> {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.running.is_none() {
            match Pin::new(&mut self.starting).poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(started) => self.running = Some(started?),
            }
        }
        match &self.running {
            Some(running) => running.shared.milestones.poll_over(cx),
            None => Poll::Pending,
        }
    }
}

impl<R: Runtime> Wait<()> for Run<R> {
    fn begin_blocking(mut self: Pin<&mut Self>) -> Result<(), Error> {
        self.starting.is_blocking = true;
        Ok(())
    }

    fn sleep(&self, limit: Duration) -> Option<BoxFuture<()>> {
        self.running.as_ref().or(self.starting.running.as_ref()).map(|running| (running.sleep)(limit))
    }
}

struct Ending {
    shared: Arc<Shared>,
    wish: Option<Wish>,
    sleep: Arc<dyn Fn(Duration) -> BoxFuture<()> + Send + Sync>,
}

impl Future for Ending {
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(wish) = self.wish {
            self.shared.wish(wish);
        }
        self.shared.milestones.poll_over(cx)
    }
}

impl Wait<()> for Ending {
    fn sleep(&self, limit: Duration) -> Option<BoxFuture<()>> {
        Some((self.sleep)(limit))
    }

    fn out_of_time(&self, operation: &'static str, after: Duration) -> Error {
        match self.wish {
            Some(_) => Error::StillRunning { tasks: self.shared.running(), after },
            None => Error::Timeout { operation, after },
        }
    }
}

impl<R> fmt::Debug for Worker<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("scheduler", &self.scheduler)
            .field("threads", &self.threads)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RunningWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("RunningWorker");
        fields.field("name", &self.name).field("address", &self.address());
        // Not registered, it has nothing.
        let [keys, bodies, transfers, running] = self.shared.held().unwrap_or_default();
        fields.field("keys", &keys).field("bodies", &bodies).field("transfers", &transfers).field("running", &running);
        fields.finish()
    }
}
