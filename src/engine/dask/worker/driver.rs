//! What drives a worker: the sockets and the clock around its state.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::Error;
use crate::engine::dask::client::{ConnectError, Version};
use crate::engine::dask::comm::{Address, Comm, CommError, Connector, Listener, Pool, Reader, Security, Writer};
use crate::engine::dask::comm::{Role, request};
use crate::engine::dask::milestones::Milestones;
use crate::engine::dask::race::race;
use crate::engine::dask::tries::Tries;
use crate::engine::dask::wire::{TaskKey, Value};
use crate::engine::dask::worker::arrivals::Arrival;
use crate::engine::dask::worker::bodies::{Bodies, unix_time};
use crate::engine::dask::worker::fetch::fetch;
use crate::engine::dask::worker::ops::{self, ANYDASK, Received};
use crate::engine::dask::worker::registration::{Gauge, Identity};
use crate::engine::dask::worker::server::Server;
use crate::engine::dask::worker::shell::{Fetch, Shell, Work, lock};
use crate::engine::dask::worker::state::{Config, Declined, Event, FetchEnd, Stop};
use crate::runtime::{Runtime, Spawner, TaskHandle, Timer, TimerExt};

/// What a worker is started with.
pub(super) struct Settings {
    pub(super) scheduler: Address,
    pub(super) listen: std::net::SocketAddr,
    /// As others reach it, if that is not where it listens.
    pub(super) contact_host: Option<String>,
    pub(super) security: Option<Security>,
    pub(super) identity: Identity,
    pub(super) connect_timeout: Duration,
    pub(super) reconnect_timeout: Duration,
    pub(super) bodies: Bodies,
}

/// What a worker's handle and its driver share.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) milestones: Milestones,
    /// The present registration, and what is to become of it and those after it.
    present: Mutex<Present>,
}

#[derive(Default)]
struct Present {
    shell: Option<Arc<Shell>>,
    address: Option<Arc<str>>,
    wish: Option<Wish>,
    /// Of the driver, while there is no registration.
    waker: Option<Waker>,
}

/// What a worker's user wants of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wish {
    /// Once its bodies have ended and its data is elsewhere.
    Leave,
    /// Once its data is elsewhere.
    LeaveNow,
    /// At once.
    Stop,
}

impl Shared {
    pub(super) fn wish(&self, wish: Wish) {
        let mut present = lock(&self.present);
        // A further word of the same changes nothing, and nothing is taken back.
        if present.wish >= Some(wish) {
            return;
        }
        present.wish = Some(wish);
        let (shell, waker) = (present.shell.clone(), present.waker.take());
        drop(present);
        if let Some(waker) = waker {
            waker.wake();
        }
        if let Some(shell) = shell {
            shell.handle_all(events_of(wish));
        }
    }

    /// How many bodies run.
    pub(super) fn running(&self) -> usize {
        let shell = lock(&self.present).shell.clone();
        shell.map_or(0, |shell| shell.running())
    }

    pub(super) fn address(&self) -> Option<Arc<str>> {
        lock(&self.present).address.clone()
    }

    fn poll_wish(&self, cx: &Context<'_>) -> Poll<Wish> {
        let mut present = lock(&self.present);
        match present.wish {
            Some(wish) => Poll::Ready(wish),
            None => {
                let replaced = present.waker.replace(cx.waker().clone());
                drop(present);
                // Dropping a waker may run code of the user's executor.
                drop(replaced);
                Poll::Pending
            }
        }
    }

    fn serve(&self, shell: Option<&Arc<Shell>>) -> Option<Wish> {
        let mut present = lock(&self.present);
        let before = std::mem::replace(&mut present.shell, shell.cloned());
        let wish = present.wish;
        drop(present);
        drop(before);
        wish
    }
}

fn events_of<V>(wish: Wish) -> Vec<Event<V>> {
    match wish {
        Wish::Leave => vec![Event::LeaveAsked],
        // Asked again, it waits no longer.
        Wish::LeaveNow => vec![Event::LeaveAsked, Event::LeaveAsked],
        Wish::Stop => vec![Event::StopAsked],
    }
}

