//! Clients of a Dask cluster.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::Error;
use crate::client::operation::{Close, Wait};
use crate::client::{Builder, Client, Operation, embedded};
use crate::engine::dask::client::{Connection, OnLost, Opening};
use crate::engine::dask::comm::Security;
use crate::engine::dask::tries::Patience;
use crate::engine::local::ClientState;
use crate::runtime::{Current, Runtime};
use crate::task::BoxFuture;

/// What a connection is made with.
#[derive(Clone, Debug)]
pub(crate) struct ClusterSettings {
    security: Option<Security>,
    on_lost: OnLost,
    is_direct: bool,
    patience: Patience,
}

impl Default for ClusterSettings {
    fn default() -> Self {
        Self { security: None, on_lost: OnLost::Resubmit, is_direct: true, patience: Patience::default() }
    }
}

impl<R: Current> Client<R> {
    /// Connects to the scheduler of a Dask cluster, as `tcp://host:port` or `tls://host:port`.
    ///
    /// The scheduler is Dask's own, from 2025.4.0 on. Rust functions run on workers that are made with
    /// [`Worker`](crate::Worker), and must be `#[task]`s whose arguments and results have serde; functions of
    /// Python ([`python`](crate::python)) run on Dask's workers. So do those of [lazy graphs](crate::graph), which go to the
    /// scheduler as a whole, and of [bags](crate::Bag). All else is as on the embedded engine.
    ///
    /// A scheduler that does not listen yet is waited for, for 30 s or as long as [`connect_timeout`](Builder::connect_timeout) says. One
    /// that goes away later is waited for as long as [`reconnect_timeout`](Builder::reconnect_timeout) says.
    ///
    /// **A Dask cluster runs whatever anybody sends it that can reach it.** Without TLS, keep its ports to machines
    /// that you trust.
    ///
    /// # Cancel safety
    ///
    /// Dropping the operation closes the half-made connection.
    ///
    /// # Errors
    ///
    /// [`Error::NotConnected`], with what was found at the address, which [`Error::connect_problem`] tells to a program.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol, task};
    ///
    /// #[task]
    /// fn inc(x: i64) -> i64 {
    ///     x + 1
    /// }
    ///
    /// let client = Client::<Smol>::connect("tcp://127.0.0.1:8786").wait()?;
    /// assert_eq!(client.submit(inc, 10).wait()?, 11);
    /// client.close().wait()?;
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn connect(address: impl AsRef<str>) -> Operation<Self> {
        Self::builder().connect(address)
    }
}

impl<R> Builder<R> {
    /// The certificates of a cluster with TLS.
    pub fn security(mut self, security: Security) -> Self {
        self.settings.cluster.security = Some(security);
        self
    }

    /// What becomes of futures when the connection to the scheduler is lost; [`OnLost::Resubmit`] by default.
    pub fn on_lost(mut self, on_lost: OnLost) -> Self {
        self.settings.cluster.on_lost = on_lost;
        self
    }

    /// How long a scheduler is waited for that cannot be reached, or does not take the client; 30 s by default. Its error
    /// says what was found meanwhile, which that of `connect(..).timeout(..)` does not.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.settings.cluster.patience.connect_timeout = limit;
        self
    }

    /// How long a scheduler that has gone away is waited for; a minute by default. Then all futures are lost and the client
    /// closes.
    pub fn reconnect_timeout(mut self, limit: Duration) -> Self {
        self.settings.cluster.patience.reconnect_timeout = limit;
        self
    }

    /// How long a scheduler may say nothing on a connection that is open before that counts as lost; five minutes by default, and
    /// 15 s at least. One whose machine or network has failed may end no connection.
    pub fn silence_timeout(mut self, limit: Duration) -> Self {
        self.settings.cluster.patience.silence_timeout = limit;
        self
    }

    /// Whether values come from the workers themselves, as they do by default, or all through the scheduler: where
    /// workers cannot be reached from here.
    pub fn direct_to_workers(mut self, is_direct: bool) -> Self {
        self.settings.cluster.is_direct = is_direct;
        self
    }
}

