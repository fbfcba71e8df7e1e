//! Runs a program on a real engine, and holds what happens against the reference.

mod settling;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anydask::runtime::Smol;
use anydask::{Client, ClientStatus, Engine, Error, Key, Status, TaskFuture};

use crate::program::{Call, Program, Step, Terms, Work};
use crate::reference::{Cancel, GPUS, Reference, Retry};
use crate::support::Event;
use crate::work::{Entered, Given, Plan, map, submit};

/// Keys that both clients use.
const KEYS: usize = 3;

/// A running program.
struct Run {
    engine: Engine<Smol>,
    clients: Vec<Client<Smol>>,
    reference: Reference,
    /// Beside the nodes of the reference.
    tasks: Vec<Task>,
    keys: Vec<KeyState>,
    /// Bodies that run on after their task look for their plans too.
    entered: Vec<Entered>,
    plans: u32,
    gate: Event,
    occupants: Vec<TaskFuture<()>>,
}

/// What is there of one task.
struct Task {
    key: Key,
    client: usize,
    /// None behind the views of a key.
    futures: Vec<TaskFuture<i64>>,
    plan: Option<Arc<Plan>>,
    /// What `on_done` has told of the present resolution, if somebody listens.
    told: Option<Arc<Mutex<Vec<Status>>>>,
}

/// What is known of a chosen key.
enum KeyState {
    Free,
    Held {
        task: usize,
        views: [Option<usize>; 2],
        entered: usize,
    },
    /// Whether it is held is a matter of time: it is left alone.
    Unknown,
}

pub(crate) fn run(program: &Program) {
    let builder = Client::with_runtime(Smol::new()).threads(program.threads).resources([("gpu", f64::from(GPUS))]);
    let engine = builder.unrunnable_timeout(Duration::from_millis(1)).engine().wait().unwrap();
    let mut run = Run {
        clients: (0..2).map(|_| Client::on(&engine).unwrap()).collect(),
        engine,
        reference: Reference::default(),
        tasks: Vec::new(),
        keys: (0..KEYS).map(|_| KeyState::Free).collect(),
        entered: Vec::new(),
        plans: 0,
        gate: Event::new(),
        occupants: Vec::new(),
    };
    for step in &program.steps {
        run.step(step);
    }
    run.end(program.end);
}