/// Part of the memory limit at which a worker takes up no more work, and below which it goes on. Dask's numbers
/// (`distributed.worker.memory.pause` and `target`), between which it would otherwise change all the time.
const PAUSE_MEMORY_PART: f64 = 0.80;
const RESUME_MEMORY_PART: f64 = 0.70;

/// How long one request may take that the scheduler answers at once. A tenth of the time after which Dask gives a worker up.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// One worker.
pub(super) struct Driver<R: Runtime> {
    runtime: R,
    scheduler: Address,
    identity: Arc<Identity>,
    connector: Connector<R>,
    pool: Pool<R>,
    server: Server<R>,
    bodies: Bodies,
    shared: Arc<Shared>,
}

/// Why a registration is over.
enum End {
    Stopped(Stop),
    Lost(Option<CommError>),
}

/// Why the scheduler has not taken the worker.
enum Unregistered {
    Comm(CommError),
    Version(ConnectError),
}

impl From<CommError> for Unregistered {
    fn from(error: CommError) -> Self {
        Self::Comm(error)
    }
}

impl From<ConnectError> for Unregistered {
    fn from(error: ConnectError) -> Self {
        Self::Version(error)
    }
}

/// Runs a worker to its end.
pub(super) async fn drive<R: Runtime>(runtime: R, settings: Settings, shared: Arc<Shared>) {
    let over = Over(Arc::clone(&shared));
    let result = work(runtime, settings, &shared).await;
    shared.milestones.open(result.clone());
    shared.milestones.end(result);
    drop(over);
}

/// The driver has ended, also where it is dropped with its runtime.
struct Over(Arc<Shared>);

impl Drop for Over {
    fn drop(&mut self) {
        if let Some(shell) = lock(&self.0.present).shell.take() {
            shell.cancel_all();
        }
        let error = Error::ClientClosed { operation: "worker" };
        self.0.milestones.open(Err(error.clone()));
        self.0.milestones.end(Err(error));
    }
}

async fn work<R: Runtime>(runtime: R, settings: Settings, shared: &Arc<Shared>) -> Result<(), Error> {
    let limits = (settings.connect_timeout, settings.reconnect_timeout);
    let Settings { scheduler, listen, contact_host, security, mut identity, bodies, .. } = settings;
    let address = Arc::<str>::from(scheduler.to_string());
    let failed = |source: CommError| Error::NotConnected { address: Arc::clone(&address), source: Arc::new(source) };
    let connector = Connector::new(runtime.clone(), security.as_ref(), Role::Worker).await.map_err(failed)?;
    let tls = if scheduler.is_tls() { connector.tls().cloned() } else { None };
    let listener = Listener::bind(runtime.clone(), listen, tls).await.map_err(failed)?;
    identity.address = match contact_host {
        Some(host) => listener.address().with_host(host).to_string(),
        None => listener.address().to_string(),
    };
    lock(&shared.present).address = Some(identity.address.as_str().into());
    let gauge = Arc::new(Gauge::new());
    if identity.memory_limit == 0 {
        identity.memory_limit = gauge.memory_total();
    }
    let identity = Arc::new(identity);
    let pool = Pool::new(connector.clone());
    let server = Server::new(Arc::clone(&identity), pool.clone(), gauge);
    // Dropped at the end, it stops.
    let mut serving = runtime.spawn(listener.serve(server.clone()));
    let driver = Driver {
        runtime,
        scheduler: scheduler.clone(),
        identity,
        connector,
        pool,
        server,
        bodies,
        shared: Arc::clone(shared),
    };
    let result = driver.run(limits).await.map_err(|error| match error {
        Unregistered::Comm(error) => failed(error),
        Unregistered::Version(source) => {
            Error::NotConnected { address: Arc::clone(&address), source: Arc::new(source) }
        }
    });
    driver.pool.close().await;
    serving.abort();
    result
}