impl<R: Runtime> Builder<R> {
    /// Connects to a Dask cluster; see [`Client::connect`].
    pub fn connect(self, address: impl AsRef<str>) -> Operation<Client<R>> {
        let address = address.as_ref().into();
        Operation::new("connect", None, Connecting { step: Step::New(Box::new(self), address), is_blocking: false })
    }
}

/// A client that is being connected.
struct Connecting<R: Runtime> {
    step: Step<R>,
    is_blocking: bool,
}

enum Step<R: Runtime> {
    New(Box<Builder<R>>, Arc<str>),
    /// The scheduler has yet to take the client. Dropped now, it closes.
    Opening(Client<R>),
    Done,
}

impl<R: Runtime> Unpin for Connecting<R> {}

impl<R: Runtime> Connecting<R> {
    fn open(builder: Builder<R>, address: Arc<str>, is_blocking: bool) -> Result<Client<R>, Error> {
        crate::task::check_registrations()?;
        let (runtime, settings) = builder.runtime(is_blocking)?;
        let ClusterSettings { security, on_lost, is_direct, patience } = settings.cluster;
        // What a client is besides its cluster: who waits, and what closes with it. No task runs on its thread.
        let mut client = embedded(runtime.clone(), 1, &settings.name)?;
        let opening = Opening { address, security, on_lost, is_direct, patience };
        let connection = opening.start(runtime, client.state());
        client.state.cluster = Some(Arc::new(Connected(connection)));
        Ok(client)
    }
}

/// A client on a connection that a test drives.
#[cfg(all(test, feature = "smol"))]
pub(crate) fn on_connection<R: Runtime>(runtime: R, connection: Arc<Connection>) -> Result<Client<R>, Error> {
    let mut client = embedded(runtime, 1, "test")?;
    client.state.cluster = Some(Arc::new(Connected(connection)));
    Ok(client)
}

impl<R: Runtime> Future for Connecting<R> {
    type Output = Result<Client<R>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let is_blocking = self.is_blocking;
        self.step = match std::mem::replace(&mut self.step, Step::Done) {
            Step::New(builder, address) => Step::Opening(Self::open(*builder, address, is_blocking)?),
            step => step,
        };
        let Step::Opening(client) = &self.step else { return Poll::Pending };
        let Some(cluster) = &client.state.cluster else { return Poll::Pending };
        match cluster.0.poll_opened(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(opened) => match std::mem::replace(&mut self.step, Step::Done) {
                Step::Opening(client) => Poll::Ready(opened.map(|()| client)),
                Step::New(..) | Step::Done => Poll::Pending,
            },
        }
    }
}

impl<R: Runtime> Wait<Client<R>> for Connecting<R> {
    fn begin_blocking(mut self: Pin<&mut Self>) -> Result<(), Error> {
        self.is_blocking = true;
        self.step = match std::mem::replace(&mut self.step, Step::Done) {
            Step::New(builder, address) => Step::New(Box::new(builder.resolve_blocking("connect")?), address),
            step => step,
        };
        Ok(())
    }

    fn sleep(&self, limit: Duration) -> Option<BoxFuture<()>> {
        match &self.step {
            Step::Opening(client) => Some(Box::pin(client.runtime.sleep(limit))),
            Step::New(..) | Step::Done => None,
        }
    }
}

/// A connection that closes with the last client that has it.
pub(super) struct Connected(Arc<Connection>);

impl Connected {
    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.0
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.begin_close();
    }
}

/// A client and its connection, on their way to their end.
pub(super) struct Closing {
    state: Arc<ClientState>,
    connection: Arc<Connection>,
}

impl Closing {
    pub(super) fn new(state: Arc<ClientState>, connection: Arc<Connection>) -> Self {
        Self { state, connection }
    }
}

impl Close for Closing {
    fn begin_close(&self) {
        // First: what it cancels is told to the scheduler.
        Close::begin_close(&self.state);
        self.connection.begin_close();
    }

    fn poll_closed(&self, cx: &mut Context<'_>) -> Poll<()> {
        let state = Close::poll_closed(&self.state, cx);
        let connection = self.connection.poll_closed(cx);
        if state.is_ready() && connection.is_ready() { Poll::Ready(()) } else { Poll::Pending }
    }

    fn unfinished(&self) -> usize {
        Close::unfinished(&self.state)
    }
}
