//! A client's connection, as its tasks and its user see it: events go in from any thread, and what the state asks for
//! happens in its order.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use crate::Error;
use crate::engine::dask::client::failure::{error_of_exception, error_of_loss};
use crate::engine::dask::client::requesting::{ReplyTo, Request};
use crate::engine::dask::client::task::Remote;
use crate::engine::dask::client::{self, Action, ClientState, Config, Event, Outcome, Report, Through};
use crate::engine::dask::comm::CommError;
use crate::engine::dask::inbox::Inbox;
use crate::engine::dask::milestones::Milestones;
use crate::engine::dask::values::py_value;
use crate::engine::dask::wire::{TaskKey, Value};
use crate::runtime::{AnyRuntime, Instant, Runtime, Timer};
use crate::task::Key;

/// A client's connection to a scheduler.
pub(crate) struct Connection {
    pub(super) address: Arc<str>,
    runtime: AnyRuntime,
    /// Which way values go.
    pub(super) through: Through,
    machine: Mutex<Machine>,
    tasks: Mutex<HashMap<TaskKey, Entered>>,
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

/// A task that somebody has: its number, since another may have its key later.
type Entered = (u64, Weak<dyn Remote>);

/// The state, and what it has asked for.
struct Machine {
    state: ClientState,
    actions: VecDeque<Action>,
    /// Whether a thread carries out the actions. The others leave theirs to it, so that the order holds.
    is_carrying_out: bool,
}

/// What the driver does next.
#[derive(Default)]
pub(super) struct Work {
    pub(super) requests: Vec<Request>,
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
        let machine = Machine { state, actions: VecDeque::new(), is_carrying_out: false };
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

    pub(super) fn handle(&self, event: Event) {
        self.apply(event);
        self.carry_out(lock(&self.machine));
    }

    /// Has what `submit` submits go to the scheduler in one message, also if it panics.
    pub(crate) fn at_once(&self, submit: impl FnOnce()) {
        struct Complete<'a>(&'a Connection);

        impl Drop for Complete<'_> {
            fn drop(&mut self) {
                self.0.handle(Event::Complete);
            }
        }

