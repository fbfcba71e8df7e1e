//! Resources.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anydask::{Client, Error, Status, asynchronous, fallible};

use crate::support::{AnyOf, Event, Setting, on_every_runtime};
use crate::{Counter, Gauge, Held, available, inc};

on_every_runtime! {
    no_more_is_held_than_there_is;
    asynchronous_tasks_hold_resources_too;
    what_is_held_is_given_back_however_the_body_ends;
    what_an_asynchronous_task_holds_is_given_back_when_it_is_dropped;
    what_is_held_is_given_back_when_the_client_closes;
    more_than_there_is_in_all_is_an_error;
    an_amount_that_is_none_is_refused;
    an_amount_of_nothing_needs_nothing;
    an_amount_that_is_asked_for_twice_is_the_sum;
    a_waiting_task_can_be_cancelled;
    a_queued_task_that_is_cancelled_gives_back;
    a_waiting_task_holds_no_thread;
    waiting_tasks_go_by_priority_and_age;
    a_big_task_is_not_overtaken_for_ever;
    different_resources_do_not_wait_for_each_other;
    several_amounts_are_taken_together;
    decimal_fractions_add_up;
    ten_thousand_wait_for_one;
    a_task_waits_inside_for_one_that_needs_a_resource;
    a_retry_as_soon_as_the_failure_is_told_takes_them_anew;
    a_restart_leaves_them_to_cancelled_bodies_that_run;
    a_tiny_amount_of_what_nobody_has_is_an_error;
}

async fn client_with<R: AnyOf, const N: usize>(on: &Setting<R>, threads: usize, has: [(&str, f64); N]) -> Client<R> {
    on.get(on.builder().threads(threads).resources(has).local()).await.unwrap()
}

async fn no_more_is_held_than_there_is<R: AnyOf>(on: Setting<R>) {
    let client = client_with(&on, 4, [("gpu", 3.0)]).await;
    let gauge = Gauge::default();
    let body = {
        let gauge = gauge.clone();
        move |amount: usize| {
            let _inside: Vec<_> = (0..amount).map(|_| gauge.enter()).collect();
            std::thread::yield_now();
        }
    };
    let mut all = Vec::new();
    for index in 0..200 {
        let amount = index % 3 + 1;
        all.push(client.task(body.clone(), amount).resources([("gpu", amount as f64)]).submit());
    }
    on.get(client.gather(&all)).await.unwrap();
    assert!(gauge.most() <= 3, "{} at once", gauge.most());
    on.until("all is given back", || available(&client, "gpu") == 3.0).await;
}

async fn asynchronous_tasks_hold_resources_too<R: AnyOf>(on: Setting<R>) {
    let client = client_with(&on, 1, [("requests", 2.0)]).await;
    let gauge = Gauge::default();
    let body = {
        let (gauge, runtime) = (gauge.clone(), on.runtime.clone());
        move |_: i64| {
            let (gauge, runtime) = (gauge.clone(), runtime.clone());
            async move {
                let _inside = gauge.enter();
                runtime.sleep(Duration::from_millis(1)).await;
            }
        }
    };
    let all = client.tasks(asynchronous(body), 0..30).resources([("requests", 1.0)]).submit();
    on.get(client.gather(&all)).await.unwrap();
    assert_eq!(gauge.most(), 2);
    on.until("all is given back", || available(&client, "requests") == 2.0).await;
}

async fn what_is_held_is_given_back_however_the_body_ends<R: AnyOf>(on: Setting<R>) {
    let client = client_with(&on, 1, [("gpu", 1.0)]).await;
    let body = |x: i64| match x {
        0 => Ok(0),
        1 => Err("no"),
        _ => panic!("no"),
    };
    for x in 0..3 {
        let future = client.task(fallible(body), x).resources([("gpu", 1.0)]).submit();
        on.get(client.wait([&future])).await.unwrap();
        on.until("it is given back", || available(&client, "gpu") == 1.0).await;
    }
    let held = Held::new();
    let cancelled = client.task(held.body(), 1).resources([("gpu", 1.0)]).submit();
    on.passed(&held.running).await;
    cancelled.cancel();
    assert_eq!(available(&client, "gpu"), 0.0);
    held.release.set();
    on.until("it is given back", || available(&client, "gpu") == 1.0).await;
}

