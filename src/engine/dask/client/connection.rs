//! A client's connection: events go in from any thread, and the driver does what the state asks for, in its order.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::Error;
use crate::engine::dask::client::alarm::Alarm;
use crate::engine::dask::client::entering::Entered;
use crate::engine::dask::client::requesting::Request;
use crate::engine::dask::client::{Action, ClientState, Config, Event, Through};
use crate::engine::dask::comm::CommError;
use crate::engine::dask::inbox::Inbox;
use crate::engine::dask::milestones::Milestones;
use crate::engine::dask::wire::{TaskKey, Value};
use crate::engine::local::wake_all;
use crate::runtime::{AnyRuntime, Instant, Runtime, Spawner, TaskHandle, Timer};
use crate::task::Key;

/// A client's connection to a scheduler.
pub(crate) struct Connection {
    pub(super) address: Arc<str>,
    pub(super) runtime: AnyRuntime,
    /// Which way values go.
    pub(super) through: Through,
    pub(super) machine: Mutex<Machine>,
    /// Locked before `machine`.
    pub(super) tasks: Mutex<HashMap<TaskKey, Entered>>,
    /// What is in every key that this client makes.
    token: u64,
    made: AtomicU64,
    /// What the driver does next.
    pub(super) work: Inbox<Work>,
    pub(super) milestones: Milestones,
    /// Whether the scheduler has taken the client, in the present conversation or the last one.
    pub(super) is_registered: AtomicBool,
    /// How often workers have joined or left, and who waits for it.
    workers: Mutex<(u64, Vec<Waker>)>,
}

/// The state, and what it has asked for.
pub(super) struct Machine {
    pub(super) state: ClientState,
    /// What nobody has carried out yet.
    pub(super) actions: VecDeque<(Ordinal, Action)>,
    /// That of the next action.
    pub(super) next: Ordinal,
    /// Whether the driver has ended. Until then it alone carries out actions, so that they happen in their order, and so that
    /// nobody who submits or waits does the work of others.
    is_over: bool,
}

/// The place of an action among all that the state has asked for.
pub(super) type Ordinal = u64;

/// What the driver does next.
#[derive(Default)]
pub(super) struct Work {
    pub(super) requests: Vec<Request>,
    /// When the state is to hear of the clock. It stays until then.
    pub(super) timer: Option<Instant>,
    pub(super) must_disconnect: bool,
    /// Of the last request of the state's that was not answered. It may be why it disconnects.
    pub(super) failure: Option<CommError>,
    pub(super) is_closed: bool,
    /// The driver has ended: nobody makes requests any more.
    pub(super) is_over: bool,
}

impl Connection {
    pub(super) fn new(address: Arc<str>, runtime: AnyRuntime, config: Config, token: u64) -> Arc<Self> {
        let state = ClientState::new(config);
        let machine = Machine { state, actions: VecDeque::new(), next: 0, is_over: false };
        Arc::new(Self {
            address,
            runtime,
            through: config.gather,
            machine: Mutex::new(machine),
            tasks: Mutex::default(),
            token,
            made: AtomicU64::new(0),
            work: Inbox::default(),
            milestones: Milestones::default(),
            is_registered: AtomicBool::new(false),
            workers: Mutex::default(),
        })
    }

    /// A key that nobody has: of the function's name, so that the scheduler groups tasks by it.
    pub(super) fn new_key(&self, function: &str) -> Key {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        format!("{function}-{:016x}{number:016x}", self.token).into()
    }

    // --- events in -----------------------------------------------------------------------------------------------

    /// An event that comes from elsewhere than the driver. The driver does what follows from it.
    pub(super) fn tell(&self, event: Event) {
        self.apply(event);
        self.follow_up();
    }

    /// Has what `submit` submits go to the scheduler in one message, also if it panics.
    pub(crate) fn at_once(&self, submit: impl FnOnce()) {
        struct Complete<'a>(&'a Connection);

