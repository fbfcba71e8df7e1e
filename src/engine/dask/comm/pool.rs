use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_lock::{Semaphore, SemaphoreGuardArc};

use crate::engine::dask::comm::{ANSWER_LIMIT, Address, CommError, Connector, Rpc};
use crate::engine::dask::wire::Value;
use crate::runtime::{Runtime, TimerExt};

/// Connections for requests, kept for the next one to the same peer. Clones are the same pool.
pub(crate) struct Pool<R: Runtime> {
    inner: Arc<Inner<R>>,
    /// How long a peer may show no life during a request.
    silence: Duration,
}

struct Inner<R: Runtime> {
    connector: Connector<R>,
    /// One for each connection that may be open; idle ones make room when theirs is needed.
    permits: Arc<Semaphore>,
    connections_max: usize,
    state: Mutex<State<R>>,
}

struct State<R: Runtime> {
    /// The one that has been idle longest is first.
    idle: VecDeque<Rpc<R::Stream>>,
    /// Of those that are lent.
    lent: usize,
    is_closed: bool,
}

/// Dask's own bound. It leaves half of the 1024 files that a process usually may open to others.
pub(crate) const CONNECTIONS_MAX: usize = 512;

/// What all goodbyes together may take.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

impl<R: Runtime> Pool<R> {
    pub(crate) fn new(connector: Connector<R>) -> Self {
        Self::with_max(connector, CONNECTIONS_MAX)
    }

    /// A pool that has at most `connections_max` connections, in use and idle together.
    pub(crate) fn with_max(connector: Connector<R>, connections_max: usize) -> Self {
        let state = State { idle: VecDeque::new(), lent: 0, is_closed: false };
        let permits = Arc::new(Semaphore::new(connections_max));
        let inner = Arc::new(Inner { connector, permits, connections_max, state: Mutex::new(state) });
        Self { inner, silence: ANSWER_LIMIT }
    }

    /// The same pool, for requests to peers that may be silent for longer, or less long.
    pub(crate) fn with_silence(&self, limit: Duration) -> Self {
        Self { inner: Arc::clone(&self.inner), silence: limit }
    }

    /// Lends a connection with the peer: an idle one, or a new one. Waits as long as there are too many.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future lends nothing.
    ///
    /// # Errors
    ///
    /// Those of [`Connector::connect`], and `PoolClosed`.
    pub(crate) async fn lend(&self, address: &Address) -> Result<Lent<R>, CommError> {
        let permit = self.inner.permits.acquire_arc().await;
        self.inner.state().lent += 1;
        // Counted from here on, also while it connects; its drop counts it back.
        let mut lent = Lent { rpc: None, pool: Arc::clone(&self.inner), silence: self.silence, _permit: permit };
        lent.rpc = Some(match self.inner.take_idle(address)? {
            Some(rpc) => rpc,
            None => Rpc::new(self.inner.connector.connect(address).await?),
        });
        Ok(lent)
    }

    /// Sends one request and gives the answer; see [`Rpc::call`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future half-way closes the connection. Whether the peer has carried the request out is not known.
    ///
    /// # Errors
    ///
    /// Those of [`lend`](Self::lend) and [`Rpc::call`].
    pub(crate) async fn call(&self, address: &Address, request: &Value) -> Result<Value, CommError> {
        self.lend(address).await?.call(request).await
    }

    /// Takes leave of all idle peers, and lends nothing any more. Connections that are lent are closed when they come back.
    ///
    /// # Cancel safety
    ///
    /// Connections whose goodbye has not been said are closed without.
    pub(crate) async fn close(&self) {
        let idle = {
            let mut state = self.inner.state();
            state.is_closed = true;
            mem::take(&mut state.idle)
        };
        let goodbyes = async {
            for rpc in idle {
                rpc.close(self.inner.connector.runtime()).await;
            }
        };
        // Those left are closed without a goodbye, by their drop.
        let _ = self.inner.connector.runtime().timeout(CLOSE_LIMIT, goodbyes).await;
    }
}

impl<R: Runtime> Clone for Pool<R> {
    fn clone(&self) -> Self {
        self.with_silence(self.silence)
    }
}

impl<R: Runtime> fmt::Debug for Pool<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.inner.state();
        f.debug_struct("Pool").field("idle", &state.idle.len()).field("lent", &state.lent).finish()
    }
}

impl<R: Runtime> Inner<R> {
    /// An idle connection with the peer. If there is none, makes room for a new one.
    fn take_idle(&self, address: &Address) -> Result<Option<Rpc<R::Stream>>, CommError> {
        let mut state = self.state();
        if state.is_closed {
            return Err(CommError::PoolClosed);
        }
        // The one used last, since that is the one most likely to be alive.
        while let Some(index) = state.idle.iter().rposition(|rpc| rpc.peer() == address) {
            if let Some(mut rpc) = state.idle.remove(index)
                && rpc.is_reusable()
            {
                return Ok(Some(rpc));
            }
        }
        while state.lent + state.idle.len() > self.connections_max && state.idle.pop_front().is_some() {}
        Ok(None)
    }

    fn state(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection of a pool. Dropping it gives it back, or closes it if a request was given up half-way.
pub(crate) struct Lent<R: Runtime> {
    /// `None` until it is connected.
    rpc: Option<Rpc<R::Stream>>,
    pool: Arc<Inner<R>>,
    silence: Duration,
    _permit: SemaphoreGuardArc,
}

impl<R: Runtime> Lent<R> {
    /// See [`Rpc::call`].
    pub(crate) async fn call(&mut self, request: &Value) -> Result<Value, CommError> {
        match &mut self.rpc {
            Some(rpc) => rpc.call(request, self.pool.connector.runtime(), self.silence).await,
            None => Err(CommError::PoolClosed),
        }
    }

    /// See [`Rpc::send`].
    pub(crate) async fn send(&mut self, message: &Value) -> Result<(), CommError> {
        match &mut self.rpc {
            Some(rpc) => rpc.send(message, self.pool.connector.runtime(), self.silence).await,
            None => Err(CommError::PoolClosed),
        }
    }
}

impl<R: Runtime> Drop for Lent<R> {
    fn drop(&mut self) {
        let rpc = self.rpc.take();
        let mut state = self.pool.state();
        state.lent = state.lent.saturating_sub(1);
        if let Some(mut rpc) = rpc
            && !state.is_closed
            && rpc.is_reusable()
        {
            state.idle.push_back(rpc);
        }
    }
}

impl<R: Runtime> fmt::Debug for Lent<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent").field("peer", &self.rpc.as_ref().map(Rpc::peer)).finish()
    }
}