        self.handle(Event::Begin);
        let _complete = Complete(self);
        submit();
    }

    /// The first half of [`handle`](Self::handle), which may be done under the lock of the tasks.
    fn apply(&self, event: Event) {
        let now = self.runtime.now();
        lock(&self.machine).state.handle(now, event);
    }

    /// The next message to the scheduler, if there is something to say.
    pub(super) fn poll_flush(&self) -> Option<Value> {
        let now = self.runtime.now();
        let mut machine = lock(&self.machine);
        let message = if machine.state.wants_flush() { machine.state.poll_flush(now) } else { None };
        self.carry_out(machine);
        message
    }

    /// Does what the state has asked for, outside of its lock: those who are told may come back with more.
    fn carry_out<'a>(&'a self, mut machine: MutexGuard<'a, Machine>) {
        let mut wants_flush = false;
        loop {
            while let Some(action) = machine.state.poll_action() {
                machine.actions.push_back(action);
            }
            wants_flush |= machine.state.wants_flush();
            if machine.is_carrying_out {
                break;
            }
            let Some(action) = machine.actions.pop_front() else { break };
            machine.is_carrying_out = true;
            drop(machine);
            self.act(action);
            machine = lock(&self.machine);
            machine.is_carrying_out = false;
        }
        drop(machine);
        if wants_flush {
            self.work.change(|_| {});
        }
    }

    fn act(&self, action: Action) {
        match action {
            Action::SchedulerRpc { id, message } => {
                let request = Request { reply_to: ReplyTo::State(id), worker: None, message, confirm: false };
                self.push(request);
            }
            Action::WorkerRpc { id, address, message, confirm } => {
                let request = Request { reply_to: ReplyTo::State(id), worker: Some(address), message, confirm };
                self.push(request);
            }
            Action::SetTimer { at } => self.work.change(|work| work.timer = Some(at)),
            Action::Disconnect => self.work.change(|work| work.must_disconnect = true),
            Action::Closed => self.work.change(|work| work.is_closed = true),
            Action::Registered { version } => {
                tracing::info!(target: "anydask", address = %self.address, %version, "connected to a Dask scheduler");
                self.is_registered.store(true, Ordering::Release);
                self.milestones.open(Ok(()));
            }
            Action::Refused(error) => {
                self.lose_all(&Error::NotConnected { address: Arc::clone(&self.address), source: Arc::new(error) });
                self.work.change(|work| work.is_closed = true);
            }
            Action::Resolve { key, outcome } => self.resolve(&key, outcome),
            // The task has ended for those who wait for it. Who wants its value waits for that.
            Action::Reset { key: _ } => {}
            Action::Deliver { key, data } => {
                if let Some(task) = self.task(&key) {
                    let value = py_value(&data)
                        .map_err(|source| Error::NotDecoded { key: task.key(), source: Arc::new(source) });
                    task.handle_value(value);
                }
            }
            Action::Conflict { key } => {
                if let Some(task) = self.task(&key) {
                    let error = Error::KeyConflict { key: task.key() };
                    task.handle_ended(error);
                }
            }
            Action::WorkersChanged => self.workers_changed(),
            Action::Report(report) => self.report(&report),
        }
    }

    fn resolve(&self, key: &TaskKey, outcome: Outcome) {
        let Some(task) = self.task(key) else { return };
        match outcome {
            Outcome::Finished { nbytes, .. } => task.handle_finished(nbytes),
            Outcome::Erred { exception, traceback, blamed } => {
                task.handle_ended(error_of_exception(blamed.to_string().into(), &exception, &traceback));
            }
            Outcome::Lost(loss) => task.handle_ended(error_of_loss(key.to_string().into(), &loss)),
            Outcome::Cancelled { reason } => {
                let key = task.key();
                task.handle_ended(Error::Cancelled { key, reason });
            }
        }
    }

    fn report(&self, report: &Report) {
        let address = &self.address;
        match report {
            Report::NoPythonWorker { tasks } => tracing::warn!(
                target: "anydask", %address, tasks,
                "Python tasks wait for a Python worker; start one with `dask worker`"
            ),
            Report::Scheduler(message) => tracing::warn!(target: "anydask", %address, %message, "the scheduler says"),
            Report::RequestFailed(what) => tracing::debug!(target: "anydask", %address, %what, "a request failed"),
            Report::Malformed(what) => tracing::warn!(target: "anydask", %address, %what, "a message is malformed"),
            Report::UnknownOp(op) => tracing::debug!(target: "anydask", %address, %op, "an unknown message"),
        }
    }

    /// Whether `key` stands for other work.
    pub(super) fn is_conflict(&self, key: &TaskKey, work: &client::Work) -> bool {
        lock(&self.machine).state.is_conflict(key, work)
    }

    // --- tasks ---------------------------------------------------------------------------------------------------

    /// Enters tasks, and has the state hear of them: `event` submits or scatters them, with what they need besides.
    pub(super) fn enter(&self, entered: impl IntoIterator<Item = (TaskKey, Arc<dyn Remote>)>, event: Event) {
        let mut tasks = lock(&self.tasks);
        for (key, task) in entered {
            tasks.insert(key, (task.id(), Arc::downgrade(&task)));
        }
        // Under the lock: the release of an earlier task of a key comes before, or not at all.
        self.apply(event);
        drop(tasks);
        self.carry_out(lock(&self.machine));
    }

    /// The task with this key, as long as somebody has it.
    pub(super) fn task(&self, key: &TaskKey) -> Option<Arc<dyn Remote>> {
        lock(&self.tasks).get(key)?.1.upgrade()
    }

    /// A task is gone. Another may have its key by now.
    pub(super) fn forget(&self, key: &TaskKey, id: u64) {
        let mut tasks = lock(&self.tasks);
        if tasks.get(key).is_some_and(|(other, _)| *other == id) {
            tasks.remove(key);
        }
    }

    /// Nobody holds the key any more that no task has: that of a conversion.
    pub(super) fn release_conversion(&self, key: TaskKey) {
        self.handle(Event::Release(vec![key]));
    }

    /// Nobody holds the task `id` any more.
    pub(super) fn release(&self, key: &TaskKey, id: u64) {
        self.let_go(key, id, Event::Release(vec![key.clone()]));
    }

    pub(super) fn cancel(&self, key: &TaskKey, id: u64, reason: &Arc<str>) {
        self.let_go(key, id, Event::Cancel { keys: vec![key.clone()], reason: Arc::clone(reason), force: false });
    }

    /// The state counts keys, not tasks: the last word of a task whose key another has by now is not for it.
    fn let_go(&self, key: &TaskKey, id: u64, event: Event) {
        let mut tasks = lock(&self.tasks);
        if tasks.get(key).is_none_or(|(other, _)| *other != id) {
            return;
        }
        let gone = tasks.remove(key);
        self.apply(event);
        // The task knows how it ends. Told later, its end would be that of another task with the key.
        let mut machine = lock(&self.machine);
        while let Some(action) = machine.state.poll_action() {
            if !matches!(&action, Action::Resolve { key: ended, .. } if ended == key) {
                machine.actions.push_back(action);
            }
        }
        drop(machine);
        drop(tasks);
        drop(gone);
        self.carry_out(lock(&self.machine));
    }

    pub(super) fn detach(&self, key: &TaskKey) {
        self.handle(Event::Detach(vec![key.clone()]));
    }

    pub(super) fn retry(&self, key: &TaskKey) {
        self.handle(Event::Retry(vec![key.clone()]));
    }

    pub(super) fn want(&self, key: &TaskKey) {
        self.handle(Event::Want(vec![key.clone()]));
    }

    /// There is no connection, and there will be none.
    pub(super) fn lose_all(&self, error: &Error) {
        self.milestones.open(Err(error.clone()));
        self.end_all(|key| Error::Lost { key, reason: error.chain().into() });
    }

    /// Nothing comes any more: ends every task that has not ended, and the wait for every value, and refuses requests.
    pub(super) fn end_all(&self, error: impl Fn(Key) -> Error) {
        let tasks: Vec<_> = lock(&self.tasks).values().filter_map(|(_, task)| task.upgrade()).collect();
        for task in tasks {
            let error = error(task.key());
            task.handle_over(error);
        }
        let requests = self.work.take(|work| {
            work.is_closed = true;
            std::mem::take(&mut work.requests)
        });
        // Who asked hears it, outside of the lock.
        drop(requests);
    }

    // --- workers ---------------------------------------------------------------------------------------------------

    /// How often workers may have joined or left so far. The next time is soon.
    pub(crate) fn watch_workers(&self) -> u64 {
        self.handle(Event::WatchWorkers);
        lock(&self.workers).0
    }

    /// Waits until workers may have joined or left since there were `changes`.
    pub(crate) fn poll_workers_changed(&self, changes: u64, cx: &Context<'_>) -> Poll<u64> {
        let mut workers = lock(&self.workers);
        if workers.0 != changes {
            return Poll::Ready(workers.0);
        }
        if !workers.1.iter().any(|waker| waker.will_wake(cx.waker())) {
            workers.1.push(cx.waker().clone());
        }
        Poll::Pending
    }

    fn workers_changed(&self) {
        let mut workers = lock(&self.workers);
        workers.0 += 1;
        let wakers = std::mem::take(&mut workers.1);
        drop(workers);
        wakers.into_iter().for_each(Waker::wake);
    }

    // --- the driver ------------------------------------------------------------------------------------------------

    /// What the driver waits for: something to do, or, where it is true, the time of `timer`.
    pub(super) fn poll_next<R: Runtime>(
        &self,
        timer: &mut Option<Pin<Box<R::Sleep>>>,
        cx: &mut Context<'_>,
    ) -> Poll<bool> {
        if self.work.poll_changed(cx).is_ready() {
            return Poll::Ready(false);
        }
        match timer {
            Some(sleep) => sleep.as_mut().poll(cx).map(|()| true),
            None => Poll::Pending,
        }
    }

    // --- its beginning and its end -------------------------------------------------------------------------------

    pub(crate) fn poll_opened(&self, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        self.milestones.poll_opened(cx)
    }

    pub(crate) fn begin_close(&self) {
        self.handle(Event::Close);
    }

    pub(crate) fn poll_closed(&self, cx: &Context<'_>) -> Poll<()> {
        self.milestones.poll_over(cx).map(|_| ())
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
