//! A50 and A51: restart; and what a hostile user does around it.

use std::time::{Duration, Instant};

use anydask::{Client, Error, Status, asynchronous, fallible};

use crate::several_clients::{is_cancelled, two};
use crate::support::{AnyOf, Counts, Event, Setting, on_every_runtime};
use crate::{Counter, Gauge, Held, available, div, double, inc};

on_every_runtime! {
    a50_a_restart_cancels_everything_and_goes_on;
    a51_a_restart_is_for_all_clients;
    a_restart_while_everything_runs;
    a_restart_with_resources_held;
    a_restart_with_asynchronous_tasks;
    a_restart_with_keyed_tasks_of_two_clients;
    a_restart_during_a_retry;
    a_restart_of_what_is_detached;
    a_restart_from_inside_a_task;
    restarts_from_two_threads_while_others_submit;
    a_task_that_never_looks_is_reported_by_close;
    a_future_is_awaited_on_two_runtimes_at_once;
    a_key_of_ten_megabytes_is_refused;
}

async fn a50_a_restart_cancels_everything_and_goes_on<R: AnyOf>(on: Setting<R>) {
    let engine = on.engine(2).await;
    let client = Client::on(&engine).unwrap();
    let (x, y) = (client.submit(inc, 1), client.submit(inc, 2));
    let z = client.submit(fallible(div), (1, 0));
    on.get(client.wait([&x, &y, &z])).await.unwrap();
    engine.restart();
    let info = engine.info();
    assert_eq!((info.threads, info.tasks, info.memory.len(), info.erred), (2, 0, 0, 0));
    on.until("none is occupied", || engine.info().running == 0).await;
    for future in [&x, &y, &z] {
        assert!(is_cancelled(future));
        assert!(on.error(future).await.to_string().contains("restarted"));
    }
    assert_eq!(on.take(client.submit(inc, 1)).await.unwrap(), 2);
    let late = client.submit(inc, &x);
    assert!(on.error(&late).await.is_cancelled(), "its input is gone");
    drop((x, y, z, late));
    on.until("nothing is left", || engine.dump().tasks.is_empty()).await;
}

async fn a51_a_restart_is_for_all_clients<R: AnyOf>(on: Setting<R>) {
    let engine = on.engine(1).await;
    let (c1, c2) = (Client::on(&engine).unwrap(), Client::on(&engine).unwrap());
    let (x, y) = (c1.task(inc, 1).key("x").submit(), c2.task(inc, 2).key("y").submit());
    assert_eq!((on.value(&x).await.unwrap(), on.value(&y).await.unwrap()), (2, 3));
    c1.engine().restart();
    assert!(is_cancelled(&x) && is_cancelled(&y));
    assert_eq!(engine.info().tasks, 0);
    let (x2, y2) = (c1.task(inc, 1).key("x").submit(), c2.task(inc, 2).key("y").submit());
    assert_eq!((on.value(&x2).await.unwrap(), on.value(&y2).await.unwrap()), (2, 3));
    assert!(is_cancelled(&x) && is_cancelled(&y), "the old ones stay as they are");
    drop((x2, y2));
    on.until("the task table is empty", || engine.info().tasks == 0).await;
    drop((x, y));
    on.until("nothing is left", || engine.dump().tasks.is_empty()).await;
}

async fn a_restart_while_everything_runs<R: AnyOf>(on: Setting<R>) {
    let engine = on.engine(2).await;
    let client = Client::on(&engine).unwrap();
    let (counts, held) = (Counts::new(), Held::new());
    let running = {
        let (body, counts) = (held.body(), counts.clone());
        client.submit(move || counts.make(body(1)), ())
    };
    on.passed(&held.running).await;
    let finished = {
        let counts = counts.clone();
        client.submit(move || counts.make(1), ())
    };
    on.get(finished.shared()).await.unwrap();
    let queued = client.map(inc, 0..10);
    let waiting = client.submit(|one: std::sync::Arc<crate::support::Counted>| one.value(), &running);
    let gathering = client.gather_results(&queued);
    let told = Counter::new();
    waiting.on_done({
        let told = told.clone();
        move |future| {
            assert!(is_cancelled(&future));
            told.add();
        }
    });
    assert_eq!(counts.alive(), 1);
    engine.restart();
    assert!(is_cancelled(&running) && is_cancelled(&waiting) && is_cancelled(&finished));
    assert_eq!((counts.alive(), told.get()), (0, 1), "values are gone at once");
    on.until("only the body that is held runs", || engine.info().running == 1).await;
    assert_eq!(on.get(gathering).await.unwrap().len(), 10);
    assert_eq!(on.take(client.submit(inc, 1)).await.unwrap(), 2, "on the other thread");
    held.release.set();
    on.until("the body has ended, and its value is gone", || engine.info().running == 0 && counts.alive() == 0).await;
    assert!(is_cancelled(&running), "a late result changes nothing");
    drop((running, waiting, finished, queued));
    on.until("nothing is left", || engine.dump().tasks.is_empty()).await;
}