impl<R: Runtime> Driver<R> {
    /// Registers, and again whenever the scheduler has gone and come back.
    async fn run(&self, (connect_timeout, reconnect_timeout): (Duration, Duration)) -> Result<(), Unregistered> {
        let mut tries = Tries::new(self.runtime.now(), connect_timeout);
        loop {
            let registering = async { self.keep_registering(&mut tries).await.map(Some) };
            let stopping = async {
                poll_fn(|cx| self.shared.poll_wish(cx)).await;
                Ok(None)
            };
            let Some((comm, interval)) = race(registering, stopping).await? else { return Ok(()) };
            let begun = self.runtime.now();
            let resources = self.identity.resources.iter().map(|(name, amount)| (name.as_str().into(), *amount));
            let config = Config {
                address: self.identity.address.as_str().into(),
                nthreads: self.identity.nthreads,
                resources: resources.chain([(ANYDASK.into(), 1.0)]).collect(),
                incoming_bytes_max: Config::incoming_bytes_of(Some(self.identity.memory_limit)),
            };
            let shell = Shell::new(self.runtime.erased(), config, self.bodies.clone());
            self.server.serve_for(Some(Arc::clone(&shell)));
            let wish = self.shared.serve(Some(&shell));
            tracing::info!(target: "anydask", worker = %self.identity.address, scheduler = %self.scheduler, "registered");
            self.shared.milestones.open(Ok(()));
            if let Some(wish) = wish {
                shell.handle_all(events_of(wish));
            }
            let end = self.converse(comm, &shell, interval).await;
            self.server.serve_for(None);
            let wish = self.shared.serve(None);
            shell.cancel_all();
            match end {
                End::Stopped(reason) => {
                    tracing::info!(target: "anydask", worker = %self.identity.address, ?reason, "the worker stops");
                    return Ok(());
                }
                // There is nobody to hand anything over to.
                End::Lost(_) if wish.is_some() => return Ok(()),
                End::Lost(error) => {
                    let error = error.map(|error| error.to_string());
                    tracing::warn!(target: "anydask", worker = %self.identity.address, error, "the scheduler is lost");
                }
            }
            tries.begin_again(begun, self.runtime.now(), reconnect_timeout);
        }
    }

    /// Registers, as often as it takes.
    async fn keep_registering(&self, tries: &mut Tries) -> Result<(Comm<R::Stream>, Duration), Unregistered> {
        loop {
            let left = tries.left(self.runtime.now());
            let error = match self.runtime.timeout(left, self.register(left)).await {
                Ok(Ok(registered)) => return Ok(registered),
                Ok(Err(Unregistered::Comm(error))) if !error.is_final() => error,
                Ok(Err(error)) => return Err(error),
                Err(_) => {
                    let (peer, after) = (self.scheduler.clone(), tries.limit());
                    return Err(CommError::NoAnswer { peer, op: "register-worker", after }.into());
                }
            };
            let Some(pause) = tries.pause(self.runtime.now()) else { return Err(error.into()) };
            self.runtime.sleep(pause).await;
        }
    }

    /// Gives the stream, and how often a heartbeat is wanted. `limit` is for the connection alone.
    async fn register(&self, limit: Duration) -> Result<(Comm<R::Stream>, Duration), Unregistered> {
        let mut comm = self.connector.clone().with_limit(limit).connect(&self.scheduler).await?;
        let versions = self.pool.call(&self.scheduler, &request("versions", [])).await?;
        Version::of_reply(&versions)?;
        self.server.set_versions(&versions);
        comm.write(&self.identity.register(versions, self.server.vitals(0.0))).await?;
        let reply = comm.read().await?;
        // Some versions send a list of one.
        let reply = reply.items().and_then(|items| items.first()).unwrap_or(&reply);
        match reply.get("status").and_then(Value::as_str) {
            Some("OK") => Ok((comm, heartbeat_interval(reply))),
            _ => {
                let text = |field| reply.get(field).and_then(Value::as_str);
                let message = text("message").or(text("exception_text")).unwrap_or("it gave no reason");
                Err(CommError::refused(&self.scheduler, message).into())
            }
        }
    }

    async fn converse(&self, comm: Comm<R::Stream>, shell: &Arc<Shell>, interval: Duration) -> End {
        let (reader, writer) = comm.split();
        let talking = race(self.read(reader, shell), self.write(writer, shell));
        race(talking, self.beat(shell, interval)).await
    }

