//! What drives a worker: how it is registered, registered again, and ended.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use crate::Error;
use crate::engine::dask::client::{ConnectError, Version};
use crate::engine::dask::comm::{
    ANSWER_LIMIT, Address, Comm, CommError, Connector, Listener, Pool, Role, Security, request,
};
use crate::engine::dask::race::race;
use crate::engine::dask::tries::{Patience, Tries};
use crate::engine::dask::wire::Value;
use crate::engine::dask::worker::bodies::Bodies;
use crate::engine::dask::worker::conversation::{End, heartbeat_interval};
use crate::engine::dask::worker::ops::ANYDASK;
use crate::engine::dask::worker::registration::{Gauge, Identity};
use crate::engine::dask::worker::server::Server;
use crate::engine::dask::worker::shared::{Shared, events_of};
use crate::engine::dask::worker::shell::Shell;
use crate::engine::dask::worker::state::{Config, Event};
use crate::runtime::{Runtime, TaskHandle, TimerExt};

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

/// One worker.
pub(super) struct Driver<R: Runtime> {
    pub(super) runtime: R,
    pub(super) scheduler: Address,
    pub(super) identity: Arc<Identity>,
    connector: Connector<R>,
    pub(super) pool: Pool<R>,
    pub(super) server: Server<R>,
    bodies: Bodies,
    shared: Arc<Shared>,
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
pub(super) fn drive<R: Runtime>(
    runtime: R,
    settings: Settings,
    shared: Arc<Shared>,
) -> impl Future<Output = ()> + Send + 'static {
    // Made here, since a runtime may drop what it was given before it has run.
    let over = Over(Arc::clone(&shared));
    async move {
        let result = work(runtime, settings, &shared).await;
        shared.milestones.open(result.clone());
        shared.milestones.end(result);
        drop(over);
    }
}

/// The driver has ended, also where it is dropped with its runtime.
struct Over(Arc<Shared>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.stop();
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
    shared.listens_at(&identity.address);
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
        let (mut was_there, mut pause) = (false, None);
        loop {
            let registering = async {
                if let Some(pause) = pause {
                    self.runtime.sleep(pause).await;
                }
                self.keep_registering(&mut tries, was_there).await.map(Some)
            };
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
            // Nobody waits for its bodies, and none of them is to begin.
            shell.handle(Event::StopAsked);
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
            let now = self.runtime.now();
            tries.begin_again(begun, now, patience.reconnect_timeout);
            pause = tries.pause(now);
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
}
