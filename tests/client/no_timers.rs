//! A runtime without timers: what needs one fails and says why, and nothing hangs.
#![cfg(feature = "tokio")]

use std::time::Duration;

use anydask::runtime::Tokio;
use anydask::{Client, Error, TaskFuture, asynchronous, fallible};

use crate::support::DEADLINE;

const LONG: Duration = Duration::from_secs(600);

/// Opens a client of one thread on such a runtime, which is to outlive it.
fn on_runtime_without_timers(check: impl FnOnce(&Client<Tokio>)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let client = Client::with_runtime(Tokio::from_handle(runtime.handle().clone())).threads(1).local().wait().unwrap();
    check(&client);
    let alive = client.map(asynchronous(|x: i64| async move { x + 1 }), client.map(|x: i64| x + 1, 0..3));
    assert_eq!(client.gather(alive).timeout(DEADLINE / 2).wait().unwrap(), [2, 3, 4]);
    client.close().wait().unwrap();
}

fn error_of(future: &TaskFuture<i64>) -> Error {
    future.shared().timeout(DEADLINE / 2).wait().unwrap_err()
}

fn check_panicked(future: &TaskFuture<i64>) {
    match error_of(future) {
        Error::Panicked { key, message, .. } => {
            assert_eq!(key, future.key());
            assert!(message.contains("timers"), "{message}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_timeout_fails_the_task() {
    on_runtime_without_timers(|client| check_panicked(&client.task(|| 1, ()).timeout(LONG).submit()));
}

#[test]
fn a_timeout_fails_the_asynchronous_task() {
    on_runtime_without_timers(|client| {
        check_panicked(&client.task(asynchronous(|| async { 1 }), ()).timeout(LONG).submit());
    });
}

#[test]
fn a_deadline_fails_the_task() {
    on_runtime_without_timers(|client| {
        check_panicked(&client.task(|| 1, ()).deadline(LONG).submit());
        // Nobody joins one that cannot run.
        let keyed = || client.task(|| 1, ()).key("chosen").deadline(LONG).submit();
        check_panicked(&keyed());
        check_panicked(&keyed());
    });
}

#[test]
fn a_delayed_retry_fails_the_task() {
    on_runtime_without_timers(|client| {
        let fails = || Err::<i64, _>("no");
        let future = client.task(fallible(fails), ()).retries(1).backoff(LONG).submit();
        assert!(matches!(error_of(&future), Error::RuntimeGone { .. }));
    });
}

#[test]
fn a_wait_for_resources_that_are_not_there_fails_the_task() {
    on_runtime_without_timers(|client| {
        let future = client.task(|| 1, ()).resources([("gpu", 1.0)]).submit();
        assert!(matches!(error_of(&future), Error::RuntimeGone { .. }));
    });
}
