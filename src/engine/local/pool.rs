//! The queues of ready tasks, and who is woken for them.
//!
//! A task goes to the seat whose thread makes it ready, newest first, so that what a task submits runs before what waited
//! before it (Dask's depth-first order): to its queue, or, when the thread is about to look there, to a place of its own. What an asynchronous task submits, which has no seat, goes to
//! a queue that comes next, also newest first; from outside it goes to the common queue, oldest first. A thread without
//! work takes from these in this order, then from other seats. What is queued at once, as a graph is, begins in its own
//! order, wherever it is queued.
//!
//! A push wakes a thread only if a seat is free and nobody is searching already. A searcher looks at all queues once
//! more after it has said that it no longer searches; both sides use sequentially consistent operations, so that either
//! the pusher sees the free seat or the searcher sees the task.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use crossbeam_deque::{Injector, Steal, Stealer};

use crate::Error;
use crate::engine::local::job::Job;
use crate::engine::local::node::Node;
use crate::engine::local::parking::{Parking, Seat, Thread, lock};
use crate::engine::local::prioritized::{Nested, Prioritized};
use crate::engine::local::worker;
use crate::task::Resume;
use crate::task::context::is_in_task;

/// Most threads of one engine. More than any machine has cores, and few enough that a mistyped number does no harm.
pub(crate) const THREADS_MAX: usize = 1024;

/// Most tasks of one engine that block on others at once; each holds a thread. A recursion that is deeper than a stack
/// allows (see `worker.rs`) costs one for every stack that it fills.
pub(crate) const BLOCKED_MAX: usize = 256;

/// Every how many searches the common queue comes first. A prime, so that it does not fall in step with a pattern.
const COMMON_EVERY: u32 = 61;

pub(crate) struct Pool {
    name: String,
    common: Injector<Job>,
    nested: Nested,
    prioritized: Prioritized,
    stealers: Box<[Stealer<Job>]>,
    parking: Mutex<Parking>,
    /// Length of `parking.free`, readable without the lock.
    free: AtomicUsize,
    /// Length of `parking.resuming`, readable without the lock.
    resuming: AtomicUsize,
    /// Threads that have a seat and look for work.
    searching: AtomicUsize,
    /// Threads that have not ended.
    live: AtomicUsize,
    is_closed: AtomicBool,
    on_exit: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// Whether the system has no more threads.
    #[cfg(test)]
    has_no_threads: AtomicBool,
}

impl Pool {
    pub(crate) fn start(threads: usize, name: &str) -> Result<Arc<Self>, Error> {
        if threads == 0 || threads > THREADS_MAX {
            return Err(Error::InvalidThreads { threads, threads_max: THREADS_MAX });
        }
        let seats: Vec<_> = (0..threads).map(Seat::new).collect();
        let pool = Arc::new(Self {
            name: name.to_owned(),
            common: Injector::new(),
            nested: Nested::default(),
            prioritized: Prioritized::default(),
            stealers: seats.iter().map(|seat| seat.deque.stealer()).collect(),
            parking: Mutex::default(),
            free: AtomicUsize::new(0),
            resuming: AtomicUsize::new(0),
            searching: AtomicUsize::new(0),
            live: AtomicUsize::new(0),
            is_closed: AtomicBool::new(false),
            on_exit: OnceLock::new(),
            #[cfg(test)]
            has_no_threads: AtomicBool::new(false),
        });
        for seat in seats {
            pool.searching.fetch_add(1, Ordering::SeqCst);
            if let Err((_, error)) = pool.spawn(&mut lock(&pool.parking), seat) {
                pool.searching.fetch_sub(1, Ordering::SeqCst);
                pool.close(|| {});
                return Err(Error::start(error));
            }
        }
        Ok(pool)
    }

    pub(crate) fn threads(&self) -> usize {
        self.stealers.len()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }

    pub(crate) fn live_threads(&self) -> usize {
        self.live.load(Ordering::SeqCst)
    }

    // --- tasks in ------------------------------------------------------------------------------------------------

