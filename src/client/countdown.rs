//! One wake for many tasks.
//!
//! The tasks are counted in parts, so that the threads that end them do not all meet at one counter.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::task::{Enough, Outcome, Watch, Watchers};

/// When a gathering is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// All have finished, or one has failed.
    AllFinished,
    /// All have ended, in whichever way.
    AllEnded,
    /// One has ended, in whichever way.
    AnyEnded,
    /// One has failed, or all have ended.
    FirstError,
}

impl Until {
    /// Whether it takes all of them, unless one fails.
    pub(crate) fn needs_all(self) -> bool {
        self != Self::AnyEnded
    }

    /// What is enough, besides that all have ended.
    pub(crate) fn enough(self) -> Enough {
        match self {
            Self::AllFinished | Self::FirstError => Enough::AnyFailure,
            Self::AllEnded => Enough::All,
            Self::AnyEnded => Enough::Any,
        }
    }
}

/// Counts the parts of many tasks and wakes once.
pub(crate) struct Countdown {
    /// Parts that have not ended, and one for who is still adding.
    remaining: AtomicUsize,
    until: Until,
    is_done: AtomicBool,
    is_abandoned: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

/// Some of the tasks that a [`Countdown`] counts.
pub(crate) struct Part {
    /// Tasks that have not ended, and one for who is still adding.
    remaining: AtomicUsize,
    countdown: Arc<Countdown>,
}

/// How many tasks make a part.
pub(crate) const PART_TASKS: usize = 64;

impl Countdown {
    pub(crate) fn new(until: Until) -> Self {
        Self {
            remaining: AtomicUsize::new(1),
            until,
            is_done: AtomicBool::new(false),
            is_abandoned: AtomicBool::new(false),
            waker: Mutex::new(None),
        }
    }

    /// Adds a part, to which its tasks are added.
    pub(crate) fn part(self: &Arc<Self>) -> Arc<Part> {
        self.remaining.fetch_add(1, Ordering::Relaxed);
        Arc::new(Part { remaining: AtomicUsize::new(1), countdown: Arc::clone(self) })
    }

    /// A part has ended, or whoever adds has added the last.
    pub(crate) fn end_one(&self) {
        if self.remaining.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.finish();
        }
    }

    fn finish(&self) {
        self.is_done.store(true, Ordering::Release);
        let waker = self.lock().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.is_done.load(Ordering::Acquire)
    }

    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_done() {
            return Poll::Ready(());
        }
        // Neither is under the lock: cloning and dropping a waker may run code of the user's executor.
        let waker = cx.waker().clone();
        let replaced = self.lock().replace(waker);
        drop(replaced);
        // The end may have come before the waker was there.
        if self.is_done() { Poll::Ready(()) } else { Poll::Pending }
    }

    pub(crate) fn abandon(&self) {
        self.is_abandoned.store(true, Ordering::Relaxed);
        let waker = self.lock().take();
        drop(waker);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    pub(crate) fn add(&self) {
        self.remaining.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count(&self, outcome: &Outcome) {
        let is_enough = match self.countdown.until.enough() {
            Enough::All => false,
            Enough::AnyFailure => outcome.is_err(),
            Enough::Any => true,
        };
        if is_enough {
            self.countdown.finish();
        }
        self.end_one();
    }

    /// A task has ended, or whoever adds has added the last.
    pub(crate) fn end_one(&self) {
        if self.remaining.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.countdown.end_one();
        }
    }
}

impl Watch for Part {
    fn handle_outcome(self: Arc<Self>, _: usize, outcome: &Outcome) -> Option<(Watchers, Outcome)> {
        self.count(outcome);
        None
    }

    fn is_live(&self) -> bool {
        !self.countdown.is_abandoned.load(Ordering::Relaxed)
    }
}