    async fn read(&self, mut reader: Reader<R::Stream>, shell: &Arc<Shell>) -> End {
        loop {
            let batch = match reader.read().await {
                Ok(batch) => batch,
                Err(error) => return End::Lost(Some(error)),
            };
            let received = match ops::decode(&batch) {
                Ok(received) => received,
                Err(malformed) => {
                    tracing::error!(target: "anydask", error = %malformed, "the stream is closed");
                    return End::Lost(None);
                }
            };
            shell.handle_all(received.into_iter().filter_map(|received| match received {
                Received::Message(message) => Some(Event::Scheduler(message)),
                Received::Unknown { op } => {
                    tracing::debug!(target: "anydask", %op, "an unknown message");
                    None
                }
            }));
        }
    }

    async fn write(&self, mut writer: Writer<R::Stream>, shell: &Arc<Shell>) -> End {
        let mut timer: Option<Pin<Box<R::Sleep>>> = None;
        loop {
            let work = shell.work.take(std::mem::take);
            let Work { messages, fetches, declines, must_retire, timer: at, stop } = work;
            // All that there is goes in one message.
            if !messages.is_empty()
                && let Err(error) = writer.write(&Value::List(messages)).await
            {
                return End::Lost(Some(error));
            }
            fetches.into_iter().for_each(|fetch| self.fetch(shell, fetch));
            declines.into_iter().for_each(|keys| self.decline(shell, keys));
            if must_retire {
                self.retire(shell);
            }
            if let Some(reason) = stop {
                // It is over, whether the scheduler hears it or not.
                drop(writer.close().await);
                return End::Stopped(reason);
            }
            if let Some(at) = at {
                timer = Some(Box::pin(self.runtime.sleep_until(at)));
            }
            if self.wait(shell, &mut timer).await {
                timer = None;
                shell.handle(Event::TimerFired);
            }
        }
    }

    /// Waits until there is something to do. True if that is the timer.
    async fn wait(&self, shell: &Shell, timer: &mut Option<Pin<Box<R::Sleep>>>) -> bool {
        poll_fn(|cx| {
            if shell.work.poll_changed(cx).is_ready() {
                return Poll::Ready(false);
            }
            match timer {
                Some(sleep) => sleep.as_mut().poll(cx).map(|()| true),
                None => Poll::Pending,
            }
        })
        .await
    }

    /// Tells the scheduler how it is, as often as that wants to hear it.
    async fn beat(&self, shell: &Arc<Shell>, mut interval: Duration) -> End {
        let mut is_paused = false;
        loop {
            let due = self.runtime.now() + interval;
            self.runtime.sleep_until(due).await;
            let lateness = self.runtime.now().saturating_duration_since(due);
            let vitals = self.server.vitals(lateness.as_secs_f64());
            let part = vitals.memory as f64 / self.identity.memory_limit as f64;
            if !is_paused && part > PAUSE_MEMORY_PART {
                is_paused = true;
                shell.handle(Event::PauseAsked);
            } else if is_paused && part < RESUME_MEMORY_PART {
                is_paused = false;
                shell.handle(Event::ResumeAsked);
            }
            let (metrics, _, executing) = shell.metrics();
            let heartbeat = self.identity.heartbeat(vitals, &metrics, &executing);
            match self.ask(&heartbeat).await {
                Ok(reply) if reply.get("status").and_then(Value::as_str) == Some("missing") => return End::Lost(None),
                Ok(reply) => interval = heartbeat_interval(&reply),
                // The stream says whether the scheduler is there.
                Err(error) => tracing::debug!(target: "anydask", %error, "a heartbeat was not answered"),
            }
        }
    }

    /// A request to the scheduler, within bounds.
    async fn ask(&self, request: &Value) -> Result<Value, CommError> {
        let asking = self.pool.call(&self.scheduler, request);
        let given_up = async {
            self.runtime.sleep(REQUEST_LIMIT).await;
            let op = "a request beside the stream";
            Err(CommError::NoAnswer { peer: self.scheduler.clone(), op, after: REQUEST_LIMIT })
        };
        race(asking, given_up).await
    }