async fn a_restart_with_resources_held<R: AnyOf>(on: Setting<R>) {
    let engine = on.get(on.builder().threads(2).resources([("gpu", 2.0)]).engine()).await.unwrap();
    let client = Client::on(&engine).unwrap();
    let held = Held::new();
    let running = client.task(held.body(), 1).resources([("gpu", 1.0)]).submit();
    on.passed(&held.running).await;
    let asleep = client.task(asynchronous(std::future::pending::<i64>), ()).resources([("gpu", 1.0)]).submit();
    let waiting = client.tasks(inc, 0..5).resources([("gpu", 2.0)]).submit();
    assert_eq!(available(&client, "gpu"), 0.0);
    engine.restart();
    assert!(is_cancelled(&running) && is_cancelled(&asleep) && waiting.iter().all(is_cancelled));
    on.until("only the body holds some", || available(&client, "gpu") == 1.0).await;
    assert_eq!(client.info().waiting_for_resources, 0);
    let small = client.task(inc, 1).resources([("gpu", 1.0)]).submit();
    let big = client.task(inc, 1).resources([("gpu", 2.0)]).submit();
    assert_eq!((on.value(&small).await.unwrap(), big.status()), (2, Status::Pending));
    held.release.set();
    assert_eq!(on.value(&big).await.unwrap(), 2);
    on.until("all is given back", || available(&client, "gpu") == 2.0).await;
}

async fn a_restart_with_asynchronous_tasks<R: AnyOf>(on: Setting<R>) {
    let engine = on.engine(1).await;
    let client = Client::on(&engine).unwrap();
    let gauge = Gauge::default();
    let body = {
        let gauge = gauge.clone();
        move || {
            let inside = gauge.enter();
            async move {
                let _inside = inside;
                std::future::pending::<i64>().await
            }
        }
    };
    let futures: Vec<_> = (0..20).map(|_| client.submit(asynchronous(body.clone()), ())).collect();
    let sleeps =
        client.task(fallible(|| Err::<i64, _>("no")), ()).retries(1).backoff(Duration::from_secs(600)).submit();
    on.until("all run", || gauge.most() == 20 && engine.info().waiting == 1).await;
    engine.restart();
    assert!(futures.iter().chain([&sleeps]).all(is_cancelled));
    on.until("all are dropped", || gauge.now() == 0 && engine.info().asynchronous == 0).await;
    assert_eq!(on.take(client.submit(asynchronous(async || 1), ())).await.unwrap(), 1);
}

async fn a_restart_with_keyed_tasks_of_two_clients<R: AnyOf>(on: Setting<R>) {
    let (c, f) = two(&on, 1).await;
    let (_occupant, release) = on.occupy(&c).await;
    let [(x, y), (x2, y2)] = [&c, &f].map(|client| {
        let x = client.task(inc, 1).key("x").submit();
        let y = client.task(double, &x).key("y").submit();
        (x, y)
    });
    c.engine().restart();
    assert!([&x, &y, &x2, &y2].into_iter().all(is_cancelled));
    let again = [&c, &f].map(|client| {
        let x = client.task(inc, 1).key("x").submit();
        client.task(double, &x).key("y").submit()
    });
    release.set();
    for future in &again {
        assert_eq!(on.value(future).await.unwrap(), 4);
    }
    drop((x, y, x2, y2, again));
    on.until("nothing is left", || c.info().tasks == 0).await;
}

async fn a_restart_during_a_retry<R: AnyOf>(on: Setting<R>) {
    let engine = on.engine(1).await;
    let client = Client::on(&engine).unwrap();
    let (is_second, held) = (Counter::new(), Held::new());
    let body = {
        let (is_second, body) = (is_second.clone(), held.body());
        move || if is_second.add() > 0 { Ok(body(1)) } else { Err("no") }
    };
    let future = client.submit(fallible(body), ());
    on.error(&future).await;
    on.get(client.retry(&future)).await.unwrap();
    on.passed(&held.running).await;
    engine.restart();
    assert!(is_cancelled(&future));
    let refused = on.get(client.retry(&future)).await;
    assert!(matches!(refused, Err(Error::NotFailed { status: Status::Cancelled, .. })), "{refused:?}");
    held.release.set();
    drop(future);
    on.until("nothing is left", || engine.dump().tasks.is_empty()).await;
}