    /// Queues a ready task.
    pub(crate) fn push(self: &Arc<Self>, node: Arc<dyn Node>) {
        if node.about().terms().is_some_and(|terms| terms.options.priority != 0) {
            self.prioritized.push(node);
            return self.notify();
        }
        self.push_plain(Job::Task(node));
    }

    /// Queues what has no priority.
    #[inline]
    pub(crate) fn push_plain(self: &Arc<Self>, job: Job) {
        if let Err(job) = worker::push_own(job) {
            if !is_in_task() {
                self.common.push(job);
            } else if let Err(job) = self.put_aside(job) {
                self.nested.push(job);
            }
            self.notify();
        }
    }

    /// Wakes a thread, unless all have seats or one is searching already.
    pub(crate) fn notify(self: &Arc<Self>) {
        if self.holds_back() {
            return;
        }
        fence(Ordering::SeqCst);
        if self.free.load(Ordering::SeqCst) == 0 || self.searching.load(Ordering::SeqCst) > 0 {
            return;
        }
        self.seat_somebody(1);
    }

    /// Wakes threads for so many tasks that were queued at once: one for each, as far as there are seats. One after the other,
    /// each by the one before, the last would begin late.
    pub(super) fn notify_for(self: &Arc<Self>, tasks: usize) {
        fence(Ordering::SeqCst);
        while self.seat_somebody(tasks) {}
    }

    /// Puts a thread on a free seat, as a searcher, unless there are so many. Whoever is counted as one is one: a thread that
    /// parks looks for others under the same lock.
    fn seat_somebody(self: &Arc<Self>, searchers: usize) -> bool {
        let mut parking = lock(&self.parking);
        if parking.is_closed || self.searching.load(Ordering::SeqCst) >= searchers {
            return false;
        }
        let Some(seat) = parking.free.pop() else { return false };
        self.free.store(parking.free.len(), Ordering::SeqCst);
        self.begin_search();
        let unused = match parking.spare.pop() {
            Some(thread) => {
                drop(parking);
                thread.hand(seat);
                return true;
            }
            None => match self.spawn(&mut parking, seat) {
                Ok(()) => return true,
                // No more threads to be had: the seat waits for one that is blocked now.
                Err((seat, _)) => seat,
            },
        };
        self.searching.fetch_sub(1, Ordering::SeqCst);
        parking.free.push(unused);
        self.free.store(parking.free.len(), Ordering::SeqCst);
        false
    }

    fn spawn(self: &Arc<Self>, parking: &mut Parking, seat: Seat) -> Result<(), (Seat, std::io::Error)> {
        #[cfg(test)]
        if self.has_no_threads.load(Ordering::SeqCst) {
            return Err((seat, std::io::ErrorKind::WouldBlock.into()));
        }
        let thread = Arc::new(Thread::default());
        let name = format!("{}-{}", self.name, seat.index);
        let (pool, own) = (Arc::clone(self), Arc::clone(&thread));
        self.live.fetch_add(1, Ordering::SeqCst);
        match thread::Builder::new().name(name).spawn(move || worker::run(pool, own)) {
            Ok(handle) => {
                thread.hand(seat);
                parking.threads.push((thread, handle));
                Ok(())
            }
            Err(error) => {
                self.live.fetch_sub(1, Ordering::SeqCst);
                Err((seat, error))
            }
        }
    }

    // --- tasks out -----------------------------------------------------------------------------------------------

    /// Finds work for the thread on `seat`.
    pub(crate) fn find(self: &Arc<Self>, seat: &mut Seat) -> Option<Job> {
        if let Some(job) = self.find_first(seat) {
            if seat.share_next() {
                self.notify();
            }
            return Some(job);
        }
        let own = seat.pop().or_else(|| self.nested.pop());
        let found = own.or_else(|| self.find_common(seat)).or_else(|| self.steal(seat));
        found.or_else(|| self.prioritized.pop().map(Job::Task))
    }

    /// What comes before the newest on `seat`.
    fn find_first(&self, seat: &mut Seat) -> Option<Job> {
        if let Some(node) = self.prioritized.pop_urgent() {
            return Some(Job::Task(node));
        }
        seat.searches = seat.searches.wrapping_add(1);
        // One: a batch would be put before what this thread has made ready, and many values wait for that.
        if seat.searches.is_multiple_of(COMMON_EVERY) { retry(|| self.common.steal()) } else { None }
    }

