//! Retries.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anydask::{Error, Status, TaskContext, asynchronous, fallible};

use crate::support::{AnyOf, Counted, Counts, Event, Setting, on_every_runtime};
use crate::{Counter, inc};

on_every_runtime! {
    a_task_runs_once_more_than_it_has_retries;
    a_task_that_succeeds_is_not_run_again;
    a_back_off_waits_twice_as_long_each_time;
    a_predicate_chooses_what_is_worth_a_retry;
    a_predicate_that_panics_says_no;
    a_panicking_body_is_run_again;
    an_asynchronous_body_is_run_again;
    asynchronous_bodies_that_fail_at_once_are_run_again;
    many_short_back_offs_end;
    a_retry_has_the_values_of_its_inputs_again;
    a_task_is_cancelled_during_its_back_off;
    a_task_whose_last_future_is_dropped_during_its_back_off_is_gone;
    a_client_closes_during_a_back_off;
    a_dropped_client_ends_a_back_off;
    a_huge_back_off_does_not_overflow;
    a_cancelled_run_is_not_run_again;
    a_retry_holds_its_resources_once;
    an_asynchronous_retry_holds_its_resources_once;
    retries_keep_their_priority;
    what_was_done_to_a_task_is_not_retried;
    every_run_is_in_its_own_context;
}

/// A body that fails `failures` times.
fn flaky(failures: usize, runs: &Counter) -> impl Fn(i64) -> Result<i64, String> + Send + Sync + Clone + use<> {
    let runs = runs.clone();
    move |x| match runs.add() {
        run if run < failures => Err(format!("run {run}")),
        _ => Ok(x),
    }
}

async fn a_task_runs_once_more_than_it_has_retries<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    for retries in [0, 1, 5] {
        let runs = Counter::new();
        let future = client.task(fallible(flaky(usize::MAX, &runs)), 1).retries(retries).submit();
        let error = on.error(&future).await;
        assert_eq!(runs.get(), retries as usize + 1);
        assert_eq!(error.key(), Some(&future.key()));
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), format!("run {retries}"), "the last error");
    }
}

async fn a_task_that_succeeds_is_not_run_again<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    for failures in [0, 1, 3] {
        let runs = Counter::new();
        let future = client.task(fallible(flaky(failures, &runs)), 7).retries(3).submit();
        assert_eq!(on.value(&future).await.unwrap(), 7);
        on.get(client.wait([&future])).await.unwrap();
        assert_eq!(runs.get(), failures + 1);
    }
}

async fn a_back_off_waits_twice_as_long_each_time<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let times = Arc::new(Mutex::new(Vec::new()));
    let body = {
        let times = Arc::clone(&times);
        move || {
            times.lock().unwrap().push(Instant::now());
            Err::<i64, _>("no")
        }
    };
    let first = Duration::from_millis(20);
    let future = client.task(fallible(body), ()).retries(3).backoff(first).submit();
    // Meanwhile the thread is free.
    on.until("the first run is over", || client.info().running == 0 && !times.lock().unwrap().is_empty()).await;
    assert_eq!(on.take(client.submit(inc, 1)).await.unwrap(), 2);
    assert!(matches!(on.error(&future).await, Error::Failed { .. }));
    let times = times.lock().unwrap();
    assert_eq!(times.len(), 4);
    for (pair, delay) in times.windows(2).zip([first, first * 2, first * 4]) {
        assert!(pair[1] - pair[0] >= delay, "{:?} instead of {delay:?}", pair[1] - pair[0]);
    }
}

async fn a_predicate_chooses_what_is_worth_a_retry<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let runs = Counter::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let predicate = {
        let seen = Arc::clone(&seen);
        move |error: &Error| {
            let text = std::error::Error::source(error).unwrap().to_string();
            seen.lock().unwrap().push(text.clone());
            text != "run 1"
        }
    };
    let future = client.task(fallible(flaky(9, &runs)), 1).retries(9).retry_if(predicate).submit();
    assert_eq!(std::error::Error::source(&on.error(&future).await).unwrap().to_string(), "run 1");
    assert_eq!(runs.get(), 2);
    assert_eq!(*seen.lock().unwrap(), ["run 0", "run 1"]);
}