async fn a_restart_of_what_is_detached<R: AnyOf>(on: Setting<R>) {
    let engine = on.engine(1).await;
    let client = Client::on(&engine).unwrap();
    let (_occupant, release) = on.occupy(&client).await;
    let ran = Counter::new();
    for _ in 0..5 {
        let ran = ran.clone();
        client.submit(move || ran.add(), ()).detach();
    }
    assert_eq!(engine.info().queued, 5);
    engine.restart();
    release.set();
    assert_eq!(on.take(client.submit(inc, 1)).await.unwrap(), 2);
    drop(_occupant);
    on.until("nothing is left", || engine.dump().tasks.is_empty()).await;
    assert_eq!(ran.get(), 0);
}

async fn a_restart_from_inside_a_task<R: AnyOf>(on: Setting<R>) {
    let engine = on.engine(1).await;
    let client = Client::on(&engine).unwrap();
    let inner = engine.clone();
    let after = Event::new();
    let told = after.clone();
    let restarts = client.submit(
        move || {
            inner.restart();
            told.set();
        },
        (),
    );
    let queued = client.submit(inc, 1);
    on.passed(&after).await;
    assert!(is_cancelled(&restarts) && queued.is_done());
    assert_eq!(on.take(client.submit(inc, 1)).await.unwrap(), 2);
}

async fn restarts_from_two_threads_while_others_submit<R: AnyOf>(on: Setting<R>) {
    let engine = on.get(on.builder().threads(2).resources([("gpu", 1.0)]).engine()).await.unwrap();
    let client = Client::on(&engine).unwrap();
    std::thread::scope(|scope| {
        let submit = |start: i64| {
            let client = client.clone();
            scope.spawn(move || {
                for x in start..start + 100 {
                    let first = client.task(inc, x % 7).key(format!("key-{}", x % 7)).submit();
                    let second = client.task(inc, &first).resources([("gpu", 1.0)]).submit();
                    match second.wait() {
                        Ok(value) => assert_eq!(value, x % 7 + 2),
                        Err(error) => assert!(error.is_cancelled(), "{error:?}"),
                    }
                }
            })
        };
        let submits = [submit(0), submit(1000)];
        let restarts = [(); 2].map(|()| {
            let engine = engine.clone();
            scope.spawn(move || {
                for _ in 0..50 {
                    engine.restart();
                    std::thread::yield_now();
                }
            })
        });
        submits.into_iter().chain(restarts).for_each(|thread| thread.join().unwrap());
    });
    on.until("all is given back", || available(&client, "gpu") == 1.0 && engine.dump().tasks.is_empty()).await;
    on.get(engine.close()).await.unwrap();
}

/// A body that nothing can stop: its future resolves all the same, and so does everything else.
async fn a_task_that_never_looks_is_reported_by_close<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let held = Held::new();
    let stubborn = client.submit(held.body(), 1);
    let queued = client.submit(inc, 1);
    on.passed(&held.running).await;
    stubborn.cancel();
    assert!(is_cancelled(&stubborn));
    assert_eq!((client.info().running, queued.status()), (1, Status::Pending));
    let start = Instant::now();
    match on.get(client.close().timeout(Duration::from_millis(50))).await {
        Err(Error::StillRunning { tasks, after }) => assert_eq!((tasks, after), (1, Duration::from_millis(50))),
        other => panic!("{other:?}"),
    }
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(is_cancelled(&queued));
    held.release.set();
    on.get(client.close()).await.unwrap();
}

async fn a_future_is_awaited_on_two_runtimes_at_once<R: AnyOf>(on: Setting<R>) {
    use anydask::runtime::{BlockOn, Smol, Tokio};

    let client = on.client(1).await;
    let held = Held::new();
    let future = client.submit(held.body(), 1);
    on.passed(&held.running).await;
    let threads: Vec<_> = (0..4)
        .map(|index| {
            let future = future.clone();
            std::thread::spawn(move || match index % 3 {
                0 => Tokio::current_thread().unwrap().block_on(future).unwrap(),
                1 => Smol::new().block_on(future).unwrap(),
                _ => future.wait(),
            })
        })
        .collect();
    let mut own = Box::pin(future.clone());
    let polled = own.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    assert!(polled.is_pending());
    held.release.set();
    for thread in threads {
        assert_eq!(thread.join().unwrap().unwrap(), 2);
    }
    // Polled by one runtime first and by another then: who polls last is woken.
    assert_eq!(if on.is_blocking { future.wait() } else { own.await }.unwrap(), 2);
}

async fn a_key_of_ten_megabytes_is_refused<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let key = "k".repeat(10_000_000);
    let futures = [
        client.task(inc, 1).key(&*key).submit(),
        client.task(inc, 1).key(&*key).pure().submit(),
        client.tasks(inc, [1]).key(&*key).submit().remove(0),
    ];
    for future in &futures {
        let error = on.error(future).await;
        assert!(matches!(error, Error::InvalidKey { nbytes: 10_000_000.., .. }), "{error:?}");
        assert!(error.to_string().len() < 200 && future.key().len() < 100);
    }
    assert_eq!(client.info().tasks, 0);
}
