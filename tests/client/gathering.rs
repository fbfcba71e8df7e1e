//! Gathering: many values at once, in the shape in which their futures are given.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use anydask::{Client, Error, Status, TaskFuture, fallible};

use crate::support::{AnyOf, Setting, on_every_runtime};

on_every_runtime! {
    one_future_gives_its_value;
    vectors_slices_and_arrays_give_their_values_in_order;
    tuples_keep_their_types;
    maps_keep_their_keys;
    shapes_nest;
    nothing_gathers_to_nothing;
    references_leave_the_futures_to_the_caller;
    a_gather_fails_fast_without_waiting_for_the_rest;
    a_gather_of_what_has_failed_already_fails_at_once;
    gather_ok_leaves_out_what_failed;
    gather_ok_of_a_single_future_gives_its_error;
    gather_results_puts_a_result_in_the_place_of_each;
    the_kinder_forms_wait_for_all;
    ten_thousand_futures_gather_at_once;
    the_same_future_may_be_gathered_twice;
}

/// A task that fails unless its argument is positive.
fn positive<R: AnyOf>(client: &Client<R>, x: i64) -> TaskFuture<i64> {
    client.submit(fallible(|x: i64| if x > 0 { Ok(x) } else { Err("not positive") }), x)
}

async fn one_future_gives_its_value<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let future = client.submit(|| "one".to_owned(), ());
    assert_eq!(on.get(client.gather(&future)).await.unwrap(), "one");
    assert_eq!(on.get(client.gather(future)).await.unwrap(), "one");
}

async fn vectors_slices_and_arrays_give_their_values_in_order<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let many = client.map(|x: i64| x * x, 0..5);
    let array = [many[0].clone(), many[4].clone()];
    let expected = [0, 1, 4, 9, 16];
    assert_eq!(on.get(client.gather(&many)).await.unwrap(), expected);
    assert_eq!(on.get(client.gather(&many[1..3])).await.unwrap(), expected[1..3]);
    assert_eq!(on.get(client.gather(many.iter().rev().collect::<Vec<_>>())).await.unwrap(), [16, 9, 4, 1, 0]);
    assert_eq!(on.get(client.gather([&many[3], &many[2]])).await.unwrap(), [9, 4]);
    assert_eq!(on.get(client.gather(&array)).await.unwrap(), [0, 16]);
    assert_eq!(on.get(client.gather(array)).await.unwrap(), [0, 16]);
    assert_eq!(on.get(client.gather(many)).await.unwrap(), expected);
}

async fn tuples_keep_their_types<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let (number, text) = (client.submit(|| 1_u8, ()), client.submit(|| "one".to_owned(), ()));
    let (n, t): (u8, String) = on.get(client.gather((&number, &text))).await.unwrap();
    assert_eq!((n, t.as_str()), (1, "one"));
    let tuple = (number, text);
    assert_eq!(on.get(client.gather(&tuple)).await.unwrap(), (1, "one".to_owned()));
    let one = &tuple.0;
    let eight = on.get(client.gather((one, one, one, one, one, one, one, tuple.1.clone()))).await.unwrap();
    assert_eq!(eight, (1, 1, 1, 1, 1, 1, 1, "one".to_owned()));
    assert_eq!(on.get(client.gather((one,))).await.unwrap(), (1,));
}

async fn maps_keep_their_keys<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let names = ["a", "b", "c"];
    let sorted: BTreeMap<&str, TaskFuture<usize>> =
        names.iter().enumerate().map(|(index, name)| (*name, client.submit(|x: usize| x, index))).collect();
    let hashed: HashMap<String, TaskFuture<usize>> =
        sorted.iter().map(|(name, future)| (name.to_string(), future.clone())).collect();
    let expected = BTreeMap::from([("a", 0), ("b", 1), ("c", 2)]);
    assert_eq!(on.get(client.gather(&sorted)).await.unwrap(), expected);
    assert_eq!(on.get(client.gather(sorted)).await.unwrap(), expected);
    let by_reference = on.get(client.gather(&hashed)).await.unwrap();
    assert_eq!((by_reference.len(), by_reference["b"]), (3, 1));
    assert_eq!(on.get(client.gather(hashed)).await.unwrap(), by_reference);
}

async fn shapes_nest<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let x = client.submit(|| 1, ());
    let many = client.map(|x: i64| x, 2..4);
    let nested = vec![vec![x.clone()], many.clone(), vec![]];
    let expected = vec![vec![1], vec![2, 3], vec![]];
    assert_eq!(on.get(client.gather(&nested)).await.unwrap(), expected);
    let map = BTreeMap::from([(1, (nested, [x.clone(), x.clone()]))]);
    let gathered = on.get(client.gather((&x, &map, vec![(&x, &many)]))).await.unwrap();
    assert_eq!(gathered, (1, BTreeMap::from([(1, (expected, [1, 1]))]), vec![(1, vec![2, 3])]));
}

