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
//! on it is a transition. What comes with an end, and the slot with the call and then the value, are under one lock: who
//! runs a task takes it once to begin and once to end.
//!
//! `Memory` and `Erred` are final, so a future resolves once, unless its user has a failed task run again, or restarts
//! the engine. A late result finds its task resolved and is dropped. The state knows nothing of what is in the slot
//! (`node.rs`).

use std::mem::{replace, take};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::Error;
use crate::engine::local::handles::Handles;
use crate::engine::local::story::{Phase, Step, Steps};
use crate::task::{Outcome, TaskState, WatchId, Watcher, Watchers};

/// The state of one task, and a slot for its call and its value, whatever they are. Every task has one, so it is small.
pub(crate) struct Core<S: ?Sized = dyn Send> {
    /// The steps that it has made; the last is its phase.
    steps: AtomicU64,
    /// Inputs that have not finished, and one for the submit itself until it has looked at all of them; above them, in
    /// the upper half, how often the user had the task run again.
    missing: AtomicU64,
    handles: Handles,
    /// How many bodies of it are on threads, or futures on the runtime. A cancelled one may still run when the next attempt
    /// begins. Each holds a thread, or is about to be dropped by the runtime: there are fewer than 2^16. Changed under
    /// the lock only.
    bodies: AtomicU16,
    /// Whether the engine holds a handle until the task has ended. Changed under the lock only.
    is_detached: AtomicBool,
    /// Which task of its lease it is. The state does not need it, but has room for it.
    index: u8,
    rest: Mutex<Rest<S>>,
}

struct Rest<S: ?Sized> {
    hearers: Hearers,
    slot: S,
}

/// Who is to hear of the end, and then what there was to hear.
enum Hearers {
    /// None in the phase `Memory`.
    Waiting(Watchers),
    /// In the phase `Erred`.
    Told(Box<Error>),
}

/// Where the count of attempts begins in `Core::missing`.
const ATTEMPT_SHIFT: u32 = 32;

/// The rest of it: a task has fewer than 2^32 inputs, since each takes memory.
const MISSING_MASK: u64 = (1 << ATTEMPT_SHIFT) - 1;

impl<S> Core<S> {
    /// A task that is being submitted and waits for `inputs`, with one handle.
    pub(crate) fn waiting(inputs: usize, index: u8, slot: S) -> Self {
        let core = Self::new(&[Step::Submitted], index, slot, Hearers::default());
        Self { missing: AtomicU64::new(1 + inputs as u64), ..core }
    }

    /// A task that is submitted without inputs, with one handle. The caller must queue it.
    pub(crate) fn ready(index: u8, slot: S) -> Self {
        Self::new(&[Step::Submitted, Step::Ready], index, slot, Hearers::default())
    }

    /// A task that has its value already, with one handle.
    pub(crate) fn memory(index: u8, slot: S) -> Self {
        Self::new(&[Step::Scattered], index, slot, Hearers::default())
    }

    /// A task that could not be submitted, with one handle.
    pub(crate) fn erred(index: u8, slot: S, error: Error) -> Self {
        Self::new(&[Step::Erred], index, slot, Hearers::Told(Box::new(error)))
    }

    /// A task that has made these steps already, as one of many, with its handles. If it runs, it has a body.
    pub(crate) fn singled_out(made: &[Step], index: u8, slot: S, handles: u32) -> Self {
        let core = Self::new(made, index, slot, Hearers::default());
        let bodies = u16::from(core.phase() == Phase::Running);
        Self { handles: Handles::several(handles), bodies: AtomicU16::new(bodies), ..core }
    }

    #[inline]
    fn new(made: &[Step], index: u8, slot: S, hearers: Hearers) -> Self {
        let steps = made.iter().fold(Steps::default(), |steps, step| steps.and(*step));
        Self {
            steps: AtomicU64::new(steps.bits()),
            missing: AtomicU64::new(1),
            handles: Handles::one(),
            bodies: AtomicU16::new(0),
            is_detached: AtomicBool::new(false),
            index,
            rest: Mutex::new(Rest { hearers, slot }),
        }
    }
}

