//! Priorities.

use std::sync::{Arc, Mutex};

use anydask::Status;

use crate::support::{AnyOf, Setting, on_every_runtime};
use crate::{Counter, inc};

on_every_runtime! {
    a_high_one_behind_a_thousand_low_ones_starts_next;
    a_high_one_behind_a_thousand_plain_ones_starts_next;
    low_ones_run_last;
    equals_run_in_the_order_of_their_submission;
    the_extremes_are_priorities_too;
    a_high_one_that_becomes_ready_late_starts_next;
    a_waiting_task_gives_way_to_what_it_waits_for_however_low;
    an_engine_that_only_has_low_ones_runs_them;
}

type Order = Arc<Mutex<Vec<i32>>>;

fn note(order: &Order) -> impl Fn(i32) + Send + Sync + Clone + use<> {
    let order = Arc::clone(order);
    move |priority| order.lock().unwrap().push(priority)
}

async fn a_high_one_behind_a_thousand_low_ones_starts_next<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let started = Counter::new();
    let body = {
        let started = started.clone();
        move |_: i64| started.add()
    };
    let low = client.tasks(body.clone(), 0..1000).priority(-1).submit();
    let high = client.task(body, 0).priority(1).submit();
    release.set();
    assert_eq!(on.value(&high).await.unwrap(), 0);
    on.get(client.wait(&low)).await.unwrap();
    assert_eq!(started.get(), 1001);
}

async fn a_high_one_behind_a_thousand_plain_ones_starts_next<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let order = Order::default();
    let plain = client.map(note(&order), (0..1000).map(|_| 0));
    let high = client.task(note(&order), 1).priority(1).submit();
    release.set();
    on.value(&high).await.unwrap();
    on.get(client.wait(&plain)).await.unwrap();
    assert_eq!(order.lock().unwrap()[0], 1);
}

async fn low_ones_run_last<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let order = Order::default();
    let mut all = Vec::new();
    for priority in [-5, 0, 7, -1, 0, 3, i32::MIN, 0] {
        all.push(client.task(note(&order), priority).priority(priority).submit());
    }
    release.set();
    on.get(client.wait(&all)).await.unwrap();
    assert_eq!(*order.lock().unwrap(), [7, 3, 0, 0, 0, -1, -5, i32::MIN]);
}

async fn equals_run_in_the_order_of_their_submission<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    for priority in [5, -5] {
        let (_occupant, release) = on.occupy(&client).await;
        let order = Order::default();
        let all = client.tasks(note(&order), 0..100).priority(priority).submit();
        release.set();
        on.get(client.wait(&all)).await.unwrap();
        assert_eq!(*order.lock().unwrap(), (0..100).collect::<Vec<_>>());
    }
}

async fn the_extremes_are_priorities_too<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let order = Order::default();
    let all: Vec<_> = [i32::MIN, i32::MAX]
        .into_iter()
        .map(|priority| client.task(note(&order), priority).priority(priority).submit())
        .collect();
    release.set();
    on.get(client.wait(&all)).await.unwrap();
    assert_eq!(*order.lock().unwrap(), [i32::MAX, i32::MIN]);
}

async fn a_high_one_that_becomes_ready_late_starts_next<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let order = Order::default();
    let plain = client.map(note(&order), (0..100).map(|_| 0));
    let write = note(&order);
    let high = client.task(move |(): ()| write(1), &occupant).priority(1).submit();
    assert_eq!(high.status(), Status::Pending);
    release.set();
    on.value(&high).await.unwrap();
    on.get(client.wait(&plain)).await.unwrap();
    assert_eq!(order.lock().unwrap()[0], 1);
}

async fn a_waiting_task_gives_way_to_what_it_waits_for_however_low<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let inner = client.clone();
    let high = client.task(move || inner.task(inc, 1).priority(-9).submit().wait().unwrap(), ()).priority(9).submit();
    assert_eq!(on.value(&high).await.unwrap(), 2);
}

async fn an_engine_that_only_has_low_ones_runs_them<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    for _ in 0..200 {
        let low = client.task(inc, 1).priority(-1).submit();
        assert_eq!(on.value(&low).await.unwrap(), 2);
    }
    assert_eq!(client.info().queued, 0);
}
