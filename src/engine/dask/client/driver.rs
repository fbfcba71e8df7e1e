//! What drives a connection: how it is made, made again, and ended.

use std::future::poll_fn;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use crate::Error;
use crate::engine::dask::client::Event;
use crate::engine::dask::client::alarm::Alarm;
use crate::engine::dask::client::connection::Connection;
use crate::engine::dask::client::conversation::{Conversation, End};
use crate::engine::dask::client::requesting::ReplyTo;
use crate::engine::dask::comm::{ANSWER_LIMIT, Address, Comm, CommError, Connector, Pool};
use crate::engine::dask::race::race;
use crate::engine::dask::tries::{Patience, Tries};
use crate::engine::local::ClientState;
use crate::runtime::Runtime;

/// Drives one client's connection until it is closed or given up.
pub(crate) struct Driver<R: Runtime> {
    pub(super) runtime: R,
    pub(super) connection: Arc<Connection>,
    connector: Connector<R>,
    pub(super) pool: Pool<R>,
    pub(super) address: Address,
    patience: Patience,
}

impl<R: Runtime> Driver<R> {
    pub(crate) fn new(
        runtime: R,
        connection: Arc<Connection>,
        (connector, address): (Connector<R>, Address),
        patience: Patience,
    ) -> Self {
        let pool = Pool::new(connector.clone().waiting_only_for(&address));
        Self { runtime, connection, connector, pool, address, patience }
    }

    /// Runs to the end of the connection.
    pub(super) async fn run(self, over: Over) {
        match self.converse_until_closed().await {
            Ok(()) => over.close(),
            Err(error) => over.fail(error),
        }
        self.pool.close().await;
    }

    /// Connects, and again whenever the scheduler has gone.
    async fn converse_until_closed(&self) -> Result<(), CommError> {
        let mut tries = Tries::new(self.runtime.now(), self.patience.connect_timeout);
        let mut was_there = false;
        let mut last = None;
        loop {
            let Some(connected) = self.or_closed(self.connect(&tries, was_there)).await else { return Ok(()) };
            let begun = self.runtime.now();
            let comm = match (connected, last.take()) {
                (Ok(comm), _) => comm,
                // What ended the last conversation tells more than that there was no time for another.
                (Err(_), Some(error)) if begun >= tries.deadline() => return Err(error),
                (Err(error), _) => {
                    // Who was there may come back, whatever there is in its place meanwhile: half a hello, for one.
                    let Some(pause) = tries.pause(begun).filter(|_| was_there) else { return Err(error) };
                    if self.or_closed(self.runtime.sleep(pause)).await.is_none() {
                        return Ok(());
                    }
                    last = Some(error);
                    continue;
                }
            };
            self.connection.is_registered.store(false, Ordering::Release);
            let client_id = self.connection.new_key("Client-anydask");
            self.connection.handle(Event::Connected { client_id: client_id.as_str().into() });
            let (limit, most) = (tries.left(begun).min(ANSWER_LIMIT), tries.limit().min(ANSWER_LIMIT));
            let silent = CommError::NoAnswer { peer: self.address.clone(), op: "register-client", after: most };
            let silence = self.patience.silence();
            let End::Lost(error) = Conversation::new(self, silence, (limit, silent)).run(comm).await else {
                return Ok(());
            };
            let error = error.unwrap_or_else(|| CommError::Closed { peer: self.address.clone(), in_message: false });
            tracing::warn!(target: "anydask", address = %self.address, %error, "the connection to the scheduler is lost");
            self.forget_conversation();

            let now = self.runtime.now();
            if self.connection.is_registered.load(Ordering::Acquire) {
                // As long as a scheduler may take to be started anew.
                tries.begin_again(begun, now, self.patience.reconnect_timeout);
                was_there = true;
            } else if error.is_final() && !was_there {
                return Err(error);
            }
            let Some(pause) = tries.pause(now) else { return Err(error) };
            if self.or_closed(self.runtime.sleep(pause)).await.is_none() {
                return Ok(());
            }
            last = (!self.connection.is_registered.load(Ordering::Acquire)).then_some(error);
        }
    }

    async fn connect(&self, tries: &Tries, was_there: bool) -> Result<Comm<R::Stream>, CommError> {
        let (connector, left) = (self.connector.clone(), tries.left(self.runtime.now()));
        let connector = if was_there { connector.again_within(left) } else { connector.with_limit(left) };
        connector.connect(&self.address).await
    }

    /// What was asked on the connection, and what was to become of it, is not for the next one.
    fn forget_conversation(&self) {
        self.connection.handle(Event::ConnectionLost);
        self.connection.work.change(|work| {
            (work.must_disconnect, work.failure) = (false, None);
            work.requests.retain(|request| matches!(request.reply_to, ReplyTo::Caller(_)));
        });
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
        let mut alarm = Alarm::new();
        loop {
            self.connection.carry_out();
            let (is_closed, at) = self.connection.work.take(|work| (work.is_closed, work.timer));
            if is_closed {
                return;
            }
            alarm.set(&self.runtime, at);
            if poll_fn(|cx| self.connection.poll_next(&mut alarm, cx)).await {
                alarm.ring(&self.connection);
            }
        }
    }
}

/// The end of a connection, also where its driver is dropped with its runtime, before it has run or in the middle: then all
/// tasks are lost.
pub(super) struct Over {
    connection: Arc<Connection>,
    client: Weak<ClientState>,
    /// `None` if its runtime has dropped it.
    end: Option<Ending>,
}

impl Over {
    pub(super) fn new(connection: Arc<Connection>, client: Weak<ClientState>) -> Self {
        Self { connection, client, end: None }
    }

    /// The client was closed.
    fn close(mut self) {
        self.end = Some(Ending::Closed);
    }

    /// There is no scheduler, or it is gone for good.
    pub(super) fn fail(mut self, error: CommError) {
        let address = Arc::clone(&self.connection.address);
        let error = Error::NotConnected { address, source: Arc::new(error) };
        self.connection.lose_all(&error);
        self.end = Some(Ending::Lost(error.chain().into()));
    }
}

/// How a driver has ended.
enum Ending {
    /// The client was closed.
    Closed,
    /// The scheduler is gone for good.
    Lost(Arc<str>),
}

impl Drop for Over {
    fn drop(&mut self) {
        let closed = self.client.upgrade().map_or("the client was closed", |client| client.reason());
        let error = |key| match &self.end {
            Some(Ending::Closed) => Error::Cancelled { key, reason: closed.into() },
            Some(Ending::Lost(reason)) => Error::Lost { key, reason: Arc::clone(reason) },
            None => Error::RuntimeGone { key },
        };
        self.connection.milestones.open(Err(Error::ClientClosed { operation: "connect" }));
        self.connection.refuse_requests();
        self.connection.end_all(error);
        if let Some(client) = self.client.upgrade() {
            client.begin_close("the connection to the scheduler is over");
        }
        // Who submitted in between has seen a client that was open.
        self.connection.end_all(error);
        self.connection.end();
        self.connection.milestones.end(Ok(()));
    }
}
