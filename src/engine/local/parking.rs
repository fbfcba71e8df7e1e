//! Seats and the threads that sit on them.
//!
//! An engine of n threads has n *seats*, each with a queue. A thread runs tasks only on a seat. One that finds no work
//! gives its seat back and parks; one that blocks inside a task passes its seat on, to a thread that wants to go on, to
//! a parked one, or to a new one. So n bodies run at once, whoever blocks, and there are only as many threads more as
//! there are blocked ones.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crossbeam_deque::Worker as Deque;

use crate::engine::local::job::Job;

/// The right to run tasks, and the queue that goes with it.
pub(crate) struct Seat {
    pub(crate) index: usize,
    pub(crate) deque: Deque<Job>,
    /// What its thread does next: the last that the task before has made ready. Nobody else sees it, so it is there only
    /// until that thread looks for work, which it is about to do.
    next: Cell<Option<Job>>,
    /// Counts the searches for work, so that the common queue is looked at now and then even when this one never
    /// runs dry.
    pub(crate) searches: u32,
    /// Counts what is put into the queue.
    pub(crate) pushes: Cell<u32>,
}

impl Seat {
    pub(crate) fn new(index: usize) -> Self {
        let deque = Deque::new_lifo();
        Self { index, deque, next: Cell::new(None), searches: 0, pushes: Cell::new(0) }
    }

    /// Puts work where its thread looks first, and what was there where others look. True if there was any.
    pub(crate) fn put_next(&self, job: Job) -> bool {
        let before = self.next.replace(Some(job));
        before.map(|before| self.deque.push(before)).is_some()
    }

    /// The newest work on this seat.
    pub(crate) fn pop(&self) -> Option<Job> {
        self.next.take().or_else(|| self.deque.pop())
    }

    /// Puts what comes next where others see it, since something else comes first. True if there was any.
    pub(crate) fn share_next(&self) -> bool {
        self.next.take().map(|next| self.deque.push(next)).is_some()
    }
}

/// A thread of the engine.
#[derive(Default)]
pub(crate) struct Thread {
    handed: Mutex<Handed>,
    changed: Condvar,
}

#[derive(Default)]
struct Handed {
    seat: Option<Seat>,
    is_dismissed: bool,
}

impl Thread {
    /// Gives a seat to this thread.
    pub(crate) fn hand(&self, seat: Seat) {
        lock(&self.handed).seat = Some(seat);
        self.changed.notify_one();
    }

    /// Tells a parked thread to end.
    pub(crate) fn dismiss(&self) {
        lock(&self.handed).is_dismissed = true;
        self.changed.notify_one();
    }

    /// Waits for a seat. `None` when the thread must end.
    pub(crate) fn wait_for_seat(&self) -> Option<Seat> {
        let handed = lock(&self.handed);
        let is_waiting = |handed: &mut Handed| handed.seat.is_none() && !handed.is_dismissed;
        let mut handed = self.changed.wait_while(handed, is_waiting).unwrap_or_else(PoisonError::into_inner);
        handed.seat.take()
    }
}

/// Who sits, who waits, and which seats are free.
#[derive(Default)]
pub(crate) struct Parking {
    /// Seats that nobody sits on.
    pub(crate) free: Vec<Seat>,
    /// Parked threads without a seat.
    pub(crate) spare: Vec<Arc<Thread>>,
    /// Threads whose wait inside a task is over and that want a seat again.
    pub(crate) resuming: VecDeque<Arc<Thread>>,
    /// All threads that have not ended.
    pub(crate) threads: Vec<(Arc<Thread>, JoinHandle<()>)>,
    /// How many threads wait inside tasks.
    pub(crate) blocked: usize,
    pub(crate) is_closed: bool,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Only moves happen under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
