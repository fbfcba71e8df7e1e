//! A25 to A31: gather and scatter.

use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};

use anydask::{Client, Error, fallible};

use crate::support::{AnyOf, Counts, Setting, on_every_runtime};
use crate::{Held, add, div, inc, is_divide_by_zero};

on_every_runtime! {
    a25_gather_keeps_the_arrangement;
    a26_gather_fails_and_gather_ok_leaves_out;
    a27_gather_ok_waits_for_those_that_go_on;
    a28_a_future_of_another_client_is_refused;
    a29_a_gather_of_what_was_lost_does_not_hang;
    a30_scattered_values_are_inputs_and_results;
    a31_equal_values_have_one_key_when_asked_for;
    values_that_hash_alike_are_told_apart;
    the_last_future_of_a_hashed_value_takes_it_along;
    values_are_scattered_in_their_arrangement;
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

/// In one engine, what is lost is lost by a restart.
async fn a29_a_gather_of_what_was_lost_does_not_hang<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let x = on.get(client.scatter(1)).await.unwrap();
    let y = client.submit(inc, &x);
    on.value(&y).await.unwrap();
    let held = Held::new();
    let z = client.submit(held.body(), 1);
    let restarting = {
        let (engine, running) = (client.engine(), held.running.clone());
        std::thread::spawn(move || {
            running.wait();
            engine.restart();
        })
    };
    let error = on.get(client.gather([&x, &y, &z])).await.unwrap_err();
    assert!(error.is_cancelled(), "{error:?}");
    restarting.join().unwrap();
    let error = on.get(client.gather([&x, &y])).await.unwrap_err();
    assert!(error.to_string().contains("the engine was restarted"), "{error}");
    held.release.set();
}

async fn a30_scattered_values_are_inputs_and_results<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let named = on.get(client.scatter_all(BTreeMap::from([("y", 20)]))).await.unwrap();
    let y = &named["y"];
    let [x] = on.get(client.scatter_all([10])).await.unwrap();
    assert!(x.is_done() && y.is_done());
    assert_eq!(client.info().memory.len(), 2);
    let z = client.submit(add, (&x, y));
    assert_eq!(on.get(client.gather([&z, &x])).await.unwrap(), [30, 10]);
}

async fn a31_equal_values_have_one_key_when_asked_for<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let a = on.get(client.scatter_hashed(123_i64)).await.unwrap();
    let b = on.get(client.scatter_hashed(123_i64)).await.unwrap();
    assert_eq!(a.key(), b.key());
    assert_eq!(client.info().memory.len(), 1, "one copy");
    let c = on.get(client.scatter(123_i64)).await.unwrap();
    let d = on.get(client.scatter(123_i64)).await.unwrap();
    let other = on.get(client.scatter_hashed(124_i64)).await.unwrap();
    let other_type = on.get(client.scatter_hashed(123_u64)).await.unwrap();
    let keys = [a.key(), c.key(), d.key(), other.key(), other_type.key()];
    assert_eq!(keys.iter().collect::<std::collections::BTreeSet<_>>().len(), keys.len(), "{keys:?}");
    assert_eq!(on.get(client.gather((&a, &b, &c, &d, &other))).await.unwrap(), (123, 123, 123, 123, 124));
    assert_eq!(on.take(client.submit(add, (&a, &b))).await.unwrap(), 246);
    // Another client of the engine has the same copy.
    let second = Client::on(&client.engine()).unwrap();
    let theirs = on.get(second.scatter_hashed(123_i64)).await.unwrap();
    assert_eq!(theirs.key(), a.key());
}

/// All of them hash alike.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Clash(i64);

impl Hash for Clash {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

async fn values_that_hash_alike_are_told_apart<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let mut futures = Vec::new();
    for value in [1, 2, 3, 2, 1, 3] {
        futures.push(on.get(client.scatter_hashed(Clash(value))).await.unwrap());
    }
    let values = on.get(client.gather(&futures)).await.unwrap();
    assert_eq!(values, [1, 2, 3, 2, 1, 3].map(Clash));
    let keys: Vec<_> = futures.iter().map(|future| future.key()).collect();
    assert_eq!(keys[..3].iter().rev().collect::<Vec<_>>(), [&keys[5], &keys[1], &keys[0]]);
    assert_eq!((&keys[3], &keys[4]), (&keys[1], &keys[0]));
    assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2]);
    // A key that somebody chose for a task stays that task's.
    let lone = on.get(client.scatter_hashed(7_i64)).await.unwrap();
    let key = lone.key();
    drop(lone);
    let chosen = client.task(inc, 1).key(key).submit();
    let lone = on.get(client.scatter_hashed(7_i64)).await.unwrap();
    assert_eq!(on.get(client.gather((&chosen, &lone))).await.unwrap(), (2, 7));
}

async fn the_last_future_of_a_hashed_value_takes_it_along<R: AnyOf>(on: Setting<R>) {
    #[derive(Clone)]
    struct Table(std::sync::Arc<crate::support::Counted>);

    impl PartialEq for Table {
        fn eq(&self, other: &Self) -> bool {
            self.0.value() == other.0.value()
        }
    }

    impl Eq for Table {}

    impl Hash for Table {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.0.value().hash(state);
        }
    }

    let client = on.client(1).await;
    let counts = Counts::new();
    let table = || Table(std::sync::Arc::new(counts.make(1)));
    let first = on.get(client.scatter_hashed(table())).await.unwrap();
    let second = on.get(client.scatter_hashed(table())).await.unwrap();
    assert_eq!(counts.alive(), 1, "the second copy is dropped at once");
    drop(first);
    assert_eq!(on.value(&second).await.unwrap().0.value(), 1);
    drop(second);
    on.until("the value is gone", || counts.alive() == 0).await;
    let third = on.get(client.scatter_hashed(table())).await.unwrap();
    assert_eq!(on.take(third).await.unwrap().0.value(), 1);
    on.get(client.close()).await.unwrap();
    let refused = on.get(client.scatter_hashed(1)).await;
    assert!(matches!(refused, Err(Error::ClientClosed { operation: "scatter_hashed" })));
    let refused = on.get(client.scatter_all([1])).await;
    assert!(matches!(refused, Err(Error::ClientClosed { operation: "scatter_all" })));
}

async fn values_are_scattered_in_their_arrangement<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let list = on.get(client.scatter_all(vec![3, 1, 2])).await.unwrap();
    assert_eq!(on.get(client.gather(&list)).await.unwrap(), [3, 1, 2]);
    let map = HashMap::from([("a", 1), ("b", 2)]);
    let futures = on.get(client.scatter_all(map.clone())).await.unwrap();
    assert_eq!(on.get(client.gather(&futures)).await.unwrap(), map);
    assert!(on.get(client.scatter_all(Vec::<i64>::new())).await.unwrap().is_empty());
}