impl Run {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Submit { client, call, work, terms } => self.submit(*client, call, *work, *terms),
            Step::Map { client, length, of, work } => self.map(*client, *length, *of, *work),
            Step::Keyed { client, key } => self.keyed(*client, *key),
            Step::Cancel { task, by_client } => self.cancel(*task, *by_client),
            Step::Drop { task } => self.drop_one(*task),
            Step::Detach { task } => self.detach(*task),
            Step::Retry { task, by_client } => self.retry(*task, *by_client),
            Step::Block => self.block(),
            Step::Open => self.open(),
            Step::Settle { wait } => self.settle(*wait),
            Step::Restart => self.restart(),
            Step::Close { client } => self.close(*client),
        }
    }

    // --- tasks in ------------------------------------------------------------------------------------------------

    fn is_open(&self, client: usize) -> bool {
        self.clients[client].status() == ClientStatus::Running
    }

    /// The held task that a number stands for.
    fn held(&self, number: usize) -> Option<usize> {
        let held: Vec<_> = (0..self.tasks.len()).filter(|task| !self.tasks[*task].futures.is_empty()).collect();
        (!held.is_empty()).then(|| held[number % held.len()])
    }

    fn plan(&mut self, mut work: Work, can_be_asynchronous: bool) -> Arc<Plan> {
        work.is_asynchronous &= can_be_asynchronous;
        self.plans += 1;
        Plan::new(1 << (self.plans % 32), work, &self.gate)
    }

    fn submit(&mut self, client: usize, call: &Call, work: Work, terms: Terms) {
        let plan = self.plan(work, true);
        let (inputs, is_shared) = match call {
            Call::Nothing | Call::Value => (Vec::new(), false),
            Call::One { input, is_shared } => (self.held(*input).into_iter().collect(), *is_shared),
            Call::Several { inputs } => (inputs.iter().filter_map(|input| self.held(*input)).collect(), false),
        };
        let input = |index: usize| &self.tasks[inputs[index]].futures[0];
        let given = match call {
            Call::Nothing => Given::Nothing,
            Call::Value => Given::Value(0),
            Call::One { .. } if inputs.is_empty() => Given::Value(0),
            Call::One { .. } if is_shared => Given::Shared(input(0)),
            Call::One { .. } => Given::One(input(0)),
            Call::Several { .. } => Given::Several((0..inputs.len()).map(input).collect()),
        };
        let keeps_call = terms.is_retryable || terms.retries > 0 || matches!(given, Given::Nothing);
        let future = submit(&self.clients[client], &plan, &terms, given);
        if !self.is_open(client) {
            return check_refused(&future);
        }
        self.enter(client, inputs, (plan, terms), keeps_call, future);
    }

    fn map(&mut self, client: usize, length: usize, of: Option<usize>, work: Work) {
        let plans: Vec<_> = (0..length).map(|_| self.plan(work, false)).collect();
        let of = of.and_then(|of| self.held(of));
        let futures = map(&self.clients[client], &plans, of.map(|of| &self.tasks[of].futures[0]));
        assert_eq!(futures.len(), length);
        for (plan, future) in plans.into_iter().zip(futures) {
            if !self.is_open(client) {
                check_refused(&future);
                continue;
            }
            self.enter(client, of.into_iter().collect(), (plan, Terms::default()), false, future);
        }
    }

    fn enter(
        &mut self,
        client: usize,
        inputs: Vec<usize>,
        (plan, terms): (Arc<Plan>, Terms),
        keeps_call: bool,
        future: TaskFuture<i64>,
    ) -> usize {
        let node = self.reference.submit(client, inputs, (plan.value, plan.work, terms), keeps_call);
        let told = terms.is_watched.then(|| listen(&future));
        self.tasks.push(Task { key: future.key(), client, futures: vec![future], plan: Some(plan), told });
        node
    }

    fn keyed(&mut self, client: usize, number: usize) {
        let (key, name) = (number % KEYS, format!("key-{}", number % KEYS));
        if !self.is_open(client) {
            self.new_work(number);
            return check_refused(&self.submit_keyed(client, &name, self.entered.len() - 1));
        }
        match self.keys[key] {
            KeyState::Unknown => {}
            KeyState::Held { task, views, entered } => {
                let future = self.submit_keyed(client, &name, entered);
                match views[client] {
                    Some(view) => self.tasks[view].futures.push(future),
                    None => self.view(key, client, task, future),
                }
            }
            KeyState::Free => {
                let plan = self.new_work(number);
                let entered = self.entered.len() - 1;
                let future = self.submit_keyed(client, &name, entered);
                let task = self.enter(client, Vec::new(), (plan, Terms::default()), true, future);
                let future = self.tasks[task].futures.pop().expect("it has just come");
                self.keys[key] = KeyState::Held { task, views: [None; 2], entered };
                self.view(key, client, task, future);
            }
        }
    }

    fn submit_keyed(&self, client: usize, name: &str, entered: usize) -> TaskFuture<i64> {
        self.entered[entered].submit(&self.clients[client], name)
    }

    /// Other work than any before. Some fails at first, and some waits: told by the number.
    fn new_work(&mut self, number: usize) -> Arc<Plan> {
        let (failures, is_gated) = (u32::from(number > 3), number % 2 == 1);
        let plan = self.plan(Work { is_asynchronous: false, is_gated, failures, panics: false }, false);
        self.entered.push(Entered::new(next_number(), &plan));
        plan
    }

    fn view(&mut self, key: usize, client: usize, task: usize, future: TaskFuture<i64>) {
        let node = self.reference.view(client, task);
        self.tasks.push(Task { key: future.key(), client, futures: vec![future], plan: None, told: None });
        if let KeyState::Held { views, .. } = &mut self.keys[key] {
            views[client] = Some(node);
        }
    }

    /// A view is no longer held, or no longer wanted. The last takes the task with it.
    fn end_view(&mut self, node: usize) {
        for key in &mut self.keys {
            let KeyState::Held { task, views, .. } = key else { continue };
            for view in views.iter_mut().filter(|view| **view == Some(node)) {
                *view = None;
            }
            if views.iter().all(Option::is_none) {
                self.reference.drop_handle(*task);
                if self.reference.is_pending(*task) {
                    self.reference.end_unseen(*task);
                }
                *key = KeyState::Free;
            }
        }
    }

    /// Whether a view is still there is a matter of time.
    fn lose_view(&mut self, node: usize) {
        for key in &mut self.keys {
            if let KeyState::Held { task, views, .. } = key
                && views.contains(&Some(node))
            {
                self.reference.drop_handle(*task);
                *key = KeyState::Unknown;
            }
        }
    }

    // --- what is done with them ----------------------------------------------------------------------------------

    fn cancel(&mut self, number: usize, by_client: bool) {
        let Some(task) = self.held(number) else { return };
        let future = &self.tasks[task].futures[0];
        let before = future.status();
        if by_client {
            self.clients[self.tasks[task].client].cancel_because(future, "planned").wait().unwrap();
        } else {
            future.cancel();
        }
        let after = future.status();
        match self.reference.cancel(task) {
            Cancel::Nothing => assert_eq!(after, before, "`{}` had ended", future.key()),
            Cancel::Certain => {
                assert_eq!(after, Status::Cancelled, "`{}`", future.key());
                self.check_ended();
                self.end_view(task);
            }
            Cancel::Perhaps => {
                assert!(after.is_done(), "`{}`", future.key());
                self.lose_view(task);
            }
        }
    }

    fn drop_one(&mut self, number: usize) {
        let Some(task) = self.held(number) else { return };
        let future = self.tasks[task].futures.pop();
        if !self.tasks[task].futures.is_empty() {
            return drop(future);
        }
        self.reference.drop_handle(task);
        let is_taken = self.reference.nodes.iter().any(|node| node.inputs.contains(&task));
        if is_taken || self.tasks[task].told.is_some() {
            self.lose_view(task);
        } else {
            self.end_view(task);
        }
        drop(future);
    }

    fn detach(&mut self, number: usize) {
        let Some(task) = self.held(number).filter(|task| self.tasks[*task].plan.is_some()) else { return };
        let Some(future) = self.tasks[task].futures.pop() else { return };
        self.reference.drop_handle(task);
        self.reference.detach(task);
        future.detach();
    }

    fn retry(&mut self, number: usize, by_client: bool) {
        let Some(task) = self.held(number).filter(|task| self.reference.ended(*task).is_some()) else { return };
        let (client, future) = (self.tasks[task].client, self.tasks[task].futures[0].clone());
        if !self.is_open(client) {
            if by_client {
                let result = self.clients[client].retry(&future).wait();
                assert!(matches!(result, Err(Error::ClientClosed { .. })), "{result:?}");
            }
            return;
        }
        let pending: Vec<_> = (0..self.tasks.len()).filter(|task| self.reference.is_pending(*task)).collect();
        let Some(expected) = self.reference.retry(task) else { return };
        // Before it runs: whoever listens must hear of each end.
        for task in (0..self.tasks.len()).filter(|task| !pending.contains(task) && self.reference.is_pending(*task)) {
            self.tasks[task].told = None;
        }
        let result = if by_client { self.clients[client].retry(&future).wait() } else { future.retry().wait() };
        match expected {
            Retry::Accepted => {
                assert!(result.is_ok(), "`{}`: {result:?}", future.key());
                self.tasks[task].told = Some(listen(&future));
            }
            Retry::NotFailed => {
                assert!(matches!(result, Err(Error::NotFailed { .. })), "`{}`: {result:?}", future.key());
            }
            Retry::NotRepeatable => {
                assert!(matches!(result, Err(Error::NotRepeatable { .. })), "`{}`: {result:?}", future.key());
            }
        }
    }

    fn block(&mut self) {
        let Some(client) = (0..2).find(|client| self.is_open(*client)) else { return };
        // What waits inside would keep a thread from an occupant.
        self.open();
        let running: Vec<_> = (0..self.engine.threads()).map(|_| Event::new()).collect();
        for running in &running {
            let (running, gate) = (running.clone(), self.gate.clone());
            let body = move || {
                running.set();
                gate.wait();
            };
            self.occupants.push(self.clients[client].submit(body, ()));
        }
        running.iter().for_each(Event::wait);
        self.reference.block();
    }

    fn open(&mut self) {
        self.gate.set();
        self.gate = Event::new();
        self.reference.open();
        self.occupants.clear();
    }

    fn restart(&mut self) {
        self.engine.restart();
        self.reference.restart();
        for key in &mut self.keys {
            *key = KeyState::Free;
        }
        self.check_ended();
        // Those that ended before have told of another end.
        self.tasks.iter_mut().for_each(|task| task.told = None);
    }

    fn close(&mut self, client: usize) {
        let is_open = self.is_open(client);
        let closed = self.clients[client].close().timeout(Duration::ZERO).wait();
        assert!(matches!(closed, Ok(()) | Err(Error::StillRunning { .. })), "{closed:?}");
        if is_open {
            for node in self.reference.close(client) {
                self.end_view(node);
            }
            let unknown = |task: &usize| self.tasks[*task].client == client && self.reference.is_pending(*task);
            let unknown: Vec<_> = (0..self.tasks.len()).filter(unknown).collect();
            unknown.into_iter().for_each(|node| self.lose_view(node));
            self.check_ended();
        }
    }
}

fn listen(future: &TaskFuture<i64>) -> Arc<Mutex<Vec<Status>>> {
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = Arc::clone(&told);
    future.on_done(move |future| telling.lock().unwrap().push(future.status()));
    told
}

fn check_refused(future: &TaskFuture<i64>) {
    assert_eq!(future.status(), Status::Error);
    assert!(matches!(future.wait(), Err(Error::ClientClosed { .. })));
}

/// Tells the plans of keyed tasks apart, also those of programs that run at the same time.
fn next_number() -> i64 {
    static NEXT: AtomicI64 = AtomicI64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
