//! A task of the local engine: its state, and beside it, typed, the call that it is and the value that it gives.

use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Poll;
use std::time::Duration;

use crate::Error;
use crate::engine::local::Spawned;
use crate::engine::local::about::About;
use crate::engine::local::core::Core;
use crate::engine::local::failing::{fail, inherited, settle};
use crate::engine::local::panics::{CatchUnwind, catch};
use crate::engine::local::release::drop_quietly;
use crate::engine::local::table::Row;
use crate::engine::local::terms::start_deadline;
use crate::task::{Arguments, BoxFuture, Call, Entry, Repeat, Stored, TaskFn, Watch, Watcher, context, plain};

/// A task of any type.
pub(crate) trait Node: Entry + Watch {
    fn core(&self) -> &Core;

    fn about(&self) -> &About;

    /// Runs the started task on this thread and ends it; or gives the delay after which it is to be queued for its next
    /// run.
    fn run(self: Arc<Self>) -> Option<Duration>;

    /// What a started asynchronous task does: as [`run`](Self::run). Ends it, also when it is dropped before it is done.
    fn future(self: Arc<Self>) -> BoxFuture<Option<Duration>>;

    /// Keeps the handle of the spawned `run` of an asynchronous task; dropping it aborts.
    fn keep(&self, run: u32, spawned: Box<dyn Spawned>);

    /// Drops the handle of a spawned task, and, if the task has ended for good, the call with its references on inputs.
    fn drop_body(&self, for_good: bool);

    /// Drops the value.
    fn drop_value(&self);

    /// How much memory the value takes, in bytes, if there is one.
    fn nbytes(&self) -> Option<u64>;
}

/// A task that calls an `F` with arguments that are kept as an `A`.
pub(crate) struct Task<T, F, A, Args> {
    pub(super) core: Core,
    pub(super) about: About,
    body: Mutex<Body<F, A>>,
    pub(super) value: Mutex<Option<Stored<T>>>,
    /// Copies the arguments for another run, if there may be one.
    repeat: Option<Repeat<A>>,
    /// Where it stands in the table of the engine, if it does.
    row: Option<Row>,
    args: PhantomData<fn(Args)>,
}

/// What there is of a task before it has ended.
enum Body<F, A> {
    /// The call, until it is made.
    Call(F, A),
    /// The handle of an asynchronous task that runs.
    Spawned(Box<dyn Spawned>),
    /// Nothing: not yet, or no longer.
    Empty,
}

