use std::any::Any;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_lock::Semaphore;

use crate::engine::dask::comm::{Address, Comm, CommError, Scheme, Tls};
use crate::engine::dask::wire::Value;
use crate::runtime::{Endpoint, Listener as _, Runtime, TaskHandle, Timer, TimerExt};

/// Takes connections of schedulers, workers and clients, and answers their requests: the server side of a worker.
#[derive(Debug)]
pub(crate) struct Listener<R: Runtime> {
    runtime: R,
    listener: R::Listener,
    tls: Option<Tls>,
    address: Address,
    hello_limit: Duration,
    idle_limit: Duration,
}

/// What answers requests.
pub(crate) trait Handler: Clone + Send + Sync + 'static {
    /// Answers one request of `peer`. Requests of one connection come one after the other, those of several at the same time.
    fn handle(&self, peer: &Address, request: Value) -> impl Future<Output = Answer> + Send;
}

/// The answer to a request. A request that wants none gets none.
pub(crate) enum Answer {
    Reply(Value),
    /// And then the connection is closed.
    ReplyAndClose(Value),
    /// Data, which the peer acknowledges by `"OK"`. What is held until then says how much is being sent.
    Data {
        reply: Value,
        held: Box<dyn Any + Send>,
    },
}

/// Connections at the same time. Dask's peers keep theirs, up to one for each thing that they do at once; a large
/// cluster has some hundred peers.
const CONNECTIONS_MAX: usize = 2048;

/// Connections that have not said hello yet. Further ones wait in the operating system's queue.
const STRANGERS_MAX: usize = 64;

/// How long a connection may take for its hello, with TLS. A peer says it at once.
const HELLO_LIMIT: Duration = Duration::from_secs(10);

/// How long a connection may rest between two requests. Dask's peers keep theirs, and use them again after any pause, but one
/// that was closed meanwhile costs them no more than a new one. A host that has vanished without a word closes none: without a
/// limit, its connections would be counted for ever.
const IDLE_LIMIT: Duration = Duration::from_secs(60 * 60);

/// How long a peer may take nothing of an answer, or not acknowledge data that it has. As long as the scheduler waits for a worker
/// that shows no life (`distributed.scheduler.worker-ttl`): one that was only stopped goes on where it was.
const ANSWERING_LIMIT: Duration = Duration::from_secs(5 * 60);

/// How long nothing is accepted after the operating system could not: it lacks files or memory, which come back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

impl<R: Runtime> Listener<R> {
    /// Listens at `at`; port 0 takes a free one. With certificates, for TLS only.
    ///
    /// # Errors
    ///
    /// `Listen`.
    pub(crate) async fn bind(runtime: R, at: SocketAddr, tls: Option<Tls>) -> Result<Self, CommError> {
        let failed = |source| CommError::Listen { source: Arc::new(source) };
        let listener = runtime.bind(&Endpoint::Tcp(at)).await.map_err(failed)?;
        let scheme = if tls.is_some() { Scheme::Tls } else { Scheme::Tcp };
        let address = address_of(scheme, &listener.local().map_err(failed)?);
        Ok(Self { runtime, listener, tls, address, hello_limit: HELLO_LIMIT, idle_limit: IDLE_LIMIT })
    }

    /// For connections that may take longer for their hello, or less long.
    #[cfg(all(test, feature = "smol"))]
    pub(crate) fn with_hello_limit(mut self, limit: Duration) -> Self {
        self.hello_limit = limit;
        self
    }

    /// For connections that may rest longer between their requests, or less long.
    #[cfg(all(test, feature = "smol"))]
    pub(crate) fn with_idle_limit(mut self, limit: Duration) -> Self {
        self.idle_limit = limit;
        self
    }

    /// Where it listens, with the real port.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Answers requests, for ever.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes all connections, and stops listening.
    pub(crate) async fn serve<H: Handler>(mut self, handler: H) {
        let strangers = Arc::new(Semaphore::new(STRANGERS_MAX));
        let mut connections: Vec<R::Task<()>> = Vec::new();
        loop {
            let stranger = strangers.acquire_arc().await;
            let (stream, from) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(_) => {
                    self.runtime.sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            connections.retain(|connection| !connection.is_finished());
            if connections.len() >= CONNECTIONS_MAX {
                tracing::warn!(%from, limit = CONNECTIONS_MAX, "too many connections: this one is closed");
                continue;
            }
            let (runtime, tls, handler) = (self.runtime.clone(), self.tls.clone(), handler.clone());
            let (hello_limit, idle_limit) = (self.hello_limit, self.idle_limit);
            let peer = address_of(self.address.scheme(), &from);
            connections.push(self.runtime.spawn(async move {
                let accepted = runtime.timeout(hello_limit, Comm::accept(stream, tls.as_ref(), &peer)).await;
                match accepted {
                    Ok(Ok(comm)) => {
                        drop(stranger);
                        answer_requests(comm, &runtime, idle_limit, handler).await;
                    }
                    Ok(Err(error)) => tracing::debug!(%peer, %error, "a connection that is none of Dask"),
                    Err(elapsed) => tracing::debug!(%peer, error = %elapsed, "a connection that said no hello"),
                }
            }));
        }
    }
}

/// Answers the requests of one connection until it ends.
async fn answer_requests<S, T, H>(mut comm: Comm<S>, timer: &T, idle_limit: Duration, handler: H)
where
    T: Timer,
    S: crate::runtime::ByteStream,
    H: Handler,
{
    let peer = comm.peer().clone();
    // An end, whether polite or not, is the peer's to choose.
    while let Ok(request) = comm.read_within(timer, idle_limit).await {
        let Some(op) = request.get("op").and_then(Value::as_str) else {
            tracing::debug!(%peer, "a message that is no request: its connection is closed");
            return;
        };
        if op == "close" {
            return;
        }
        let wants_reply = request.get("reply") != Some(&Value::Bool(false));
        let mut closes = request.get("close") == Some(&Value::Bool(true));
        let (reply, held) = match handler.handle(&peer, request).await {
            Answer::Reply(reply) => (reply, None),
            Answer::ReplyAndClose(reply) => {
                closes = true;
                (reply, None)
            }
            Answer::Data { reply, held } => (reply, Some(held)),
        };
        if wants_reply && comm.write_within(&reply, timer, ANSWERING_LIMIT).await.is_err() {
            return;
        }
        // It may be all of a large datum, and the peer may take its time with the next request.
        drop(reply);
        if closes {
            let _ = comm.close().await;
            return;
        }
        if let Some(held) = held {
            match comm.read_within(timer, ANSWERING_LIMIT).await {
                Ok(message) if message.as_str() == Some("OK") => drop(held),
                _ => return,
            }
        }
    }
}

fn address_of(scheme: Scheme, endpoint: &Endpoint) -> Address {
    match endpoint {
        Endpoint::Tcp(address) => Address::of_socket(scheme, *address),
        // What was bound as TCP gives TCP.
        _ => Address::of_socket(scheme, SocketAddr::from(([0, 0, 0, 0], 0))),
    }
}
