//! The runs of a task: on a thread of the engine, or on the runtime.

use std::mem::{needs_drop, replace, take};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

use crate::Error;
use crate::engine::local::asynchronous::Presence;
use crate::engine::local::core::Ended;
use crate::engine::local::failing::{fail, leave_body, settle};
use crate::engine::local::node::{Held, Node, Slot, Task};
use crate::engine::local::panics::{CatchUnwind, catch};
use crate::engine::local::release::drop_quietly;
use crate::engine::local::terms::{requeue_after, start_run_timer};
use crate::engine::local::worker::sharing;
use crate::task::{Arguments, BoxFuture, Call, Entry, Failure, Outcome, Stored, TaskFn, context};

impl<T, F, A, Args> Task<T, F, A, Args>
where
    T: Send + Sync + 'static,
    F: TaskFn<Args, Output = T>,
    A: Arguments<Args>,
    Args: 'static,
{
    /// Runs the task on this thread, if it is ready, and ends it; or has it queued for its next run.
    pub(super) fn run_on_thread(self: Arc<Self>) {
        match self.core.start(Slot::take_call) {
            Some(Some((function, arguments))) => self.run_body(function, arguments),
            Some(None) => leave_body(&(Arc::clone(&self) as Arc<dyn Node>)),
            None => self.about.engine().pass_over(&(Arc::clone(&self) as Arc<dyn Node>)),
        }
        self.about.client().lifecycle.handle_exit();
    }

    fn run_body(self: &Arc<Self>, function: F, arguments: A) {
        let attempt = self.core.attempt();
        let entered_task = context::enter(Arc::clone(self) as Arc<dyn Entry>, false);
        let mut kept = None;
        // Whatever runs of the user's runs in here: clones of inputs, and the function; and the timer of the runtime, which may
        // have none.
        let result = catch(|| {
            let _entered = self.about.trace().started();
            if let Some(terms) = self.about.terms() {
                terms.begin_run();
                start_run_timer(&(Arc::clone(self) as Arc<dyn Node>));
            }
            match self.call(&function, arguments, &mut kept)? {
                Call::Returned(result) => result.map_err(|source| self.failed(source)),
                Call::Future(_) => unreachable!("an asynchronous task is spawned, not run"),
            }
        });
        let result = result.unwrap_or_else(|panic| Err(panic.into_error(self.key())));
        let call = rest_of(function, kept);
        drop(entered_task);
        match result {
            // The end of the body and that of the task are one step.
            Ok(value) if self.about.is_plain() => self.end_with(attempt, true, value, call),
            result => {
                let node = Arc::clone(self) as Arc<dyn Node>;
                leave_body(&node);
                if let Some(delay) = self.end_run(attempt, result, call) {
                    requeue_after(node, delay);
                }
            }
        }
    }

    /// What a started asynchronous task does. It is one allocation, so whatever it needs is in it once.
    pub(super) fn run_on_runtime(self: Arc<Self>, presence: Presence) -> BoxFuture<()> {
        let unfinished = Unfinished(Some(Arc::clone(&self)));
        // Now, since the place of the call is that of the handle. One that is never polled is dropped before its presence.
        let body = Body { call: self.core.slot(Slot::take_call), presence };
        Box::pin(async move {
            let Body { call, mut presence } = body;
            let Some((function, arguments)) = call else { return };
            let attempt = self.core.attempt();
            let mut kept = None;
            let called = {
                let _entered_task = context::enter(Arc::clone(&self) as Arc<dyn Entry>, true);
                catch(|| {
                    let _entered = self.about.trace().started();
                    Ok((self.call(&function, arguments, &mut kept)?, self.time_limit()))
                })
            };
            let call = rest_of(function, kept);
            let result = match called.unwrap_or_else(|panic| Err(panic.into_error(self.key()))) {
                Err(error) => Err(error),
                Ok((Call::Returned(result), _)) => result.map_err(|source| self.failed(source)),
                Ok((Call::Future(future), sleep)) => {
                    let body = CatchUnwind::new(self.about.trace().instrument(future));
                    let body = context::InContext::new(Arc::clone(&self) as Arc<dyn Entry>, body);
                    match (Within { future: body, sleep }).await {
                        Err(after) => Err(Error::RunTimeout { key: self.key(), after }),
                        Ok(Err(panic)) => Err(panic.into_error(self.key())),
                        Ok(Ok(result)) => result.map_err(|source| self.failed(source)),
                    }
                }
            };
            presence.leave();
            unfinished.defuse();
            let again = self.end_run(attempt, result, call);
            drop(presence);
            // The next run takes its resources anew, so this one must have given them back.
            if let Some(delay) = again {
                requeue_after(self, delay);
            }
        })
    }

    /// Makes the call. Arguments that another run may need are kept in `kept`.
    fn call(&self, function: &F, arguments: A, kept: &mut Option<A>) -> Result<Call<T>, Error> {
        let arguments = match self.about.repeat::<A>() {
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
        Error::NotRepeatable { key: self.key() }
    }

    /// Ends a run: the task, or, if it erred and is to be tried again, only this run. Then the caller queues it after the
    /// delay that this gives, once all is given back that the run held.
    pub(super) fn end_run(
        self: &Arc<Self>,
        attempt: usize,
        result: Result<T, Error>,
        call: Option<(F, A)>,
    ) -> Option<Duration> {
        let mut result = result;
        if let Some(terms) = self.about.terms() {
            terms.stop_run_timer();
            if let Some(late) = terms.run_timeout(|| self.key()) {
                let dropped = replace(&mut result, Err(late));
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
        match result {
            Ok(value) => self.end_with(attempt, false, value, call),
            Err(error) => self.end_without(attempt, error, call),
        }
        None
    }

    /// Ends the task with its value; and its body, if that is not over yet.
    fn end_with(self: &Arc<Self>, attempt: usize, ends_body: bool, value: T, call: Option<(F, A)>) {
        let mut value = Some(value);
        let put = |slot: &mut Slot<T, F, A>| {
            let held = value.take().map_or(Held::Nothing, |value| Held::Value(Stored::Owned(value)));
            replace(slot, Slot::Held(held))
        };
        let Some((ended, before)) = self.core.finish(attempt, ends_body, put) else {
            drop_quietly(|| drop(value));
            // It may have been retried by now, or may be.
            return self.keep_call(call);
        };
        match before {
            Slot::Held(Held::Nothing) => {}
            // Lets the future go on that calls this: it has all but ended.
            Slot::Held(Held::Spawned(spawned)) => spawned.detach(),
            other => drop_quietly(|| drop(other)),
        }
        if call.is_some() && needs_drop::<(F, A)>() {
            sharing(|| self.tell(ended, Ok(())));
            drop_quietly(|| drop(call));
        } else {
            self.tell(ended, Ok(()));
        }
    }

    /// Ends the task with an error.
    fn end_without(self: &Arc<Self>, attempt: usize, error: Error, call: Option<(F, A)>) {
        // First: once the call is back the user may have the task run again, and the handle here is that of the next run.
        self.detach_spawned();
        // The call of a failed task is kept, since the user may have it run again: before anybody hears of the failure.
        self.keep_call(call);
        if let Some(ended) = self.core.err(attempt, &error) {
            self.tell(ended, Err(error));
        }
    }

    fn tell(self: &Arc<Self>, ended: Ended, outcome: Outcome) {
        if !self.about.is_plain() {
            self.about.trace().finished(|| self.key(), &outcome);
            if let Some(terms) = self.about.terms() {
                terms.stop();
            }
        }
        // Looked at here as well: a reference on the task is not for nothing.
        let watchers =
            if ended.detached { settle(&(Arc::clone(self) as Arc<dyn Node>), ended) } else { ended.watchers };
        // One is told, and nothing else happens; or a waker comes after a task that is made ready.
        if watchers.are_several() { sharing(|| watchers.notify(outcome)) } else { watchers.notify(outcome) }
    }

    fn keep_call(&self, call: Option<(F, A)>) {
        if let Some((function, arguments)) = call {
            drop_quietly(|| self.set_call(function, arguments));
        }
    }

    /// How long the run of an asynchronous task may take.
    fn time_limit(&self) -> Option<(Duration, BoxFuture<()>)> {
        let after = self.about.terms()?.options.timeout?;
        Some((after, self.about.engine().host.sleep(after)))
    }

    /// Lets the future go on that calls this: it has all but ended.
    fn detach_spawned(&self) {
        let spawned = self.core.slot(|slot| match slot {
            Slot::Held(Held::Spawned(_)) => take(slot),
            Slot::Call(..) | Slot::Held(Held::Nothing | Held::Value(_)) => Slot::default(),
        });
        if let Slot::Held(Held::Spawned(spawned)) = spawned {
            spawned.detach();
        }
    }

    pub(super) fn failed(&self, source: Failure) -> Error {
        // A task that hands on the error of a task that it waited for fails with that error, as one that depends on it.
        match source.downcast::<Error>() {
            Ok(error) => *error,
            Err(source) => Error::Failed { key: self.key(), source: source.into() },
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
            let error = Error::RuntimeGone { key: node.key() };
            fail(node, &error);
        }
    }
}
