//! A task's state machine. This is the one file that changes a task's phase: read it from top to bottom and you know the
//! life of a task, whoever drives it.
//!
//! ```text
//!      ┌────────────────────────────(retry)────────────────────────────┐
//!      ▼                                                               │
//!   Waiting ──(last input finished)──▶ Ready ──(a thread takes it)──▶ Running ──▶ Memory
//!      ▲                                 │                               │           │ (restart)
//!      │── input failed, cancelled, ─────┴── cancelled, closed ──────────┴─────▶ Erred ◀┘
//!      │   closed                                                                  │
//!      └────────────────────────────(retried by the user)──────────────────────────┘
//! ```
//!
//! The phase is the last of the steps that the task has made (`story.rs`), so that one word holds both, and one operation
//! on it is a transition. What comes with an end, the watchers and the error, is under a lock.
//!
//! `Memory` and `Erred` are final, so a future resolves once, unless its user has a failed task run again, or restarts
//! the engine. A late result finds its task resolved and is dropped. The state says nothing about values: they sit
//! beside it, typed (`node.rs`).

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::Error;
use crate::engine::local::story::{Phase, Step, Steps};
use crate::task::{Outcome, TaskState, WatchId, Watcher, Watchers};

/// The state of one task, without its value.
#[derive(Debug)]
pub(crate) struct Core {
    /// The steps that it has made; the last is its phase.
    steps: AtomicU64,
    /// Inputs that have not finished, and one for the submit itself until it has looked at all of them; above them, in
    /// the upper half, how often the user had the task run again.
    missing: AtomicU64,
    /// Handles: futures, and arguments of other tasks.
    handles: AtomicUsize,
    rest: Mutex<Rest>,
}

/// What is told at the end.
#[derive(Debug, Default)]
struct Rest {
    watchers: Watchers,
    /// There in the phase `Erred`.
    error: Option<Box<Error>>,
    /// Whether the engine holds a handle until the task has ended.
    detached: bool,
}

/// Where the count of attempts begins in `Core::missing`.
const ATTEMPT_SHIFT: u32 = 32;

/// The rest of it: a task has fewer than 2^32 inputs, since each takes memory.
const MISSING_MASK: u64 = (1 << ATTEMPT_SHIFT) - 1;

impl Core {
    /// A task that is being submitted, with one handle.
    pub(crate) fn waiting() -> Self {
        Self::new(&[Step::Submitted], None)
    }

    /// A task that is submitted without inputs, with one handle. The caller must queue it.
    pub(crate) fn ready() -> Self {
        Self::new(&[Step::Submitted, Step::Ready], None)
    }

    /// A task that has its value already, with one handle.
    pub(crate) fn memory() -> Self {
        Self::new(&[Step::Scattered], None)
    }

    /// A task that could not be submitted, with one handle.
    pub(crate) fn erred(error: Error) -> Self {
        Self::new(&[Step::Erred], Some(Box::new(error)))
    }

    /// A task that has made these steps already, as one of many, with its handles.
    pub(crate) fn singled_out(made: &[Step], handles: usize) -> Self {
        Self { handles: AtomicUsize::new(handles), ..Self::new(made, None) }
    }

    fn new(made: &[Step], error: Option<Box<Error>>) -> Self {
        let steps = made.iter().fold(Steps::default(), |steps, step| steps.and(*step));
        Self {
            steps: AtomicU64::new(steps.bits()),
            missing: AtomicU64::new(1),
            handles: AtomicUsize::new(1),
            rest: Mutex::new(Rest { error, ..Rest::default() }),
        }
    }

    // --- transitions ---------------------------------------------------------------------------------------------

    /// Makes a step, if the phase allows it.
    fn step(&self, step: Step, from: impl Fn(Phase) -> bool) -> Option<Phase> {
        // Acquire and release: whoever makes the next step sees what was written before this one.
        let made = self.steps.fetch_update(Ordering::AcqRel, Ordering::Acquire, |bits| {
            let steps = Steps::of_bits(bits);
            from(steps.phase()).then(|| steps.and(step).bits())
        });
        made.ok().map(|bits| Steps::of_bits(bits).phase())
    }

    fn phase(&self) -> Phase {
        self.steps().phase()
    }

    /// Counts an input that has not finished.
    pub(crate) fn add_missing(&self) {
        self.missing.fetch_add(1, Ordering::Relaxed);
    }

    /// Which time this is that the task waits for its inputs. An input that was watched the time before does not count.
    pub(crate) fn attempt(&self) -> usize {
        (self.missing.load(Ordering::Acquire) >> ATTEMPT_SHIFT) as usize
    }

