//! Timeouts of runs, and deadlines.

use std::time::{Duration, Instant};

use anydask::{Error, Status, TaskContext, asynchronous, fallible};

use crate::support::{AnyOf, Event, Setting, on_every_runtime};
use crate::{Counter, Held, available, inc, pause};

on_every_runtime! {
    a_run_that_takes_too_long_ends_its_task;
    a_body_sees_that_its_time_is_over;
    an_asynchronous_run_that_takes_too_long_is_dropped;
    a_run_in_time_is_not_touched;
    a_timeout_does_not_count_the_queue;
    a_retry_has_its_time_anew;
    a_body_with_retries_sees_that_its_time_is_over;
    an_asynchronous_retry_has_its_time_anew;
    a_late_result_counts_for_nothing;
    a_deadline_counts_the_queue;
    a_deadline_counts_the_wait_for_inputs;
    a_deadline_counts_the_wait_for_resources;
    a_deadline_ends_a_running_task;
    a_deadline_ends_the_retries;
    dependents_fail_with_the_time_limit;
    times_that_are_none_and_times_without_end;
    a_timeout_gives_back_what_is_held;
    deadlines_of_finished_tasks_keep_nothing;
    a_late_value_that_panics_in_its_drop_costs_no_thread;
}

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(600);

async fn a_run_that_takes_too_long_ends_its_task<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let held = Held::new();
    let start = Instant::now();
    let future = client.task(held.body(), 1).timeout(SHORT).submit();
    let error = on.error(&future).await;
    assert!(matches!(&error, Error::RunTimeout { key, after } if *key == future.key() && *after == SHORT));
    assert!(start.elapsed() >= SHORT);
    assert_eq!(future.status(), Status::Error);
    assert!(!error.is_timeout(), "that was not the waiter's time");
    // Its slot is taken until its body ends.
    assert_eq!(client.info().running, 1);
    held.release.set();
    assert_eq!(on.take(client.submit(inc, 1)).await.unwrap(), 2);
}

async fn a_body_sees_that_its_time_is_over<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let future = client.task(fallible(until_told), ()).timeout(SHORT).submit();
    assert!(matches!(on.error(&future).await, Error::RunTimeout { .. }));
    on.until("it has stopped", || client.info().running == 0).await;
}

/// Runs until its context says that nobody needs it.
fn until_told() -> Result<(), Error> {
    let context = TaskContext::current()?;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(20) {
        context.check()?;
        std::thread::yield_now();
    }
    panic!("nobody told it to stop");
}

async fn an_asynchronous_run_that_takes_too_long_is_dropped<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let dropped = Event::new();
    let body = {
        let dropped = dropped.clone();
        move || {
            let on_drop = dropped.on_drop();
            async move {
                let _on_drop = on_drop;
                std::future::pending::<i64>().await
            }
        }
    };
    let future = client.task(asynchronous(body), ()).timeout(SHORT).submit();
    assert!(matches!(on.error(&future).await, Error::RunTimeout { .. }));
    on.passed(&dropped).await;
    on.until("it is gone", || client.info().asynchronous == 0).await;
}

async fn a_run_in_time_is_not_touched<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let futures = client.tasks(inc, 0..100).timeout(LONG).deadline(LONG).submit();
    assert_eq!(on.get(client.gather(&futures)).await.unwrap().len(), 100);
    let futures = client.tasks(asynchronous(async |x: i64| x), 0..100).timeout(LONG).deadline(LONG).submit();
    assert_eq!(on.get(client.gather(&futures)).await.unwrap().len(), 100);
}

async fn a_timeout_does_not_count_the_queue<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let limit = Duration::from_millis(200);
    let future = client.task(inc, 1).timeout(limit).submit();
    pause(&on, limit + SHORT).await;
    assert_eq!(future.status(), Status::Pending);
    release.set();
    assert_eq!(on.value(&future).await.unwrap(), 2);
}