async fn a_predicate_that_panics_says_no<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let runs = Counter::new();
    let builder = client.task(fallible(flaky(9, &runs)), 1).retries(9);
    let future = builder.retry_if(|_| panic!("in a predicate")).submit();
    assert!(matches!(on.error(&future).await, Error::Failed { .. }));
    assert_eq!(runs.get(), 1);
    let body = fallible(asynchronous(|| async { Err::<(), _>("no") }));
    let future = client.task(body, ()).retries(1).retry_if(|_| panic!("in a predicate")).submit();
    assert!(matches!(on.error(&future).await, Error::Failed { .. }));
    assert_eq!(on.take(client.submit(inc, 1)).await.unwrap(), 2);
}

async fn a_panicking_body_is_run_again<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let runs = Counter::new();
    let body = {
        let runs = runs.clone();
        move |x: i64| match runs.add() {
            2 => x,
            run => panic!("run {run}"),
        }
    };
    assert_eq!(on.take(client.task(body.clone(), 3).retries(2).submit()).await.unwrap(), 3);
    let error = on.error(&client.task(body, 3).retries(1).submit()).await;
    assert!(matches!(&error, Error::Panicked { message, .. } if &**message == "run 4"), "{error:?}");
}

async fn an_asynchronous_body_is_run_again<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let runs = Counter::new();
    let body = {
        let (runs, runtime) = (runs.clone(), on.runtime.clone());
        move |x: i64| {
            let (runs, runtime) = (runs.clone(), runtime.clone());
            async move {
                runtime.sleep(Duration::from_millis(1)).await;
                match runs.add() {
                    0 => Err("not yet"),
                    1 => panic!("not yet"),
                    _ => Ok(x),
                }
            }
        }
    };
    let first = Duration::from_millis(1);
    let future = client.task(fallible(asynchronous(body)), 7).retries(2).backoff(first).submit();
    assert_eq!(on.value(&future).await.unwrap(), 7);
    assert_eq!(runs.get(), 3);
    on.until("it is gone", || client.info().asynchronous == 0).await;
}

async fn asynchronous_bodies_that_fail_at_once_are_run_again<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let body = |script: Arc<Counter>| async move {
        match script.add() {
            0..3 => Err("not yet"),
            run => Ok(run),
        }
    };
    for _ in 0..20 {
        let scripts = (0..200).map(|_| Arc::new(Counter::new()));
        let futures = client.tasks(fallible(asynchronous(body)), scripts).retries(3).submit();
        let runs = on.get(client.gather(&futures)).await.unwrap();
        assert!(runs.iter().all(|run| *run == 3));
    }
}

async fn many_short_back_offs_end<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let body = |script: Arc<Counter>| match script.add() {
        0..10 => Err("not yet"),
        run => Ok(run),
    };
    let scripts = (0..200).map(|_| Arc::new(Counter::new()));
    let tasks = client.tasks(fallible(body), scripts).retries(10).backoff(Duration::from_nanos(1));
    let futures = tasks.timeout(Duration::from_secs(30)).submit();
    assert!(on.get(client.gather(&futures)).await.unwrap().iter().all(|run| *run == 10));
}

async fn a_retry_has_the_values_of_its_inputs_again<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let counts = Counts::new();
    let made = counts.make(4);
    let input = on.get(client.scatter(made)).await.unwrap();
    let list = client.map(inc, 0..3);
    let runs = Counter::new();
    let body = {
        let runs = runs.clone();
        move |input: Arc<Counted>, list: Vec<i64>, text: String| match runs.add() {
            0 | 1 => Err("not yet"),
            _ => Ok((input.value(), list, text)),
        }
    };
    let task = client.task(fallible(body), (&input, &list, "text".to_owned())).retries(2);
    let future = task.backoff(Duration::from_millis(2)).submit();
    drop((input, list));
    assert_eq!(on.value(&future).await.unwrap(), (4, vec![1, 2, 3], "text".to_owned()));
    assert_eq!(counts.cloned(), 0);
    on.until("the input is gone", || counts.alive() == 0).await;
}

