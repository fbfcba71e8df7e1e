//! The bodies of tasks, which run on an embedded engine.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::engine::dask::call::{MadeCall, TaskCall, registered_tasks};
use crate::engine::dask::values::{class, py_value, serialized};
use crate::engine::dask::wire::{Serialized, TaskKey, Value, class_pickle};
use crate::engine::dask::worker::shell::{Datum, Shell};
use crate::engine::dask::worker::state::{BodyEnd, BodyId, Call, Data, Event, Kind, Ran, Refusal, TaskError};
use crate::runtime::AnyRuntime;
use crate::task::portable::{ErasedCall, PyValue};
use crate::task::{Failure, Key, Registration, TaskFuture, asynchronous, fallible};
use crate::{Client, Error};

/// What runs the bodies of one worker.
#[derive(Clone)]
pub(super) struct Bodies {
    /// Of the embedded engine.
    client: Client<AnyRuntime>,
    tasks: Arc<BTreeMap<&'static str, &'static Registration>>,
}

/// One call, as far as it is known without its inputs.
struct Prepared {
    task: &'static Registration,
    call: TaskCall,
    inputs: Vec<Datum>,
}

impl Bodies {
    pub(super) fn new(client: Client<AnyRuntime>) -> Self {
        Self { client, tasks: Arc::new(registered_tasks()) }
    }

    /// Begins a body. Its end is told to `shell`, once.
    pub(super) fn execute(
        &self,
        shell: &Arc<Shell>,
        body: BodyId,
        key: &TaskKey,
        call: Result<Call, Refusal>,
        inputs: Vec<Datum>,
    ) -> TaskFuture<()> {
        // For `TaskContext`, and for errors and traces.
        let shown = Key::from(key.to_string());
        let ending = Arc::new(Ending {
            shell: Arc::downgrade(shell),
            body,
            key: key.clone(),
            started: OnceLock::new(),
            data: OnceLock::new(),
        });
        let future = match self.prepare(call, inputs) {
            Ok(prepared) if prepared.is_asynchronous() => self.spawn(shell, prepared, Arc::clone(&ending), shown),
            Ok(prepared) => {
                let ending = Arc::clone(&ending);
                let run = move || {
                    ending.begin();
                    prepared.run().and_then(|made| ending.keep(made))
                };
                self.client.task(fallible(run), ()).shown_key(shown).submit()
            }
            Err(failure) => {
                let failure = Arc::<dyn std::error::Error + Send + Sync>::from(failure);
                let refuse = move || Err::<(), Failure>(Box::new(Shared(Arc::clone(&failure))));
                self.client.task(fallible(refuse), ()).shown_key(shown).submit()
            }
        };
        future.on_done(move |future| ending.end(&future));
        future
    }

    /// An asynchronous task takes no thread, and so no slot either.
    fn spawn(&self, shell: &Arc<Shell>, prepared: Prepared, ending: Arc<Ending>, shown: Key) -> TaskFuture<()> {
        let body = ending.body;
        let shell = Arc::downgrade(shell);
        let prepared = Arc::new(prepared);
        let run = move || {
            let (prepared, ending, shell) = (Arc::clone(&prepared), Arc::clone(&ending), Weak::clone(&shell));
            async move {
                ending.begin();
                if let Some(shell) = shell.upgrade() {
                    shell.handle(Event::BodySeceded { body });
                }
                ending.keep(match prepared.begin()? {
                    MadeCall::Value(value) => value,
                    MadeCall::Called(ErasedCall::Returned(returned)) => returned?,
                    MadeCall::Called(ErasedCall::Future(future)) => future.await?,
                })
            }
        };
        self.client.task(fallible(asynchronous(run)), ()).shown_key(shown).submit()
    }

    fn prepare(&self, call: Result<Call, Refusal>, inputs: Vec<Datum>) -> Result<Prepared, Failure> {
        let call = call?;
        let task = self.tasks.get(&*call.function).ok_or_else(|| UnknownTask { name: Arc::clone(&call.function) })?;
        Ok(Prepared { task, call: TaskCall::of_bytes(&call.arguments)?, inputs })
    }
}

