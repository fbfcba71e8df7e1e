//! The terms of the tasks that have options: retries, time limits, priority and resources. A plain task has none, and
//! pays for none.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use crate::Error;
use crate::engine::local::Spawned;
use crate::engine::local::failing::fail;
use crate::engine::local::node::Node;
use crate::engine::local::panics::catch;
use crate::engine::local::parking::lock;
use crate::engine::local::release::quietly;
use crate::engine::local::story::Steps;
use crate::engine::local::timer::Timer;
use crate::task::{BoxFuture, Key, Options};

/// What a task was submitted with, and how far it has come with it.
pub(crate) struct Terms {
    pub(crate) options: Options,
    /// Counts the tasks that have terms: who was first.
    pub(crate) number: u64,
    /// Runs that have begun, in all attempts.
    runs: AtomicU32,
    /// Those of earlier attempts.
    earlier_runs: AtomicU32,
    /// The run whose time is over although its body goes on; 0 is none.
    out_of_time: AtomicU32,
    /// Whether it holds its resources.
    pub(crate) holds_resources: AtomicBool,
    /// What waits for a point in time on behalf of this task.
    run_timer: Timer,
    deadline_timer: Timer,
    unrunnable_timer: Timer,
    /// How often it has waited for resources that the engine did not have, and waits no more.
    lacked: AtomicU32,
    /// The errors of the latest runs that failed and were not the last, with their numbers, counted from 1.
    failures: Mutex<VecDeque<(u32, Error)>>,
}

impl Terms {
    pub(crate) fn new(options: Options, number: u64) -> Self {
        Self {
            options,
            number,
            runs: AtomicU32::new(0),
            earlier_runs: AtomicU32::new(0),
            out_of_time: AtomicU32::new(0),
            holds_resources: AtomicBool::new(false),
            run_timer: Timer::default(),
            deadline_timer: Timer::default(),
            unrunnable_timer: Timer::default(),
            lacked: AtomicU32::new(0),
            failures: Mutex::default(),
        }
    }

