//! The threads of the engine: what each does, and how a task may wait on one.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use crate::Error;
use crate::engine::local::bulk::AnyBulk;
use crate::engine::local::job::Job;
use crate::engine::local::lease::Kept;
use crate::engine::local::node::Node;
use crate::engine::local::parking::{Seat, Thread};
use crate::engine::local::pool::Pool;
use crate::engine::local::release::drop_quietly;
use crate::task::Resume;
use crate::task::backoff::look_again;
use crate::task::context::is_in_task;

/// How much of a thread's stack may be in use when a task is run inside the wait of another. A stack has 2 MiB, so that
/// every body finds at least 1.5 MiB. Deeper recursion goes to another thread.
pub(crate) const INLINE_STACK_NBYTES_MAX: usize = 512 * 1024;

/// How often a thread looks for work before it parks: about 20 µs in all, the price of some wake-ups.
const SEARCHES: u32 = 32;

thread_local! {
    static WORKER: RefCell<Option<Rc<Worker>>> = const { RefCell::new(None) };
}

/// This thread, if it is one of an engine.
struct Worker {
    pool: Arc<Pool>,
    thread: Arc<Thread>,
    /// None while it blocks inside a task, or goes on without one.
    seat: RefCell<Option<Seat>>,
    /// Whether what is made ready goes where others see it, since something of the user's may run before this thread looks for
    /// work.
    shares: Cell<bool>,
    /// Where its stack was when it began.
    stack_base: usize,
}

/// Looks at this thread, if it is one of an engine. Nothing of the user's may run in there.
fn with_current<T>(look: impl FnOnce(&Worker) -> T) -> Option<T> {
    WORKER.try_with(|worker| worker.borrow().as_deref().map(look)).ok().flatten()
}

fn current() -> Option<Rc<Worker>> {
    // A thread that ends has lost its locals, and is no longer a worker.
    WORKER.try_with(|worker| worker.borrow().clone()).ok().flatten()
}

/// Whether this is a thread of an engine.
pub(crate) fn is_worker() -> bool {
    with_current(|_| ()).is_some()
}

/// Whether this is a thread of this engine.
pub(crate) fn is_worker_of(pool: &Arc<Pool>) -> bool {
    with_current(|worker| Arc::ptr_eq(&worker.pool, pool)).unwrap_or(false)
}

/// The whole life of a thread.
pub(crate) fn run(pool: Arc<Pool>, thread: Arc<Thread>) {
    if let Some(seat) = thread.wait_for_seat() {
        let worker = Rc::new(Worker {
            pool,
            thread,
            seat: RefCell::new(Some(seat)),
            shares: Cell::new(false),
            stack_base: stack_address(),
        });
        WORKER.set(Some(Rc::clone(&worker)));
        worker.work();
        if worker.pool.is_closed() {
            // What the last body made ready, if whoever closes had looked before.
            drop_quietly(drop_queues);
        }
        WORKER.set(None);
        worker.pool.exit(&worker.thread);
    } else {
        pool.exit(&thread);
    }
}

impl Worker {
    /// Runs tasks until the engine closes or has no use for this thread. Begins, and goes on, as a searcher.
    fn work(&self) {
        loop {
            if let Some(job) = self.search() {
                self.pool.end_search();
                // A body's panics are caught where it runs. This is for what comes with its end: the last error of a task, for
                // one, may panic in its `Drop`. A thread that ended with it would take its seat along.
                drop_quietly(|| self.run_on_from(job));
                self.pool.begin_search();
                continue;
            }
            // A thread that has nothing to do keeps nothing alive.
            drop_quietly(|| Kept::set_aside().give_up());
            match self.pool.park(&self.thread, self.seat.take()) {
                Some(seat) => *self.seat.borrow_mut() = Some(seat),
                None => return,
            }
        }
    }

    /// Does `job`, and then whatever is found at once.
    fn run_on_from(&self, job: Job) {
        let mut next = Some(job);
        while let Some(job) = next {
            match job {
                Job::Task(node) => node.run(),
                Job::Bulk(bulk) => self.run_many(bulk),
            }
            next = if self.is_needed_elsewhere() { None } else { self.find() };
        }
    }

    /// Looks for work for a short while; once, if enough others do.
    fn search(&self) -> Option<Job> {
        let looks = if self.pool.is_searched() { 1 } else { SEARCHES };
        let found = look_again(looks, || match self.is_needed_elsewhere() {
            true => Some(None),
            false => self.find().map(Some),
        });
        found.flatten()
    }

    fn find(&self) -> Option<Job> {
        self.seat.borrow_mut().as_mut().and_then(|seat| self.pool.find(seat))
    }