impl Prepared {
    fn is_asynchronous(&self) -> bool {
        self.task.travelling.is_asynchronous && matches!(self.call, TaskCall::Call(_))
    }

    fn run(&self) -> Result<PyValue, Failure> {
        match self.begin()? {
            MadeCall::Value(value) => Ok(value),
            MadeCall::Called(ErasedCall::Returned(returned)) => returned,
            MadeCall::Called(ErasedCall::Future(_)) => Err("an asynchronous task is spawned, not run".into()),
        }
    }

    /// Decodes what the call takes, and calls.
    fn begin(&self) -> Result<MadeCall, Failure> {
        let inputs = self.inputs.iter().map(|input| py_value(input)).collect::<Result<Vec<_>, _>>()?;
        Ok(self.call.make(self.task, &inputs)?)
    }
}

/// How a body ends, and who hears of it.
struct Ending {
    shell: Weak<Shell>,
    body: BodyId,
    key: TaskKey,
    /// Unix time, in seconds, and the thread.
    started: OnceLock<(f64, i64)>,
    data: OnceLock<Data<Datum>>,
}

impl Ending {
    fn begin(&self) {
        _ = self.started.set((unix_time(), thread_number()));
    }

    /// Keeps the result as it goes to others.
    fn keep(&self, made: PyValue) -> Result<(), Failure> {
        let (value, (module, name)) = (serialized(&made)?, class(&made));
        let nbytes = value.frames.iter().map(|frame| frame.len() as u64).sum();
        let kind = Kind { pickle: class_pickle(module, name), name: name.into() };
        _ = self.data.set(Data { value: Arc::new(value), nbytes, kind });
        Ok(())
    }

    fn end(&self, future: &TaskFuture<()>) {
        let Some(shell) = self.shell.upgrade() else { return };
        let stop = unix_time();
        let (start, thread) = self.started.get().copied().unwrap_or((stop, 0));
        // The scheduler takes one of no length for one that it need not count.
        let ran = Ran { start, stop: stop.max(start + 1e-6), thread };
        let end = match (future.to_value(), self.data.get()) {
            (Ok(()), Some(data)) => BodyEnd::Finished { data: data.clone(), ran },
            (Err(Error::Cancelled { .. }), _) => BodyEnd::Cancelled,
            (Err(error), _) => BodyEnd::Erred { error: task_error(&self.key, &error), ran },
            (Ok(()), None) => BodyEnd::Cancelled,
        };
        shell.forget(self.body);
        shell.handle(Event::BodyEnded { body: self.body, end });
    }
}

/// An error as others read it.
fn task_error(key: &TaskKey, error: &Error) -> TaskError {
    let (message, kind) = match error {
        Error::Failed { source, .. } => (chain(&**source), "failed"),
        Error::Panicked { message, location: Some(location), .. } => {
            (format!("panicked at {location}: {message}"), "panicked")
        }
        Error::Panicked { message, .. } => (format!("panicked: {message}"), "panicked"),
        error => (error.chain(), "failed"),
    };
    tracing::debug!(target: "anydask", %key, %message, "a task erred");
    TaskError {
        exception: Value::Serialized(Serialized::of_exception("RuntimeError", &message, kind)),
        traceback: Value::Nil,
        exception_text: format!("RuntimeError({message:?})").into(),
        traceback_text: "".into(),
    }
}

/// All levels in one line.
fn chain(error: &dyn std::error::Error) -> String {
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

/// This worker has no such task.
#[derive(Debug)]
struct UnknownTask {
    name: Arc<str>,
}

impl fmt::Display for UnknownTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        write!(
            f,
            "this worker does not know the task `{name}`; build its program with the crate that defines it, from the \
             same code as the client"
        )
    }
}

impl std::error::Error for UnknownTask {}

/// An error that may be told more than once.
#[derive(Debug)]
struct Shared(Arc<dyn std::error::Error + Send + Sync>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Shared {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
