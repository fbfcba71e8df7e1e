//! `Client::info` says what is so.

use anydask::asynchronous;

use crate::support::{AnyOf, Event, Setting, on_every_runtime};
use crate::{Held, inc};

on_every_runtime! {
    an_idle_engine_says_so;
    what_runs_and_what_waits_is_counted;
    a_task_that_waits_inside_still_runs;
    what_was_cancelled_leaves_the_count_when_it_is_passed_over;
    a_closed_engine_does_nothing;
}

async fn an_idle_engine_says_so<R: AnyOf>(on: Setting<R>) {
    let client = on.get(on.builder().threads(3).resources([("b", 2.5), ("a", 1.0)]).local()).await.unwrap();
    let info = client.info();
    assert_eq!((info.threads, info.running, info.asynchronous), (3, 0, 0));
    assert_eq!((info.queued, info.waiting_for_resources), (0, 0));
    let resources: Vec<_> = info.resources.iter().map(|(name, has)| (&**name, has.total, has.available)).collect();
    assert_eq!(resources, [("a", 1.0, 1.0), ("b", 2.5, 2.5)]);
    assert!(on.client(1).await.info().resources.is_empty());
}

async fn what_runs_and_what_waits_is_counted<R: AnyOf>(on: Setting<R>) {
    let client = on.get(on.builder().threads(2).resources([("gpu", 3.0)]).local()).await.unwrap();
    let (first, second) = (Held::new(), Held::new());
    let running = [client.submit(first.body(), 1), client.task(second.body(), 1).resources([("gpu", 2.0)]).submit()];
    on.passed(&first.running).await;
    on.passed(&second.running).await;
    let asleep: Vec<_> = (0..3).map(|_| client.submit(asynchronous(std::future::pending::<i64>), ())).collect();
    let queued = client.map(inc, 0..4);
    let urgent = client.tasks(inc, 0..2).priority(1).submit();
    let waiting = client.tasks(inc, 0..5).resources([("gpu", 2.0)]).submit();
    let blocked = client.map(inc, &running);
    let info = client.info();
    assert_eq!((info.running, info.asynchronous), (2, 3));
    assert_eq!((info.queued, info.waiting_for_resources), (6, 5));
    assert_eq!((info.resources["gpu"].total, info.resources["gpu"].available), (3.0, 1.0));
    drop(asleep);
    first.release.set();
    second.release.set();
    on.get(client.gather((&running, queued, urgent, waiting, blocked))).await.unwrap();
    on.until("all is over", || {
        let info = client.info();
        (info.running, info.asynchronous, info.queued, info.waiting_for_resources) == (0, 0, 0, 0)
    })
    .await;
}

async fn a_task_that_waits_inside_still_runs<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let held = Held::new();
    let release = Event::new();
    let inner = client.clone();
    let (body, waiting) = (held.body(), release.clone());
    let outer = client.submit(
        move || {
            let held = inner.task(body.clone(), 1).priority(1).submit();
            let value = held.wait().unwrap();
            waiting.wait();
            value
        },
        (),
    );
    on.passed(&held.running).await;
    assert_eq!(client.info().running, 2);
    held.release.set();
    on.until("the inner one has ended", || client.info().running == 1).await;
    release.set();
    assert_eq!(on.value(&outer).await.unwrap(), 2);
}

async fn what_was_cancelled_leaves_the_count_when_it_is_passed_over<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let queued = client.map(inc, 0..100);
    let urgent = client.tasks(inc, 0..100).priority(1).submit();
    assert_eq!(client.info().queued, 200);
    on.get(client.cancel((&queued, &urgent))).await.unwrap();
    release.set();
    on.until("all are passed over", || client.info().queued == 0).await;
}

async fn a_closed_engine_does_nothing<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let (occupant, release) = on.occupy(&client).await;
    let queued = client.map(inc, 0..10);
    let asleep = client.submit(asynchronous(std::future::pending::<i64>), ());
    drop(occupant);
    release.set();
    on.get(client.close()).await.unwrap();
    let info = client.info();
    assert_eq!((info.running, info.asynchronous, info.queued, info.waiting_for_resources), (0, 0, 0, 0));
    assert!(queued.iter().chain([&asleep]).all(|future| future.is_done()));
}
