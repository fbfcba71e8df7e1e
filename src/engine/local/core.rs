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
//! `Memory` and `Erred` are final, so a future resolves once, unless its user has a failed task run again, or restarts
//! the engine. A late result finds its task resolved and is dropped. The state says nothing about values: they sit
//! beside it, typed (`node.rs`).

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::Error;
use crate::engine::local::story::{Step, Steps};
use crate::task::{Outcome, TaskState, WatchId, Watcher, Watchers};

/// Where a task is in its life.
#[derive(Debug)]
enum Phase {
    /// Some inputs have not finished.
    Waiting,
    /// In a queue. One that is no longer wanted stays there, erred, and is passed over.
    Ready,
    /// A thread, or the runtime, has it.
    Running,
    /// It has a value.
    Memory,
    /// It has none and will have none.
    Erred(Error),
}

/// The state of one task, without its value.
#[derive(Debug)]
pub(crate) struct Core {
    state: Mutex<State>,
    /// Inputs that have not finished, and one for the submit itself until it has looked at all of them; above them, in
    /// the upper half, how often the user had the task run again.
    missing: AtomicU64,
    /// Handles: futures, and arguments of other tasks.
    handles: AtomicUsize,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    watchers: Watchers,
    /// Whether the engine holds a handle until the task has ended.
    detached: bool,
    steps: Steps,
}

/// Where the count of attempts begins in `Core::missing`.
const ATTEMPT_SHIFT: u32 = 32;

/// The rest of it: a task has fewer than 2^32 inputs, since each takes memory.
const MISSING_MASK: u64 = (1 << ATTEMPT_SHIFT) - 1;

impl Core {
    /// A task that is being submitted, with one handle.
    pub(crate) fn waiting() -> Self {
        Self::new(Phase::Waiting, Step::Submitted)
    }

    /// A task that has its value already, with one handle.
    pub(crate) fn memory() -> Self {
        Self::new(Phase::Memory, Step::Scattered)
    }

    /// A task that could not be submitted, with one handle.
    pub(crate) fn erred(error: Error) -> Self {
        Self::new(Phase::Erred(error), Step::Erred)
    }

    fn new(phase: Phase, step: Step) -> Self {
        let mut steps = Steps::default();
        steps.push(step);
        Self {
            state: Mutex::new(State { phase, watchers: Watchers::default(), detached: false, steps }),
            missing: AtomicU64::new(1),
            handles: AtomicUsize::new(1),
        }
    }

