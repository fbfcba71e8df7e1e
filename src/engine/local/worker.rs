//! The threads of the engine: what each does, and how a task may wait on one.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::Error;
use crate::engine::local::bulk::AnyBulk;
use crate::engine::local::node::Node;
use crate::engine::local::parking::{Seat, Thread};
use crate::engine::local::pool::{Job, Pool};
use crate::engine::local::terms::{requeue_after, start_run_timer};
use crate::task::Resume;
use crate::task::context::is_in_task;

/// How much of a thread's stack may be in use when a task is run inside the wait of another. A stack has 2 MiB, so that
/// every body finds at least 1.5 MiB. Deeper recursion goes to another thread.
pub(crate) const INLINE_STACK_NBYTES_MAX: usize = 512 * 1024;

/// How often a thread looks for work again before it parks. The first rounds take nanoseconds, the last ones yield
/// the core: about 20 µs in all, the price of one wake-up.
const SEARCHES: u32 = 24;

thread_local! {
    static WORKER: RefCell<Option<Rc<Worker>>> = const { RefCell::new(None) };
}

/// This thread, if it is one of an engine.
struct Worker {
    pool: Arc<Pool>,
    thread: Arc<Thread>,
    /// None while it blocks inside a task, or goes on without one.
    seat: RefCell<Option<Seat>>,
    /// Where its stack was when it began.
    stack_base: usize,
}

fn current() -> Option<Rc<Worker>> {
    // A thread that ends has lost its locals, and is no longer a worker.
    WORKER.try_with(|worker| worker.borrow().clone()).ok().flatten()
}

/// Whether this is a thread of an engine.
pub(crate) fn is_worker() -> bool {
    current().is_some()
}

/// Whether this is a thread of this engine.
pub(crate) fn is_worker_of(pool: &Arc<Pool>) -> bool {
    current().is_some_and(|worker| Arc::ptr_eq(&worker.pool, pool))
}

/// The whole life of a thread.
pub(crate) fn run(pool: Arc<Pool>, thread: Arc<Thread>) {
    if let Some(seat) = thread.wait_for_seat() {
        let worker = Rc::new(Worker { pool, thread, seat: RefCell::new(Some(seat)), stack_base: stack_address() });
        WORKER.set(Some(Rc::clone(&worker)));
        worker.work();
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
                self.run_on_from(job);
                self.pool.begin_search();
                continue;
            }
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
                Job::Task(node) => self.run(node),
                Job::Bulk(bulk) => self.run_many(bulk),
            }
            next = if self.is_needed_elsewhere() { None } else { self.find() };
        }
    }

    /// Looks for work for a short while.
    fn search(&self) -> Option<Job> {
        for round in 0..SEARCHES {
            if self.is_needed_elsewhere() {
                return None;
            }
            if let Some(job) = self.find() {
                return Some(job);
            }
            if round < SEARCHES / 2 {
                (0..1 << round.min(6)).for_each(|_| std::hint::spin_loop());
            } else {
                std::thread::yield_now();
            }
        }
        None
    }

    fn find(&self) -> Option<Job> {
        self.seat.borrow_mut().as_mut().and_then(|seat| self.pool.find(seat))
    }

    fn is_needed_elsewhere(&self) -> bool {
        self.pool.is_wanted() || self.pool.is_closed()
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
        bulk.run(
            &mut || {
                let mut seat = self.seat.borrow_mut();
                let Some(seat) = seat.as_mut() else { return false };
                place == Some((seat.index, seat.pushes.get())) && !self.is_needed_elsewhere() && self.pool.goes_on(seat)
            },
            &|node| self.run(node),
        );
    }

    fn run(&self, node: Arc<dyn Node>) {
        let about = node.about();
        let mut again = None;
        // First: whoever looks for bodies finds one too many rather than one too few.
        about.bodies.fetch_add(1, Ordering::AcqRel);
        if node.core().start() {
            if let Some(terms) = &about.terms {
                terms.begin_run();
                start_run_timer(&node);
            }
            again = Arc::clone(&node).run();
        } else {
            about.bodies.fetch_sub(1, Ordering::AcqRel);
            about.engine().pass_over(&node);
        }
        about.client().lifecycle.handle_exit();
        if let Some(delay) = again {
            requeue_after(node, delay);
        }
    }
}

/// Queues work on this thread's own seat, if it has one of `pool`; else has `push_common` queue it. Whether somebody
/// must be woken for it: not if this thread will take it at once.
pub(crate) fn push_local(pool: &Arc<Pool>, job: Job, push_common: impl FnOnce(Job)) -> bool {
    if let Some(worker) = current()
        && Arc::ptr_eq(&worker.pool, pool)
        && let Some(seat) = worker.seat.borrow().as_ref()
    {
        let is_next = seat.deque.is_empty() && !is_in_task();
        seat.pushes.set(seat.pushes.get().wrapping_add(1));
        seat.deque.push(job);
        return !is_next;
    }
    push_common(job);
    true
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
        worker.run(node);
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
    let Some(seat) = worker.seat.take() else {
        wait();
        return Ok(());
    };
    if let Err((seat, error)) = worker.pool.leave(seat) {
        *worker.seat.borrow_mut() = Some(seat);
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
