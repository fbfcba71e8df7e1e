//! A task of the local engine: its state, and beside it, typed, the call that it is and the value that it gives.

use std::future::poll_fn;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::Error;
use crate::engine::local::core::{Core, Ended};
use crate::engine::local::panics::{CatchUnwind, catch};
use crate::engine::local::release::{bury, drop_quietly};
use crate::engine::local::terms::Terms;
use crate::engine::local::trace::Trace;
use crate::engine::local::{Engine, Spawned};
use crate::task::{
    Arguments, BoxFuture, Call, Entry, Key, Outcome, Repeat, Scheduler, Stored, TaskFn, TypedEntry, Watch, WatchId,
    Watcher, Watchers, context,
};

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

    /// Drops the call, with its references on inputs, and the handle of a spawned task.
    fn drop_body(&self);

    /// Drops the value.
    fn drop_value(&self);
}

/// What a task is called and where it belongs.
pub(crate) struct About {
    pub(crate) engine: Arc<Engine>,
    /// Counts the engine's tasks.
    pub(crate) id: u64,
    /// The function's name.
    pub(crate) name: &'static str,
    /// Made when somebody asks: most tasks are never named.
    pub(crate) key: OnceLock<Key>,
    /// Whether the key was chosen and stands in the engine's table.
    pub(crate) is_keyed: bool,
    /// Where the task was submitted.
    pub(crate) location: &'static Location<'static>,
    /// Whether it runs on the runtime instead of on a thread of the engine.
    pub(crate) is_asynchronous: bool,
    pub(crate) trace: Trace,
    /// There only if it was submitted with options.
    pub(crate) terms: Option<Box<Terms>>,
}

impl About {
    pub(crate) fn key(&self) -> Key {
        let make = || match short_name(self.name) {
            // A program has many closures; the place tells them apart.
            "{{closure}}" => format!("closure@{}:{}-{}", file_name(self.location), self.location.line(), self.id),
            name => format!("{name}-{}", self.id),
        };
        self.key.get_or_init(|| make().into()).clone()
    }
}

/// The last word of a function's path, without its generic arguments.
fn short_name(path: &str) -> &str {
    let (mut depth, mut start) = (0_usize, 0);
    for (index, letter) in path.char_indices() {
        match letter {
            '<' => depth += 1,
            // Not the arrow of a function's type.
            '>' if !path[..index].ends_with('-') => depth = depth.saturating_sub(1),
            ':' if depth == 0 => start = index + 1,
            _ => {}
        }
    }
    let word = &path[start..];
    word.split('<').next().unwrap_or(word)
}

fn file_name(location: &'static Location<'static>) -> &'static str {
    location.file().rsplit(['/', '\\']).next().unwrap_or_default()
}

/// A task that calls an `F` with arguments that are kept as an `A`.
pub(crate) struct Task<T, F, A, Args> {
    core: Core,
    about: About,
    body: Mutex<Body<F, A>>,
    value: Mutex<Option<Stored<T>>>,
    /// Copies the arguments for another run, if there may be one.
    repeat: Option<Repeat<A>>,
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
    pub(crate) fn new(core: Core, about: About, value: Option<T>, repeat: Option<Repeat<A>>) -> Self {
        let value = Mutex::new(value.map(Stored::Owned));
        Self { core, about, body: Mutex::new(Body::Empty), value, repeat, args: PhantomData }
    }

    /// Puts the call in. A task that has failed meanwhile drops it again.
    pub(crate) fn set_call(&self, function: F, arguments: A) {
        let before = std::mem::replace(&mut *lock(&self.body), Body::Call(function, arguments));
        if let Body::Spawned(spawned) = before {
            // The run that is over, and that calls this.
            spawned.detach();
        }
        if self.core.outcome().is_some() {
            self.drop_body();
        }
    }

    fn take_call(&self) -> Option<(F, A)> {
        match std::mem::replace(&mut *lock(&self.body), Body::Empty) {
            Body::Call(function, arguments) => Some((function, arguments)),
            Body::Spawned(_) | Body::Empty => None,
        }
    }

    /// Makes the call. Arguments that another run may need are kept in `kept`.
    fn call(&self, function: &F, arguments: A, kept: &mut Option<A>) -> Result<Call<T>, Error> {
        let arguments = match self.repeat {
            Some(repeat) => repeat(kept.insert(arguments)),
            None => arguments,
        };
        Ok(function.call(arguments.take()?))
    }