    /// Counts an input that has finished, or the end of the submit. True when it was the last: the task is ready
    /// and the caller must queue it.
    pub(crate) fn input_finished(&self, attempt: usize) -> bool {
        // Acquire: whoever makes the task ready sees what all others have written of the inputs.
        let counted = self.missing.fetch_update(Ordering::AcqRel, Ordering::Acquire, |missing| {
            (missing >> ATTEMPT_SHIFT == attempt as u64).then(|| missing - 1)
        });
        let is_last = counted.map(|missing| missing & MISSING_MASK) == Ok(1);
        is_last && self.step(Step::Ready, |phase| phase == Phase::Waiting).is_some()
    }

    /// Takes a ready task to run it. False if somebody else has it, or nobody wants it.
    pub(crate) fn start(&self) -> bool {
        self.step(Step::Started, |phase| phase == Phase::Ready).is_some()
    }

    /// Ends the attempt of a running task. `None` if it was cancelled meanwhile; then its value must be dropped.
    ///
    /// The value must be in place before.
    pub(crate) fn finish(&self, attempt: usize, outcome: &Outcome) -> Option<Ended> {
        self.end(outcome, Some(attempt), |phase| phase == Phase::Running)
    }

    /// Takes a running task back, so that it waits for its next run: [`input_finished`](Self::input_finished) makes it
    /// ready. False if it was cancelled meanwhile.
    pub(crate) fn rerun(&self, attempt: usize) -> bool {
        let rest = self.lock();
        let again = self.phase() == Phase::Running && attempt == self.attempt();
        if again {
            self.wait_again(Step::Rerun, attempt);
        }
        drop(rest);
        again
    }

    /// Takes a failed task back, so that it waits for its inputs once more, as one that is being submitted. False if
    /// somebody else did, or it has not failed.
    pub(crate) fn retry(&self) -> bool {
        let mut rest = self.lock();
        let again = self.phase() == Phase::Erred && rest.error.as_deref().is_some_and(Error::is_failure);
        if again {
            self.wait_again(Step::Retried, self.attempt() + 1);
        }
        let error = if again { rest.error.take() } else { None };
        drop(rest);
        // It may hold something of the user's.
        drop(error);
        again
    }

    /// The lock is held, and nobody leaves the phases that this is called in without it. Nobody counts inputs in them.
    fn wait_again(&self, step: Step, attempt: usize) {
        self.missing.store((attempt as u64) << ATTEMPT_SHIFT | 1, Ordering::Release);
        self.step(step, |_| true);
    }

    /// Ends a task that has not ended, and takes the value from one that has, as if it had been cancelled.
    pub(crate) fn restart(&self, error: &Error) -> Ended {
        let mut rest = self.lock();
        let before = self.step(Step::Cancelled, |_| true);
        rest.end(&Err(error.clone()), before, self.attempt())
    }

    /// Ends what has not ended, wherever it is; if an attempt is given, only in this one. `None` if it has.
    pub(crate) fn conclude(&self, outcome: &Outcome, attempt: Option<usize>) -> Option<Ended> {
        self.end(outcome, attempt, |phase| !phase.is_final())
    }

    fn end(&self, outcome: &Outcome, attempt: Option<usize>, from: impl Fn(Phase) -> bool) -> Option<Ended> {
        let step = match outcome {
            Ok(()) => Step::Finished,
            Err(error) if error.is_cancelled() => Step::Cancelled,
            Err(_) => Step::Erred,
        };
        let mut rest = self.lock();
        // Attempts change only under the lock.
        let now = self.attempt();
        if attempt.is_some_and(|attempt| attempt != now) {
            return None;
        }
        let before = self.step(step, from)?;
        Some(rest.end(outcome, Some(before), now))
    }

    /// Notes that a ready task waits for resources.
    pub(crate) fn constrain(&self) {
        self.step(Step::Constrained, |phase| phase == Phase::Ready);
    }

    /// Notes that a task that waited for resources has them.
    pub(crate) fn grant(&self) {
        self.step(Step::Ready, |phase| phase == Phase::Ready);
    }

    // --- looking and watching ------------------------------------------------------------------------------------

