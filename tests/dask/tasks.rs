//! The registered tasks of these tests, and what goes with them.

use std::num::ParseIntError;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anydask::{Error, TaskContext, task};
use serde::{Deserialize, Serialize, Serializer};

use crate::ground::Gate;

#[task]
pub fn inc(x: i64) -> i64 {
    x + 1
}

#[task]
pub fn double(x: i64) -> i64 {
    2 * x
}

#[task]
pub fn add(x: i64, y: i64) -> i64 {
    x + y
}

#[task]
pub fn total(all: Vec<i64>) -> i64 {
    all.iter().sum()
}

#[task]
pub fn parse(text: String) -> Result<i64, ParseIntError> {
    text.parse()
}

#[task]
pub fn div(x: i64, y: i64) -> Result<i64, String> {
    x.checked_div(y).ok_or_else(|| "division by zero".to_owned())
}

#[task]
pub fn boom(x: i64) -> i64 {
    panic!("boom of {x}")
}

#[task]
pub async fn double_later(x: i64) -> Result<i64, String> {
    Ok(2 * x)
}

/// Takes so many milliseconds.
#[task]
pub fn slow_add(x: i64, y: i64, milliseconds: u64) -> i64 {
    thread::sleep(Duration::from_millis(milliseconds));
    x + y
}

/// Comes to a gate, and gives `x` when that is open.
#[task]
pub fn hold(gate: String, x: i64) -> i64 {
    Gate::named(&gate).pass();
    x
}

/// Says at a gate that it is there.
#[task]
pub fn mark(gate: String, x: i64) -> i64 {
    Gate::named(&gate).enter();
    x
}

/// Fails until its gate is open.
#[task]
pub fn flaky(gate: String, x: i64) -> Result<i64, String> {
    let gate = Gate::named(&gate);
    gate.enter();
    if gate.is_open() { Ok(x) } else { Err("not yet".to_owned()) }
}

/// Fails so many times.
#[task]
pub fn fails(gate: String, times: usize) -> Result<usize, String> {
    let gate = Gate::named(&gate);
    gate.enter();
    let runs = gate.entered();
    if runs > times { Ok(runs) } else { Err(format!("run {runs} failed")) }
}

/// Runs until nobody waits for it.
#[task]
pub fn until_cancelled(began: String, ended: String) -> Result<(), Error> {
    let context = TaskContext::current()?;
    Gate::named(&began).enter();
    while !context.is_cancelled() {
        thread::yield_now();
    }
    Gate::named(&ended).enter();
    Ok(())
}

/// Gives up as one that was cancelled, though nobody has cancelled it.
#[task]
pub fn cancelled_by_itself(gate: String) -> Result<(), Error> {
    Gate::named(&gate).enter();
    Err(Error::Cancelled { key: "another task".into(), reason: "nobody wants it".into() })
}

#[task]
pub fn own_key(_x: i64) -> Result<String, Error> {
    Ok(TaskContext::current()?.key().to_string())
}

#[task]
pub async fn own_key_later(_x: i64) -> Result<String, Error> {
    Ok(TaskContext::current()?.key().to_string())
}

/// Ends its process.
#[task]
pub fn kill_process(_x: i64) -> i64 {
    std::process::exit(1)
}

/// The number of its process.
#[task]
pub fn process_id(_x: i64) -> u32 {
    std::process::id()
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    pub name: String,
    pub cells: Vec<f64>,
}

#[task]
pub fn sum_of(table: Arc<Table>) -> f64 {
    table.cells.iter().sum()
}

#[task]
pub fn count_of(parts: Vec<Part>) -> usize {
    parts.len()
}

/// Comes to a gate when it is encoded, and is when that is open.
#[derive(Clone, Deserialize)]
pub struct Slow {
    pub gate: String,
}

impl Serialize for Slow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Gate::named(&self.gate).pass();
        self.gate.serialize(serializer)
    }
}

#[task]
pub fn gate_of(slow: Slow) -> String {
    slow.gate
}

/// No task takes or gives one by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part(pub u8);

/// No task knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stranger;

/// Of what `fails` gives.
#[task]
pub fn plus_one(x: usize) -> usize {
    x + 1
}

/// Counts how many run at a time, for 2 ms each.
#[task]
pub fn at_a_time(gate: String, x: i64) -> i64 {
    let gate = Gate::named(&gate);
    let _inside = gate.inside();
    thread::sleep(Duration::from_millis(2));
    x
}