    /// Runs items until none is left or something else comes first; it finds the rest in the queue again then.
    fn run_many(&self, bulk: Arc<dyn AnyBulk>) {
        // While this thread is busy with one, others may take the rest, and what an item submits comes before them.
        if bulk.has_several()
            && let Some(seat) = self.seat.borrow().as_ref()
        {
            seat.deque.push(Job::Bulk(Arc::clone(&bulk)));
            self.pool.notify();
        }
        let place = self.seat.borrow().as_ref().map(|seat| (seat.index, seat.pushes.get()));
        let mut goes_on = || {
            let mut seat = self.seat.borrow_mut();
            let Some(seat) = seat.as_mut() else { return false };
            place == Some((seat.index, seat.pushes.get())) && !self.is_needed_elsewhere() && self.pool.goes_on(seat)
        };
        sharing(|| bulk.run(&mut goes_on));
    }

    /// Takes a task out of the queue that is about to be run, if it is the newest there. One that stays is passed over later.
    fn unqueue(&self, node: &Arc<dyn Node>) {
        if let Some(seat) = self.seat.borrow().as_ref()
            && let Some(newest) = seat.pop()
            && !matches!(&newest, Job::Task(newest) if Arc::ptr_eq(newest, node))
        {
            seat.deque.push(newest);
            // Whoever looked here meanwhile found nothing, and may have parked.
            self.pool.notify();
        }
    }

    fn is_needed_elsewhere(&self) -> bool {
        self.pool.is_wanted() || self.pool.is_closed()
    }
}

/// Queues work on this thread's own seat, if it has one of the work's engine, and wakes somebody for it if this thread will
/// not take it at once. Says whether the engine has closed meanwhile. Else the work comes back.
pub(crate) fn push_own(job: Job) -> Result<bool, Job> {
    let mut job = Some(job);
    let pushed = with_current(|worker| {
        let seat = worker.seat.borrow();
        let seat = seat.as_ref()?;
        let job = job.take_if(|job| Arc::ptr_eq(&worker.pool, &job.engine().pool))?;
        let Err(job) = worker.pool.put_aside(job) else { return Some(worker.pool.is_closed()) };
        seat.pushes.set(seat.pushes.get().wrapping_add(1));
        // A task that is made ready by one that has just ended is picked up by this very thread: nobody is woken, and a
        // chain stays on one core.
        let is_for_others = if is_in_task() || worker.shares.get() {
            seat.deque.push(job);
            true
        } else {
            seat.put_next(job)
        };
        if is_for_others {
            worker.pool.notify();
        }
        Some(worker.pool.is_closed())
    });
    match (pushed.flatten(), job) {
        (Some(is_closed), _) => Ok(is_closed),
        (None, Some(job)) => Err(job),
        (None, None) => unreachable!("work that was taken was pushed"),
    }
}

/// Tells those who wait for a task that has ended, among whom, or after whom, something of the user's may run for long: what
/// is made ready meanwhile is for others, too.
pub(crate) fn sharing(tell: impl FnOnce()) {
    let before = with_current(|worker| worker.shares.replace(true));
    tell();
    if let Some(before) = before {
        with_current(|worker| worker.shares.set(before));
    }
}

/// Drops what is queued on a pool that has closed: nobody runs it any more, and each task keeps its engine alive.
pub(crate) fn drop_queues() {
    if let Some(worker) = current() {
        worker.pool.drain().for_each(Job::give_up);
    }
}

/// Runs a ready task on this thread, on top of the task that waits for it, if this is a thread of `pool` and its stack
/// has room.
///
/// Only what is waited for is run like this. Any other task on top of one that waits could in turn wait for what is
/// below it.
pub(crate) fn run_inline(pool: &Arc<Pool>, node: Arc<dyn Node>) {
    if let Some(worker) = current()
        && Arc::ptr_eq(&worker.pool, pool)
        && worker.seat.borrow().is_some()
        && worker.stack_base.abs_diff(stack_address()) < INLINE_STACK_NBYTES_MAX
    {
        worker.unqueue(&node);
        let _kept = Kept::set_aside();
        // A panic is not the waiting task's own.
        drop_quietly(|| node.run());
    }
}

/// Runs `wait`, which blocks. On a thread of an engine, the task that calls this gives its slot to others meanwhile.
///
/// # Errors
///
/// [`Error::TooManyBlocked`], before waiting.
pub(crate) fn without_seat(wait: &mut dyn FnMut() -> Resume) -> Result<(), Error> {
    let Some(worker) = current() else {
        wait();
        return Ok(());
    };
    let mut seat = worker.seat.take();
    if seat.is_none() {
        wait();
        return Ok(());
    }
    if let Err(error) = worker.pool.leave(&mut seat) {
        *worker.seat.borrow_mut() = seat;
        return Err(error);
    }
    let mut rejoin = Rejoin { worker: &worker, resume: Resume::WithSlot };
    rejoin.resume = wait();
    Ok(())
}

/// Takes a seat again, also when what was waited for panics.
struct Rejoin<'a> {
    worker: &'a Worker,
    resume: Resume,
}

impl Drop for Rejoin<'_> {
    fn drop(&mut self) {
        let Worker { pool, thread, seat, .. } = self.worker;
        *seat.borrow_mut() = pool.rejoin(thread, self.resume);
    }
}

/// About where this thread's stack is now.
#[inline(never)]
fn stack_address() -> usize {
    let local = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&local)).addr()
}