    /// Whether the thread on `seat` may go on with the next of many tasks, as if it had looked for work and found that:
    /// nothing comes first, and it is not time for the common queue.
    pub(crate) fn goes_on(&self, seat: &mut Seat) -> bool {
        if self.prioritized.is_urgent() || seat.searches.wrapping_add(1).is_multiple_of(COMMON_EVERY) {
            return false;
        }
        seat.searches = seat.searches.wrapping_add(1);
        true
    }

    fn find_common(&self, seat: &Seat) -> Option<Job> {
        retry(|| self.common.steal_batch_and_pop(&seat.deque))
    }

    fn steal(&self, seat: &Seat) -> Option<Job> {
        // From the neighbour on, so that thieves do not all meet at the first.
        let (before, after) = self.stealers.split_at(seat.index);
        let others = after.iter().skip(1).chain(before);
        others.into_iter().find_map(|other| retry(|| other.steal_batch_and_pop(&seat.deque)))
    }

    pub(crate) fn has_work(&self) -> bool {
        !self.prioritized.is_empty()
            || !self.nested.is_empty()
            || !self.common.is_empty()
            || self.stealers.iter().any(|stealer| !stealer.is_empty())
    }

    /// Takes every queued task away.
    pub(crate) fn drain(&self) -> impl Iterator<Item = Job> {
        let take = || {
            let common = retry(|| self.common.steal()).or_else(|| self.nested.pop());
            let common = common.or_else(|| self.prioritized.pop().map(Job::Task));
            common.or_else(|| self.stealers.iter().find_map(|stealer| retry(|| stealer.steal())))
        };
        std::iter::from_fn(take)
    }

    // --- seats ---------------------------------------------------------------------------------------------------

    /// Whether half of the threads, the caller among them, search already: one more would only be in the way of whoever submits.
    pub(crate) fn is_searched(&self) -> bool {
        self.searching.load(Ordering::Relaxed) > 1.max(self.threads() / 2)
    }

    /// The thread on a seat has begun to look for work.
    pub(crate) fn begin_search(&self) {
        self.searching.fetch_add(1, Ordering::SeqCst);
    }

    /// It has found some. The last searcher sees to it that what is left is searched for.
    pub(crate) fn end_search(self: &Arc<Self>) {
        if self.searching.fetch_sub(1, Ordering::SeqCst) == 1 && self.has_work() {
            self.notify();
        }
    }

    /// Gives the seat back, if there is one, and waits for another. The thread is a searcher before and after. `None`
    /// when it must end.
    pub(crate) fn park(self: &Arc<Self>, thread: &Arc<Thread>, seat: Option<Seat>) -> Option<Seat> {
        self.searching.fetch_sub(1, Ordering::SeqCst);
        // Whoever has the seat next may be long in coming.
        seat.iter().for_each(|seat| _ = seat.share_next());
        let mut parking = lock(&self.parking);
        if parking.is_closed {
            return None;
        }
        if let Some(seat) = seat {
            self.pass_on(&mut parking, seat);
        }
        // Threads that were added for blocked ones are kept for the next, up to as many again as there are seats.
        let is_surplus = parking.spare.len() >= self.threads();
        if !is_surplus {
            parking.spare.push(Arc::clone(thread));
        }
        drop(parking);
        fence(Ordering::SeqCst);
        if self.has_work() {
            self.notify();
        }
        if is_surplus { None } else { thread.wait_for_seat() }
    }

    /// Hands the seat to a thread that wants to go on with its task, if there is one; else it is free.
    fn pass_on(&self, parking: &mut Parking, seat: Seat) {
        if let Some(thread) = parking.resuming.pop_front() {
            self.resuming.store(parking.resuming.len(), Ordering::SeqCst);
            thread.hand(seat);
        } else {
            parking.free.push(seat);
            self.free.store(parking.free.len(), Ordering::SeqCst);
        }
    }

