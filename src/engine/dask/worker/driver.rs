//! What drives a worker: the sockets and the clock around its state.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::Error;
use crate::engine::dask::client::{ConnectError, Version};
use crate::engine::dask::comm::{ANSWER_LIMIT, Role, WORK_LIMIT, request};
use crate::engine::dask::comm::{Address, Comm, CommError, Connector, Listener, Pool, Reader, Security, Writer};
use crate::engine::dask::milestones::Milestones;
use crate::engine::dask::race::race;
use crate::engine::dask::tries::{Patience, Tries};
use crate::engine::dask::wire::{TaskKey, Value};
use crate::engine::dask::worker::arrivals::Arrival;
use crate::engine::dask::worker::bodies::{Bodies, unix_time};
use crate::engine::dask::worker::fetch::fetch;
use crate::engine::dask::worker::ops::{self, ANYDASK, Received};
use crate::engine::dask::worker::registration::{Gauge, Identity};
use crate::engine::dask::worker::server::Server;
use crate::engine::dask::worker::shell::{Fetch, Shell, Work, lock};
use crate::engine::dask::worker::state::{Config, Declined, Event, FetchEnd, Stop};
use crate::runtime::{Instant, Runtime, TaskHandle, TimerExt};

/// What a worker is started with.
pub(super) struct Settings {
    pub(super) scheduler: Address,
    pub(super) listen: std::net::SocketAddr,
    /// As others reach it, if that is not where it listens.
    pub(super) contact_host: Option<String>,
    pub(super) security: Option<Security>,
    pub(super) identity: Identity,
    pub(super) patience: Patience,
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