    /// Ends a run: the task, or, if it erred and is to be tried again, only this run. Then the caller queues it after the
    /// delay that this gives, once all is given back that the run held.
    fn end_run(self: Arc<Self>, result: Result<T, Error>, call: Option<(F, A)>) -> Option<Duration> {
        let Some(terms) = &self.about.terms else {
            self.end(result);
            return None;
        };
        terms.stop_run_timer();
        let result = terms.run_timeout(&self.about).map_or(result, Err);
        let delay = result.as_ref().err().and_then(|error| terms.next_run(error));
        match (delay, call) {
            (Some(delay), Some((function, arguments))) if self.core.retry() => {
                self.set_call(function, arguments);
                Some(delay)
            }
            (_, call) => {
                drop_quietly(|| drop(call));
                self.end(result);
                None
            }
        }
    }

    /// How long the run of an asynchronous task may take.
    fn time_limit(&self) -> Option<(Duration, BoxFuture<()>)> {
        let after = self.about.terms.as_deref()?.options.timeout?;
        Some((after, self.about.engine.host.sleep(after)))
    }

    fn end(self: Arc<Self>, result: Result<T, Error>) {
        let outcome = match result {
            Ok(value) => {
                *lock(&self.value) = Some(Stored::Owned(value));
                Ok(())
            }
            Err(error) => Err(error),
        };
        let ended = self.core.finish(&outcome);
        if let Body::Spawned(spawned) = std::mem::replace(&mut *lock(&self.body), Body::Empty) {
            spawned.detach();
        }
        if ended.is_none() {
            self.drop_value();
        }
        if let Some(ended) = ended {
            self.about.trace.finished(&self.about, &outcome);
            if let Some(terms) = &self.about.terms {
                terms.stop();
            }
            settle(self, ended).notify(outcome);
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

/// Ends a task that has not ended with `error`, wherever it is. Its call is dropped, or told to stop.
pub(crate) fn fail(node: Arc<dyn Node>, error: &Error) {
    if let Some((watchers, outcome)) = fail_silently(node, error) {
        watchers.notify(outcome);
    }
}

/// As [`fail`], but hands back those who must be told.
fn fail_silently(node: Arc<dyn Node>, error: &Error) -> Option<(Watchers, Outcome)> {
    let ended = node.core().fail(error)?;
    let outcome = Err(error.clone());
    node.about().trace.finished(node.about(), &outcome);
    if let Some(terms) = &node.about().terms {
        terms.stop();
        if !ended.was_running {
            let engine = Arc::clone(&node.about().engine);
            engine.give_back_resources(&node);
        }
    }
    drop_quietly(|| node.drop_body());
    Some((settle(node, ended), outcome))
}

/// The error of a task whose input has none but `error`: the original one, not one of our own about a failed input. But
/// a cancelled input was not wanted by somebody; that says nothing about this task, except why it cannot run.
pub(crate) fn inherited(about: &About, error: &Error) -> Error {
    match error {
        Error::Cancelled { key, .. } if !about.engine.lifecycle.is_closing() => {
            Error::Cancelled { key: about.key(), reason: format!("lost dependencies: `{key}`").into() }
        }
        Error::Cancelled { reason, .. } => Error::Cancelled { key: about.key(), reason: Arc::clone(reason) },
        error => error.clone(),
    }
}

/// Gives up the engine's own handle of a task that has ended, and hands back its watchers.
fn settle(node: Arc<dyn Node>, ended: Ended) -> Watchers {
    if ended.detached && node.core().release() {
        bury(node);
    }
    ended.watchers
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
        let entered = self.about.trace.started();
        // Whatever runs of the user's runs in here: clones of inputs, the function, the drop of what it captured.
        let entered_task = context::enter(Arc::clone(&self) as Arc<dyn Entry>);
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
        self.end_run(result, call)
    }

    fn future(self: Arc<Self>) -> BoxFuture<Option<Duration>> {
        let unfinished = Unfinished(Some(Arc::clone(&self)));
        let call = self.take_call();
        Box::pin(async move {
            let (function, arguments) = call?;
            let mut kept = None;
            let called = {
                let _entered = self.about.trace.started();
                let _entered_task = context::enter(Arc::clone(&self) as Arc<dyn Entry>);
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
            self.end_run(result, call)
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
        if self.core.outcome().is_some() {
            self.drop_body();
        }
    }

    fn drop_body(&self) {
        let body = std::mem::replace(&mut *lock(&self.body), Body::Empty);
        drop(body);
    }

    fn drop_value(&self) {
        let value = lock(&self.value).take();
        drop_quietly(|| drop(value));
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

impl<T, F, A, Args> Watch for Task<T, F, A, Args>
where
    T: Send + Sync + 'static,
    F: TaskFn<Args, Output = T>,
    A: Arguments<Args>,
    Args: 'static,
{
    fn handle_outcome(self: Arc<Self>, _: usize, outcome: &Outcome) -> Option<(Watchers, Outcome)> {
        match outcome {
            Ok(()) => {
                if self.core.input_finished() {
                    let engine = Arc::clone(&self.about.engine);
                    engine.schedule(self);
                }
                None
            }
            Err(error) => {
                let error = inherited(&self.about, error);
                fail_silently(self, &error)
            }
        }
    }

    fn is_live(&self) -> bool {
        self.core.outcome().is_none()
    }
}

impl<T, F, A, Args> Entry for Task<T, F, A, Args>
where
    T: Send + Sync + 'static,
    F: TaskFn<Args, Output = T>,
    A: Arguments<Args>,
    Args: 'static,
{
    fn scheduler(&self) -> Arc<dyn Scheduler> {
        Arc::clone(&self.about.engine) as Arc<dyn Scheduler>
    }

    fn scheduler_id(&self) -> usize {
        self.about.engine.id()
    }

    fn id(&self) -> u64 {
        self.about.id
    }

    fn key(&self) -> Key {
        self.about.key()
    }

    fn outcome(&self) -> Option<Outcome> {
        self.core.outcome()
    }

    fn run_outcome(&self) -> Option<Outcome> {
        let outcome = self.core.outcome();
        outcome.or_else(|| self.about.terms.as_deref()?.run_timeout(&self.about).map(Err))
    }

    fn watch(&self, watcher: Watcher) -> Result<WatchId, Outcome> {
        self.core.watch(watcher)
    }

    fn rewatch(&self, id: WatchId, waker: &Waker) -> Option<Outcome> {
        self.core.rewatch(id, waker)
    }

    fn unwatch(&self, id: WatchId) {
        self.core.unwatch(id);
    }

    fn retain(&self) {
        self.core.retain();
    }

    fn spend_if_last(&self) -> bool {
        self.core.spend_if_last()
    }

    fn release(&self) -> bool {
        self.core.release()
    }

    fn bury(self: Arc<Self>) {
        bury(self);
    }

    fn cancel(self: Arc<Self>, reason: &str) {
        let error = Error::Cancelled { key: self.about.key(), reason: reason.into() };
        fail(self, &error);
    }

    fn detach(self: Arc<Self>) {
        if !self.core.detach() && self.core.release() {
            bury(self);
        }
    }

    fn help(self: Arc<Self>) {
        let engine = Arc::clone(&self.about.engine);
        engine.help(self);
    }
}

impl<T, F, A, Args> TypedEntry<T> for Task<T, F, A, Args>
where
    T: Send + Sync + 'static,
    F: TaskFn<Args, Output = T>,
    A: Arguments<Args>,
    Args: 'static,
{
    fn shared_value(&self) -> Option<Arc<T>> {
        let mut stored = lock(&self.value);
        let shared = stored.take()?.into_shared();
        *stored = Some(Stored::Shared(Arc::clone(&shared)));
        Some(shared)
    }

    fn take_value(&self) -> Option<Stored<T>> {
        let value = lock(&self.value).take();
        if self.about.is_keyed {
            self.about.engine.keys().forget(&self.about);
        }
        value
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Only moves happen under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_is_the_last_word_of_a_path() {
        assert_eq!(short_name("inc"), "inc");
        assert_eq!(short_name("demo::inc"), "inc");
        assert_eq!(short_name("demo::fib<anydask_smol::Smol>"), "fib");
        assert_eq!(short_name("demo::Setting<R>::occupy::{{closure}}"), "{{closure}}");
        assert_eq!(short_name("<demo::A as demo::B<fn(i64) -> i64>>::run"), "run");
    }
}
