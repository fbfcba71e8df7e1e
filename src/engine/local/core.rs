//! A task's state machine. This is the one file that changes a task's phase: read it from top to bottom and you know the
//! life of a task, whoever drives it.
//!
//! ```text
//!      ┌────────────────────────────(retry)────────────────────────────┐
//!      ▼                                                               │
//!   Waiting ──(last input finished)──▶ Ready ──(a thread takes it)──▶ Running ──▶ Memory
//!      │                                 │                               │
//!      └── input failed, cancelled, ─────┴── cancelled, closed ──────────┴──▶ Erred
//!          closed
//! ```
//!
//! A phase only ever moves to the right, but for a retry. `Memory` and `Erred` are final, so a future resolves once; a late result finds
//! its task resolved and is dropped. The state says nothing about values: they sit beside it, typed (`node.rs`).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::Error;
use crate::task::{Outcome, WatchId, Watcher, Watchers};

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
    /// Inputs that have not finished, and one for the submit itself until it has looked at all of them.
    missing: AtomicUsize,
    /// Handles: futures, and arguments of other tasks.
    handles: AtomicUsize,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    watchers: Watchers,
    /// Whether the engine holds a handle until the task has ended.
    detached: bool,
}

impl Core {
    /// A task that is being submitted, with one handle.
    pub(crate) fn waiting() -> Self {
        Self::new(Phase::Waiting)
    }

    /// A task that has its value already, with one handle.
    pub(crate) fn memory() -> Self {
        Self::new(Phase::Memory)
    }

    /// A task that could not be submitted, with one handle.
    pub(crate) fn erred(error: Error) -> Self {
        Self::new(Phase::Erred(error))
    }

    fn new(phase: Phase) -> Self {
        Self {
            state: Mutex::new(State { phase, watchers: Watchers::default(), detached: false }),
            missing: AtomicUsize::new(1),
            handles: AtomicUsize::new(1),
        }
    }

    // --- transitions ---------------------------------------------------------------------------------------------

    /// Counts an input that has not finished.
    pub(crate) fn add_missing(&self) {
        self.missing.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an input that has finished, or the end of the submit. True when it was the last: the task is ready
    /// and the caller must queue it.
    pub(crate) fn input_finished(&self) -> bool {
        // Acquire: whoever makes the task ready sees what all others have written of the inputs.
        if self.missing.fetch_sub(1, Ordering::AcqRel) != 1 {
            return false;
        }
        let mut state = self.lock();
        let ready = matches!(state.phase, Phase::Waiting);
        if ready {
            state.phase = Phase::Ready;
        }
        ready
    }

    /// Takes a ready task to run it. False if somebody else has it, or nobody wants it.
    pub(crate) fn start(&self) -> bool {
        let mut state = self.lock();
        let start = matches!(state.phase, Phase::Ready);
        if start {
            state.phase = Phase::Running;
        }
        start
    }

    /// Ends a running task. `None` if it was cancelled meanwhile; then its value must be dropped.
    ///
    /// The value must be in place before.
    pub(crate) fn finish(&self, outcome: &Outcome) -> Option<Ended> {
        self.end(outcome, |phase| matches!(phase, Phase::Running))
    }

    /// Takes a running task back, so that it waits for its next run: [`input_finished`](Self::input_finished) makes it
    /// ready. False if it was cancelled meanwhile.
    pub(crate) fn retry(&self) -> bool {
        let mut state = self.lock();
        let retry = matches!(state.phase, Phase::Running);
        if retry {
            self.missing.store(1, Ordering::Release);
            state.phase = Phase::Waiting;
        }
        retry
    }

    /// Ends a task that has not ended, wherever it is. `None` if it has.
    pub(crate) fn fail(&self, error: &Error) -> Option<Ended> {
        self.end(&Err(error.clone()), |_| true)
    }

    fn end(&self, outcome: &Outcome, from: impl FnOnce(&Phase) -> bool) -> Option<Ended> {
        let mut state = self.lock();
        if matches!(state.phase, Phase::Memory | Phase::Erred(_)) || !from(&state.phase) {
            return None;
        }
        let was_running = matches!(state.phase, Phase::Running);
        state.phase = match outcome {
            Ok(()) => Phase::Memory,
            Err(error) => Phase::Erred(error.clone()),
        };
        let watchers = std::mem::take(&mut state.watchers);
        Some(Ended { watchers, detached: std::mem::take(&mut state.detached), was_running })
    }

    // --- looking and watching ------------------------------------------------------------------------------------

    /// How the task ended, if it has.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        self.lock().outcome()
    }

    /// Whether the task is in a queue.
    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.lock().phase, Phase::Ready)
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

    pub(crate) fn rewatch(&self, id: WatchId, waker: &Waker) -> Option<Outcome> {
        let mut state = self.lock();
        let outcome = state.outcome();
        let replaced = if outcome.is_none() { state.watchers.update(id, waker) } else { None };
        drop(state);
        drop(replaced);
        outcome
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