async fn a_task_is_cancelled_during_its_back_off<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (runs, counts) = (Counter::new(), Counts::new());
    let argument = counts.make(1);
    let body = {
        let runs = runs.clone();
        move |_: Counted| {
            runs.add();
            Err::<i64, _>("no")
        }
    };
    let future = client.task(fallible(body), argument).retries(5).backoff(Duration::from_millis(50)).submit();
    let after = client.submit(inc, &future);
    on.until("it backs off", || runs.get() == 1 && client.info().running == 0).await;
    assert_eq!(future.status(), Status::Pending);
    future.cancel_because("enough");
    assert!(on.error(&future).await.to_string().contains("enough"));
    assert!(on.error(&after).await.to_string().contains("lost dependencies"));
    on.until("its arguments are gone", || counts.alive() == 0).await;
    crate::pause(&on, Duration::from_millis(100)).await;
    assert_eq!(runs.get(), 1);
}

async fn a_task_whose_last_future_is_dropped_during_its_back_off_is_gone<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (runs, counts) = (Counter::new(), Counts::new());
    let body = {
        let runs = runs.clone();
        move |_: Counted| {
            runs.add();
            Err::<i64, _>("no")
        }
    };
    let long = Duration::from_secs(600);
    let future = client.task(fallible(body), counts.make(1)).retries(5).backoff(long).submit();
    on.until("it backs off", || runs.get() == 1 && client.info().running == 0).await;
    drop(future);
    on.until("its arguments are gone", || counts.alive() == 0).await;
}

async fn a_client_closes_during_a_back_off<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let runs = Counter::new();
    let long = Duration::from_secs(600);
    let future = client.task(fallible(flaky(9, &runs)), 1).retries(5).backoff(long).submit();
    let body = fallible(asynchronous(|| async { Err::<i64, _>("no") }));
    let asynchronous = client.task(body, ()).retries(5).backoff(long).submit();
    let after = client.submit(inc, &future);
    on.until("it backs off", || {
        let info = client.info();
        runs.get() == 1 && info.running == 0 && info.asynchronous == 0
    })
    .await;
    on.get(client.close()).await.unwrap();
    for future in [&future, &asynchronous, &after] {
        let error = on.get(future.error().timeout(Duration::from_secs(5))).await.unwrap().unwrap();
        assert!(error.to_string().contains("the client was closed"), "{error}");
    }
}

async fn a_dropped_client_ends_a_back_off<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let runs = Counter::new();
    let long = Duration::from_secs(600);
    let future = client.task(fallible(flaky(9, &runs)), 1).retries(5).backoff(long).submit();
    on.until("it backs off", || runs.get() == 1 && client.info().running == 0).await;
    drop(client);
    let error = on.get(future.error().timeout(Duration::from_secs(5))).await.unwrap().unwrap();
    assert!(error.to_string().contains("the client was dropped"), "{error}");
}

async fn a_huge_back_off_does_not_overflow<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let runs = Counter::new();
    let task = client.task(fallible(flaky(usize::MAX, &runs)), 1).retries(100).backoff(Duration::MAX);
    let future = task.submit();
    on.until("it backs off", || runs.get() == 1 && client.info().running == 0).await;
    assert_eq!(future.status(), Status::Pending);
    assert_eq!(on.take(client.submit(inc, 1)).await.unwrap(), 2);
    future.cancel();
    assert!(on.error(&future).await.is_cancelled());
    // All of them, as fast as they go.
    let runs = Counter::new();
    let future = client.task(fallible(flaky(usize::MAX, &runs)), 1).retries(100).submit();
    on.error(&future).await;
    assert_eq!(runs.get(), 101);
    let runs = Counter::new();
    let future = client.task(fallible(flaky(3, &runs)), 1).retries(u32::MAX).submit();
    assert_eq!(on.value(&future).await.unwrap(), 1);
}

async fn a_cancelled_run_is_not_run_again<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (runs, running, release) = (Counter::new(), Event::new(), Event::new());
    let body = {
        let (runs, running, release) = (runs.clone(), running.clone(), release.clone());
        move || {
            runs.add();
            running.set();
            release.wait();
            Err::<i64, _>("no")
        }
    };
    let future = client.task(fallible(body), ()).retries(5).submit();
    on.passed(&running).await;
    future.cancel();
    release.set();
    assert!(on.error(&future).await.is_cancelled());
    assert_eq!(on.take(client.submit(inc, 1)).await.unwrap(), 2);
    assert_eq!(runs.get(), 1);
}