async fn what_an_asynchronous_task_holds_is_given_back_when_it_is_dropped<R: AnyOf>(on: Setting<R>) {
    let client = client_with(&on, 1, [("gpu", 1.0)]).await;
    for cancel in [true, false] {
        let running = Event::new();
        let body = {
            let running = running.clone();
            move || {
                running.set();
                std::future::pending::<()>()
            }
        };
        let future = client.task(asynchronous(body), ()).resources([("gpu", 1.0)]).submit();
        on.passed(&running).await;
        assert_eq!(available(&client, "gpu"), 0.0);
        if cancel {
            future.cancel();
        }
        drop(future);
        on.until("it is given back", || available(&client, "gpu") == 1.0).await;
    }
}

async fn what_is_held_is_given_back_when_the_client_closes<R: AnyOf>(on: Setting<R>) {
    let client = client_with(&on, 1, [("gpu", 3.0)]).await;
    let held = Held::new();
    let running = client.task(held.body(), 1).resources([("gpu", 1.0)]).submit();
    on.passed(&held.running).await;
    let asleep = client.task(asynchronous(std::future::pending::<i64>), ()).resources([("gpu", 1.0)]).submit();
    let queued = client.task(inc, 1).resources([("gpu", 1.0)]).submit();
    let waiting = client.task(inc, 1).resources([("gpu", 2.0)]).submit();
    assert_eq!(available(&client, "gpu"), 0.0);
    let late = on.get(client.close().timeout(Duration::from_millis(10))).await.unwrap_err();
    assert!(matches!(late, Error::StillRunning { tasks: 1.., .. }), "{late:?}");
    for future in [&running, &asleep, &queued, &waiting] {
        assert_eq!(future.status(), Status::Cancelled);
    }
    on.until("only the running body holds some", || available(&client, "gpu") == 2.0).await;
    held.release.set();
    on.get(client.close()).await.unwrap();
    assert_eq!(available(&client, "gpu"), 3.0);
    assert_eq!(client.info().waiting_for_resources, 0);
}

async fn more_than_there_is_in_all_is_an_error<R: AnyOf>(on: Setting<R>) {
    let builder = on.builder().threads(1).resources([("gpu", 1.0)]).unrunnable_timeout(Duration::ZERO);
    let client = on.get(builder.local()).await.unwrap();
    for (name, wanted, all) in [("gpu", 1.5, 1.0), ("gpu", f64::MAX, 1.0), ("tpu", 0.1, 0.0)] {
        let future = client.task(inc, 1).resources([(name, wanted)]).submit();
        match on.error(&future).await {
            Error::NoResource { resource, wanted: asked, total, .. } => {
                assert_eq!((&*resource, asked, total), (name, wanted, all));
            }
            other => panic!("{other:?}"),
        }
        let asleep = client.task(asynchronous(async || 1), ()).resources([(name, wanted)]).submit();
        assert!(matches!(on.error(&asleep).await, Error::NoResource { .. }));
    }
    // One of several is enough.
    let future = client.task(inc, 1).resources([("gpu", 1.0), ("tpu", 1.0)]).submit();
    assert!(matches!(on.error(&future).await, Error::NoResource { resource, .. } if &*resource == "tpu"));
    assert_eq!(available(&client, "gpu"), 1.0);
}

