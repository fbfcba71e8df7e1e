//! What the tasks of a program do.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use anydask::runtime::Smol;
use anydask::{Client, IntoArgs, TaskFn, TaskFuture, asynchronous, fallible};

use crate::program::{Terms, Work};
use crate::support::Event;

/// The work of one task, with what has become of it.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) value: i64,
    pub(crate) work: Work,
    pub(crate) gate: Event,
    /// Runs that have ended.
    runs: AtomicU32,
}

/// What a task fails with.
#[derive(Debug)]
pub(crate) struct Planned;

/// What it panics with.
pub(crate) const PLANNED: &str = "planned";

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PLANNED)
    }
}

impl std::error::Error for Planned {}

impl Plan {
    pub(crate) fn new(value: i64, work: Work, gate: &Event) -> Arc<Self> {
        Arc::new(Self { value, work, gate: gate.clone(), runs: AtomicU32::new(0) })
    }

    pub(crate) fn runs(&self) -> u32 {
        self.runs.load(Ordering::SeqCst)
    }

    fn run(&self, inputs: i64) -> Result<i64, Planned> {
        if self.work.is_gated {
            self.gate.wait();
        }
        self.end(inputs)
    }

    async fn run_asynchronously(&self, inputs: i64) -> Result<i64, Planned> {
        if self.work.is_gated {
            self.gate.passed().await;
        }
        self.end(inputs)
    }

    fn end(&self, inputs: i64) -> Result<i64, Planned> {
        let run = self.runs.fetch_add(1, Ordering::SeqCst) + 1;
        if run > self.work.failures {
            return Ok(self.value + inputs);
        }
        assert!(!self.work.panics, "{PLANNED}");
        Err(Planned)
    }
}

/// Submits a task that calls `$plan` with the sum of `$inputs`, which it takes as `$type`.
macro_rules! submit {
    ($client:expr, $plan:expr, $terms:expr, ($($inputs:ident: $type:ty)?) => $sum:expr, $given:expr) => {{
        let plan = $plan;
        if plan.work.is_asynchronous {
            let body = move |$($inputs: $type)?| {
                let (plan, sum) = (Arc::clone(&plan), $sum);
                async move { plan.run_asynchronously(sum).await }
            };
            submit_as($client, $terms, fallible(asynchronous(body)), $given)
        } else {
            submit_as($client, $terms, fallible(move |$($inputs: $type)?| plan.run($sum)), $given)
        }
    }};
}

/// What a task is given.
pub(crate) enum Given<'a> {
    Nothing,
    Value(i64),
    One(&'a TaskFuture<i64>),
    Shared(&'a TaskFuture<i64>),
    Several(Vec<&'a TaskFuture<i64>>),
}

pub(crate) fn submit(client: &Client<Smol>, plan: &Arc<Plan>, terms: &Terms, given: Given<'_>) -> TaskFuture<i64> {
    let plan = Arc::clone(plan);
    match given {
        Given::Nothing => submit!(client, plan, terms, () => 0, ()),
        Given::Value(value) => submit!(client, plan, terms, (x: i64) => x, value),
        Given::One(future) => submit!(client, plan, terms, (x: i64) => x, future),
        Given::Shared(future) => submit!(client, plan, terms, (x: Arc<i64>) => *x, future),
        Given::Several(futures) => submit!(client, plan, terms, (xs: Vec<i64>) => xs.iter().sum::<i64>(), futures),
    }
}

fn submit_as<F, A, Args>(client: &Client<Smol>, terms: &Terms, function: F, args: A) -> TaskFuture<i64>
where
    F: TaskFn<Args, Output = i64>,
    A: IntoArgs<Args, Arguments: Clone>,
    Args: 'static,
{
    if terms.is_plain() {
        return client.submit(function, args);
    }
    let mut task = client.task(function, args).priority(terms.priority);
    if terms.gpus > 0 {
        task = task.resources([("gpu", f64::from(terms.gpus))]);
    }
    if terms.retries > 0 {
        task = task.retries(terms.retries);
    } else if terms.is_retryable {
        task = task.retryable();
    }
    task.submit()
}

impl Terms {
    fn is_plain(&self) -> bool {
        self.retries == 0 && !self.is_retryable && self.priority == 0 && self.gpus == 0
    }
}

/// Maps plans over values or futures.
pub(crate) fn map(client: &Client<Smol>, plans: &[Arc<Plan>], of: Option<&TaskFuture<i64>>) -> Vec<TaskFuture<i64>> {
    match of {
        Some(future) => {
            let body = |plan: Given1, x: i64| plan.0.run(x);
            client.map(fallible(body), plans.iter().map(|plan| (Given1(Arc::clone(plan)), future)))
        }
        None => client.map(fallible(|plan: Given1| plan.0.run(0)), plans.iter().map(|plan| Given1(Arc::clone(plan)))),
    }
}

/// A plan as an argument.
#[derive(Clone)]
pub(crate) struct Given1(Arc<Plan>);

/// The plans of keyed tasks: their function must capture nothing, to be known as the same.
static KEYED: LazyLock<Mutex<HashMap<i64, Arc<Plan>>>> = LazyLock::new(Mutex::default);

fn keyed(number: i64) -> Result<i64, Planned> {
    let plan = KEYED.lock().unwrap().get(&number).cloned();
    plan.expect("a plan that was entered").run(0)
}

/// A plan that a keyed task finds by its number, as long as this is there.
pub(crate) struct Entered(i64);

impl Entered {
    pub(crate) fn new(number: i64, plan: &Arc<Plan>) -> Self {
        KEYED.lock().unwrap().insert(number, Arc::clone(plan));
        Self(number)
    }

    pub(crate) fn submit(&self, client: &Client<Smol>, key: &str) -> TaskFuture<i64> {
        client.task(fallible(keyed), self.0).key(key).retryable().submit()
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        KEYED.lock().unwrap().remove(&self.0);
    }
}