    /// How many keys, bodies, transfers and cancellable bodies the present registration has.
    pub(super) fn held(&self) -> Option<[usize; 4]> {
        let shell = lock(&self.present).shell.clone();
        shell.map(|shell| shell.held())
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

/// How long the farewell may take. It is over then, whether the scheduler hears it or not.
const FAREWELL_LIMIT: Duration = Duration::from_secs(1);

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

/// What the writer waits for.
enum Next {
    Flushed(Result<(), CommError>),
    Timer,
    Changed,
}

/// Why a registration is over.
enum End {
    Stopped(Stop),
    Lost(Option<CommError>),
}

/// Why the scheduler has not taken the worker.
enum Unregistered {
    /// There is no connection, as often as it was tried.
    Unconnected(CommError),
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
    let patience = settings.patience;
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
    let pool = Pool::new(connector.clone().waiting_only_for(&scheduler));
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
    let result = driver.run(patience).await.map_err(|error| match error {
        Unregistered::Unconnected(error) | Unregistered::Comm(error) => failed(error),
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
    async fn run(&self, patience: Patience) -> Result<(), Unregistered> {
        let mut tries = Tries::new(self.runtime.now(), patience.connect_timeout);
        let mut was_there = false;
        loop {
            let registering = async { self.keep_registering(&mut tries, was_there).await.map(Some) };
            let stopping = async {
                poll_fn(|cx| self.shared.poll_wish(cx)).await;
                Ok(None)
            };
            let Some((comm, interval)) = race(registering, stopping).await? else { return Ok(()) };
            let begun = self.runtime.now();
            was_there = true;
            let shell = Shell::new(self.runtime.erased(), self.config(), self.bodies.clone());
            self.server.serve_for(Some(Arc::clone(&shell)));
            let wish = self.shared.serve(Some(&shell));
            tracing::info!(target: "anydask", worker = %self.identity.address, scheduler = %self.scheduler, "registered");
            self.shared.milestones.open(Ok(()));
            if let Some(wish) = wish {
                shell.handle_all(events_of(wish));
            }
            let end = self.converse(comm, &shell, interval, patience.silence()).await;
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
            tries.begin_again(begun, self.runtime.now(), patience.reconnect_timeout);
        }
    }

    fn config(&self) -> Config {
        let resources = self.identity.resources.iter().map(|(name, amount)| (name.as_str().into(), *amount));
        Config {
            address: self.identity.address.as_str().into(),
            nthreads: self.identity.nthreads,
            resources: resources.chain([(ANYDASK.into(), 1.0)]).collect(),
            incoming_bytes_max: Config::incoming_bytes_of(Some(self.identity.memory_limit)),
        }
    }

    /// Registers, as often as it takes.
    async fn keep_registering(
        &self,
        tries: &mut Tries,
        was_there: bool,
    ) -> Result<(Comm<R::Stream>, Duration), Unregistered> {
        let mut last = None;
        loop {
            let left = tries.left(self.runtime.now());
            let error = match self.runtime.timeout(left, self.register(left, was_there)).await {
                Ok(Ok(registered)) => return Ok(registered),
                // One that was registered before is refused for as long as the scheduler has not seen the end of that.
                Ok(Err(Unregistered::Comm(error))) if was_there || !error.is_final() => error,
                Ok(Err(Unregistered::Unconnected(error))) if was_there => error,
                // What ended the last attempt tells more than that there was no time for another.
                Ok(Err(error)) => match last {
                    Some(last) if self.runtime.now() >= tries.deadline() => return Err(Unregistered::Comm(last)),
                    _ => return Err(error),
                },
                Err(_) => {
                    let (peer, after) = (self.scheduler.clone(), tries.limit());
                    let silent = || CommError::NoAnswer { peer, op: "register-worker", after };
                    return Err(last.unwrap_or_else(silent).into());
                }
            };
            let Some(pause) = tries.pause(self.runtime.now()) else { return Err(error.into()) };
            last = Some(error);
            self.runtime.sleep(pause).await;
        }
    }

    /// Gives the stream, and how often a heartbeat is wanted. `limit` is for the connection alone.
    async fn register(&self, limit: Duration, was_there: bool) -> Result<(Comm<R::Stream>, Duration), Unregistered> {
        let connector = self.connector.clone();
        let connector = if was_there { connector.again_within(limit) } else { connector.with_limit(limit) };
        let mut comm = connector.connect(&self.scheduler).await.map_err(Unregistered::Unconnected)?;
        let versions = self.pool.call(&self.scheduler, &request("versions", [])).await?;
        Version::of_reply(&versions)?;
        self.server.set_versions(&versions);
        let register = self.identity.register(versions, self.server.vitals(0.0));
        comm.write_within(&register, &self.runtime, ANSWER_LIMIT).await?;
        let reply = comm.read_within(&self.runtime, ANSWER_LIMIT).await?;
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

    async fn converse(&self, comm: Comm<R::Stream>, shell: &Arc<Shell>, interval: Duration, silence: Duration) -> End {
        let (reader, writer) = comm.split();
        let heard_at = Mutex::new(self.runtime.now());
        let talking = race(self.read(reader, shell, &heard_at), self.write(writer, shell));
        race(talking, self.beat(shell, interval, silence, &heard_at)).await
    }

    async fn read(&self, mut reader: Reader<R::Stream>, shell: &Arc<Shell>, heard_at: &Mutex<Instant>) -> End {
        loop {
            let batch = match reader.read().await {
                Ok(batch) => batch,
                Err(error) => return End::Lost(Some(error)),
            };
            *lock(heard_at) = self.runtime.now();
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

    /// Transfers and timers go on while the scheduler takes nothing, and messages wait: no more than the answers to what it
    /// has said.
    async fn write(&self, mut writer: Writer<R::Stream>, shell: &Arc<Shell>) -> End {
        let mut timer: Option<Pin<Box<R::Sleep>>> = None;
        // What goes on beside the stream ends with it.
        let mut beside: Vec<R::Task<()>> = Vec::new();
        let mut is_flushed = true;
        loop {
            let work = shell.work.take(|work| {
                let messages = if is_flushed { Vec::new() } else { std::mem::take(&mut work.messages) };
                std::mem::replace(work, Work { messages, ..Work::default() })
            });
            let Work { messages, fetches, declines, must_retire, timer: at, stop } = work;
            // All that there is goes in one message.
            if !messages.is_empty() {
                if let Err(error) = writer.feed(&Value::List(messages)) {
                    return End::Lost(Some(error));
                }
                is_flushed = false;
            }
            if !fetches.is_empty() || !declines.is_empty() || must_retire {
                beside.retain(|task| !task.is_finished());
                beside.extend(fetches.into_iter().map(|fetch| self.fetch(shell, fetch)));
                beside.extend(declines.into_iter().map(|keys| self.decline(shell, keys)));
                beside.extend(must_retire.then(|| self.retire(shell)));
            }
            if let Some(reason) = stop {
                drop(self.runtime.timeout(FAREWELL_LIMIT, writer.close()).await);
                return End::Stopped(reason);
            }
            if let Some(at) = at {
                timer = Some(Box::pin(self.runtime.sleep_until(at)));
            }
            match self.next(&mut writer, is_flushed, shell, &mut timer).await {
                Next::Flushed(Ok(())) => is_flushed = true,
                Next::Flushed(Err(error)) => return End::Lost(Some(error)),
                Next::Timer => {
                    timer = None;
                    shell.handle(Event::TimerFired);
                }
                Next::Changed => {}
            }
        }
    }

    /// Waits until the socket has taken all, or there is something to do, or the time of `timer` has come.
    async fn next(
        &self,
        writer: &mut Writer<R::Stream>,
        is_flushed: bool,
        shell: &Shell,
        timer: &mut Option<Pin<Box<R::Sleep>>>,
    ) -> Next {
        let mut flushing = pin!(writer.flush());
        poll_fn(|cx| {
            if !is_flushed && let Poll::Ready(flushed) = flushing.as_mut().poll(cx) {
                return Poll::Ready(Next::Flushed(flushed));
            }
            if shell.work.poll_changed(cx).is_ready() {
                return Poll::Ready(Next::Changed);
            }
            match timer {
                Some(sleep) => sleep.as_mut().poll(cx).map(|()| Next::Timer),
                None => Poll::Pending,
            }
        })
        .await
    }

    /// Tells the scheduler how it is, as often as that wants to hear it.
    async fn beat(
        &self,
        shell: &Arc<Shell>,
        mut interval: Duration,
        silence: Duration,
        heard_at: &Mutex<Instant>,
    ) -> End {
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
            match self.pool.call(&self.scheduler, &heartbeat).await {
                Ok(reply) if reply.get("status").and_then(Value::as_str) == Some("missing") => return End::Lost(None),
                Ok(reply) => {
                    interval = heartbeat_interval(&reply);
                    *lock(heard_at) = self.runtime.now();
                }
                // The stream says whether the scheduler is there, unless it is gone without a word.
                Err(error) if self.runtime.now() >= *lock(heard_at) + silence => return End::Lost(Some(error)),
                Err(error) => tracing::debug!(target: "anydask", %error, "a heartbeat was not answered"),
            }
        }
    }

    // --- what goes on beside the stream ----------------------------------------------------------------------------

    fn fetch(&self, shell: &Arc<Shell>, wanted: Fetch) -> R::Task<()> {
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
        self.runtime.spawn(fetching)
    }

    /// Has Python tasks placed where there is Python.
    fn decline(&self, shell: &Arc<Shell>, keys: Vec<TaskKey>) -> R::Task<()> {
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
        self.runtime.spawn(declining)
    }

    fn retire(&self, shell: &Arc<Shell>) -> R::Task<()> {
        // The scheduler answers when the data is elsewhere.
        let pool = self.pool.with_silence(WORK_LIMIT);
        let (scheduler, shell) = (self.scheduler.clone(), Arc::clone(shell));
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
        self.runtime.spawn(retiring)
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