impl<T, F, A, Args> Task<T, F, A, Args>
where
    T: Send + Sync + 'static,
    F: TaskFn<Args, Output = T>,
    A: Arguments<Args>,
    Args: 'static,
{
    /// A task of the table.
    pub(crate) fn new(core: Core, about: About, value: Option<T>, repeat: Option<Repeat<A>>) -> Arc<Self> {
        Arc::new_cyclic(|node: &Weak<Self>| {
            let row = about.engine().tasks.insert(Weak::clone(node) as Weak<dyn Node>);
            Self::with_row(core, about, value, repeat, Some(row))
        })
    }

    /// A task that was refused and stands nowhere.
    pub(crate) fn refused(about: About, error: Error) -> Arc<Self> {
        Arc::new(Self::with_row(Core::erred(error), about, None, None, None))
    }

    fn with_row(core: Core, about: About, value: Option<T>, repeat: Option<Repeat<A>>, row: Option<Row>) -> Self {
        let value = Mutex::new(value.map(Stored::Owned));
        Self { core, about, body: Mutex::new(Body::Empty), value, repeat, row, args: PhantomData }
    }

    /// Registers a task with its inputs, and queues it if they have all finished.
    pub(crate) fn enter(self: Arc<Self>, function: F, arguments: A) {
        let attempt = self.core.attempt();
        let mut failed = None;
        arguments.visit(&mut |input| {
            let input = input.entry();
            if failed.is_some() {
                return;
            }
            if input.scheduler_id() != self.about.client.id() {
                failed = Some(Error::ForeignFuture { key: input.key() });
                return;
            }
            self.core.add_missing();
            match input.watch(Watcher::Object(Arc::clone(&self) as Arc<dyn Watch>, attempt)) {
                Ok(_) => {}
                // Never the last: the submit itself counts as one.
                Err(Ok(())) => _ = self.core.input_finished(attempt),
                Err(Err(error)) => failed = Some(inherited(&self.about, &error)),
            }
        });
        self.set_call(function, arguments);
        if self.about.terms.is_some() {
            start_deadline(&(Arc::clone(&self) as Arc<dyn Node>));
        }
        if let Some(error) = failed {
            fail(self, &error);
        } else if self.core.input_finished(attempt) {
            let engine = Arc::clone(self.about.engine());
            engine.schedule(self);
        }
    }

    /// Puts the call in. A task that has ended for good meanwhile drops it again.
    pub(crate) fn set_call(&self, function: F, arguments: A) {
        let before = std::mem::replace(&mut *lock(&self.body), Body::Call(function, arguments));
        if let Body::Spawned(spawned) = before {
            // The run that is over, and that calls this.
            spawned.detach();
        }
        self.drop_body_if_ended();
    }

    fn drop_body_if_ended(&self) {
        if let Some(outcome) = self.core.outcome() {
            let is_failure = matches!(outcome, Err(error) if error.is_failure());
            self.drop_body(!is_failure || !self.core.has_handles());
        }
    }

    pub(super) fn has_call(&self) -> bool {
        matches!(*lock(&self.body), Body::Call(..))
    }

    /// The tasks whose results the call takes.
    pub(super) fn inputs_of_call(&self) -> Vec<Arc<dyn Entry>> {
        let mut inputs = Vec::new();
        if let Body::Call(_, arguments) = &*lock(&self.body) {
            arguments.visit(&mut |input| inputs.push(input.shared_entry()));
        }
        inputs
    }

    pub(super) fn take_call(&self) -> Option<(F, A)> {
        match std::mem::replace(&mut *lock(&self.body), Body::Empty) {
            Body::Call(function, arguments) => Some((function, arguments)),
            Body::Spawned(_) | Body::Empty => None,
        }
    }

    /// Makes the call. Arguments that another run may need are kept in `kept`.
    fn call(&self, function: &F, arguments: A, kept: &mut Option<A>) -> Result<Call<T>, Error> {
        let arguments = match self.repeat {
            Some(repeat) => repeat(kept.insert(arguments)).ok_or_else(|| self.not_repeatable())?,
            None => {
                // No arguments at all cost nothing to keep.
                *kept = if size_of::<A>() == 0 { arguments.again() } else { None };
                arguments
            }
        };
        Ok(function.call(arguments.take()?))
    }

    fn not_repeatable(&self) -> Error {
        Error::NotRepeatable { key: self.about.key() }
    }

    /// Ends a run: the task, or, if it erred and is to be tried again, only this run. Then the caller queues it after the
    /// delay that this gives, once all is given back that the run held.
    fn end_run(self: Arc<Self>, attempt: usize, result: Result<T, Error>, call: Option<(F, A)>) -> Option<Duration> {
        let mut result = result;
        if let Some(terms) = &self.about.terms {
            terms.stop_run_timer();
            result = terms.run_timeout(&self.about).map_or(result, Err);
            let delay = result.as_ref().err().and_then(|error| terms.next_run(error));
            if let Some(delay) = delay
                && call.is_some()
                && self.core.rerun(attempt)
            {
                self.keep_call(call);
                return Some(delay);
            }
        }
        // The call of a failed task is kept, since the user may have it run again: before anybody hears of the failure,
        // but after the value of a run that came too late has gone.
        if result.is_err() {
            self.keep_call(call);
            self.end(attempt, result);
        } else {
            let late = Arc::clone(&self).end(attempt, result);
            if late { self.keep_call(call) } else { drop_quietly(|| drop(call)) }
        }
        None
    }

    fn keep_call(&self, call: Option<(F, A)>) {
        if let Some((function, arguments)) = call {
            drop_quietly(|| self.set_call(function, arguments));
        }
    }

    /// How long the run of an asynchronous task may take.
    fn time_limit(&self) -> Option<(Duration, BoxFuture<()>)> {
        let after = self.about.terms.as_deref()?.options.timeout?;
        Some((after, self.about.engine().host.sleep(after)))
    }

    /// Ends the task. True if it had ended before.
    fn end(self: Arc<Self>, attempt: usize, result: Result<T, Error>) -> bool {
        let has_value = result.is_ok();
        let outcome = result.map(|value| *lock(&self.value) = Some(Stored::Owned(value)));
        let ended = self.core.finish(attempt, &outcome);
        self.detach_spawned();
        let Some(ended) = ended else {
            if has_value {
                self.drop_value();
            }
            return true;
        };
        self.about.trace.finished(&self.about, &outcome);
        if let Some(terms) = &self.about.terms {
            terms.stop();
        }
        settle(self, ended).notify(outcome);
        false
    }

    /// Lets the future go on that calls this: it has all but ended.
    fn detach_spawned(&self) {
        let mut body = lock(&self.body);
        if matches!(*body, Body::Spawned(_))
            && let Body::Spawned(spawned) = std::mem::replace(&mut *body, Body::Empty)
        {
            drop(body);
            spawned.detach();
        }
    }

    fn failed(&self, source: crate::task::Failure) -> Error {
        // A task that hands on the error of a task that it waited for fails with that error, as one that depends on it.
        match source.downcast::<Error>() {
            Ok(error) => *error,
            Err(source) => Error::Failed { key: self.about.key(), source: source.into() },
        }
    }
}

/// What is left of a call that has been made: all of it, if there may be another run.
fn rest_of<F, A>(function: F, kept: Option<A>) -> Option<(F, A)> {
    match kept {
        Some(arguments) => Some((function, arguments)),
        None => {
            drop_quietly(|| drop(function));
            None
        }
    }
}