async fn an_amount_that_is_none_is_refused<R: AnyOf>(on: Setting<R>) {
    for amount in [f64::NAN, -1.0, f64::INFINITY, f64::NEG_INFINITY, -f64::MIN_POSITIVE] {
        let opened = on.get(on.builder().threads(1).resources([("ok", 1.0), ("gpu", amount)]).local()).await;
        let error = opened.err().unwrap();
        assert!(matches!(&error, Error::InvalidResource { resource, .. } if &**resource == "gpu"), "{error:?}");
        let client = client_with(&on, 1, [("gpu", 1.0)]).await;
        let future = client.task(inc, 1).resources([("gpu", 1.0), ("gpu", amount)]).submit();
        assert_eq!(future.status(), Status::Error, "at once");
        assert!(matches!(on.error(&future).await, Error::InvalidResource { .. }));
        assert_eq!(available(&client, "gpu"), 1.0);
    }
}

async fn an_amount_of_nothing_needs_nothing<R: AnyOf>(on: Setting<R>) {
    let client = client_with(&on, 1, [("gpu", 0.0)]).await;
    for name in ["gpu", "nobody has it", ""] {
        for amount in [0.0, -0.0] {
            let future = client.task(inc, 1).resources([(name, amount)]).submit();
            assert_eq!(on.get(future.timeout(Duration::from_secs(10))).await.unwrap(), 2, "{amount} of `{name}`");
        }
    }
}

async fn an_amount_that_is_asked_for_twice_is_the_sum<R: AnyOf>(on: Setting<R>) {
    let builder = on.builder().threads(2).resources([("gpu", 2.0)]).unrunnable_timeout(Duration::from_millis(1));
    let client = on.get(builder.local()).await.unwrap();
    let too_much = client.task(inc, 1).resources([("gpu", 1.5), ("gpu", 1.0)]).submit();
    let error = on.error(&too_much).await;
    assert!(matches!(error, Error::NoResource { wanted: 2.5, .. }), "{error:?}");
    let held = Held::new();
    let both = client.task(held.body(), 1).resources([("gpu", 1.0), ("gpu", 1.0)]).submit();
    on.passed(&held.running).await;
    assert_eq!(available(&client, "gpu"), 0.0);
    held.release.set();
    on.value(&both).await.unwrap();
    on.until("it is given back", || available(&client, "gpu") == 2.0).await;
}

async fn a_waiting_task_can_be_cancelled<R: AnyOf>(on: Setting<R>) {
    let client = client_with(&on, 2, [("gpu", 1.0)]).await;
    let held = Held::new();
    let holds = client.task(held.body(), 1).resources([("gpu", 1.0)]).submit();
    on.passed(&held.running).await;
    let waits = client.tasks(inc, 0..3).resources([("gpu", 1.0)]).submit();
    assert_eq!(client.info().waiting_for_resources, 3);
    waits[0].cancel();
    waits[1].cancel();
    assert_eq!(client.info().waiting_for_resources, 1);
    held.release.set();
    assert_eq!(on.value(&holds).await.unwrap(), 2);
    assert_eq!(on.value(&waits[2]).await.unwrap(), 3);
    assert_eq!((waits[0].status(), waits[1].status()), (Status::Cancelled, Status::Cancelled));
    on.until("it is given back", || available(&client, "gpu") == 1.0).await;
}

async fn a_queued_task_that_is_cancelled_gives_back<R: AnyOf>(on: Setting<R>) {
    let client = client_with(&on, 1, [("gpu", 1.0)]).await;
    let (_occupant, release) = on.occupy(&client).await;
    let queued = client.task(inc, 1).resources([("gpu", 1.0)]).submit();
    let waits = client.task(inc, 2).resources([("gpu", 1.0)]).submit();
    queued.cancel();
    release.set();
    assert_eq!(on.value(&waits).await.unwrap(), 3);
    on.until("it is given back", || available(&client, "gpu") == 1.0).await;
}

