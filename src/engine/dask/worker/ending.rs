//! The end of a body: when it counts as over, and what the state is told then.

use std::mem::replace;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::Error;
use crate::engine::dask::values::{class, serialized};
use crate::engine::dask::wire::{Serialized, TaskKey, Value, class_pickle};
use crate::engine::dask::worker::shell::{Datum, Shell, lock};
use crate::engine::dask::worker::state::{BodyEnd, BodyId, Data, Event, Kind, Ran, TaskError};
use crate::engine::local::quietly;
use crate::task::portable::PyValue;
use crate::task::{Failure, TaskFuture};

/// How a body ends, and who hears of it.
///
/// Its task on the embedded engine resolves at once when it is cancelled, while the body may go on for long. The body holds its
/// slot and its resources until it has really ended, so the state hears of its end when both are over.
pub(super) struct Ending {
    shell: Weak<Shell>,
    body: BodyId,
    key: TaskKey,
    /// The block of an array that it is for, if it is for one.
    block: Option<String>,
    phase: Mutex<Phase>,
    /// Unix time, in seconds, and the thread.
    started: OnceLock<(f64, i64)>,
    data: OnceLock<Data<Datum>>,
}

/// How far a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It has not begun.
    Queued,
    Running,
    /// It has returned, panicked or been dropped. Its task is about to resolve.
    Returned,
    /// Its task has resolved before it returned: it was told to stop.
    Stopping,
    /// The state has been told.
    Over,
}

impl Ending {
    pub(super) fn new(shell: &Arc<Shell>, body: BodyId, key: TaskKey, block: Option<String>) -> Self {
        let (phase, started, data) = (Mutex::new(Phase::Queued), OnceLock::new(), OnceLock::new());
        Self { shell: Arc::downgrade(shell), body, key, block, phase, started, data }
    }

    pub(super) fn body(&self) -> BodyId {
        self.body
    }

    /// The body begins, unless it has been told to stop, and runs for as long as this lives.
    pub(super) fn begin(self: &Arc<Self>) -> Result<Running, Failure> {
        let mut phase = lock(&self.phase);
        if *phase != Phase::Queued {
            return Err("it was cancelled before it began".into());
        }
        *phase = Phase::Running;
        drop(phase);
        _ = self.started.set((unix_time(), thread_number()));
        Ok(Running(Arc::clone(self)))
    }

    /// Keeps the result as it goes to others.
    pub(super) fn keep(&self, made: PyValue) -> Result<(), Failure> {
        let (value, (module, name)) = (serialized(&made)?, class(&made));
        let nbytes = value.frames.iter().map(|frame| frame.len() as u64).sum();
        let kind = Kind { pickle: class_pickle(module, name), name: name.into() };
        _ = self.data.set(Data { value: Arc::new(value), nbytes, kind });
        Ok(())
    }

    /// The task of the body has resolved.
    pub(super) fn resolve(&self, future: &TaskFuture<()>) {
        match (self.step(Phase::Running, Phase::Stopping, Phase::Over), future.to_value()) {
            (Phase::Running, _) => {}
            (Phase::Queued, Err(Error::Cancelled { .. })) => self.tell(None),
            // It has come to its end by itself: a cancellation that it returns is that of another task.
            (_, outcome) => self.tell(outcome.err()),
        }
    }

    /// From the phase `from` to `to`, and from all others to `otherwise`. Gives the phase before.
    fn step(&self, from: Phase, to: Phase, otherwise: Phase) -> Phase {
        let mut phase = lock(&self.phase);
        let after = if *phase == from { to } else { otherwise };
        replace(&mut *phase, after)
    }

    /// Tells the state: of the data if there is some, else of the error if the body made it.
    fn tell(&self, error: Option<Error>) {
        let Some(shell) = self.shell.upgrade() else { return };
        let stop = unix_time();
        let (start, thread) = self.started.get().copied().unwrap_or((stop, 0));
        // The scheduler takes one of no length for one that it need not count.
        let ran = Ran { start, stop: stop.max(start + 1e-6), thread };
        let end = match (self.data.get(), error) {
            (Some(data), _) => BodyEnd::Finished { data: data.clone(), ran },
            (None, Some(error)) => BodyEnd::Erred { error: task_error(&self.key, self.block.as_deref(), &error), ran },
            (None, None) => BodyEnd::Cancelled,
        };
        shell.forget(self.body);
        shell.handle(Event::BodyEnded { body: self.body, end });
    }
}

/// See [`Ending::begin`].
pub(super) struct Running(Arc<Ending>);

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.step(Phase::Stopping, Phase::Over, Phase::Returned) == Phase::Stopping {
            self.0.tell(None);
        }
    }
}

/// An error as others read it. Those who depend on a block read which one it was: their own key does not say so.
fn task_error(key: &TaskKey, block: Option<&str>, error: &Error) -> TaskError {
    let (message, kind) = match error {
        Error::Failed { source, .. } => (chain(&**source), "failed"),
        Error::Panicked { message, location: Some(location), .. } => {
            (format!("panicked at {location}: {message}"), "panicked")
        }
        Error::Panicked { message, .. } => (format!("panicked: {message}"), "panicked"),
        error => (error.chain(), "failed"),
    };
    let message = match block {
        Some(block) => format!("block {block}: {message}"),
        None => message,
    };
    _ = quietly(|| tracing::debug!(target: "anydask", %key, %message, "a task erred"));
    TaskError {
        exception: Value::Serialized(Serialized::of_exception("RuntimeError", &message, kind)),
        traceback: Value::Nil,
        exception_text: format!("RuntimeError({message:?})").into(),
        traceback_text: "".into(),
    }
}

/// All levels in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

pub(super) fn unix_time() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// A number of this thread, for the scheduler's dashboard.
fn thread_number() -> i64 {
    static NEXT: AtomicI64 = AtomicI64::new(1);
    thread_local! {
        static OWN: i64 = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    OWN.try_with(|number| *number).unwrap_or_default()
}