async fn nothing_gathers_to_nothing<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let none = Vec::<TaskFuture<i64>>::new();
    assert_eq!(on.get(client.gather(&none)).await.unwrap(), []);
    assert_eq!(on.get(client.gather_ok(&none)).await.unwrap(), []);
    assert!(on.get(client.gather_results(&none)).await.unwrap().is_empty());
    on.get(client.gather(())).await.unwrap();
    let empty: [TaskFuture<i64>; 0] = [];
    assert_eq!(on.get(client.gather(empty)).await.unwrap(), [0_i64; 0]);
    assert!(on.get(client.gather(BTreeMap::<i64, TaskFuture<i64>>::new())).await.unwrap().is_empty());
    assert_eq!(on.get(client.gather(vec![none.clone(), none])).await.unwrap(), [[0_i64; 0], []]);
}

async fn references_leave_the_futures_to_the_caller<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let many = client.map(|x: i64| x, 0..3);
    for _ in 0..3 {
        assert_eq!(on.get(client.gather(&many)).await.unwrap(), [0, 1, 2]);
    }
    assert_eq!(on.value(&many[2]).await.unwrap(), 2);
}

async fn a_gather_fails_fast_without_waiting_for_the_rest<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let (slow, release) = on.occupy(&client).await;
    let never = client.submit(|(): ()| 1, &slow);
    let failing = positive(&client, -1);
    let error = on.get(client.gather((&slow, &never, &failing))).await.unwrap_err();
    assert_eq!(error.key(), Some(&failing.key()));
    assert_eq!((slow.status(), never.status()), (Status::Pending, Status::Pending));
    release.set();
    assert_eq!(on.value(&never).await.unwrap(), 1);
}

async fn a_gather_of_what_has_failed_already_fails_at_once<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let failing = positive(&client, -1);
    on.get(client.wait([&failing])).await.unwrap();
    let (slow, release) = on.occupy(&client).await;
    let slow = client.submit(|(): ()| 1, slow);
    let error = on.get(client.gather([&slow, &failing])).await.unwrap_err();
    assert_eq!(error.key(), Some(&failing.key()));
    release.set();
    assert_eq!(on.take(slow).await.unwrap(), 1);
}

async fn gather_ok_leaves_out_what_failed<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let many: Vec<_> = [1, -2, 3, 0].map(|x| positive(&client, x)).into();
    assert_eq!(on.get(client.gather_ok(&many)).await.unwrap(), [1, 3]);
    let [ok, failed] = [&many[0], &many[1]];
    assert_eq!(on.get(client.gather_ok([ok, failed])).await.unwrap(), [1]);
    assert_eq!(on.get(client.gather_ok((ok, failed))).await.unwrap(), (Some(1), None));
    let nested = vec![vec![ok.clone()], vec![failed.clone(), ok.clone()], vec![failed.clone()]];
    assert_eq!(on.get(client.gather_ok(nested)).await.unwrap(), [vec![1], vec![1], vec![]]);
    let map = BTreeMap::from([("ok", ok), ("failed", failed)]);
    assert_eq!(on.get(client.gather_ok(map)).await.unwrap(), BTreeMap::from([("ok", 1)]));
    assert_eq!(on.get(client.gather_ok((ok, [failed, ok]))).await.unwrap(), (Some(1), Some(vec![1])));
}

async fn gather_ok_of_a_single_future_gives_its_error<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let failing = positive(&client, -1);
    assert!(matches!(on.get(client.gather_ok(&failing)).await, Err(Error::Failed { .. })));
    assert_eq!(on.get(client.gather_ok(positive(&client, 1))).await.unwrap(), 1);
}

async fn gather_results_puts_a_result_in_the_place_of_each<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let (ok, failed) = (positive(&client, 1), positive(&client, -1));
    let results = on.get(client.gather_results((&ok, [&failed, &ok]))).await.unwrap();
    assert!(matches!(results, (Ok(1), [Err(Error::Failed { .. }), Ok(1)])), "{results:?}");
    let results = on.get(client.gather_results(vec![ok.clone(), failed.clone()])).await.unwrap();
    assert!(matches!(&results[..], [Ok(1), Err(error)] if error.key() == Some(&failed.key())));
    let results = on.get(client.gather_results(&failed)).await.unwrap();
    assert!(results.is_err());
}

async fn the_kinder_forms_wait_for_all<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let (slow, release) = on.occupy(&client).await;
    let slow = client.submit(|(): ()| 1, slow);
    let failing = positive(&client, -1);
    on.get(client.wait([&failing])).await.unwrap();
    let start = Instant::now();
    let limit = Duration::from_millis(20);
    assert!(on.get(client.gather_ok([&failing, &slow]).timeout(limit)).await.unwrap_err().is_timeout());
    assert!(on.get(client.gather_results([&failing, &slow]).timeout(limit)).await.unwrap_err().is_timeout());
    assert!(start.elapsed() >= 2 * limit);
    release.set();
    assert_eq!(on.get(client.gather_ok([&failing, &slow])).await.unwrap(), [1]);
}

async fn ten_thousand_futures_gather_at_once<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let many = client.map(|x: u64| x + 1, 0..10_000);
    let sum: u64 = on.get(client.gather(&many)).await.unwrap().iter().sum();
    assert_eq!(sum, (1..=10_000).sum());
}

async fn the_same_future_may_be_gathered_twice<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let x = client.submit(|| 1, ());
    let gather = client.gather(vec![x.clone(), x.clone(), x]);
    release.set();
    assert_eq!(on.get(gather).await.unwrap(), [1, 1, 1]);
    on.take(occupant).await.unwrap();
}
