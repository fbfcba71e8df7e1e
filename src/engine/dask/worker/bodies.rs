//! The bodies of tasks, which run on an embedded engine.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Weak};

use crate::Client;
use crate::engine::dask::call::{MadeCall, TaskCall, registered_tasks};
use crate::engine::dask::values::py_value;
use crate::engine::dask::wire::TaskKey;
use crate::engine::dask::worker::ending::Ending;
use crate::engine::dask::worker::shell::{Datum, Shell};
use crate::engine::dask::worker::state::{BodyId, Call, Event, Refusal};
use crate::runtime::AnyRuntime;
use crate::task::portable::{ErasedCall, PyValue};
use crate::task::{Failure, Key, Registration, TaskFuture, asynchronous, block_of, fallible};

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
        let function = call.as_ref().map_or("", |call| &*call.function);
        let block = block_of(&shown, function).map(str::to_owned);
        let ending = Arc::new(Ending::new(shell, body, key.clone(), block));
        let future = match self.prepare(call, inputs) {
            Ok(prepared) if prepared.is_asynchronous() => self.spawn(shell, prepared, Arc::clone(&ending), shown),
            Ok(prepared) => {
                let ending = Arc::clone(&ending);
                let run = move || {
                    let _running = ending.begin()?;
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
        future.on_done(move |future| ending.resolve(&future));
        future
    }

    /// An asynchronous task takes no thread, and so no slot either.
    fn spawn(&self, shell: &Arc<Shell>, prepared: Prepared, ending: Arc<Ending>, shown: Key) -> TaskFuture<()> {
        let body = ending.body();
        let shell = Arc::downgrade(shell);
        let prepared = Arc::new(prepared);
        let run = move || {
            let (prepared, ending, shell) = (Arc::clone(&prepared), Arc::clone(&ending), Weak::clone(&shell));
            async move {
                let _running = ending.begin()?;
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