async fn a_retry_holds_its_resources_once<R: AnyOf>(on: Setting<R>) {
    let client = on.get(on.builder().threads(2).resources([("gpu", 2.0)]).local()).await.unwrap();
    let body = |script: Arc<Counter>| if script.add() < 3 { Err("not yet") } else { Ok(()) };
    for backoff in [Duration::ZERO, Duration::from_millis(1)] {
        let scripts = (0..50).map(|_| Arc::new(Counter::new()));
        let tasks = client.tasks(fallible(body), scripts).retries(3).backoff(backoff);
        let futures = tasks.resources([("gpu", 1.0)]).submit();
        on.get(client.gather(&futures)).await.unwrap();
        on.until("all is given back", || available(&client) == 2.0).await;
    }
}

async fn an_asynchronous_retry_holds_its_resources_once<R: AnyOf>(on: Setting<R>) {
    let client = on.get(on.builder().threads(1).resources([("gpu", 2.0)]).local()).await.unwrap();
    let body = |script: Arc<Counter>| async move { if script.add() < 3 { Err("not yet") } else { Ok(()) } };
    for backoff in [Duration::ZERO, Duration::from_millis(1)] {
        let scripts = (0..50).map(|_| Arc::new(Counter::new()));
        let tasks = client.tasks(fallible(asynchronous(body)), scripts).retries(3).backoff(backoff);
        let futures = tasks.resources([("gpu", 1.0)]).submit();
        on.get(client.gather(&futures)).await.unwrap();
        on.until("all is given back", || available(&client) == 2.0).await;
    }
}

fn available<R: AnyOf>(client: &anydask::Client<R>) -> f64 {
    crate::available(client, "gpu")
}

async fn retries_keep_their_priority<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let plain = {
        let order = Arc::clone(&order);
        client.map(move |_: i64| order.lock().unwrap().push("plain"), 0..3)
    };
    let urgent = {
        let order = Arc::clone(&order);
        let body = move || {
            let mut order = order.lock().unwrap();
            order.push("urgent");
            if order.len() < 3 { Err("not yet") } else { Ok(()) }
        };
        client.task(fallible(body), ()).priority(1).retries(2).submit()
    };
    release.set();
    on.value(&urgent).await.unwrap();
    on.get(client.gather(&plain)).await.unwrap();
    assert_eq!(*order.lock().unwrap(), ["urgent", "urgent", "urgent", "plain", "plain", "plain"]);
}

async fn what_was_done_to_a_task_is_not_retried<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let runs = Counter::new();
    let fails = client.submit(fallible(|| Err::<i64, _>("no")), ());
    // Its input failed: there is nothing to run again.
    let future = client.task(fallible(flaky(0, &runs)), &fails).retries(5).submit();
    assert_eq!(on.error(&future).await.key(), Some(&fails.key()));
    assert_eq!(runs.get(), 0);
    // It hands on that another was cancelled.
    let never = client.submit(asynchronous(std::future::pending::<i64>), ());
    never.cancel();
    let counted = runs.clone();
    let body = move || {
        counted.add();
        never.wait()
    };
    let future = client.task(fallible(body), ()).retries(5).submit();
    assert!(on.error(&future).await.is_cancelled());
    assert_eq!(runs.get(), 1);
}

async fn every_run_is_in_its_own_context<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let keys = Arc::new(Mutex::new(Vec::new()));
    let body = {
        let keys = Arc::clone(&keys);
        move || {
            let context = TaskContext::current().unwrap();
            assert!(!context.is_cancelled());
            keys.lock().unwrap().push(context.key());
            Err::<(), _>("no")
        }
    };
    let future = client.task(fallible(body), ()).retries(2).submit();
    assert!(matches!(on.error(&future).await, Error::Failed { .. }));
    assert_eq!(*keys.lock().unwrap(), vec![future.key(); 3]);
}
