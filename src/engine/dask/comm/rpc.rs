use std::sync::Arc;
use std::time::Duration;

use crate::engine::dask::comm::error::RemoteError;
use crate::engine::dask::comm::{Address, Comm, CommError};
use crate::engine::dask::wire::Value;
use crate::runtime::{ByteStream, Timer};

/// Requests over one connection: one at a time, each with one answer.
#[derive(Debug)]
pub(crate) struct Rpc<S> {
    comm: Comm<S>,
    state: State,
}

/// How long a peer may be silent that answers at once, if nobody says otherwise: Dask's limit for dead connections
/// (`distributed.comm.timeouts.tcp`). One that is only slow, since its interpreter is busy, is asked again by whoever asked.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// How long a scheduler may be silent that asks others before it answers: it waits for its workers, of which it gives up silent ones
/// after five minutes (`distributed.scheduler.worker-ttl`), looking once in as many.
pub(crate) const WORK_LIMIT: Duration = Duration::from_secs(11 * 60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The last request has been answered.
    Idle,
    /// A request is on its way. Seen from outside: it was given up there.
    HalfWay,
    /// The connection has failed.
    Failed,
}

impl<S: ByteStream> Rpc<S> {
    pub(crate) fn new(comm: Comm<S>) -> Self {
        Self { comm, state: State::Idle }
    }

    pub(crate) fn peer(&self) -> &Address {
        self.comm.peer()
    }

    /// Sends a request, as [`request`] makes it, and gives the answer, as long as the peer shows life at least each `silence`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future half-way makes the connection useless: the next call gives `HalfWay`. Whether the peer has
    /// carried the request out is not known.
    ///
    /// # Errors
    ///
    /// `Remote` when the peer's handler raised an exception; the connection goes on. All others end it.
    pub(crate) async fn call<T: Timer>(
        &mut self,
        request: &Value,
        timer: &T,
        silence: Duration,
    ) -> Result<Value, CommError> {
        self.begin()?;
        let answered = match self.comm.write_within(request, timer, silence).await {
            Ok(()) => self.comm.read_within(timer, silence).await,
            Err(error) => Err(error),
        };
        let answer = self.end(answered)?;
        match remote_error(self.peer(), request, &answer) {
            Some(error) => Err(CommError::Remote(Arc::new(error))),
            None => Ok(answer),
        }
    }

    /// Sends what has no answer: a request with `"reply": false`, or the `"OK"` after data.
    ///
    /// # Cancel safety
    ///
    /// As of [`call`](Self::call).
    ///
    /// # Errors
    ///
    /// The connection is of no use afterwards.
    pub(crate) async fn send<T: Timer>(
        &mut self,
        message: &Value,
        timer: &T,
        silence: Duration,
    ) -> Result<(), CommError> {
        self.begin()?;
        let sent = self.comm.write_within(message, timer, silence).await;
        self.end(sent)
    }

    /// Takes leave: the peer need not find out by itself that nothing more comes. Bound it in time.
    pub(crate) async fn close<T: Timer>(mut self, timer: &T) {
        if self.is_reusable() && self.send(&goodbye(), timer, ANSWER_LIMIT).await.is_ok() {
            // A peer that is gone already needs no goodbye.
            let _ = self.comm.close().await;
        }
    }

    /// Whether another request can be sent: nothing is on its way, nothing unasked for has come, and the peer is still there.
    pub(super) fn is_reusable(&mut self) -> bool {
        self.state == State::Idle && self.comm.is_quiet()
    }

    fn begin(&mut self) -> Result<(), CommError> {
        let peer = || self.comm.peer().clone();
        match self.state {
            State::Idle => {
                self.state = State::HalfWay;
                Ok(())
            }
            State::HalfWay => Err(CommError::HalfWay { peer: peer() }),
            State::Failed => Err(CommError::Closed { peer: peer(), in_message: false }),
        }
    }

    fn end<T>(&mut self, result: Result<T, CommError>) -> Result<T, CommError> {
        self.state = match &result {
            // A message that could not be encoded has not been sent.
            Ok(_) | Err(CommError::Unsendable(_)) => State::Idle,
            Err(_) => State::Failed,
        };
        result
    }
}

/// A request that wants an answer.
pub(crate) fn request<'a>(op: &str, fields: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::map([("op", op.into()), ("reply", true.into())].into_iter().chain(fields))
}

/// What ends a connection for requests.
fn goodbye() -> Value {
    Value::map([("op", "close".into()), ("reply", false.into())])
}

/// The exception of a handler, if the answer tells of one.
fn remote_error(peer: &Address, request: &Value, answer: &Value) -> Option<RemoteError> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().into();
    if answer.get("status")?.as_str()? != "uncaught-error" {
        return None;
    }
    Some(RemoteError {
        peer: peer.clone(),
        op: text(request.get("op")),
        exception_text: text(answer.get("exception_text")),
    })
}
