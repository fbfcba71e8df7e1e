//! A worker's talk with the scheduler while it is registered: the stream, both ways at once, and the heartbeats.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use crate::engine::dask::comm::{Comm, CommError, Reader, Writer};
use crate::engine::dask::race::race;
use crate::engine::dask::wire::Value;
use crate::engine::dask::worker::driver::Driver;
use crate::engine::dask::worker::ops::{self, Received};
use crate::engine::dask::worker::shell::{Shell, Work, lock};
use crate::engine::dask::worker::state::{Event, Stop};
use crate::runtime::{Instant, Runtime, TaskHandle, TimerExt};

/// Part of the memory limit at which a worker takes up no more work, and below which it goes on. Dask's numbers
/// (`distributed.worker.memory.pause` and `target`), between which it would otherwise change all the time.
const PAUSE_MEMORY_PART: f64 = 0.80;
const RESUME_MEMORY_PART: f64 = 0.70;

/// How long the farewell may take. It is over then, whether the scheduler hears it or not.
const FAREWELL_LIMIT: Duration = Duration::from_secs(1);

/// What the writer waits for.
enum Next {
    Flushed(Result<(), CommError>),
    Timer,
    Changed,
}

/// Why a registration is over.
pub(super) enum End {
    Stopped(Stop),
    Lost(Option<CommError>),
}

impl<R: Runtime> Driver<R> {
    pub(super) async fn converse(
        &self,
        comm: Comm<R::Stream>,
        shell: &Arc<Shell>,
        interval: Duration,
        silence: Duration,
    ) -> End {
        let (reader, writer) = comm.split();
        let heard_at = Mutex::new(self.runtime.now());
        let talking = race(self.read(reader, shell, &heard_at), self.write_and_hear_out(writer, shell));
        match race(talking, self.beat(shell, interval, silence, &heard_at)).await {
            // It was told why.
            End::Lost(error) => shell.stop_reason().map_or(End::Lost(error), End::Stopped),
            end => end,
        }
    }

    /// Where the scheduler takes no more, what it said last is still read: it may have closed the worker.
    async fn write_and_hear_out(&self, writer: Writer<R::Stream>, shell: &Arc<Shell>) -> End {
        let end = self.write(writer, shell).await;
        if let End::Lost(_) = end {
            self.runtime.sleep(FAREWELL_LIMIT).await;
        }
        end
    }

    async fn read(&self, mut reader: Reader<R::Stream>, shell: &Arc<Shell>, heard_at: &Mutex<Instant>) -> End {
        loop {
            let batch = match reader.read().await {
                Ok(batch) => batch,
                Err(error) => return End::Lost(Some(error)),
            };
            *lock(heard_at) = self.runtime.now();
            let received = match ops::decode(batch) {
                Ok(received) => received,
                Err(malformed) => {
                    tracing::error!(target: "anydask", error = %malformed, "the stream is closed");
                    return End::Lost(None);
                }
            };
            let mut events = Vec::with_capacity(received.len());
            for received in received {
                match received {
                    Received::Message(message) => events.push(Event::Scheduler(message)),
                    Received::Unknown { op } => tracing::debug!(target: "anydask", %op, "an unknown message"),
                }
            }
            shell.handle_all(events);
        }
    }