async fn a_retry_has_its_time_anew<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let runs = Counter::new();
    let body = {
        let runs = runs.clone();
        move |x: i64| {
            if runs.add() < 2 {
                std::thread::sleep(Duration::from_millis(400));
            }
            x
        }
    };
    let future = client.task(body, 7).timeout(Duration::from_millis(200)).retries(2).submit();
    assert_eq!(on.value(&future).await.unwrap(), 7);
    assert_eq!(runs.get(), 3);
}

async fn a_body_with_retries_sees_that_its_time_is_over<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (runs, start) = (Counter::new(), Instant::now());
    let body = {
        let runs = runs.clone();
        move || {
            runs.add();
            until_told()
        }
    };
    let future = client.task(fallible(body), ()).timeout(SHORT).retries(2).submit();
    assert!(matches!(on.error(&future).await, Error::RunTimeout { .. }));
    on.until("it has stopped", || client.info().running == 0).await;
    assert_eq!(runs.get(), 3);
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
}

async fn an_asynchronous_retry_has_its_time_anew<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let runs = Counter::new();
    let body = {
        let runs = runs.clone();
        move |x: i64| {
            let runs = runs.clone();
            async move {
                if runs.add() < 2 {
                    std::future::pending::<()>().await;
                }
                x
            }
        }
    };
    let future = client.task(asynchronous(body.clone()), 7).timeout(SHORT).retries(2).submit();
    assert_eq!(on.value(&future).await.unwrap(), 7);
    assert_eq!(runs.get(), 3);
}

async fn a_late_result_counts_for_nothing<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let held = Held::new();
    // The predicate refuses the only retry, which shows when the body has ended.
    let future = client.task(held.body(), 1).timeout(SHORT).retries(1).retry_if(|_| false).submit();
    on.passed(&held.running).await;
    pause(&on, SHORT * 5).await;
    held.release.set();
    assert!(matches!(on.error(&future).await, Error::RunTimeout { .. }));
}

async fn a_deadline_counts_the_queue<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let held = Held::new();
    held.release.set();
    let future = client.task(held.body(), 1).deadline(SHORT).submit();
    let error = on.error(&future).await;
    assert!(matches!(&error, Error::DeadlineExceeded { key, after } if *key == future.key() && *after == SHORT));
    release.set();
    assert_eq!(on.take(client.submit(inc, 1)).await.unwrap(), 2);
    assert!(!held.running.is_set());
}

async fn a_deadline_counts_the_wait_for_inputs<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let never = client.submit(asynchronous(std::future::pending::<i64>), ());
    let future = client.task(inc, &never).deadline(SHORT).submit();
    assert!(matches!(on.error(&future).await, Error::DeadlineExceeded { .. }));
    assert_eq!(never.status(), Status::Pending, "others may need it");
}

async fn a_deadline_counts_the_wait_for_resources<R: AnyOf>(on: Setting<R>) {
    let client = on.get(on.builder().threads(2).resources([("gpu", 1.0)]).local()).await.unwrap();
    let held = Held::new();
    let holds = client.task(held.body(), 1).resources([("gpu", 1.0)]).submit();
    on.passed(&held.running).await;
    let waits = client.task(inc, 1).resources([("gpu", 1.0)]).deadline(SHORT).submit();
    assert!(matches!(on.error(&waits).await, Error::DeadlineExceeded { .. }));
    assert_eq!(client.info().waiting_for_resources, 0);
    held.release.set();
    on.value(&holds).await.unwrap();
    on.until("it is given back", || available(&client, "gpu") == 1.0).await;
}

async fn a_deadline_ends_a_running_task<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let future = client.task(fallible(until_told), ()).deadline(SHORT).submit();
    assert!(matches!(on.error(&future).await, Error::DeadlineExceeded { .. }));
    on.until("it has stopped", || client.info().running == 0).await;
    let dropped = Event::new();
    let on_drop = std::sync::Mutex::new(Some(dropped.on_drop()));
    let body = move || {
        let on_drop = on_drop.lock().unwrap().take();
        async move {
            let _on_drop = on_drop;
            std::future::pending::<i64>().await
        }
    };
    let future = client.task(asynchronous(body), ()).deadline(SHORT).submit();
    assert!(matches!(on.error(&future).await, Error::DeadlineExceeded { .. }));
    on.passed(&dropped).await;
}