async fn a_waiting_task_holds_no_thread<R: AnyOf>(on: Setting<R>) {
    let client = client_with(&on, 1, [("gpu", 1.0)]).await;
    let asleep = client.task(asynchronous(std::future::pending::<i64>), ()).resources([("gpu", 1.0)]).submit();
    let waits = client.tasks(inc, 0..10).resources([("gpu", 1.0)]).submit();
    assert_eq!(on.take(client.submit(inc, 1)).await.unwrap(), 2);
    assert!(waits.iter().all(|future| !future.is_done()));
    asleep.cancel();
    on.get(client.gather(&waits)).await.unwrap();
}

async fn waiting_tasks_go_by_priority_and_age<R: AnyOf>(on: Setting<R>) {
    let client = client_with(&on, 2, [("gpu", 1.0)]).await;
    let held = Held::new();
    let holds = client.task(held.body(), 1).resources([("gpu", 1.0)]).submit();
    on.passed(&held.running).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut all = Vec::new();
    for (name, priority) in [("a", 0), ("b", -1), ("c", 2), ("d", 0), ("e", 2)] {
        let order = Arc::clone(&order);
        let body = move || order.lock().unwrap().push(name);
        all.push(client.task(body, ()).priority(priority).resources([("gpu", 1.0)]).submit());
    }
    held.release.set();
    on.value(&holds).await.unwrap();
    on.get(client.gather(&all)).await.unwrap();
    assert_eq!(*order.lock().unwrap(), ["c", "e", "a", "d", "b"]);
}

/// Small ones that come later, or have a lower priority, do not take for ever what a big one waits for.
async fn a_big_task_is_not_overtaken_for_ever<R: AnyOf>(on: Setting<R>) {
    let client = client_with(&on, 3, [("gpu", 2.0)]).await;
    let (first, second) = (Held::new(), Held::new());
    let one = client.task(first.body(), 1).resources([("gpu", 1.0)]).submit();
    let two = client.task(second.body(), 1).resources([("gpu", 1.0)]).submit();
    on.passed(&first.running).await;
    on.passed(&second.running).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let body = |name: &'static str| {
        let order = Arc::clone(&order);
        move || order.lock().unwrap().push(name)
    };
    let big = client.task(body("big"), ()).priority(1).resources([("gpu", 2.0)]).submit();
    let small = client.task(body("small"), ()).resources([("gpu", 1.0)]).submit();
    first.release.set();
    on.value(&one).await.unwrap();
    on.until("it is given back", || available(&client, "gpu") == 1.0).await;
    let later = client.task(body("later"), ()).resources([("gpu", 1.0)]).submit();
    assert!(on.get(client.wait_any([&small, &later]).timeout(Duration::from_millis(20))).await.is_err());
    second.release.set();
    on.value(&two).await.unwrap();
    on.get(client.gather((&big, &small, &later))).await.unwrap();
    assert_eq!(order.lock().unwrap()[0], "big");
}

async fn different_resources_do_not_wait_for_each_other<R: AnyOf>(on: Setting<R>) {
    let client = client_with(&on, 2, [("gpu", 1.0), ("disk", 1.0)]).await;
    let held = Held::new();
    let holds = client.task(held.body(), 1).resources([("gpu", 1.0)]).submit();
    on.passed(&held.running).await;
    let waits = client.task(inc, 1).priority(9).resources([("gpu", 1.0)]).submit();
    for _ in 0..3 {
        let other = client.task(inc, 2).resources([("disk", 1.0)]).submit();
        assert_eq!(on.value(&other).await.unwrap(), 3);
    }
    assert_eq!(waits.status(), Status::Pending);
    held.release.set();
    on.get(client.gather((&holds, &waits))).await.unwrap();
}

