//! What stands around a worker's state: events come from any thread, and what the state asks for happens in its order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::engine::dask::inbox::Inbox;
use crate::engine::dask::wire::{Serialized, TaskKey, Value};
use crate::engine::dask::worker::arrivals::{Arrival, Arrivals};
use crate::engine::dask::worker::bodies::Bodies;
use crate::engine::dask::worker::ops;
use crate::engine::dask::worker::state::{
    Action, Address, BodyId, Config, Data, Event, FromScheduler, Message, Metrics, Status, Stop, TransferId,
    WorkerState,
};
use crate::engine::local::quietly;
use crate::runtime::{AnyRuntime, Instant, Timer};
use crate::task::TaskFuture;

/// A datum as a worker keeps it: as it goes to others.
pub(super) type Datum = Arc<Serialized>;

/// One registration of a worker: from its first word with the scheduler to the end of the stream. What it began is over with it.
pub(super) struct Shell {
    runtime: AnyRuntime,
    machine: Mutex<Machine>,
    bodies: Bodies,
    /// The bodies that run, also those that were told to stop and go on. Dropped, their futures tell them, too.
    running: Mutex<BTreeMap<BodyId, TaskFuture<()>>>,
    arrivals: Mutex<Arrivals>,
    pub(super) work: Inbox<Work>,
}

struct Machine {
    state: WorkerState<Datum>,
    actions: VecDeque<Action<Datum>>,
    /// Whether a thread carries out the actions. The others leave theirs to it, so that the order holds.
    is_carrying_out: bool,
    /// Numbers what is sent.
    sent: u64,
}

/// What the driver does next.
#[derive(Default)]
pub(super) struct Work {
    /// Messages to the scheduler.
    pub(super) messages: Vec<Value>,
    pub(super) fetches: Vec<Fetch>,
    pub(super) declines: Vec<Vec<TaskKey>>,
    pub(super) must_retire: bool,
    pub(super) timer: Option<Instant>,
    pub(super) stop: Option<Stop>,
}

/// Data to be asked of a peer.
pub(super) struct Fetch {
    pub(super) transfer: TransferId,
    pub(super) peer: Address,
    pub(super) keys: Vec<TaskKey>,
}

impl Shell {
    pub(super) fn new(runtime: AnyRuntime, config: Config, bodies: Bodies) -> Arc<Self> {
        let state = WorkerState::new(config);
        let machine = Machine { state, actions: VecDeque::new(), is_carrying_out: false, sent: 0 };
        Arc::new(Self {
            runtime,
            machine: Mutex::new(machine),
            bodies,
            running: Mutex::default(),
            arrivals: Mutex::default(),
            work: Inbox::default(),
        })
    }

    // --- events in -----------------------------------------------------------------------------------------------

    pub(super) fn handle(self: &Arc<Self>, event: Event<Datum>) {
        self.handle_all([event]);
    }

    /// Several events, of which the state sees all before it decides.
    pub(super) fn handle_all(self: &Arc<Self>, events: impl IntoIterator<Item = Event<Datum>>) {
        let now = self.runtime.now();
        let mut machine = lock(&self.machine);
        for event in events {
            machine.state.handle(now, event);
        }
        loop {
            while let Some(action) = machine.state.poll_action() {
                machine.actions.push_back(action);
            }
            if machine.is_carrying_out {
                return;
            }
            let Some(action) = machine.actions.pop_front() else { return };
            machine.is_carrying_out = true;
            let number = machine.sent;
            machine.sent += u64::from(matches!(action, Action::Send(_)));
            drop(machine);
            // What panics is not ours, such as a subscriber's log. The worker goes on.
            _ = quietly(|| self.act(action, number));
            machine = lock(&self.machine);
            machine.is_carrying_out = false;
        }
    }

