//! What drives a connection: how it is made, made again, and ended.

use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::Error;
use crate::engine::dask::client::Event;
use crate::engine::dask::client::connection::{Connection, ReplyTo};
use crate::engine::dask::client::conversation::{Conversation, End};
use crate::engine::dask::comm::{Address, CONNECT_LIMIT, Comm, CommError, Connector, Pool};
use crate::engine::dask::race::race;
use crate::engine::local::ClientState;
use crate::runtime::Runtime;

/// Between a connection that was lost before the scheduler had taken the client, and the next.
const PAUSE: Duration = Duration::from_millis(200);

/// Drives one client's connection until it is closed or given up.
pub(crate) struct Driver<R: Runtime> {
    pub(super) runtime: R,
    pub(super) connection: Arc<Connection>,
    /// Ends with the connection.
    client: Weak<ClientState>,
    connector: Connector<R>,
    pub(super) pool: Pool<R>,
    pub(super) address: Address,
    patience: Patience,
}

/// How long a scheduler is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// That has gone away.
    pub(crate) reconnect_timeout: Duration,
    /// That says nothing.
    pub(crate) silence_timeout: Duration,
}

impl<R: Runtime> Driver<R> {
    pub(crate) fn new(
        runtime: R,
        connection: Arc<Connection>,
        client: Weak<ClientState>,
        (connector, address): (Connector<R>, Address),
        patience: Patience,
    ) -> Self {
        let pool = Pool::new(connector.clone());
        Self { runtime, connection, client, connector, pool, address, patience }
    }

    /// Runs to the end of the connection. Dropped before, it loses all tasks: the runtime is gone.
    pub(crate) async fn run(self) {
        let connection = Arc::clone(&self.connection);
        let mut over = Over { connection, client: Weak::clone(&self.client), reason: None };
        over.reason = Some(match self.converse_until_closed().await {
            Ok(()) => "the connection to the scheduler was closed".into(),
            Err(error) => {
                let address = Arc::clone(&self.connection.address);
                let error = Error::NotConnected { address, source: Arc::new(error) };
                self.connection.milestones.open(Err(error.clone()));
                error.chain().into()
            }
        });
        self.pool.close().await;
    }

    /// Connects, and again whenever the scheduler has gone.
    async fn converse_until_closed(&self) -> Result<(), CommError> {
        let mut connector = self.connector.clone();
        let mut give_up_at = self.runtime.now() + CONNECT_LIMIT;
        loop {
            let Some(comm) = self.unless_closed(connector.connect(&self.address)).await? else { return Ok(()) };
            self.connection.begin_registering();
            let client_id = self.connection.new_key("Client-anydask");
            self.connection.handle(Event::Connected { client_id: client_id.as_str().into() });
            let error = match self.converse(comm).await {
                End::Closed => return Ok(()),
                End::Lost(error) => error,
            };
            let reason = error.as_ref().map(CommError::to_string);
            tracing::warn!(target: "anydask", address = %self.address, reason, "the connection to the scheduler is lost");
            let was_registered = self.connection.is_registered();
            self.forget_conversation();
            let now = self.runtime.now();
            if was_registered {
                give_up_at = now + self.patience.reconnect_timeout;
            } else if now >= give_up_at {
                return Err(error.unwrap_or_else(|| CommError::unexpected(&self.address, "register-client")));
            } else if self.unless_closed(self.pause()).await?.is_none() {
                return Ok(());
            }
            let left = give_up_at.saturating_duration_since(self.runtime.now());
            connector = self.connector.clone().again_within(left);
        }
    }

    async fn converse(&self, comm: Comm<R::Stream>) -> End {
        let silence = self.patience.silence_timeout;
        Conversation::new(self, silence).run(comm).await
    }

    /// What was asked on the connection, and what was to become of it, is not for the next one.
    fn forget_conversation(&self) {
        self.connection.handle(Event::ConnectionLost);
        self.connection.work.change(|work| {
            work.must_disconnect = false;
            work.requests.retain(|request| matches!(request.reply_to, ReplyTo::Caller(_)));
        });
    }

    async fn pause(&self) -> Result<(), CommError> {
        self.runtime.sleep(PAUSE).await;
        Ok(())
    }

    /// `None` if the client closes meanwhile.
    async fn unless_closed<T>(
        &self,
        work: impl Future<Output = Result<T, CommError>>,
    ) -> Result<Option<T>, CommError> {
        let working = async { work.await.map(Some) };
        let closing = async {
            self.until_closed().await;
            Ok(None)
        };
        race(working, closing).await
    }

    /// What there is to do without a connection. Requests wait for one.
    async fn until_closed(&self) {
        let mut timer = None;
        loop {
            let (is_closed, at) = self.connection.work.take(|work| (work.is_closed, work.timer.take()));
            if is_closed {
                return;
            }
            if let Some(at) = at {
                timer = Some(Box::pin(self.runtime.sleep_until(at)));
            }
            if poll_fn(|cx| self.connection.poll_next::<R>(&mut timer, cx)).await {
                timer = None;
                self.connection.handle(Event::Timer);
            }
        }
    }
}

/// The end of the driver, also where it is dropped with its runtime.
struct Over {
    connection: Arc<Connection>,
    client: Weak<ClientState>,
    /// `None` if its runtime has dropped it.
    reason: Option<Arc<str>>,
}

impl Drop for Over {
    fn drop(&mut self) {
        let reason = self.reason.take();
        let error = |key| match &reason {
            Some(reason) => Error::Lost { key, reason: Arc::clone(reason) },
            None => Error::RuntimeGone { key },
        };
        self.connection.milestones.open(Err(Error::ClientClosed { operation: "connect" }));
        self.connection.refuse_requests();
        self.connection.fail_all(error);
        if let Some(client) = self.client.upgrade() {
            client.begin_close("the connection to the scheduler is over");
        }
        // Who submitted in between has seen a client that was open.
        self.connection.fail_all(error);
        self.connection.milestones.end(Ok(()));
    }
}
