//! Random programs against a reference: values, outcomes, what is left behind.
//!
//! Each program is drawn, run on an engine of one or two threads, and held against what `reference.rs` allows.
//! `PROPTEST_CASES` says how many; a program that fails is made smaller and printed.

#[path = "../support/mod.rs"]
mod support;

mod program;
mod reference;
mod run;
mod work;

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use crate::program::Program;

/// How many programs are run, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 10_000;

/// Longest time that one program may take: a hang is a failure. One takes milliseconds.
const DEADLINE: Duration = Duration::from_secs(20);

/// How often a program is run once one has failed: what fails now and then must fail again to be made smaller.
const TRIES: u32 = 30;

#[test]
fn programs_come_to_what_the_reference_allows() {
    silence_planned_panics();
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let config = Config { cases, max_shrink_time: 60_000, failure_persistence: None, ..Config::default() };
    let has_failed = Cell::new(false);
    let result = TestRunner::new(config).run(&program::program(), |program| {
        let tries = if has_failed.get() { TRIES } else { 1 };
        let result = (0..tries).try_for_each(|_| run_within_deadline(&program));
        has_failed.set(has_failed.get() || result.is_err());
        result.map_err(TestCaseError::fail)
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(reason, program)) => panic!("{reason}\nin this program:\n{program}"),
        Err(other) => panic!("{other}"),
    }
}

fn run_within_deadline(program: &Program) -> Result<(), String> {
    let (done, ended) = mpsc::channel();
    let running = program.clone();
    let thread = thread::spawn(move || {
        let ended = panic::catch_unwind(AssertUnwindSafe(|| run::run(&running)));
        let _ = done.send(ended.map_err(|payload| text_of(&*payload)));
    });
    match ended.recv_timeout(DEADLINE) {
        Ok(ended) => {
            thread.join().expect("it has caught its panics");
            ended
        }
        Err(_) => Err(format!("it was not over within {DEADLINE:?}")),
    }
}

/// Programs panic by the thousand.
fn silence_planned_panics() {
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if text_of(info.payload()) != work::PLANNED {
            previous(info);
        }
    }));
}

fn text_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&'static str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
}