    /// How the task ended, if it has.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        match self.phase() {
            Phase::Waiting | Phase::Ready | Phase::Running => None,
            Phase::Memory => Some(Ok(())),
            Phase::Erred => self.outcome_of(&self.lock()),
        }
    }

    fn outcome_of(&self, rest: &Rest) -> Option<Outcome> {
        match self.phase() {
            Phase::Waiting | Phase::Ready | Phase::Running => None,
            Phase::Memory => Some(Ok(())),
            Phase::Erred => rest.error.as_deref().cloned().map(Err),
        }
    }

    /// Whether the task has ended, in whichever way.
    pub(crate) fn is_done(&self) -> bool {
        self.phase().is_final()
    }

    /// Whether the task is in a queue, or waits for resources.
    pub(crate) fn is_ready(&self) -> bool {
        self.phase() == Phase::Ready
    }

    /// What it does, in Dask's words.
    pub(crate) fn task_state(&self) -> TaskState {
        self.steps().state()
    }

    /// What has happened to the task.
    pub(crate) fn steps(&self) -> Steps {
        Steps::of_bits(self.steps.load(Ordering::Acquire))
    }

    /// Whether the engine holds a handle of it.
    pub(crate) fn is_detached(&self) -> bool {
        self.lock().detached
    }

    pub(crate) fn watch(&self, watcher: Watcher) -> Result<WatchId, Outcome> {
        // Most that are looked at late have their value.
        if self.phase() == Phase::Memory {
            return Err(Ok(()));
        }
        let mut dead = Vec::new();
        let mut rest = self.lock();
        let watched = match self.outcome_of(&rest) {
            Some(outcome) => Err(outcome),
            None => Ok(rest.watchers.insert(watcher, &mut dead)),
        };
        drop(rest);
        drop(dead);
        watched
    }

    pub(crate) fn rewatch(&self, id: WatchId, waker: &Waker) -> Result<WatchId, Outcome> {
        let mut dead = Vec::new();
        let mut rest = self.lock();
        let watched = match self.outcome_of(&rest) {
            Some(outcome) => Err(outcome),
            None => Ok(rest.watchers.update(id, waker, &mut dead)),
        };
        drop(rest);
        drop(dead);
        watched
    }

    pub(crate) fn unwatch(&self, id: WatchId) {
        let mut rest = self.lock();
        // A watcher of a task that has ended was taken when it did, and the ids with it.
        let removed = if self.is_done() { None } else { rest.watchers.remove(id) };
        drop(rest);
        // Dropping a waker may run code of the user's executor: not under the lock.
        drop(removed);
    }

    // --- handles -------------------------------------------------------------------------------------------------

    pub(crate) fn retain(&self) {
        self.handles.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds a handle to a task that still has one.
    pub(crate) fn retain_if_held(&self) -> bool {
        self.handles.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n > 0).then_some(n + 1)).is_ok()
    }

    /// Whether somebody holds the task.
    pub(crate) fn has_handles(&self) -> bool {
        self.handles.load(Ordering::Acquire) > 0
    }

    /// Gives up the last handle. False, and nothing done, if there are others.
    pub(crate) fn spend_if_last(&self) -> bool {
        self.handles.compare_exchange(1, 0, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Gives up a handle. True if it was the last.
    pub(crate) fn release(&self) -> bool {
        self.handles.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Lets the engine hold the caller's handle until the task ends. False if it has ended: then the caller gives
    /// the handle up itself.
    pub(crate) fn detach(&self) -> bool {
        let mut rest = self.lock();
        if self.is_done() {
            return false;
        }
        if rest.detached {
            // One is enough. The other cannot be the last.
            self.handles.fetch_sub(1, Ordering::AcqRel);
        }
        rest.detached = true;
        true
    }

    fn lock(&self) -> MutexGuard<'_, Rest> {
        // Nothing of the user's runs under the lock, and nothing of ours panics there; a poisoned lock still holds a
        // whole state.
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rest {
    /// The lock is held since before the step, so that nobody sees the one without the other.
    fn end(&mut self, outcome: &Outcome, before: Option<Phase>, attempt: usize) -> Ended {
        // One that is there belongs to a task that is restarted; it is told once more.
        self.error = outcome.as_ref().err().cloned().map(Box::new);
        let watchers = self.watchers.take();
        let was_queued = matches!(before, Some(Phase::Waiting | Phase::Ready));
        Ended { watchers, detached: std::mem::take(&mut self.detached), was_queued, attempt }
    }
}

/// What a task leaves when it ends.
#[derive(Debug)]
#[must_use = "those who wait must hear of it"]
pub(crate) struct Ended {
    /// Who must be told.
    pub(crate) watchers: Watchers,
    /// Whether a handle that the engine held must be given up.
    pub(crate) detached: bool,
    /// Whether no body of it had begun.
    pub(crate) was_queued: bool,
    /// Which attempt has ended.
    pub(crate) attempt: usize,
}
