//! A53 to A56: priority and resources.

use std::sync::{Arc, Mutex};

use anydask::{Client, Status};

use crate::support::{AnyOf, Setting, on_every_runtime};
use crate::{Gauge, Held, available, inc};

on_every_runtime! {
    a53_high_before_low;
    a55_a_resource_that_nobody_has_is_waited_for;
    a56_many_tasks_hold_no_more_than_there_is;
}

async fn a53_high_before_low<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let (low_held, blocker_held) = (Held::new(), Held::new());
    low_held.release.set();
    let low = client.task(low_held.body(), 1).priority(-1).submit();
    let blocker = client.submit(blocker_held.body(), 2);
    let high = client.task(inc, 3).priority(1).submit();
    release.set();
    assert_eq!(on.value(&high).await.unwrap(), 4);
    on.passed(&blocker_held.running).await;
    assert!(!low_held.running.is_set());
    assert_eq!(low.status(), Status::Pending);
    blocker_held.release.set();
    assert_eq!(on.value(&low).await.unwrap(), 2);
    assert_eq!(on.value(&blocker).await.unwrap(), 3);
}

/// On one engine: a worker that joins is an engine that is given more.
async fn a55_a_resource_that_nobody_has_is_waited_for<R: AnyOf>(on: Setting<R>) {
    let builder = on.builder().threads(2).resources([("A", 5.0), ("B", 1.0)]);
    let engine = on.get(builder.engine()).await.unwrap();
    let client = Client::on(&engine).unwrap();
    let x = client.task(inc, 1).resources([("A", 3.0)]).submit();
    let y = client.task(inc, 2).resources([("B", 1.0)]).submit();
    let z = client.task(inc, 3).resources([("C", 2.0)]).key("z").submit();
    assert_eq!(on.get(client.gather((&x, &y))).await.unwrap(), (2, 3));
    assert_eq!(client.info().unrunnable, ["z"]);
    assert_eq!(z.status(), Status::Pending);
    engine.add_resources([("C", 10.0)]).unwrap();
    assert_eq!(on.value(&z).await.unwrap(), 4);
    assert!(client.info().unrunnable.is_empty());
    on.until("all is given back", || available(&client, "C") == 10.0).await;
}

async fn a56_many_tasks_hold_no_more_than_there_is<R: AnyOf>(on: Setting<R>) {
    let client = on.get(on.builder().threads(4).resources([("A", 2.0)]).local()).await.unwrap();
    let gauge = Gauge::default();
    let least = Arc::new(Mutex::new(f64::MAX));
    let futures = {
        let (gauge, least, inner) = (gauge.clone(), Arc::clone(&least), client.clone());
        let body = move |_: i64| {
            let _inside = gauge.enter();
            let mut least = least.lock().unwrap();
            *least = least.min(available(&inner, "A"));
            drop(least);
            std::thread::yield_now();
        };
        client.tasks(body, 0..100).resources([("A", 1.0)]).submit()
    };
    on.get(client.gather(&futures)).await.unwrap();
    assert!(gauge.most() <= 2, "{} at once", gauge.most());
    assert!(*least.lock().unwrap() >= 0.0);
    on.until("all is given back", || available(&client, "A") == 2.0).await;
}
