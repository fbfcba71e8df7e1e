//! The suite's own promises: a failure, a hang and a stale declaration are seen, and no behaviour is forgotten.
#![cfg(feature = "conformance")]

use std::panic::{catch_unwind, resume_unwind};
use std::process;
use std::time::Instant;

use anydask_runtime::conformance::{DECLARED_DEADLINE, Promise, check, check_in_own_process};

const CANNOT: &[(&str, &str)] = &[("hangs", "it waits for itself"), ("fails", "it fails"), ("holds", "it was so once")];

fn promise(name: &'static str, cannot: &'static [(&'static str, &'static str)]) -> Promise {
    Promise { name, module: module_path!(), cannot }
}

/// What `check` says about a behaviour.
fn complaint(promise: Promise, behaviour: fn(())) -> Option<String> {
    let payload = catch_unwind(|| check(promise, || (), behaviour)).err()?;
    Some(payload.downcast_ref::<String>().expect("a message").clone())
}

fn fails((): ()) {
    resume_unwind(Box::new("the reason"));
}

fn hangs((): ()) {
    loop {
        std::thread::park();
    }
}

#[test]
fn a_behaviour_that_holds_passes() {
    assert_eq!(complaint(promise("holds", &[]), |()| ()), None);
}

#[test]
fn a_failure_names_the_behaviour_and_the_reason() {
    let complaint = complaint(promise("fails", &[]), fails).unwrap();
    assert!(complaint.contains("`fails`") && complaint.contains("the reason"), "{complaint}");
}

#[test]
fn a_declared_behaviour_may_fail_or_hang() {
    let start = Instant::now();
    assert_eq!(complaint(promise("fails", CANNOT), fails), None);
    assert_eq!(complaint(promise("hangs", CANNOT), hangs), None);
    assert!(start.elapsed() < 2 * DECLARED_DEADLINE);
}

#[test]
fn a_declared_behaviour_that_holds_is_a_failure() {
    let complaint = complaint(promise("holds", CANNOT), |()| ()).unwrap();
    assert!(complaint.contains("remove the declaration"), "{complaint}");
}

#[test]
fn a_behaviour_in_a_process_of_its_own_passes() {
    let here = promise("a_behaviour_in_a_process_of_its_own_passes", &[]);
    check_in_own_process(here, process::id, |_| ());
}

#[test]
fn a_behaviour_that_kills_its_process_is_a_failure() {
    let here = promise("a_behaviour_that_kills_its_process_is_a_failure", &[]);
    let seen = catch_unwind(|| check_in_own_process(here, || (), |()| process::abort()));
    let payload = seen.unwrap_err();
    let complaint = payload.downcast_ref::<String>().expect("a message");
    assert!(complaint.contains(here.name), "{complaint}");
}

/// The names of the public functions of a file, in order.
fn functions(source: &str) -> impl Iterator<Item = &str> {
    source.lines().filter_map(|line| line.strip_prefix("pub fn ")?.split(['<', '(']).next())
}

#[test]
fn every_behaviour_is_in_the_macro_once() {
    let list = include_str!("../src/conformance/mod.rs");
    let files = [
        include_str!("../src/conformance/blocking.rs"),
        include_str!("../src/conformance/context.rs"),
        include_str!("../src/conformance/current.rs"),
        include_str!("../src/conformance/net_streams.rs"),
        include_str!("../src/conformance/net_tcp.rs"),
        include_str!("../src/conformance/net_unix.rs"),
        include_str!("../src/conformance/scheduling.rs"),
        include_str!("../src/conformance/shutdown.rs"),
        include_str!("../src/conformance/tasks.rs"),
        include_str!("../src/conformance/time.rs"),
        include_str!("../src/conformance/types.rs"),
    ];
    for name in files.into_iter().flat_map(functions) {
        let listed = list.lines().filter(|line| line.trim() == format!("{name},")).count();
        assert_eq!(listed, 1, "`{name}` is listed {listed} times");
    }
}