async fn a_deadline_ends_the_retries<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let runs = Counter::new();
    let body = {
        let runs = runs.clone();
        move || {
            runs.add();
            Err::<(), _>("no")
        }
    };
    let task = client.task(fallible(body), ()).retries(1000).backoff(LONG);
    let future = task.deadline(Duration::from_millis(200)).submit();
    assert!(matches!(on.error(&future).await, Error::DeadlineExceeded { .. }));
    assert_eq!(runs.get(), 1);
}

async fn dependents_fail_with_the_time_limit<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let never = client.task(asynchronous(std::future::pending::<i64>), ()).timeout(SHORT).submit();
    let after = client.submit(inc, &never);
    assert!(matches!(on.error(&after).await, Error::RunTimeout { key, .. } if key == never.key()));
    let never = client.task(asynchronous(std::future::pending::<i64>), ()).deadline(SHORT).submit();
    let after = client.submit(inc, &never);
    assert!(matches!(on.error(&after).await, Error::DeadlineExceeded { key, .. } if key == never.key()));
}

async fn times_that_are_none_and_times_without_end<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let endless = client.task(inc, 1).timeout(Duration::MAX).deadline(Duration::MAX).submit();
    assert_eq!(on.value(&endless).await.unwrap(), 2);
    let endless = client.task(asynchronous(async |x: i64| x + 1), 1).timeout(Duration::MAX).submit();
    assert_eq!(on.value(&endless).await.unwrap(), 2);
    let held = Held::new();
    let none = client.task(held.body(), 1).timeout(Duration::ZERO).submit();
    assert!(matches!(on.error(&none).await, Error::RunTimeout { .. }));
    held.release.set();
    let held = Held::new();
    let none = client.task(held.body(), 1).deadline(Duration::ZERO).submit();
    assert!(matches!(on.error(&none).await, Error::DeadlineExceeded { .. }));
    held.release.set();
    let none = client.task(asynchronous(std::future::pending::<i64>), ()).timeout(Duration::ZERO).submit();
    assert!(matches!(on.error(&none).await, Error::RunTimeout { .. }));
}

async fn a_timeout_gives_back_what_is_held<R: AnyOf>(on: Setting<R>) {
    let client = on.get(on.builder().threads(1).resources([("gpu", 1.0)]).local()).await.unwrap();
    let late = client.task(fallible(until_told), ()).timeout(SHORT).retries(1).resources([("gpu", 1.0)]).submit();
    let never = asynchronous(std::future::pending::<i64>);
    let asleep = client.task(never, ()).timeout(SHORT).retries(1).resources([("gpu", 1.0)]).submit();
    assert!(matches!(on.error(&late).await, Error::RunTimeout { .. }));
    assert!(matches!(on.error(&asleep).await, Error::RunTimeout { .. }));
    on.until("it is given back", || available(&client, "gpu") == 1.0).await;
}

/// A deadline is a timer, and a timer that nobody needs is a leak.
async fn deadlines_of_finished_tasks_keep_nothing<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let counts = crate::support::Counts::new();
    let made = {
        let counts = counts.clone();
        client.tasks(move |x: i64| counts.make(x), 0..100).deadline(LONG).timeout(LONG).submit()
    };
    on.get(client.wait(&made)).await.unwrap();
    assert_eq!(counts.alive(), 100);
    drop(made);
    assert_eq!(counts.alive(), 0);
    on.get(client.close()).await.unwrap();
}

async fn a_late_value_that_panics_in_its_drop_costs_no_thread<R: AnyOf>(on: Setting<R>) {
    struct Explosive;

    impl Drop for Explosive {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    let client = on.client(1).await;
    let release = Event::new();
    let body = {
        let release = release.clone();
        move || {
            release.wait();
            Explosive
        }
    };
    let late = client.task(body, ()).timeout(Duration::from_millis(1)).submit();
    assert!(matches!(on.error(&late).await, Error::RunTimeout { .. }));
    release.set();
    assert_eq!(on.take(client.submit(inc, 1)).await.unwrap(), 2);
    on.get(client.close()).await.unwrap();
}
