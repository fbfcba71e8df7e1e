//! Submitting to a cluster: a plain call that never blocks and never awaits.

use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::Arc;

use crate::Error;
use crate::engine::dask::call::TaskCall;
use crate::engine::dask::client::connection::{Connection, lock};
use crate::engine::dask::client::task::{ClusterTask, Origin};
use crate::engine::dask::client::{Event, Submission, TaskOptions, Work};
use crate::engine::dask::values::python_argument;
use crate::engine::dask::wire::TaskKey;
use crate::engine::local::{ClientState, Draft, Trace, refused};
use crate::task::portable::{Export, ExportedCall, TypeOf};
use crate::task::{Arguments, Key, Options, TaskFn, TaskFuture, short_name, sum_amounts};

impl Connection {
    /// Submits one task. Whatever is wrong with it is told by its future.
    pub(crate) fn submit<F, A, Args>(
        self: &Arc<Self>,
        client: &Arc<ClientState>,
        location: &'static Location<'static>,
        operation: &'static str,
        call: (F, A),
        options: Option<Options>,
    ) -> TaskFuture<F::Output>
    where
        F: TaskFn<Args>,
        A: Arguments<Args>,
        Args: 'static,
    {
        let (function, arguments) = call;
        let mut draft = Draft::new(client.lease(), location);
        if client.refuses() {
            return refused::<F, A, Args>(draft, Error::ClientClosed { operation });
        }
        let mut options = options.unwrap_or_default();
        let label = options.label.take();
        if let Some(label) = &label {
            draft.set_label(label);
        }
        let prepared = self.prepare(client, &function, &arguments, &mut options);
        let (export, key, task_options) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                let error = inherited(draft.key(F::name()), error);
                return refused::<F, A, Args>(draft, error);
            }
        };
        let key = match key {
            Some(key) => key,
            None => self.new_key(label.as_deref().unwrap_or_else(|| short_name(function.remote_name()))),
        };
        draft.set_key(key.clone(), false);
        Trace::submitted(&mut draft, F::name);

        let task_key = TaskKey::from(&*key);
        let (work, type_of) = match self.work(&export) {
            Ok((work, type_of)) => (Arc::new(work), type_of),
            Err(error) => return refused::<F, A, Args>(draft, error),
        };
        let origin = Origin { name: F::name, key: task_key.clone(), decode: export.decode, type_of };
        let task = ClusterTask::new(self, draft, origin);
        let submission =
            Submission { key: task_key.clone(), work: Arc::clone(&work), options: task_options, held: true };
        let future = TaskFuture::new(self.enter(&task_key, task, Some(&work), Event::Submit(vec![submission])));
        // The function and its arguments hold the inputs until the scheduler's client has heard of the task.
        drop((function, arguments));
        if client.refuses() {
            future.cancel_because(client.reason());
        }
        future
    }

    /// What is known of a submission before it has a key of its own.
    fn prepare<F, A, Args>(
        &self,
        client: &Arc<ClientState>,
        function: &F,
        arguments: &A,
        options: &mut Options,
    ) -> Result<Prepared<F::Output>, Error>
    where
        F: TaskFn<Args>,
        A: Arguments<Args>,
        Args: 'static,
    {
        let export = function.export(&|part| arguments.parts(part))?;
        for input in &export.inputs {
            if input.scheduler_id() != client.id() {
                return Err(Error::ForeignFuture { key: input.key() });
            }
            // One that the scheduler does not know, or knows no more; or knows as another's.
            let is_known = || self.task(&TaskKey::from(&*input.key())).is_some_and(|task| task.id() == input.id());
            if let Some(Err(error)) = input.outcome()
                && (matches!(error, Error::Lost { .. }) || !is_known())
            {
                return Err(error);
            }
        }
        let key = client.key_of::<F, A, Args>(options, arguments)?.map(|(key, _)| key);
        let task_options = task_options(function.remote_name(), options)?;
        Ok((export, key, task_options))
    }

    /// The work of a call, and the type of its result if that is Rust's.
    fn work<T>(&self, export: &Export<T>) -> Result<(Work, Option<TypeOf>), Error> {
        let keys: Vec<_> = export.inputs.iter().map(|input| TaskKey::from(&*input.key())).collect();
        match &export.call {
            ExportedCall::Rust { task, arguments, type_of } => {
                let arguments = TaskCall::Call(arguments.clone()).to_bytes();
                Ok((Work::Registered { name: (*task).into(), arguments, dependencies: keys }, Some(*type_of)))
            }
            ExportedCall::Python { function, arguments, keywords } => {
                let keys: Vec<_> = keys.into_iter().map(|key| self.as_python(key)).collect();
                let argument = |value| {
                    python_argument(value, &keys).map_err(|error| Error::NotEncoded {
                        task: Arc::clone(function),
                        value: "an argument".into(),
                        source: Arc::new(error),
                    })
                };
                let arguments = arguments.iter().map(argument).collect::<Result<_, _>>()?;
                let keywords = keywords.iter().map(|(name, value)| Ok((Arc::clone(name), argument(value)?)));
                let keywords = keywords.collect::<Result<_, Error>>()?;
                Ok((Work::Python { function: Arc::clone(function), arguments, keywords }, None))
            }
        }
    }

    /// The key under which the result of a task is a plain Python object: its own, or that of a Rust task which makes it
    /// one, and which every Python task that takes it shares. The state has heard of it before anybody knows its key.
    fn as_python(&self, key: TaskKey) -> TaskKey {
        let Some(task) = self.task(&key) else { return key };
        let Some(TypeOf { task: name, parameter }) = task.type_of() else { return key };
        let mut python_key = lock(task.python_key());
        if let Some(python_key) = &*python_key {
            return python_key.clone();
        }
        let made = TaskKey::from(&*self.new_key("to_python"));
        let conversion = Submission {
            key: made.clone(),
            work: Arc::new(Work::Registered {
                name: name.into(),
                arguments: TaskCall::ToPython { parameter }.to_bytes(),
                dependencies: vec![key],
            }),
            options: TaskOptions::default(),
            held: true,
        };
        self.apply(Event::Submit(vec![conversion]));
        *python_key = Some(made.clone());
        made
    }
}