    /// Transfers and timers go on while the scheduler takes nothing, and messages wait: no more than the answers to what it
    /// has said.
    async fn write(&self, mut writer: Writer<R::Stream>, shell: &Arc<Shell>) -> End {
        let mut timer: Option<Pin<Box<R::Sleep>>> = None;
        // What goes on beside the stream ends with it.
        let mut beside: Vec<R::Task<()>> = Vec::new();
        let mut is_flushed = true;
        loop {
            let work = shell.work.take(|work| {
                let messages = if is_flushed { Vec::new() } else { std::mem::take(&mut work.messages) };
                std::mem::replace(work, Work { messages, ..Work::default() })
            });
            let Work { messages, fetches, declines, must_retire, timer: at, stop } = work;
            // All that there is goes in one message.
            if !messages.is_empty() {
                if let Err(error) = writer.feed(&Value::List(messages)) {
                    return End::Lost(Some(error));
                }
                is_flushed = false;
            }
            if !fetches.is_empty() || !declines.is_empty() || must_retire {
                beside.retain(|task| !task.is_finished());
                beside.extend(fetches.into_iter().map(|fetch| self.fetch(shell, fetch)));
                beside.extend(declines.into_iter().map(|keys| self.decline(shell, keys)));
                beside.extend(must_retire.then(|| self.retire(shell)));
            }
            if let Some(reason) = stop {
                drop(self.runtime.timeout(FAREWELL_LIMIT, writer.close()).await);
                return End::Stopped(reason);
            }
            if let Some(at) = at {
                timer = Some(Box::pin(self.runtime.sleep_until(at)));
            }
            match self.next(&mut writer, is_flushed, shell, &mut timer).await {
                Next::Flushed(Ok(())) => is_flushed = true,
                Next::Flushed(Err(error)) => return End::Lost(Some(error)),
                Next::Timer => {
                    timer = None;
                    shell.handle(Event::TimerFired);
                }
                Next::Changed => {}
            }
        }
    }

    /// Waits until the socket has taken all, or there is something to do, or the time of `timer` has come.
    async fn next(
        &self,
        writer: &mut Writer<R::Stream>,
        is_flushed: bool,
        shell: &Shell,
        timer: &mut Option<Pin<Box<R::Sleep>>>,
    ) -> Next {
        let mut flushing = pin!(writer.flush());
        poll_fn(|cx| {
            if !is_flushed && let Poll::Ready(flushed) = flushing.as_mut().poll(cx) {
                return Poll::Ready(Next::Flushed(flushed));
            }
            if shell.work.poll_changed(cx).is_ready() {
                return Poll::Ready(Next::Changed);
            }
            match timer {
                Some(sleep) => sleep.as_mut().poll(cx).map(|()| Next::Timer),
                None => Poll::Pending,
            }
        })
        .await
    }

    /// Tells the scheduler how it is, as often as that wants to hear it.
    async fn beat(
        &self,
        shell: &Arc<Shell>,
        mut interval: Duration,
        silence: Duration,
        heard_at: &Mutex<Instant>,
    ) -> End {
        let mut is_paused = false;
        loop {
            let due = self.runtime.now() + interval;
            self.runtime.sleep_until(due).await;
            let lateness = self.runtime.now().saturating_duration_since(due);
            let vitals = self.server.vitals(lateness.as_secs_f64());
            let part = vitals.memory as f64 / self.identity.memory_limit as f64;
            if !is_paused && part > PAUSE_MEMORY_PART {
                is_paused = true;
                shell.handle(Event::PauseAsked);
            } else if is_paused && part < RESUME_MEMORY_PART {
                is_paused = false;
                shell.handle(Event::ResumeAsked);
            }
            let (metrics, _, executing) = shell.metrics();
            let heartbeat = self.identity.heartbeat(vitals, &metrics, &executing);
            match self.pool.call(&self.scheduler, &heartbeat).await {
                Ok(reply) if reply.get("status").and_then(Value::as_str) == Some("missing") => return End::Lost(None),
                Ok(reply) => {
                    interval = heartbeat_interval(&reply);
                    *lock(heard_at) = self.runtime.now();
                }
                // The stream says whether the scheduler is there, unless it is gone without a word.
                Err(error) if self.runtime.now() >= *lock(heard_at) + silence => return End::Lost(Some(error)),
                Err(error) => tracing::debug!(target: "anydask", %error, "a heartbeat was not answered"),
            }
        }
    }
}

/// How long until the next heartbeat, as the scheduler says.
pub(super) fn heartbeat_interval(reply: &Value) -> Duration {
    // The shortest that the scheduler ever asks for.
    const DEFAULT: f64 = 0.5;
    let seconds = reply.get("heartbeat-interval").and_then(Value::as_f64).unwrap_or(DEFAULT);
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(1)).max(Duration::from_millis(100))
}
