//! The runs of a task: on a thread of the engine, or on the runtime.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

use crate::Error;
use crate::engine::local::asynchronous::Presence;
use crate::engine::local::failing::{fail, leave_body, settle};
use crate::engine::local::node::{Node, Slot, Task, lock};
use crate::engine::local::panics::{CatchUnwind, catch};
use crate::engine::local::release::drop_quietly;
use crate::engine::local::terms::requeue_after;
use crate::task::{Arguments, BoxFuture, Call, Entry, Failure, Stored, TaskFn, context};

impl<T, F, A, Args> Task<T, F, A, Args>
where
    T: Send + Sync + 'static,
    F: TaskFn<Args, Output = T>,
    A: Arguments<Args>,
    Args: 'static,
{
    /// Runs the started task on this thread and ends it; or gives the delay after which it is to be queued for its next
    /// run.
    pub(super) fn run_on_thread(self: Arc<Self>) -> Option<Duration> {
        let Some((function, arguments)) = self.take_call() else {
            leave_body(&(self as Arc<dyn Node>));
            return None;
        };
        let attempt = self.core.attempt();
        let entered = self.about.trace.started();
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
        leave_body(&(Arc::clone(&self) as Arc<dyn Node>));
        self.end_run(attempt, result, call)
    }

    /// What a started asynchronous task does. It is one allocation, so whatever it needs is in it once.
    pub(super) fn run_on_runtime(self: Arc<Self>, presence: Presence) -> BoxFuture<()> {
        let unfinished = Unfinished(Some(Arc::clone(&self)));
        // Now, since the place of the call is that of the handle. One that is never polled is dropped before its presence.
        let body = Body { call: self.take_call(), presence };
        Box::pin(async move {
            let Body { call, mut presence } = body;
            let Some((function, arguments)) = call else { return };
            let attempt = self.core.attempt();
            let mut kept = None;
            let called = {
                let _entered = self.about.trace.started();
                let _entered_task = context::enter(Arc::clone(&self) as Arc<dyn Entry>, true);
                catch(|| self.call(&function, arguments, &mut kept))
            };
            let call = rest_of(function, kept);
            let result = match called.unwrap_or_else(|panic| Err(panic.into_error(self.about.key()))) {
                Err(error) => Err(error),
                Ok(Call::Returned(result)) => result.map_err(|source| self.failed(source)),
                Ok(Call::Future(future)) => {
                    let body = CatchUnwind::new(self.about.trace.instrument(future));
                    let body = context::InContext::new(Arc::clone(&self) as Arc<dyn Entry>, body);
                    match (Within { future: body, sleep: self.time_limit() }).await {
                        Err(after) => Err(Error::RunTimeout { key: self.about.key(), after }),
                        Ok(Err(panic)) => Err(panic.into_error(self.about.key())),
                        Ok(Ok(result)) => result.map_err(|source| self.failed(source)),
                    }
                }
            };
            presence.leave();
            unfinished.defuse();
            let again = Arc::clone(&self).end_run(attempt, result, call);
            drop(presence);
            // The next run takes its resources anew, so this one must have given them back.
            if let Some(delay) = again {
                requeue_after(self, delay);
            }
        })
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
    pub(super) fn end_run(
        self: Arc<Self>,
        attempt: usize,
        result: Result<T, Error>,
        call: Option<(F, A)>,
    ) -> Option<Duration> {
        let mut result = result;
        if let Some(terms) = &self.about.terms {
            terms.stop_run_timer();
            if let Some(late) = terms.run_timeout(&self.about) {
                let dropped = std::mem::replace(&mut result, Err(late));
                drop_quietly(|| drop(dropped));
            }
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
        let outcome = match result {
            Ok(value) => {
                self.replace_spawned(Slot::Value(Stored::Owned(value)));
                Ok(())
            }
            Err(error) => {
                self.detach_spawned();
                Err(error)
            }
        };
        let Some(ended) = self.core.finish(attempt, &outcome) else {
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
        if matches!(*lock(&self.slot), Slot::Spawned(_)) {
            self.replace_spawned(Slot::Empty);
        }
    }

    fn replace_spawned(&self, with: Slot<T, F, A>) {
        let before = std::mem::replace(&mut *lock(&self.slot), with);
        match before {
            Slot::Empty => {}
            Slot::Spawned(spawned) => spawned.detach(),
            other => drop_quietly(|| drop(other)),
        }
    }

    pub(super) fn failed(&self, source: Failure) -> Error {
        // A task that hands on the error of a task that it waited for fails with that error, as one that depends on it.
        match source.downcast::<Error>() {
            Ok(error) => *error,
            Err(source) => Error::Failed { key: self.about.key(), source: source.into() },
        }
    }
}

/// What an asynchronous run begins with.
struct Body<F, A> {
    call: Option<(F, A)>,
    presence: Presence,
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

pin_project! {
    /// The output of a future, or the time that it was given if that is over first. The output wins when both are.
    struct Within<F> {
        #[pin]
        future: F,
        sleep: Option<(Duration, BoxFuture<()>)>,
    }
}

impl<F: Future> Future for Within<F> {
    type Output = Result<F::Output, Duration>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        match this.sleep {
            Some((after, sleep)) => sleep.as_mut().poll(cx).map(|()| Err(*after)),
            None => Poll::Pending,
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