/// The error of a task that cannot be submitted for that of an input: a cancelled input was not wanted by somebody, and that
/// says nothing about this task, except why it cannot run.
fn inherited(key: Key, error: Error) -> Error {
    match error {
        Error::Cancelled { key: input, .. } => {
            Error::Cancelled { key, reason: format!("lost dependencies: `{input}`").into() }
        }
        error => error,
    }
}

/// A call as it travels, its key if that was chosen, and what it asks for.
type Prepared<T> = (Export<T>, Option<Key>, TaskOptions);

/// What a submission asks for, in the scheduler's words.
fn task_options(task: &str, options: &mut Options) -> Result<TaskOptions, Error> {
    let unknown = [
        (options.timeout.is_some(), "leave out `timeout`: Dask's scheduler ends no run by time"),
        (options.retry.allows.is_some(), "leave out `retry_if`: Dask's scheduler retries whatever fails"),
        (!options.retry.backoff.is_zero(), "leave out `backoff`: Dask's scheduler retries at once"),
        (options.deadline.is_some(), "leave out `deadline`, and bound the wait instead with `future.timeout(..)`"),
    ];
    if let Some((_, fix)) = unknown.iter().find(|(is_asked_for, _)| *is_asked_for) {
        return Err(Error::NotPortable { task: task.into(), fix: (*fix).into() });
    }
    if options.allow_other_workers && options.workers.is_empty() {
        return Err(Error::NoWorkers);
    }
    let amounts: BTreeMap<_, _> = sum_amounts(std::mem::take(&mut options.resources))?;
    let resources = amounts.into_iter().filter(|(_, amount)| *amount > 0.0);
    Ok(TaskOptions {
        priority: options.priority.into(),
        retries: options.retry.retries,
        workers: options.workers.clone(),
        allow_other_workers: options.allow_other_workers,
        resources: resources.map(|(name, amount)| (name.into(), amount)).collect(),
    })
}
