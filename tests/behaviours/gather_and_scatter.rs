//! A25 to A30: gather and scatter.

use std::collections::BTreeMap;

use anydask::{Error, fallible};

use crate::support::{AnyOf, Setting, on_every_runtime};
use crate::{Held, add, div, inc, is_divide_by_zero};

on_every_runtime! {
    a25_gather_keeps_the_arrangement;
    a26_gather_fails_and_gather_ok_leaves_out;
    a27_gather_ok_waits_for_those_that_go_on;
    a28_a_future_of_another_client_is_refused;
    a30_scattered_values_are_inputs_and_results;
}

async fn a25_gather_keeps_the_arrangement<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (x, y) = (client.submit(inc, 10), client.submit(inc, 11));
    assert_eq!(on.get(client.gather(&x)).await.unwrap(), 11);
    assert_eq!(on.get(client.gather(vec![&x])).await.unwrap(), [11]);
    let both = (BTreeMap::from([("x", &x)]), BTreeMap::from([("y", vec![&y])]));
    let gathered = on.get(client.gather(both)).await.unwrap();
    assert_eq!(gathered, (BTreeMap::from([("x", 11)]), BTreeMap::from([("y", vec![12])])));
}

async fn a26_gather_fails_and_gather_ok_leaves_out<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (ok, fails) = (client.submit(fallible(div), (4, 2)), client.submit(fallible(div), (1, 0)));
    let error = on.get(client.gather(vec![&ok, &fails])).await.unwrap_err();
    assert!(is_divide_by_zero(&error));
    assert_eq!(on.get(client.gather_ok(vec![&ok, &fails])).await.unwrap(), [2]);
    let nested = vec![vec![&ok], vec![&fails, &ok]];
    assert_eq!(on.get(client.gather_ok(nested)).await.unwrap(), [vec![2], vec![2]]);
}

async fn a27_gather_ok_waits_for_those_that_go_on<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let held = Held::new();
    let y = client.submit(held.body(), 1);
    let x = client.task(fallible(div), (1, 0)).priority(10).submit();
    release.set();
    assert!(is_divide_by_zero(&on.error(&x).await));
    on.passed(&held.running).await;
    let gathering = client.gather_ok([&x, &y].to_vec());
    let release = held.release.clone();
    let releaser = std::thread::spawn(move || release.set());
    assert_eq!(on.get(gathering).await.unwrap(), [2]);
    releaser.join().unwrap();
}

async fn a28_a_future_of_another_client_is_refused<R: AnyOf>(on: Setting<R>) {
    let (client, other) = (on.client(1).await, on.client(1).await);
    let (ours, theirs) = (client.submit(inc, 1), other.submit(inc, 2));
    let error = on.get(client.gather((&ours, &theirs))).await.unwrap_err();
    assert!(matches!(&error, Error::ForeignFuture { key } if *key == theirs.key()));
    assert!(error.to_string().contains("created by another client"), "{error}");
    let error = on.get(client.cancel((&ours, &theirs))).await.unwrap_err();
    assert!(matches!(error, Error::ForeignFuture { .. }));
    assert_eq!(on.value(&ours).await.unwrap(), 2, "a refused cancel cancels none");
}

async fn a30_scattered_values_are_inputs_and_results<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let y = on.get(client.scatter(20)).await.unwrap();
    let x = on.get(client.scatter(10)).await.unwrap();
    assert!(x.is_done() && y.is_done());
    let z = client.submit(add, (&x, &y));
    assert_eq!(on.get(client.gather([&z, &x])).await.unwrap(), [30, 10]);
}