async fn several_amounts_are_taken_together<R: AnyOf>(on: Setting<R>) {
    let client = client_with(&on, 4, [("left", 1.0), ("right", 1.0)]).await;
    let gauge = Gauge::default();
    let body = {
        let gauge = gauge.clone();
        move |_: i64| drop(gauge.enter())
    };
    let mut all = client.tasks(body.clone(), 0..50).resources([("left", 1.0), ("right", 1.0)]).submit();
    all.extend(client.tasks(body, 0..50).resources([("right", 1.0), ("left", 1.0)]).submit());
    on.get(client.gather(&all)).await.unwrap();
    assert_eq!(gauge.most(), 1);
    on.until("all is given back", || available(&client, "left") == 1.0 && available(&client, "right") == 1.0).await;
}

async fn decimal_fractions_add_up<R: AnyOf>(on: Setting<R>) {
    let client = client_with(&on, 3, [("gpu", 0.3)]).await;
    let held = Held::new();
    let runs: Vec<_> = (0..3).map(|_| Held { running: Event::new(), release: held.release.clone() }).collect();
    let all: Vec<_> = runs.iter().map(|held| client.task(held.body(), 1).resources([("gpu", 0.1)]).submit()).collect();
    for held in &runs {
        on.passed(&held.running).await;
    }
    held.release.set();
    on.get(client.gather(&all)).await.unwrap();
    let many = client.tasks(inc, 0..1000).resources([("gpu", 0.1)]).submit();
    on.get(client.gather(&many)).await.unwrap();
    on.until("all is given back, to the last digit", || available(&client, "gpu") == 0.3).await;
}

/// The time for each must not grow with the number of those that wait.
async fn ten_thousand_wait_for_one<R: AnyOf>(on: Setting<R>) {
    let client = client_with(&on, 2, [("gpu", 1.0), ("disk", 1.0)]).await;
    let start = Instant::now();
    let all = client.tasks(inc, 0..10_000).resources([("gpu", 1.0)]).submit();
    on.get(client.gather(&all)).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

async fn a_task_waits_inside_for_one_that_needs_a_resource<R: AnyOf>(on: Setting<R>) {
    let client = client_with(&on, 1, [("gpu", 1.0)]).await;
    let inner = client.clone();
    let outer = client.submit(fallible(move || inner.task(inc, 1).resources([("gpu", 1.0)]).submit().wait()), ());
    assert_eq!(on.value(&outer).await.unwrap(), 2);
}

async fn a_retry_as_soon_as_the_failure_is_told_takes_them_anew<R: AnyOf>(on: Setting<R>) {
    let client = client_with(&on, 2, [("gpu", 2.0)]).await;
    let runs = Counter::new();
    let body = {
        let runs = runs.clone();
        move || if runs.add().is_multiple_of(2) { Err("once more") } else { Ok(1) }
    };
    for _ in 0..200 {
        let future = client.task(fallible(body.clone()), ()).resources([("gpu", 1.0)]).submit();
        // Wherever that is: it is done at the first poll.
        future.on_done(|future| _ = futures_lite::future::block_on(future.retry()));
        on.until("it has been retried", || future.status() == Status::Finished).await;
    }
    on.until("all is given back", || available(&client, "gpu") == 2.0 && client.info().running == 0).await;
}

async fn a_restart_leaves_them_to_cancelled_bodies_that_run<R: AnyOf>(on: Setting<R>) {
    let client = client_with(&on, 2, [("gpu", 1.0)]).await;
    let held = Held::new();
    let future = client.task(held.body(), 1).resources([("gpu", 1.0)]).submit();
    on.passed(&held.running).await;
    future.cancel();
    client.engine().restart();
    assert_eq!(available(&client, "gpu"), 0.0);
    held.release.set();
    on.until("all is given back", || available(&client, "gpu") == 1.0).await;
}

async fn a_tiny_amount_of_what_nobody_has_is_an_error<R: AnyOf>(on: Setting<R>) {
    let client = on.get(on.builder().threads(1).unrunnable_timeout(Duration::ZERO).local()).await.unwrap();
    let future = client.task(inc, 1).resources([("nobody", 1e-10)]).submit();
    assert!(matches!(on.error(&future).await, Error::NoResource { .. }));
}
