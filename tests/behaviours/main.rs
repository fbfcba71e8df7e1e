//! The behaviours of Dask's client, case by case, and what a hostile user asks of its futures beyond them; shown on
//! every runtime and in blocking code. `tests/README.md` lists the cases.
//!
//! One program instead of one for each concern, because linking is what takes the time.

#[path = "../support/mod.rs"]
mod support;

// --- the cases, by their headings ---
mod connecting_and_closing;
mod failures_and_restart;
mod futures;
mod gather_and_scatter;
mod placement;
mod references_and_memory;
mod submission;
mod tasks_from_tasks;
mod wait_and_as_completed;

// --- beyond the cases ---
mod callbacks;
mod cancelling;
mod circular_waits;
mod completing;
mod completing_with_results;
mod current_client;
mod default_options;
mod inspecting;
mod items_of_a_map;
mod looking_inside;
mod mapping_streams;
mod prioritizing;
mod progress;
mod pure;
mod resources;
mod retry_by_hand;
mod retrying;
mod several_clients;
mod time_limits;
mod unrunnable;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anydask::{AsCompleted, Client, Error, TaskFuture};

use crate::support::{AnyOf, Event, Setting};

fn inc(x: i64) -> i64 {
    x + 1
}

fn double(x: i64) -> i64 {
    2 * x
}

fn add(x: i64, y: i64) -> i64 {
    x + y
}

fn sum(values: Vec<i64>) -> i64 {
    values.iter().sum()
}

/// What [`div`] fails with.
#[derive(Debug)]
struct DivideByZero;

impl fmt::Display for DivideByZero {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("division by zero")
    }
}

impl std::error::Error for DivideByZero {}

fn div(x: i64, y: i64) -> Result<i64, DivideByZero> {
    x.checked_div(y).ok_or(DivideByZero)
}

fn is_divide_by_zero(error: &Error) -> bool {
    error.downcast_ref::<DivideByZero>().is_some()
}

/// Counts what tasks do, from wherever they run.
#[derive(Clone, Debug, Default)]
struct Counter(Arc<AtomicUsize>);

impl Counter {
    fn new() -> Self {
        Self::default()
    }

    /// Counts one more and gives the number before.
    fn add(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// How many are at once in what it watches.
#[derive(Clone, Debug, Default)]
struct Gauge {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Gauge {
    /// One more is in, until what this gives is dropped.
    fn enter(&self) -> Inside {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        Inside(self.clone())
    }

    fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    fn now(&self) -> usize {
        self.now.load(Ordering::SeqCst)
    }
}

struct Inside(Gauge);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A task that says when it runs and goes on when it is told to.
struct Held {
    running: Event,
    release: Event,
}

impl Held {
    fn new() -> Self {
        Self { running: Event::new(), release: Event::new() }
    }

    /// Its body on a thread.
    fn body(&self) -> impl Fn(i64) -> i64 + Clone + Send + Sync + use<> {
        let (running, release) = (self.running.clone(), self.release.clone());
        move |x| {
            running.set();
            release.wait();
            x + 1
        }
    }
}

/// The next that has completed: awaited, or blocked for.
async fn next<R: AnyOf, T: Send + Sync + 'static>(
    on: &Setting<R>,
    completed: &mut AsCompleted<T>,
) -> Option<TaskFuture<T>> {
    if on.is_blocking { completed.next().wait().unwrap() } else { completed.next().await }
}

/// All that complete, in their order.
async fn rest<R: AnyOf, T: Send + Sync + 'static>(
    on: &Setting<R>,
    completed: &mut AsCompleted<T>,
) -> Vec<TaskFuture<T>> {
    let mut all = Vec::new();
    while let Some(done) = next(on, completed).await {
        all.push(done);
    }
    all
}

/// How much of a resource nobody holds.
fn available<R: AnyOf>(client: &Client<R>, name: &str) -> f64 {
    client.info().resources[name].available
}

/// Lets time pass in which nothing must happen.
async fn pause<R: AnyOf>(on: &Setting<R>, time: std::time::Duration) {
    if on.is_blocking { std::thread::sleep(time) } else { on.runtime.sleep(time).await }
}
