//! What drives a connection: the sockets and the clock around its state.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::Error;
use crate::engine::dask::client::Event;
use crate::engine::dask::client::connection::{Connection, Request, Work};
use crate::engine::dask::comm::{Address, Comm, CommError, Connector, Pool, Reader, Writer};
use crate::engine::dask::race::race;
use crate::engine::dask::tries::Tries;
use crate::engine::dask::wire::Value;
use crate::engine::local::ClientState;
use crate::runtime::{Instant, Runtime, Spawner, TaskHandle, Timer};

/// Drives one client's connection until it is closed or given up.
pub(crate) struct Driver<R: Runtime> {
    runtime: R,
    connection: Arc<Connection>,
    /// Ends with the connection.
    client: Weak<ClientState>,
    connector: Connector<R>,
    pool: Pool<R>,
    address: Address,
    connect_timeout: Duration,
    /// How long a scheduler that has gone away is waited for.
    reconnect_timeout: Duration,
}

/// Why a conversation is over.
enum End {
    /// The client has closed.
    Closed,
    /// The scheduler is gone, or it must be.
    Lost(Option<CommError>),
}

impl<R: Runtime> Driver<R> {
    pub(crate) fn new(
        runtime: R,
        connection: Arc<Connection>,
        client: Weak<ClientState>,
        (connector, address): (Connector<R>, Address),
        (connect_timeout, reconnect_timeout): (Duration, Duration),
    ) -> Self {
        let pool = Pool::new(connector.clone());
        Self { runtime, connection, client, connector, pool, address, connect_timeout, reconnect_timeout }
    }

    /// Runs to the end of the connection. Dropped before, it loses all tasks: the runtime is gone.
    pub(crate) async fn run(self) {
        let over = Over { connection: Arc::clone(&self.connection), client: Weak::clone(&self.client) };
        let mut tries = Tries::new(self.runtime.now(), self.connect_timeout);
        loop {
            let Some(connected) = self.or_closed(self.connect(&tries)).await else { break };
            let comm = match connected {
                Ok(comm) => comm,
                Err(error) => {
                    self.give_up(error);
                    break;
                }
            };
            let begun = self.runtime.now();
            self.connection.is_registered.store(false, Ordering::Release);
            let client_id = self.connection.new_key("Client-anydask");
            self.connection.handle(Event::Connected { client_id: client_id.as_str().into() });
            let End::Lost(error) = self.converse(comm, &tries).await else { break };
            let error = error.unwrap_or_else(|| CommError::Closed { peer: self.address.clone(), in_message: false });
            tracing::warn!(target: "anydask", address = %self.address, %error, "the connection to the scheduler is lost");
            self.connection.handle(Event::ConnectionLost);

            let now = self.runtime.now();
            if self.connection.is_registered.load(Ordering::Acquire) {
                // As long as a scheduler may take to be started anew.
                tries.begin_again(begun, now, self.reconnect_timeout);
            } else if error.is_final() {
                self.give_up(error);
                break;
            }
            let Some(pause) = tries.pause(now) else {
                self.give_up(error);
                break;
            };
            if self.or_closed(self.runtime.sleep(pause)).await.is_none() {
                break;
            }
        }
        over.in_order();
    }

    async fn connect(&self, tries: &Tries) -> Result<Comm<R::Stream>, CommError> {
        let left = tries.left(self.runtime.now());
        self.connector.clone().with_limit(left).connect(&self.address).await
    }

