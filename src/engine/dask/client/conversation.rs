//! One conversation with a scheduler: what is read, written and asked on one connection.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use crate::engine::dask::client::Event;
use crate::engine::dask::client::alarm::Alarm;
use crate::engine::dask::client::connection::Work;
use crate::engine::dask::client::driver::Driver;
use crate::engine::dask::client::requesting::Request;
use crate::engine::dask::comm::{Address, Comm, CommError, Pool, Reader, WORK_LIMIT, Writer};
use crate::engine::dask::race::race;
use crate::engine::dask::wire::Value;
use crate::runtime::{Runtime, TaskHandle, TimerExt};

/// How long the farewell may take. It is over then, whether the scheduler hears it or not.
const FAREWELL_LIMIT: Duration = Duration::from_secs(1);

/// One conversation. Its requests end with it.
pub(super) struct Conversation<'a, R: Runtime> {
    driver: &'a Driver<R>,
    silence: Duration,
    /// How long the scheduler may take to take the client, and what it is then.
    limit: (Duration, CommError),
    requests: Vec<R::Task<()>>,
}

/// Why a conversation is over.
pub(super) enum End {
    /// The client has closed.
    Closed,
    /// The scheduler is gone, or it must be.
    Lost(Option<CommError>),
}

/// What the writer waits for.
enum Next {
    Flushed(Result<(), CommError>),
    Timer,
    Changed,
}

impl<'a, R: Runtime> Conversation<'a, R> {
    pub(super) fn new(driver: &'a Driver<R>, silence: Duration, limit: (Duration, CommError)) -> Self {
        Self { driver, silence, limit, requests: Vec::new() }
    }

    /// Reads and writes until one of them is over, or the scheduler does not take the client.
    pub(super) async fn run(mut self, comm: Comm<R::Stream>) -> End {
        let (driver, silence, limit) = (self.driver, self.silence, self.limit.clone());
        let (reader, writer) = comm.split();
        let talking = race(read(driver, reader, silence), self.write(writer));
        race(talking, registration(driver, limit)).await
    }

    /// Timers and requests go on while the scheduler takes nothing. Messages do not: what has not been said yet may still change,
    /// and takes no memory besides.
    async fn write(&mut self, mut writer: Writer<R::Stream>) -> End {
        let connection = &self.driver.connection;
        let mut alarm = Alarm::new();
        let mut is_flushed = true;
        loop {
            if is_flushed && let Some(message) = connection.poll_flush() {
                if let Err(error) = writer.feed(&message) {
                    return End::Lost(Some(error));
                }
                is_flushed = false;
            }
            connection.carry_out();
            let work = connection.work.take(|work| {
                // What is closed stays so, and the time of the timer is still to come.
                let mut after = Work { is_closed: work.is_closed, timer: work.timer, ..Work::default() };
                if !work.must_disconnect {
                    after.failure = work.failure.take();
                }
                std::mem::replace(work, after)
            });
            if !work.requests.is_empty() {
                self.requests.retain(|request| !request.is_finished());
                self.requests.extend(work.requests.into_iter().map(|request| ask(self.driver, request)));
            }
            if work.is_closed {
                drop(self.driver.runtime.timeout(FAREWELL_LIMIT, writer.close()).await);
                return End::Closed;
            }
            if work.must_disconnect {
                return End::Lost(work.failure);
            }
            alarm.set(&self.driver.runtime, work.timer);
            match next(self.driver, &mut writer, is_flushed, &mut alarm).await {
                Next::Flushed(Ok(())) => is_flushed = true,
                Next::Flushed(Err(error)) => return End::Lost(Some(error)),
                Next::Timer => alarm.ring(connection),
                Next::Changed => {}
            }
        }
    }
}

/// Waits until the socket has taken all, or there is something to do, or the time of `alarm` has come.
async fn next<R: Runtime>(
    driver: &Driver<R>,
    writer: &mut Writer<R::Stream>,
    is_flushed: bool,
    alarm: &mut Alarm<R>,
) -> Next {
    let mut flushing = pin!(writer.flush());
    poll_fn(|cx| {
        if !is_flushed && let Poll::Ready(flushed) = flushing.as_mut().poll(cx) {
            return Poll::Ready(Next::Flushed(flushed));
        }
        driver.connection.poll_next(alarm, cx).map(|is_timer| if is_timer { Next::Timer } else { Next::Changed })
    })
    .await
}

/// The scheduler answers each heartbeat on the stream, so one from which nothing comes for long is gone.
async fn read<R: Runtime>(driver: &Driver<R>, mut reader: Reader<R::Stream>, silence: Duration) -> End {
    loop {
        match reader.read_within(&driver.runtime, silence).await {
            Ok(message) => driver.connection.handle(Event::Stream(message)),
            Err(error) => return End::Lost(Some(error)),
        }
    }
}

/// A scheduler that takes the connection, and then not the client, is as good as none.
async fn registration<R: Runtime>(driver: &Driver<R>, (limit, silent): (Duration, CommError)) -> End {
    driver.runtime.sleep(limit).await;
    if driver.connection.is_registered.load(Ordering::Acquire) {
        return std::future::pending().await;
    }
    End::Lost(Some(silent))
}

/// Makes a request beside the stream. It is given up when its task is dropped.
fn ask<R: Runtime>(driver: &Driver<R>, request: Request) -> R::Task<()> {
    let Request { reply_to, worker, message, confirm } = request;
    let connection = Arc::clone(&driver.connection);
    let (pool, address) = match worker {
        // It has the value, or says that it is busy.
        Some(address) => (driver.pool.clone(), address.parse().map_err(CommError::from)),
        None => (driver.pool.with_silence(WORK_LIMIT), Ok(driver.address.clone())),
    };
    driver.runtime.spawn(async move {
        let reply = match address {
            Ok(address) => answer(&pool, &address, &message, confirm).await,
            Err(error) => Err(error),
        };
        connection.replied(reply_to, reply);
    })
}

/// The reply to a request. With `confirm`, the peer hears that it has come.
async fn answer<R: Runtime>(
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
