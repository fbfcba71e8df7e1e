//! Requests beside the stream: who makes them, who waits for their replies, and who hears that none will come.

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Waker};

use crate::Error;
use crate::engine::dask::client::connection::{Connection, lock};
use crate::engine::dask::client::{Event, RpcId};
use crate::engine::dask::comm::CommError;
use crate::engine::dask::wire::Value;

/// A request that the driver makes.
pub(super) struct Request {
    pub(super) reply_to: ReplyTo,
    /// A worker's; else it goes to the scheduler.
    pub(super) worker: Option<Arc<str>>,
    pub(super) message: Value,
    pub(super) confirm: bool,
}

/// Who gets a reply.
pub(super) enum ReplyTo {
    State(RpcId),
    Caller(Caller),
}

/// Who waits for a reply, and hears also if none will come.
pub(super) struct Caller {
    reply: Arc<Reply>,
    connection: Weak<Connection>,
}

/// A reply on its way to a caller.
#[derive(Default)]
struct Reply(Mutex<Replied>);

#[derive(Default)]
struct Replied {
    is_over: bool,
    reply: Option<Result<Value, Error>>,
    waker: Option<Waker>,
}

impl Connection {
    /// Asks the scheduler. Dropping the future does not take the request back.
    pub(crate) fn call(self: &Arc<Self>, message: Value) -> impl Future<Output = Result<Value, Error>> + Send + use<> {
        let reply = Arc::<Reply>::default();
        let caller = Caller { reply: Arc::clone(&reply), connection: Arc::downgrade(self) };
        self.push(Request { reply_to: ReplyTo::Caller(caller), worker: None, message, confirm: false });
        poll_fn(move |cx| reply.poll(cx))
    }

    /// Has the driver make a request, if there is one.
    pub(super) fn push(&self, request: Request) {
        let mut request = Some(request);
        self.work.change(|work| {
            if !work.is_over {
                work.requests.extend(request.take());
            }
        });
        // Dropped outside of the lock: whoever waits hears that there is no answer.
        drop(request);
    }

    /// The driver has ended: who waits for an answer, and who will ask, hears that there is none.
    pub(super) fn refuse_requests(&self) {
        let requests = self.work.take(|work| {
            (work.is_over, work.is_closed) = (true, true);
            std::mem::take(&mut work.requests)
        });
        drop(requests);
    }

    pub(super) fn replied(&self, reply_to: ReplyTo, reply: Result<Value, CommError>) {
        match (reply_to, reply) {
            (ReplyTo::State(id), Ok(reply)) => self.tell(Event::RpcReply { id, reply }),
            (ReplyTo::State(id), Err(error)) => {
                let why: Arc<str> = error.to_string().into();
                self.work.change(|work| work.failure = Some(error));
                self.tell(Event::RpcFailed { id, why: Arc::clone(&why) });
                tracing::debug!(target: "anydask", address = %self.address, error = %why, "a request failed");
            }
            (ReplyTo::Caller(caller), reply) => {
                let address = Arc::clone(&self.address);
                caller.reply.set(reply.map_err(|source| Error::NotConnected { address, source: Arc::new(source) }));
            }
        }
    }
}

impl Reply {
    /// The first word counts.
    fn set(&self, reply: Result<Value, Error>) {
        let mut replied = lock(&self.0);
        if std::mem::replace(&mut replied.is_over, true) {
            return;
        }
        replied.reply = Some(reply);
        let waker = replied.waker.take();
        drop(replied);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<Result<Value, Error>> {
        // Its clone may run code of the user's executor.
        let waker = cx.waker().clone();
        let mut replied = lock(&self.0);
        if let Some(reply) = replied.reply.take() {
            return Poll::Ready(reply);
        }
        let replaced = replied.waker.replace(waker);
        drop(replied);
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let gone = |connection: Arc<Connection>| {
            let is_closed = connection.work.take(|work| work.is_closed);
            (!is_closed)
                .then(|| Error::NotConnected { address: Arc::clone(&connection.address), source: Arc::new(Gone) })
        };
        let error = self.connection.upgrade().and_then(gone);
        self.reply.set(Err(error.unwrap_or(Error::ClientClosed { operation: "request" })));
    }
}

/// The connection was lost while a request was on its way.
#[derive(Debug)]
struct Gone;

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was lost before the scheduler had answered")
    }
}

impl std::error::Error for Gone {}