    /// `None` if the client closes meanwhile.
    async fn or_closed<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let closing = async {
            self.until_closed().await;
            None
        };
        race(async { Some(future.await) }, closing).await
    }

    /// What there is to do without a connection. Requests wait for one.
    async fn until_closed(&self) {
        let mut timer = None;
        loop {
            let (is_closed, at) = self.connection.work.take(|work| (work.is_closed, work.timer.take()));
            if is_closed {
                return;
            }
            self.wait(&mut timer, at).await;
        }
    }

    fn give_up(&self, error: CommError) {
        let address = Arc::clone(&self.connection.address);
        self.connection.lose_all(&Error::NotConnected { address, source: Arc::new(error) });
    }

    /// Reads and writes until one of them is over, or the scheduler has not taken the client in time.
    async fn converse(&self, comm: Comm<R::Stream>, tries: &Tries) -> End {
        let (reader, writer) = comm.split();
        let talking = race(self.read(reader), self.write(writer));
        race(talking, self.unregistered(tries)).await
    }

    async fn unregistered(&self, tries: &Tries) -> End {
        self.runtime.sleep(tries.left(self.runtime.now())).await;
        if self.connection.is_registered.load(Ordering::Acquire) {
            return std::future::pending().await;
        }
        let (peer, after) = (self.address.clone(), tries.limit());
        End::Lost(Some(CommError::NoAnswer { peer, op: "register-client", after }))
    }

    async fn read(&self, mut reader: Reader<R::Stream>) -> End {
        loop {
            match reader.read().await {
                Ok(message) => self.connection.handle(Event::Stream(message)),
                Err(error) => return End::Lost(Some(error)),
            }
        }
    }

    async fn write(&self, mut writer: Writer<R::Stream>) -> End {
        let mut timer = None;
        loop {
            while let Some(message) = self.connection.poll_flush() {
                if let Err(error) = writer.write(&message).await {
                    return End::Lost(Some(error));
                }
            }
            let work = self.connection.work.take(|work| {
                // What is closed stays so.
                let mut after = Work { is_closed: work.is_closed, ..Work::default() };
                if !work.must_disconnect {
                    after.failure = work.failure.take();
                }
                std::mem::replace(work, after)
            });
            work.requests.into_iter().for_each(|request| self.request(request));
            if work.is_closed {
                // It is over, whether the peer hears it or not.
                drop(writer.close().await);
                return End::Closed;
            }
            if work.must_disconnect {
                return End::Lost(work.failure);
            }
            self.wait(&mut timer, work.timer).await;
        }
    }

    /// Waits until there is something to do, or the time has come that `timer` is set to, or is now set to.
    async fn wait(&self, timer: &mut Option<Pin<Box<R::Sleep>>>, at: Option<Instant>) {
        if let Some(at) = at {
            *timer = Some(Box::pin(self.runtime.sleep_until(at)));
        }
        if poll_fn(|cx| self.poll_next(timer, cx)).await {
            *timer = None;
            self.connection.handle(Event::Timer);
        }
    }

    /// True if it is the timer.
    fn poll_next(&self, timer: &mut Option<Pin<Box<R::Sleep>>>, cx: &mut Context<'_>) -> Poll<bool> {
        if self.connection.work.poll_changed(cx).is_ready() {
            return Poll::Ready(false);
        }
        match timer {
            Some(sleep) => sleep.as_mut().poll(cx).map(|()| true),
            None => Poll::Pending,
        }
    }

    /// Makes a request beside the stream.
    fn request(&self, request: Request) {
        let Request { reply_to, worker, message, confirm } = request;
        let (connection, pool, scheduler) = (Arc::clone(&self.connection), self.pool.clone(), self.address.clone());
        let requesting = async move {
            let address = match &worker {
                Some(address) => address.parse().map_err(CommError::from),
                None => Ok(scheduler),
            };
            let reply = match address {
                Ok(address) => ask(&pool, &address, &message, confirm).await,
                Err(error) => Err(error),
            };
            connection.replied(reply_to, reply);
        };
        self.runtime.spawn(requesting).detach();
    }
}

/// The end of the driver, also where it is dropped with its runtime.
struct Over {
    connection: Arc<Connection>,
    client: Weak<ClientState>,
}

impl Over {
    /// It was not dropped by its runtime.
    fn in_order(self) {
        self.connection
            .fail_all(|key| Error::Lost { key, reason: "the connection to the scheduler was closed".into() });
    }
}

impl Drop for Over {
    fn drop(&mut self) {
        self.connection.milestones.open(Err(Error::ClientClosed { operation: "connect" }));
        self.connection.fail_all(|key| Error::RuntimeGone { key });
        if let Some(client) = self.client.upgrade() {
            client.begin_close("the connection to the scheduler is over");
        }
        self.connection.milestones.end(Ok(()));
    }
}

/// The reply to a request. With `confirm`, the peer hears that it has come.
async fn ask<R: Runtime>(
    pool: &Pool<R>,
    address: &Address,
    message: &Value,
    confirm: bool,
) -> Result<Value, CommError> {
    let mut peer = pool.lend(address).await?;
    let reply = peer.call(message).await?;
    if confirm && reply.get("status").and_then(Value::as_str) == Some("OK") {
        peer.send(&Value::from("OK")).await?;
    }
    Ok(reply)
}