    // --- what goes on beside the stream ----------------------------------------------------------------------------

    fn fetch(&self, shell: &Arc<Shell>, wanted: Fetch) {
        let (pool, shell, identity) = (self.pool.clone(), Arc::clone(shell), Arc::clone(&self.identity));
        let bandwidth = Arc::clone(self.server.bandwidth());
        let fetching = async move {
            let Fetch { transfer, peer, keys } = wanted;
            let start = unix_time();
            let end = match fetch(&pool, &bandwidth, &peer, &keys, &identity.address).await {
                Ok(Some(data)) => {
                    shell.arrived(&data, &Arrival { peer, start, stop: unix_time() });
                    FetchEnd::Arrived(data)
                }
                Ok(None) => FetchEnd::Busy,
                Err(error) => {
                    tracing::warn!(target: "anydask", %peer, %error, "data of a peer did not come");
                    FetchEnd::Failed
                }
            };
            shell.handle(Event::FetchEnded { transfer, end });
        };
        self.runtime.spawn(fetching).detach();
    }

    /// Has Python tasks placed where there is Python.
    fn decline(&self, shell: &Arc<Shell>, keys: Vec<TaskKey>) {
        let (pool, scheduler, shell) = (self.pool.clone(), self.scheduler.clone(), Arc::clone(shell));
        let declining = async move {
            let declined = match restrict(&pool, &scheduler, &keys).await {
                Ok(true) => Declined::Restricted,
                Ok(false) => {
                    let tasks = keys.len();
                    tracing::warn!(target: "anydask", tasks, "there is no Python worker for tasks of Python");
                    Declined::Failed
                }
                Err(error) => {
                    tracing::warn!(target: "anydask", %error, "tasks of Python could not be declined");
                    Declined::Failed
                }
            };
            shell.handle(Event::PythonDeclined(declined));
        };
        self.runtime.spawn(declining).detach();
    }

    fn retire(&self, shell: &Arc<Shell>) {
        let (pool, scheduler, shell) = (self.pool.clone(), self.scheduler.clone(), Arc::clone(shell));
        let address = self.identity.address.clone();
        let retiring = async move {
            let fields = [
                ("workers", Value::List(vec![address.into()])),
                ("close_workers", false.into()),
                ("remove", true.into()),
                ("stimulus_id", "retire-anydask".into()),
            ];
            if let Err(error) = pool.call(&scheduler, &request("retire_workers", fields)).await {
                tracing::warn!(target: "anydask", %error, "the worker leaves without handing its data over");
            }
            shell.handle(Event::Retired);
        };
        self.runtime.spawn(retiring).detach();
    }
}

/// Restricts tasks to the Python workers. False if there are none.
async fn restrict<R: Runtime>(pool: &Pool<R>, scheduler: &Address, keys: &[TaskKey]) -> Result<bool, CommError> {
    let identity = pool.call(scheduler, &request("identity", [("n_workers", Value::Int(-1))])).await?;
    let workers = identity.get("workers").and_then(Value::entries).unwrap_or_default();
    let is_python = |worker: &Value| worker.get("resources").is_none_or(|all| all.get(ANYDASK).is_none());
    let python = workers.iter().filter(|(_, worker)| is_python(worker)).map(|(address, _)| address.clone());
    let python: Vec<_> = python.collect();
    if python.is_empty() {
        return Ok(false);
    }
    let restrictions = keys.iter().map(|key| (key.to_value(), Value::List(python.clone()))).collect();
    pool.call(scheduler, &request("set_restrictions", [("worker", Value::Map(restrictions))])).await?;
    Ok(true)
}

fn heartbeat_interval(reply: &Value) -> Duration {
    // The shortest that the scheduler ever asks for.
    const DEFAULT: f64 = 0.5;
    let seconds = reply.get("heartbeat-interval").and_then(Value::as_f64).unwrap_or(DEFAULT);
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(1)).max(Duration::from_millis(100))
}