impl<S: ?Sized> Core<S> {
    // --- transitions ---------------------------------------------------------------------------------------------

    /// Makes a step, if the phase allows it.
    #[inline]
    fn step(&self, step: Step, from: impl Fn(Phase) -> bool) -> Option<Phase> {
        // Acquire and release: whoever makes the next step sees what was written before this one.
        let made = self.steps.fetch_update(Ordering::AcqRel, Ordering::Acquire, |bits| {
            let steps = Steps::of_bits(bits);
            from(steps.phase()).then(|| steps.and(step).bits())
        });
        made.ok().map(|bits| Steps::of_bits(bits).phase())
    }

    #[inline]
    fn phase(&self) -> Phase {
        self.steps().phase()
    }

    /// Counts inputs that have not finished, of a task that was taken back.
    pub(crate) fn add_missing(&self, inputs: usize) {
        self.missing.fetch_add(inputs as u64, Ordering::Relaxed);
    }

    /// Which time this is that the task waits for its inputs. An input that was watched the time before does not count.
    #[inline]
    pub(crate) fn attempt(&self) -> usize {
        (self.missing.load(Ordering::Acquire) >> ATTEMPT_SHIFT) as usize
    }

    /// Counts an input that has finished, or the end of the submit. True when it was the last: the task is ready
    /// and the caller must queue it.
    pub(crate) fn input_finished(&self, attempt: usize) -> bool {
        self.inputs_finished(attempt, 1)
    }

    /// The same for several at once.
    #[inline]
    pub(crate) fn inputs_finished(&self, attempt: usize, count: usize) -> bool {
        let count = count as u64;
        // Acquire: whoever makes the task ready sees what all others have written of the inputs.
        let counted = self.missing.fetch_update(Ordering::AcqRel, Ordering::Acquire, |missing| {
            (missing >> ATTEMPT_SHIFT == attempt as u64).then(|| missing - count)
        });
        let is_last = counted.map(|missing| missing & MISSING_MASK) == Ok(count);
        is_last && self.step(Step::Ready, |phase| phase == Phase::Waiting).is_some()
    }

    /// Takes a ready task to run it, and what `begin` takes of its slot. A body begins: [`leave`](Self::leave), or
    /// [`finish`](Self::finish), must follow. `None` if somebody else has it, or nobody wants it.
    #[inline]
    pub(crate) fn start<R>(&self, begin: impl FnOnce(&mut S) -> R) -> Option<R> {
        let mut rest = self.lock();
        let steps = self.steps();
        if steps.phase() != Phase::Ready {
            return None;
        }
        // No operation that compares: nobody makes a step from this phase without the lock.
        self.steps.store(steps.and(Step::Started).bits(), Ordering::Release);
        self.bodies.store(self.bodies.load(Ordering::Relaxed) + 1, Ordering::Release);
        Some(begin(&mut rest.slot))
    }

    /// A body is over, whatever came of it.
    pub(crate) fn leave(&self) {
        let rest = self.lock();
        self.leave_locked();
        drop(rest);
    }

    #[inline]
    fn leave_locked(&self) {
        self.bodies.store(self.bodies.load(Ordering::Relaxed) - 1, Ordering::Release);
    }

    /// Ends the attempt of a running task with the value that `put` puts into the slot; and its body, if that is not
    /// over yet. `None` if it was cancelled meanwhile: then nothing was put.
    #[inline]
    pub(crate) fn finish<R>(
        &self,
        attempt: usize,
        ends_body: bool,
        put: impl FnOnce(&mut S) -> R,
    ) -> Option<(Ended, R)> {
        let mut rest = self.lock();
        if ends_body {
            self.leave_locked();
        }
        let steps = self.steps();
        // Attempts change only under the lock.
        if steps.phase() != Phase::Running || attempt != self.attempt() {
            return None;
        }
        let before = put(&mut rest.slot);
        // No operation that compares: nobody leaves this phase without the lock.
        self.steps.store(steps.and(Step::Finished).bits(), Ordering::Release);
        Some((self.ended(&mut rest.hearers, None, Some(Phase::Running), attempt), before))
    }