    /// Whether a thread wants to go on with its task: the next one to end a task gives it the seat.
    pub(crate) fn is_wanted(&self) -> bool {
        self.resuming.load(Ordering::Relaxed) > 0
    }

    /// A thread is about to block inside a task: its seat goes to others. The last that could run what it waits for adds a
    /// thread first. After an error it has the seat still.
    pub(crate) fn leave(self: &Arc<Self>, seat: &mut Option<Seat>) -> Result<(), Error> {
        let mut parking = lock(&self.parking);
        if parking.blocked >= BLOCKED_MAX {
            return Err(Error::TooManyBlocked { limit: BLOCKED_MAX });
        }
        let Some(left) = seat.take() else { return Ok(()) };
        left.share_next();
        let is_last = parking.free.len() + 1 == self.threads();
        if is_last && parking.spare.is_empty() && parking.resuming.is_empty() && !parking.is_closed {
            self.begin_search();
            if let Err((left, _)) = self.spawn(&mut parking, left) {
                self.searching.fetch_sub(1, Ordering::SeqCst);
                *seat = Some(left);
                return Err(Error::TooManyBlocked { limit: parking.blocked });
            }
        } else {
            self.pass_on(&mut parking, left);
        }
        parking.blocked += 1;
        drop(parking);
        fence(Ordering::SeqCst);
        if self.has_work() {
            self.notify();
        }
        Ok(())
    }

    /// A thread has blocked inside a task and goes on: with a free seat, or else waits for one. `None` if it must go on
    /// at once, so that more bodies run than there are seats until it has ended; or if the engine has closed, since
    /// nothing else runs any more.
    pub(crate) fn rejoin(&self, thread: &Arc<Thread>, resume: Resume) -> Option<Seat> {
        let mut parking = lock(&self.parking);
        parking.blocked -= 1;
        if parking.is_closed {
            return None;
        }
        if let Some(seat) = parking.free.pop() {
            self.free.store(parking.free.len(), Ordering::SeqCst);
            return Some(seat);
        }
        if resume == Resume::AtOnce {
            return None;
        }
        parking.resuming.push_back(Arc::clone(thread));
        self.resuming.store(parking.resuming.len(), Ordering::SeqCst);
        drop(parking);
        thread.wait_for_seat()
    }

    // --- the end -------------------------------------------------------------------------------------------------

    /// Tells every thread to end as soon as its task has. `on_exit` is called whenever one has. Idempotent.
    pub(crate) fn close(&self, on_exit: impl Fn() + Send + Sync + 'static) {
        self.on_exit.get_or_init(|| Box::new(on_exit));
        self.is_closed.store(true, Ordering::SeqCst);
        let mut parking = lock(&self.parking);
        parking.is_closed = true;
        let waiting: Vec<_> =
            std::mem::take(&mut parking.spare).into_iter().chain(std::mem::take(&mut parking.resuming)).collect();
        drop(parking);
        waiting.iter().for_each(|thread| thread.dismiss());
    }

    /// A thread ends, closed or surplus.
    pub(crate) fn exit(&self, thread: &Arc<Thread>) {
        if !self.is_closed() {
            // Nobody will join it.
            lock(&self.parking).threads.retain(|(other, _)| !Arc::ptr_eq(other, thread));
        }
        self.live.fetch_sub(1, Ordering::SeqCst);
        if let Some(on_exit) = self.on_exit.get() {
            on_exit();
        }
    }

    /// Joins the threads, which have ended but for a few instructions.
    pub(crate) fn join(&self) {
        let threads = std::mem::take(&mut lock(&self.parking).threads);
        for (_, handle) in threads {
            if handle.join().is_err() {
                tracing::error!(target: "anydask", "a thread of the engine panicked outside of a task");
            }
        }
    }
}

fn retry<T>(mut steal: impl FnMut() -> Steal<T>) -> Option<T> {
    loop {
        match steal() {
            Steal::Success(found) => return Some(found),
            Steal::Empty => return None,
            Steal::Retry => std::hint::spin_loop(),
        }
    }
}

#[cfg(all(test, feature = "smol"))]
mod tests;