/// The output of `future`, or none if `sleep` is over first. The output wins when both are.
async fn within<F: Future>(future: F, mut sleep: BoxFuture<()>) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => sleep.as_mut().poll(cx).map(|()| None),
    })
    .await
}

impl<T, F, A, Args> Node for Task<T, F, A, Args>
where
    T: Send + Sync + 'static,
    F: TaskFn<Args, Output = T>,
    A: Arguments<Args>,
    Args: 'static,
{
    fn core(&self) -> &Core {
        &self.core
    }

    fn about(&self) -> &About {
        &self.about
    }

    fn run(self: Arc<Self>) -> Option<Duration> {
        let (function, arguments) = self.take_call()?;
        let attempt = self.core.attempt();
        let entered = self.about.trace.started();
        // Whatever runs of the user's runs in here: clones of inputs, the function, the drop of what it captured.
        let entered_task = context::enter(Arc::clone(&self) as Arc<dyn Entry>, false);
        let mut kept = None;
        // Whatever runs of the user's runs in here: clones of inputs, and the function.
        let result = catch(|| match self.call(&function, arguments, &mut kept)? {
            Call::Returned(result) => result.map_err(|source| self.failed(source)),
            Call::Future(_) => unreachable!("an asynchronous task is spawned, not run"),
        });
        let result = result.unwrap_or_else(|panic| Err(panic.into_error(self.about.key())));
        let call = rest_of(function, kept);
        drop(entered_task);
        drop(entered);
        self.end_run(attempt, result, call)
    }

    fn future(self: Arc<Self>) -> BoxFuture<Option<Duration>> {
        let unfinished = Unfinished(Some(Arc::clone(&self)));
        let call = self.take_call();
        Box::pin(async move {
            let (function, arguments) = call?;
            let attempt = self.core.attempt();
            let mut kept = None;
            let called = {
                let _entered = self.about.trace.started();
                let _entered_task = context::enter(Arc::clone(&self) as Arc<dyn Entry>, true);
                catch(|| self.call(&function, arguments, &mut kept))
            };
            let call = rest_of(function, kept);
            let task = Arc::clone(&self);
            let body = async move {
                match called.unwrap_or_else(|panic| Err(panic.into_error(task.about.key())))? {
                    Call::Returned(result) => result,
                    Call::Future(future) => future.await,
                }
                .map_err(|source| task.failed(source))
            };
            let body = CatchUnwind::new(self.about.trace.instrument(body));
            let body = context::InContext::new(Arc::clone(&self) as Arc<dyn Entry>, body);
            let result = match self.time_limit() {
                Some((after, sleep)) => {
                    let late = || Ok(Err(Error::RunTimeout { key: self.about.key(), after }));
                    within(body, sleep).await.unwrap_or_else(late)
                }
                None => body.await,
            };
            let result = result.unwrap_or_else(|panic| Err(panic.into_error(self.about.key())));
            unfinished.defuse();
            self.end_run(attempt, result, call)
        })
    }

    fn keep(&self, run: u32, spawned: Box<dyn Spawned>) {
        let mut body = lock(&self.body);
        let is_latest = self.about.terms.as_deref().is_none_or(|terms| terms.runs() == run);
        if !is_latest || matches!(*body, Body::Call(..)) {
            // It was over before its handle was here. What there is now belongs to the next run.
            drop(body);
            return spawned.detach();
        }
        *body = Body::Spawned(spawned);
        drop(body);
        self.drop_body_if_ended();
    }

    fn drop_body(&self, for_good: bool) {
        let mut body = lock(&self.body);
        if for_good || matches!(*body, Body::Spawned(_)) {
            let dropped = std::mem::replace(&mut *body, Body::Empty);
            drop(body);
            drop(dropped);
        }
    }

    fn drop_value(&self) {
        let value = lock(&self.value).take();
        drop_quietly(|| drop(value));
    }

    fn nbytes(&self) -> Option<u64> {
        match lock(&self.value).as_ref()? {
            Stored::Owned(value) => Some(plain::nbytes(value)),
            Stored::Shared(value) => Some(plain::nbytes(&**value)),
        }
    }
}

impl<T, F, A, Args> Drop for Task<T, F, A, Args> {
    fn drop(&mut self) {
        if let Some(row) = self.row {
            self.about.engine().tasks.remove(row);
        }
    }
}

/// An asynchronous task whose future is dropped before it is done has lost its runtime, unless it was cancelled.
struct Unfinished<N: Node + 'static>(Option<Arc<N>>);

impl<N: Node> Unfinished<N> {
    fn defuse(mut self) {
        self.0 = None;
    }
}

impl<N: Node> Drop for Unfinished<N> {
    fn drop(&mut self) {
        if let Some(node) = self.0.take() {
            let error = Error::RuntimeGone { key: node.about().key() };
            fail(node, &error);
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Only moves happen under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