    /// Ends the attempt of a running task with an error. `None` if it was cancelled meanwhile.
    pub(crate) fn err(&self, attempt: usize, error: &Error) -> Option<Ended> {
        self.end(error, Some(attempt), |phase| phase == Phase::Running)
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
        let has_failed = matches!(&rest.hearers, Hearers::Told(error) if error.is_failure());
        let again = self.phase() == Phase::Erred && has_failed;
        let told = if again {
            self.wait_again(Step::Retried, self.attempt() + 1);
            take(&mut rest.hearers)
        } else {
            Hearers::default()
        };
        drop(rest);
        // It may hold something of the user's.
        drop(told);
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
        self.ended(&mut rest.hearers, Some(error), before, self.attempt())
    }

    /// Ends what has not ended, wherever it is; if an attempt is given, only in this one. `None` if it has.
    pub(crate) fn conclude(&self, outcome: &Outcome, attempt: Option<usize>) -> Option<Ended> {
        match outcome {
            Err(error) => self.end(error, attempt, |phase| !phase.is_final()),
            Ok(()) => {
                let mut rest = self.lock();
                let now = self.attempt();
                if attempt.is_some_and(|attempt| attempt != now) {
                    return None;
                }
                let before = self.step(Step::Finished, |phase| !phase.is_final())?;
                Some(self.ended(&mut rest.hearers, None, Some(before), now))
            }
        }
    }

    fn end(&self, error: &Error, attempt: Option<usize>, from: impl Fn(Phase) -> bool) -> Option<Ended> {
        let step = if error.is_cancelled() { Step::Cancelled } else { Step::Erred };
        let mut rest = self.lock();
        let now = self.attempt();
        if attempt.is_some_and(|attempt| attempt != now) {
            return None;
        }
        let before = self.step(step, from)?;
        Some(self.ended(&mut rest.hearers, Some(error), Some(before), now))
    }

    /// The lock is held since before the step, so that nobody sees the one without the other.
    #[inline]
    fn ended(&self, hearers: &mut Hearers, error: Option<&Error>, before: Option<Phase>, attempt: usize) -> Ended {
        let then = error.map_or_else(Hearers::default, |error| Hearers::Told(Box::new(error.clone())));
        let (watchers, told) = match replace(hearers, then) {
            Hearers::Waiting(watchers) => (watchers, None),
            // It belongs to a task that is restarted; it is told once more.
            Hearers::Told(error) => (Watchers::default(), Some(error)),
        };
        let detached = self.is_detached.load(Ordering::Relaxed);
        if detached {
            self.is_detached.store(false, Ordering::Relaxed);
        }
        let was_queued = matches!(before, Some(Phase::Waiting | Phase::Ready));
        Ended { watchers, detached, was_queued, attempt, _told: told }
    }

    /// Notes that a ready task waits for resources.
    pub(crate) fn constrain(&self) {
        let _rest = self.lock();
        self.step(Step::Constrained, |phase| phase == Phase::Ready);
    }

    /// Notes that a task that waited for resources has them.
    pub(crate) fn grant(&self) {
        let _rest = self.lock();
        self.step(Step::Ready, |phase| phase == Phase::Ready);
    }

    // --- looking and watching ------------------------------------------------------------------------------------