    // --- transitions ---------------------------------------------------------------------------------------------

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
        if counted.map(|missing| missing & MISSING_MASK) != Ok(1) {
            return false;
        }
        let mut state = self.lock();
        let ready = matches!(state.phase, Phase::Waiting);
        if ready {
            state.enter(Phase::Ready, Step::Ready);
        }
        ready
    }

    /// Takes a ready task to run it. False if somebody else has it, or nobody wants it.
    pub(crate) fn start(&self) -> bool {
        let mut state = self.lock();
        let start = matches!(state.phase, Phase::Ready);
        if start {
            state.enter(Phase::Running, Step::Started);
        }
        start
    }

    /// Ends the attempt of a running task. `None` if it was cancelled meanwhile; then its value must be dropped.
    ///
    /// The value must be in place before.
    pub(crate) fn finish(&self, attempt: usize, outcome: &Outcome) -> Option<Ended> {
        // Attempts change only under the lock.
        self.end(outcome, |phase| matches!(phase, Phase::Running) && attempt == self.attempt())
    }

    /// Takes a running task back, so that it waits for its next run: [`input_finished`](Self::input_finished) makes it
    /// ready. False if it was cancelled meanwhile.
    pub(crate) fn rerun(&self, attempt: usize) -> bool {
        self.wait_again(Step::Rerun, 0, |phase| matches!(phase, Phase::Running) && attempt == self.attempt())
    }

    /// Takes a failed task back, so that it waits for its inputs once more, as one that is being submitted. False if
    /// somebody else did, or it has not failed.
    pub(crate) fn retry(&self) -> bool {
        self.wait_again(Step::Retried, 1, |phase| matches!(phase, Phase::Erred(error) if error.is_failure()))
    }

    fn wait_again(&self, step: Step, attempts: u64, from: impl FnOnce(&Phase) -> bool) -> bool {
        let mut state = self.lock();
        let again = from(&state.phase);
        if again {
            let attempt = (self.missing.load(Ordering::Relaxed) >> ATTEMPT_SHIFT) + attempts;
            self.missing.store(attempt << ATTEMPT_SHIFT | 1, Ordering::Release);
            state.enter(Phase::Waiting, step);
        }
        again
    }

    /// Ends a task that has not ended, and takes the value from one that has, as if it had been cancelled.
    pub(crate) fn restart(&self, error: &Error) -> Ended {
        let mut state = self.lock();
        state.end(&Err(error.clone()))
    }

    /// Ends what has not ended, wherever it is. `None` if it has.
    pub(crate) fn conclude(&self, outcome: &Outcome) -> Option<Ended> {
        self.end(outcome, |_| true)
    }

    /// Ends a task that has not ended, wherever it is. `None` if it has.
    pub(crate) fn fail(&self, error: &Error) -> Option<Ended> {
        self.conclude(&Err(error.clone()))
    }

    fn end(&self, outcome: &Outcome, from: impl FnOnce(&Phase) -> bool) -> Option<Ended> {
        let mut state = self.lock();
        if matches!(state.phase, Phase::Memory | Phase::Erred(_)) || !from(&state.phase) {
            return None;
        }
        Some(state.end(outcome))
    }

    /// Notes that a ready task waits for resources.
    pub(crate) fn constrain(&self) {
        self.lock().steps.push(Step::Constrained);
    }

    /// Notes that a task that waited for resources has them.
    pub(crate) fn grant(&self) {
        self.lock().steps.push(Step::Ready);
    }

    // --- looking and watching ------------------------------------------------------------------------------------

    /// How the task ended, if it has.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        self.lock().outcome()
    }

    /// Whether the task is in a queue, or waits for resources.
    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.lock().phase, Phase::Ready)
    }

    /// The state in Dask's words. One that is ready and waits for resources is told apart by its terms.
    pub(crate) fn task_state(&self) -> TaskState {
        match &self.lock().phase {
            Phase::Waiting => TaskState::Waiting,
            Phase::Ready => TaskState::Ready,
            Phase::Running => TaskState::Running,
            Phase::Memory => TaskState::Memory,
            Phase::Erred(error) if error.is_cancelled() => TaskState::Cancelled,
            Phase::Erred(_) => TaskState::Erred,
        }
    }

    /// What has happened to the task.
    pub(crate) fn steps(&self) -> Steps {
        self.lock().steps
    }

    /// Whether the engine holds a handle of it.
    pub(crate) fn is_detached(&self) -> bool {
        self.lock().detached
    }

    pub(crate) fn watch(&self, watcher: Watcher) -> Result<WatchId, Outcome> {
        let mut dead = Vec::new();
        let mut state = self.lock();
        let watched = match state.outcome() {
            Some(outcome) => Err(outcome),
            None => Ok(state.watchers.insert(watcher, &mut dead)),
        };
        drop(state);
        drop(dead);
        watched
    }

    pub(crate) fn rewatch(&self, id: WatchId, waker: &Waker) -> Result<WatchId, Outcome> {
        let mut dead = Vec::new();
        let mut state = self.lock();
        let watched = match state.outcome() {
            Some(outcome) => Err(outcome),
            None => Ok(state.watchers.update(id, waker, &mut dead)),
        };
        drop(state);
        drop(dead);
        watched
    }

    pub(crate) fn unwatch(&self, id: WatchId) {
        let mut state = self.lock();
        // A watcher of a task that has ended was taken when it did, and the ids with it.
        let removed = if state.outcome().is_none() { state.watchers.remove(id) } else { None };
        drop(state);
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
        let mut state = self.lock();
        if state.outcome().is_some() {
            return false;
        }
        if state.detached {
            // One is enough. The other cannot be the last.
            self.handles.fetch_sub(1, Ordering::AcqRel);
        }
        state.detached = true;
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing of the user's runs under the lock, and nothing of ours panics there; a poisoned lock still holds a
        // whole state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn enter(&mut self, phase: Phase, step: Step) {
        self.phase = phase;
        self.steps.push(step);
    }

    fn end(&mut self, outcome: &Outcome) -> Ended {
        let was_running = matches!(self.phase, Phase::Running);
        match outcome {
            Ok(()) => self.enter(Phase::Memory, Step::Finished),
            Err(error) if error.is_cancelled() => self.enter(Phase::Erred(error.clone()), Step::Cancelled),
            Err(error) => self.enter(Phase::Erred(error.clone()), Step::Erred),
        }
        let watchers = self.watchers.take();
        Ended { watchers, detached: std::mem::take(&mut self.detached), was_running }
    }

    fn outcome(&self) -> Option<Outcome> {
        match &self.phase {
            Phase::Memory => Some(Ok(())),
            Phase::Erred(error) => Some(Err(error.clone())),
            Phase::Waiting | Phase::Ready | Phase::Running => None,
        }
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
    /// Whether a body of it may still run.
    pub(crate) was_running: bool,
}