        impl Drop for Complete<'_> {
            fn drop(&mut self) {
                self.0.tell(Event::Complete);
            }
        }

        self.tell(Event::Begin);
        let _complete = Complete(self);
        submit();
    }

    /// An event that comes from the driver, and what follows from it.
    pub(super) fn handle(&self, event: Event) {
        self.apply(event);
        self.carry_out();
        self.follow_up();
    }

    /// The first half of [`tell`](Self::tell), which may be done under the locks of tasks.
    pub(super) fn apply(&self, event: Event) {
        let now = self.runtime.now();
        lock(&self.machine).handle(now, event);
    }

    /// The second half of [`tell`](Self::tell): has the driver look, if the state has asked for something. After the end of the
    /// driver, nobody else does it.
    pub(super) fn follow_up(&self) {
        let machine = lock(&self.machine);
        let is_asked = !machine.actions.is_empty() || machine.state.wants_flush();
        let is_over = machine.is_over;
        drop(machine);
        match (is_asked, is_over) {
            (true, false) => self.work.change(|_| {}),
            (true, true) => self.carry_out(),
            (false, _) => {}
        }
    }

    /// The next message to the scheduler, if there is something to say.
    pub(super) fn poll_flush(&self) -> Option<Value> {
        let now = self.runtime.now();
        let mut machine = lock(&self.machine);
        let message = if machine.state.wants_flush() { machine.state.poll_flush(now) } else { None };
        machine.number_actions();
        message
    }

    // --- workers ---------------------------------------------------------------------------------------------------

    /// How often workers may have joined or left so far. The next time is soon.
    pub(crate) fn watch_workers(&self) -> u64 {
        self.tell(Event::WatchWorkers);
        lock(&self.workers).0
    }

    /// Waits until workers may have joined or left since there were `changes`.
    pub(crate) fn poll_workers_changed(&self, changes: u64, cx: &Context<'_>) -> Poll<u64> {
        // Its clone may run code of the user's executor, and so may the drop of one that is not needed.
        let waker = cx.waker().clone();
        let mut workers = lock(&self.workers);
        if workers.0 != changes {
            return Poll::Ready(workers.0);
        }
        if !workers.1.iter().any(|waker| waker.will_wake(cx.waker())) {
            workers.1.push(waker);
        }
        Poll::Pending
    }

    pub(super) fn workers_changed(&self) {
        let mut workers = lock(&self.workers);
        workers.0 += 1;
        let wakers = std::mem::take(&mut workers.1);
        drop(workers);
        wake_all(wakers);
    }

    // --- callbacks -------------------------------------------------------------------------------------------------

    /// Calls what may wait for values: not on the driver, which brings them.
    pub(super) fn call_back(&self, callback: Box<dyn FnOnce() + Send>) {
        self.runtime.spawn_blocking(callback).detach();
    }

    // --- the driver ------------------------------------------------------------------------------------------------

    /// What the driver waits for: something to do, or, where it is true, the time of `alarm`.
    pub(super) fn poll_next<R: Runtime>(&self, alarm: &mut Alarm<R>, cx: &mut Context<'_>) -> Poll<bool> {
        if self.work.poll_changed(cx).is_ready() {
            return Poll::Ready(false);
        }
        alarm.poll(cx).map(|()| true)
    }

    // --- its beginning and its end -------------------------------------------------------------------------------

    pub(crate) fn poll_opened(&self, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        self.milestones.poll_opened(cx)
    }

    pub(crate) fn begin_close(&self) {
        self.tell(Event::Close);
    }

    /// The driver has ended. What comes from now on is cancelled at once, and who waits for workers hears that none will come.
    pub(super) fn end(&self) {
        let now = self.runtime.now();
        let mut machine = lock(&self.machine);
        // In this order: what has finished is not pending once more before that is cancelled.
        machine.handle(now, Event::Close);
        machine.handle(now, Event::ConnectionLost);
        machine.is_over = true;
        drop(machine);
        self.carry_out();
        self.workers_changed();
    }

    pub(crate) fn poll_closed(&self, cx: &Context<'_>) -> Poll<()> {
        self.milestones.poll_over(cx).map(|_| ())
    }
}

impl Machine {
    pub(super) fn handle(&mut self, now: Instant, event: Event) {
        self.state.handle(now, event);
        self.number_actions();
    }

    fn number_actions(&mut self) {
        while let Some(action) = self.state.poll_action() {
            self.actions.push_back((self.next, action));
            self.next += 1;
        }
    }
}

/// How much it knows: nothing of any key, once all has been given back.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tasks = lock(&self.tasks).len();
        let machine = lock(&self.machine);
        let (keys, is_idle) = (machine.state.len(), machine.state.is_idle());
        drop(machine);
        f.debug_struct("Connection")
            .field("address", &self.address)
            .field("tasks", &tasks)
            .field("keys", &keys)
            .field("is_idle", &is_idle)
            .finish_non_exhaustive()
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing of the user's runs under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