    /// How the task ended, if it has.
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        match self.phase() {
            Phase::Waiting | Phase::Ready | Phase::Running => None,
            Phase::Memory => Some(Ok(())),
            Phase::Erred => match &self.lock().hearers {
                Hearers::Told(error) => Some(Err(Error::clone(error))),
                // The user has it run again since.
                Hearers::Waiting(_) => None,
            },
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

    /// Whether a body of it runs, also of one that has ended meanwhile.
    pub(crate) fn has_body(&self) -> bool {
        self.bodies.load(Ordering::Acquire) > 0
    }

    /// What it does, in Dask's words.
    pub(crate) fn task_state(&self) -> TaskState {
        self.steps().state()
    }

    /// What has happened to the task.
    #[inline]
    pub(crate) fn steps(&self) -> Steps {
        Steps::of_bits(self.steps.load(Ordering::Acquire))
    }

    /// Whether the engine holds a handle of it.
    pub(crate) fn is_detached(&self) -> bool {
        self.is_detached.load(Ordering::Acquire)
    }

    /// Which task of its lease it is.
    pub(crate) fn index(&self) -> u8 {
        self.index
    }

    /// Looks at what is in the slot, or changes it. Nothing of the user's may run in there.
    #[inline]
    pub(crate) fn slot<R>(&self, look: impl FnOnce(&mut S) -> R) -> R {
        look(&mut self.lock().slot)
    }

    pub(crate) fn watch(&self, watcher: Watcher) -> Result<WatchId, Outcome> {
        // Most that are looked at late have their value.
        if self.phase() == Phase::Memory {
            return Err(Ok(()));
        }
        self.change_watchers(|watchers, round, dead| watchers.insert(watcher, round, dead))
    }

    pub(crate) fn rewatch(&self, id: WatchId, waker: &Waker) -> Result<WatchId, Outcome> {
        // Before there is a lock: cloning a waker may run code of the user's executor.
        let waker = waker.clone();
        self.change_watchers(|watchers, round, dead| watchers.update(id, round, waker, dead))
    }

    fn change_watchers(
        &self,
        change: impl FnOnce(&mut Watchers, u32, &mut Vec<Watcher>) -> WatchId,
    ) -> Result<WatchId, Outcome> {
        let mut dead = Vec::new();
        let mut rest = self.lock();
        let changed = match &mut rest.hearers {
            Hearers::Waiting(_) if self.phase() == Phase::Memory => Err(Ok(())),
            Hearers::Waiting(watchers) => Ok(change(watchers, self.round(), &mut dead)),
            Hearers::Told(error) => Err(Err(Error::clone(error))),
        };
        drop(rest);
        drop(dead);
        changed
    }

    pub(crate) fn unwatch(&self, id: WatchId) {
        let mut rest = self.lock();
        let removed = match &mut rest.hearers {
            Hearers::Waiting(watchers) => watchers.remove(id, self.round()),
            // They were taken when the task ended, and the ids with them.
            Hearers::Told(_) => None,
        };
        drop(rest);
        // Dropping a waker may run code of the user's executor: not under the lock.
        drop(removed);
    }

    /// The attempt as a watcher's id has it. Watchers are taken at the end of each, and it takes more than 2^32 of them for
    /// a number to come again.
    fn round(&self) -> u32 {
        self.attempt() as u32
    }

    // --- handles -------------------------------------------------------------------------------------------------

    pub(crate) fn retain(&self) {
        self.handles.retain();
    }

    /// Adds a handle to a task that still has one.
    pub(crate) fn retain_if_held(&self) -> bool {
        self.handles.retain_if_held()
    }

    /// Whether somebody holds the task, and has not taken its value away.
    pub(crate) fn has_handles(&self) -> bool {
        self.handles.are_any()
    }

    /// Lets the last handle take the value. False, and nothing done, if there are others.
    #[inline]
    pub(crate) fn spend_if_last(&self) -> bool {
        self.handles.spend_if_last()
    }

    /// Gives up a handle. True if it was the last, and has not taken the value.
    #[inline]
    pub(crate) fn release(&self) -> bool {
        self.handles.release()
    }

    /// Lets the engine hold the caller's handle until the task ends. False if it has ended: then the caller gives
    /// the handle up itself.
    pub(crate) fn detach(&self) -> bool {
        let rest = self.lock();
        if self.is_done() {
            return false;
        }
        if self.is_detached.load(Ordering::Relaxed) {
            // One is enough. The other cannot be the last.
            self.handles.release();
        }
        self.is_detached.store(true, Ordering::Release);
        drop(rest);
        true
    }

    #[inline]
    fn lock(&self) -> MutexGuard<'_, Rest<S>> {
        // Nothing of the user's runs under the lock, and nothing of ours panics there; a poisoned lock still holds a
        // whole state.
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Hearers {
    fn default() -> Self {
        Self::Waiting(Watchers::default())
    }
}

/// What a task leaves when it ends.
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
    /// How it had ended before, to be dropped without the lock: it may hold something of the user's.
    _told: Option<Box<Error>>,
}