    /// A run begins. Gives its number.
    pub(crate) fn begin_run(&self) -> u32 {
        self.runs.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// The user has the failed task run again: it begins anew.
    pub(crate) fn begin_anew(&self) {
        // A timer of an earlier run must find that its run is over, so they are not counted from 0 again.
        self.earlier_runs.store(self.runs(), Ordering::Release);
    }

    /// Why a run failed that was not the last, if it is remembered.
    pub(crate) fn failure_of(&self, run: u32) -> Option<Error> {
        lock(&self.failures).iter().rfind(|(number, _)| *number == run).map(|(_, error)| error.clone())
    }

    fn remember(&self, error: &Error) {
        let mut failures = lock(&self.failures);
        failures.push_back((self.runs_of_attempt(), error.clone()));
        let forgotten = if failures.len() > Steps::KEPT { failures.pop_front() } else { None };
        drop(failures);
        // It may hold something of the user's.
        drop(forgotten);
    }

    /// How many runs of this attempt have begun.
    pub(crate) fn runs_of_attempt(&self) -> u32 {
        self.runs() - self.earlier_runs.load(Ordering::Acquire)
    }

    /// How many runs have begun, in all attempts.
    pub(crate) fn runs(&self) -> u32 {
        self.runs.load(Ordering::Acquire)
    }

    /// The error of the present run, if its time is over.
    pub(crate) fn run_timeout(&self, key: impl FnOnce() -> Key) -> Option<Error> {
        let after = self.options.timeout?;
        self.is_out_of_time().then(|| Error::RunTimeout { key: key(), after })
    }

    fn is_out_of_time(&self) -> bool {
        let runs = self.runs();
        runs > 0 && self.out_of_time.load(Ordering::Acquire) == runs
    }

    /// Whether the task is run once more if the present run errs.
    fn has_retries(&self) -> bool {
        self.runs_of_attempt() <= self.options.retry.retries
    }

    /// How long to wait before the task that erred is run again, if it is.
    pub(crate) fn next_run(&self, error: &Error) -> Option<Duration> {
        if !self.has_retries() || !is_worth_a_retry(error) {
            return None;
        }
        let allows = match &self.options.retry.allows {
            // A predicate that panics allows nothing.
            Some(allows) => quietly(|| allows(error)).unwrap_or(false),
            None => true,
        };
        if !allows {
            return None;
        }
        self.remember(error);
        Some(self.options.retry.delay(self.runs_of_attempt()))
    }

    /// The task has ended, or the run has: nobody waits for its time.
    pub(crate) fn stop_run_timer(&self) {
        self.run_timer.stop();
    }

    /// The task has ended.
    pub(crate) fn stop(&self) {
        self.stop_run_timer();
        self.stop_unrunnable_timer();
        self.deadline_timer.stop();
    }

    /// There may be enough of the resources now.
    pub(crate) fn stop_unrunnable_timer(&self) {
        // First: the runtime may drop what is stopped much later.
        self.lacked.fetch_add(1, Ordering::AcqRel);
        self.unrunnable_timer.stop();
    }
}

/// What a task itself failed with, not what was done to it.
fn is_worth_a_retry(error: &Error) -> bool {
    matches!(error, Error::Failed { .. } | Error::Panicked { .. } | Error::RunTimeout { .. })
}

/// Starts the deadline of a task that has been submitted.
pub(crate) fn start_deadline(node: &Arc<dyn Node>) {
    let Some(terms) = node.about().terms() else { return };
    let Some(after) = terms.options.deadline else { return };
    let ends = move |node: Arc<dyn Node>| {
        let error = Error::DeadlineExceeded { key: node.key(), after };
        fail(node, &error);
    };
    // The runtime may have no timers. Whoever submits is told of what is wrong by the future.
    let timer = catch(|| after_delay(node, after, ends));
    match timer {
        Ok(timer) => terms.deadline_timer.start(timer),
        Err(panic) => return fail(Arc::clone(node), &panic.into_error(node.key())),
    }
    if node.core().outcome().is_some() {
        terms.stop();
    }
}

/// Starts the time of a run of a CPU task. When it is over the task ends, though its body cannot be stopped; one that is
/// to be run again first waits for its body. It is part of the run, which fails if the runtime has no timers.
pub(crate) fn start_run_timer(node: &Arc<dyn Node>) {
    let Some(terms) = node.about().terms() else { return };
    let Some(after) = terms.options.timeout else { return };
    let run = terms.runs();
    let timer = after_delay(node, after, move |node| {
        let Some(terms) = node.about().terms() else { return };
        terms.out_of_time.store(run, Ordering::Release);
        if terms.is_out_of_time() && !terms.has_retries() {
            let error = Error::RunTimeout { key: node.key(), after };
            fail(node, &error);
        }
    });
    terms.run_timer.start(timer);
}

/// Has a task fail after a while that waits for resources that the engine does not have, unless it gets them; and at once
/// if the runtime goes away meanwhile, since nobody would count the time.
pub(crate) fn start_unrunnable_timer(node: &Arc<dyn Node>, after: Duration, error: Error) {
    let Some(terms) = node.about().terms() else { return };
    let lacking = Lacking(Some((Arc::downgrade(node), terms.lacked.load(Ordering::Acquire))));
    let ends = move |node: Arc<dyn Node>| {
        lacking.defuse();
        if node.about().engine().resources.forget_unrunnable(&node) {
            fail(node, &error);
        }
    };
    // A runtime that has no timers drops `lacking`, and the task fails.
    let Some(timer) = quietly(|| after_delay(node, after, ends)) else { return };
    terms.unrunnable_timer.start(timer);
    // Whoever ended it meanwhile may have looked for it before it was there.
    if node.core().outcome().is_some() {
        node.about().engine().resources.forget_unrunnable(node);
        terms.stop();
    }
}

/// Has `node` queued after a delay. Ends it if the runtime goes away meanwhile.
pub(crate) fn requeue_after(node: Arc<dyn Node>, delay: Duration) {
    let engine = Arc::clone(node.about().engine());
    let attempt = node.core().attempt();
    if delay.is_zero() {
        if node.core().input_finished(attempt) {
            engine.schedule(node);
        }
        return;
    }
    let Some(terms) = node.about().terms() else { return };
    let run = terms.runs();
    let mut waiting = Waiting(Some(Arc::clone(&node)));
    let start = move || {
        let sleep = engine.host.sleep(delay);
        engine.host.spawn(Box::pin(async move {
            sleep.await;
            if let Some(node) = waiting.0.take()
                && node.core().input_finished(attempt)
            {
                let engine = Arc::clone(node.about().engine());
                engine.schedule(node);
            }
        }))
    };
    // A runtime that has no timers drops `waiting`, and the task fails.
    let Some(timer) = quietly(start) else { return };
    // Else the delay was over before its timer was here. What is here belongs to the next run.
    if let Some(timer) = terms.run_timer.start_if(|| terms.runs() == run, timer) {
        timer.detach();
    }
    if node.core().outcome().is_some() {
        terms.stop();
    }
}

/// A task that waits for its next run. Its timer is dropped when it ends, or with the runtime.
struct Waiting(Option<Arc<dyn Node>>);

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(node) = self.0.take() {
            let error = Error::RuntimeGone { key: node.key() };
            fail(node, &error);
        }
    }
}

/// A task that waits for resources that the engine does not have, and for the how many-th time. Its timer is dropped when it
/// gets them or ends, or with the runtime.
struct Lacking(Option<(Weak<dyn Node>, u32)>);

impl Lacking {
    fn defuse(mut self) {
        self.0 = None;
    }
}

impl Drop for Lacking {
    fn drop(&mut self) {
        let Some((node, lacked)) = self.0.take() else { return };
        if let Some(node) = node.upgrade()
            && node.about().terms().is_some_and(|terms| terms.lacked.load(Ordering::Acquire) == lacked)
            && node.about().engine().resources.forget_unrunnable(&node)
        {
            let error = Error::RuntimeGone { key: node.key() };
            fail(node, &error);
        }
    }
}

fn after_delay(
    node: &Arc<dyn Node>,
    delay: Duration,
    then: impl FnOnce(Arc<dyn Node>) + Send + 'static,
) -> Box<dyn Spawned> {
    // Weak: a timer keeps no task alive.
    let weak = Arc::downgrade(node);
    let host = &node.about().engine().host;
    let sleep: BoxFuture<()> = host.sleep(delay);
    host.spawn(Box::pin(async move {
        sleep.await;
        if let Some(node) = weak.upgrade() {
            then(node);
        }
    }))
}