    fn act(self: &Arc<Self>, action: Action<Datum>, number: u64) {
        match action {
            Action::Send(message) => {
                let arrivals = match &message {
                    Message::TaskFinished { key, .. } | Message::TaskErred { key, .. } => {
                        lock(&self.arrivals).take(key)
                    }
                    _ => Vec::new(),
                };
                let message = ops::encode(message, number, &arrivals);
                self.work.change(|work| work.messages.push(message));
            }
            Action::Execute { body, key, run_id: _, call, inputs } => {
                if let Ok(call) = &call {
                    lock(&self.arrivals).take_inputs(&key, &call.inputs);
                }
                let future = self.bodies.execute(self, body, &key, call, inputs);
                // One that is over already has told so, and nobody will ask for it.
                if !future.is_done() {
                    lock(&self.running).insert(body, future.clone());
                    if future.is_done() {
                        self.forget(body);
                    }
                }
            }
            Action::Cancel(body) => {
                let future = lock(&self.running).get(&body).cloned();
                if let Some(future) = future {
                    future.cancel_because("the scheduler wants it no more");
                }
            }
            Action::Fetch { transfer, peer, keys } => {
                self.work.change(|work| work.fetches.push(Fetch { transfer, peer, keys }));
            }
            Action::Drop(datum) => drop(datum),
            Action::DeclinePython(keys) => self.work.change(|work| work.declines.push(keys)),
            Action::Retire => self.work.change(|work| work.must_retire = true),
            Action::SetTimer(at) => self.work.change(|work| work.timer = Some(at)),
            Action::Stop { reason } => self.work.change(|work| work.stop = Some(reason)),
        }
    }

    /// Data of a peer has come.
    pub(super) fn arrived(&self, data: &[(TaskKey, Data<Datum>)], arrival: &Arrival) {
        lock(&self.arrivals).come(data.iter().map(|(key, _)| key), arrival);
    }

    /// A body is over.
    pub(super) fn forget(&self, body: BodyId) {
        let forgotten = lock(&self.running).remove(&body);
        drop(forgotten);
    }

    // --- looking -------------------------------------------------------------------------------------------------

    /// The data of those of the keys that are here.
    pub(super) fn data(&self, keys: &[TaskKey]) -> Vec<(TaskKey, Datum)> {
        let machine = lock(&self.machine);
        let datum = |key: &TaskKey| Some((key.clone(), Arc::clone(&machine.state.data(key)?.value)));
        keys.iter().filter_map(datum).collect()
    }

    /// How many bodies run.
    pub(super) fn running(&self) -> usize {
        lock(&self.running).len()
    }

    pub(super) fn keys(&self) -> Vec<TaskKey> {
        lock(&self.machine).state.keys().cloned().collect()
    }

    pub(super) fn metrics(&self) -> (Metrics, Status, Vec<(TaskKey, f64)>) {
        let now = self.runtime.now();
        let machine = lock(&self.machine);
        let executing = machine.state.executing(now).map(|(key, time)| (key.clone(), time.as_secs_f64())).collect();
        (machine.state.metrics(), machine.state.status(), executing)
    }

    /// Why the worker stops, if it does.
    pub(super) fn stop_reason(&self) -> Option<Stop> {
        lock(&self.machine).state.stop_reason().cloned()
    }

    /// How many keys, bodies and transfers there are, and how many bodies can be cancelled.
    pub(super) fn held(&self) -> [usize; 4] {
        let running = lock(&self.running).len();
        let [keys, bodies, transfers] = lock(&self.machine).state.held();
        [keys, bodies, transfers, running]
    }

    /// A peer says that these are needed no more.
    pub(super) fn free_keys(self: &Arc<Self>, keys: Vec<TaskKey>) {
        self.handle(Event::Scheduler(FromScheduler::FreeKeys(keys)));
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing of the user's runs under these locks.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, feature = "smol"))]
mod tests {
    use std::task::{Context, Wake, Waker};

    use super::*;
    use crate::client::embedded;
    use crate::engine::dask::wire::Value;
    use crate::runtime::{Runtime, Smol};

    struct Panics;

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("in a waker");
        }
    }

    #[test]
    fn a_panic_in_an_action_does_not_keep_the_next_from_being_carried_out() {
        let runtime = Smol::new().erased();
        let config =
            Config { address: "tcp://here:1".into(), nthreads: 1, resources: BTreeMap::new(), incoming_bytes_max: 1 };
        let bodies = Bodies::new(embedded(runtime.clone(), 1, "test").unwrap());
        let shell = Shell::new(runtime, config, bodies);
        let ask = |key: &str| {
            let request = FromScheduler::StealRequest { key: key.into(), stimulus_id: Value::Nil };
            shell.handle(Event::Scheduler(request));
        };
        let waker = Waker::from(Arc::new(Panics));
        assert!(shell.work.poll_changed(&Context::from_waker(&waker)).is_pending());
        // Answered at once, which wakes who waits for messages.
        ask("one");
        ask("other");
        assert_eq!(shell.work.take(|work| work.messages.len()), 2);
    }
}
