//! Gathering, waiting and completing, on a cluster.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anydask::{Error, Options, Status, as_completed};

use crate::ground::{AnyOf, Gate, Ground, LIMIT, chain, next, on_clusters};
use crate::tasks::{add, boom, div, double, hold, inc, total};

on_clusters! {
    values_are_gathered_in_their_arrangement;
    a_gather_fails_where_others_leave_out_or_tell;
    a_gather_of_another_client_s_futures_is_refused;
    waits_end_when_all_or_any_or_the_first_failure_has_ended;
    futures_come_as_they_complete;
    results_come_as_they_complete;
    callbacks_are_called_once_for_each_future;
    a_stream_of_items_is_mapped;
    progress_counts_what_has_ended;
    every_operation_has_a_time_limit;
    many_values_are_gathered_from_both_workers;
    a_value_takes_memory_once_it_is_here;
}

async fn values_are_gathered_in_their_arrangement<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let (x, y) = (client.submit(inc, 10), client.submit(inc, 11));
    assert_eq!(on.get(client.gather(&x)).await.unwrap(), 11);
    assert_eq!(on.get(client.gather([&x])).await.unwrap(), [11]);
    assert_eq!(on.get(client.gather(vec![&x, &y, &x])).await.unwrap(), [11, 12, 11]);
    assert_eq!(on.get(client.gather((&x, &y))).await.unwrap(), (11, 12));
    let nested = (BTreeMap::from([("x", &x)]), HashMap::from([("y", vec![&y])]));
    let gathered = on.get(client.gather(nested)).await.unwrap();
    assert_eq!(gathered, (BTreeMap::from([("x", 11)]), HashMap::from([("y", vec![12])])));
    assert_eq!(on.get(client.gather(Vec::<anydask::TaskFuture<i64>>::new())).await.unwrap(), [] as [i64; 0]);
    let shared: Arc<i64> = on.get(x.shared()).await.unwrap();
    assert_eq!(*shared, 11);
}

async fn a_gather_fails_where_others_leave_out_or_tell<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let (ok, fails) = (client.submit(div, (4, 2)), client.submit(div, (1, 0)));
    let error = on.get(client.gather([&ok, &fails])).await.unwrap_err();
    assert!(matches!(&error, Error::Failed { key, .. } if *key == fails.key()), "{error:?}");
    assert!(chain(&error).contains("division by zero"), "{}", chain(&error));
    assert_eq!(on.get(client.gather_ok([&ok, &fails].to_vec())).await.unwrap(), [2]);
    let nested = vec![vec![&ok], vec![&fails, &ok]];
    assert_eq!(on.get(client.gather_ok(nested)).await.unwrap(), [vec![2], vec![2]]);
    let results = on.get(client.gather_results([&ok, &fails])).await.unwrap();
    assert!(matches!(&results, [Ok(2), Err(Error::Failed { .. })]), "{results:?}");

    let next = client.submit(inc, &fails);
    let last = client.submit(add, (&next, &ok));
    let error = on.error(&last).await;
    assert!(matches!(&error, Error::Failed { key, .. } if *key == fails.key()), "the one to blame: {error:?}");
    let error = on.error(&client.submit(boom, 7)).await;
    assert!(matches!(&error, Error::Panicked { message, .. } if message.contains("boom of 7")), "{error:?}");
    assert_eq!(on.value(&client.submit(div, (10, 5))).await.unwrap(), 2, "one failure harms nothing else");
}

async fn a_gather_of_another_client_s_futures_is_refused<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let other = on.client().await;
    let (ours, theirs) = (client.submit(inc, 1), other.submit(inc, 2));
    let error = on.get(client.gather((&ours, &theirs))).await.unwrap_err();
    assert!(matches!(&error, Error::ForeignFuture { key } if *key == theirs.key()), "{error:?}");
    let error = on.error(&client.submit(inc, &theirs)).await;
    assert!(matches!(&error, Error::ForeignFuture { .. }), "{error:?}");
    let error = on.get(client.who_has(&theirs)).await.unwrap_err();
    assert!(matches!(&error, Error::ForeignFuture { .. }), "{error:?}");
    assert_eq!(on.value(&ours).await.unwrap(), 2);
    assert_eq!(on.value(&theirs).await.unwrap(), 3);
}

async fn waits_end_when_all_or_any_or_the_first_failure_has_ended<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let gate = Gate::new();
    let held = client.submit(hold, (gate.name.clone(), 1));
    let quick = client.submit(inc, 1);
    let waited = on.get(client.wait_any([&held, &quick])).await.unwrap();
    assert_eq!((waited.done.len(), waited.not_done.len()), (1, 1));
    assert_eq!(waited.done[0].key(), quick.key());
    assert_eq!(held.status(), Status::Pending);

    let fails = client.submit(div, (1, 0));
    let waited = on.get(client.wait_first_error([&held, &fails])).await.unwrap();
    assert_eq!(waited.not_done[0].key(), held.key());
    assert_eq!(fails.status(), Status::Error);

    let late = client.wait([&held]).timeout(Duration::from_millis(20));
    assert!(on.on.get(late).await.unwrap_err().is_timeout());
    gate.open();
    let waited = on.get(client.wait([&held, &quick, &fails])).await.unwrap();
    assert_eq!((waited.done.len(), waited.not_done.len()), (3, 0));
    assert_eq!(held.status(), Status::Finished);
}

async fn futures_come_as_they_complete<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let gate = Gate::new();
    let held = client.submit(hold, (gate.name.clone(), 1));
    let quick = client.submit(inc, 1);
    let mut completed = as_completed([&held, &quick, &quick]);
    let mut keys = Vec::new();
    for _ in 0..2 {
        keys.extend(next!(on, completed).map(|future| future.key()));
    }
    assert_eq!(keys, [quick.key(), quick.key()]);
    assert_eq!(completed.len(), 1);
    completed.push(client.submit(inc, 5));
    assert_eq!(on.value(&next!(on, completed).unwrap()).await.unwrap(), 6);
    gate.open();
    assert_eq!(next!(on, completed).unwrap().key(), held.key());
    assert!(next!(on, completed).is_none());
}

async fn results_come_as_they_complete<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let gate = Gate::new();
    let (failing, cancelled) = (client.submit(div, (1, 0)), client.submit(hold, (gate.name.clone(), 1)));
    on.passed(gate.began()).await;
    cancelled.cancel();
    // Its body keeps the worker's thread until it ends.
    gate.open();
    let mut results = as_completed([&failing, &cancelled, &client.submit(inc, 1)]).results();
    let mut statuses = Vec::new();
    while let Some((future, result)) = next!(on, results) {
        statuses.push(format!("{}: {}", future.status(), result.is_ok()));
    }
    statuses.sort();
    assert_eq!(statuses, ["cancelled: false", "error: false", "finished: true"]);
}

async fn callbacks_are_called_once_for_each_future<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let before = client.submit(inc, 1);
    on.value(&before).await.unwrap();
    for future in [&before, &client.submit(div, (1, 0)), &client.submit(inc, 2)] {
        let told = Arc::clone(&told);
        future.on_done(move |future| told.lock().unwrap().push(future.status().to_string()));
    }
    on.until("all are told", || told.lock().unwrap().len() >= 3).await;
    let mut told = told.lock().unwrap().clone();
    told.sort();
    assert_eq!(told, ["error", "finished", "finished"]);
}

async fn a_stream_of_items_is_mapped<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let mut mapped = client.map_stream(double, futures_lite::stream::iter(0..20)).buffered(4);
    let mut results = Vec::new();
    while let Some(result) = next!(on, mapped) {
        results.push(result.unwrap());
    }
    assert_eq!(results, (0..20).map(|x| 2 * x).collect::<Vec<_>>());
    let mut mapped = client.map_stream(double, futures_lite::stream::iter(0..20)).buffered_unordered(4);
    let mut sum = 0;
    while let Some(result) = next!(on, mapped) {
        sum += result.unwrap();
    }
    assert_eq!(sum, 380);
}

async fn progress_counts_what_has_ended<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let gate = Gate::new();
    let held = client.submit(hold, (gate.name.clone(), 1));
    let fails = client.submit(div, (1, 0));
    let mut progress = client.progress((&held, vec![&fails])).unwrap();
    on.error(&fails).await;
    on.until("the failure is counted", || progress.counts().failed == 1).await;
    gate.open();
    let mut last = None;
    while let Some(counts) = next!(on, progress) {
        last = Some(counts);
    }
    let last = last.unwrap();
    assert!(last.is_done() && last.finished == 1 && last.failed == 1, "{last:?}");
}

async fn every_operation_has_a_time_limit<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let gate = Gate::new();
    let held = client.submit(hold, (gate.name.clone(), 1));
    let short = Duration::from_millis(10);
    assert!(on.on.get(held.timeout(short)).await.unwrap_err().is_timeout());
    assert!(on.on.get(client.gather(&held).timeout(short)).await.unwrap_err().is_timeout());
    assert!(on.on.get(client.wait_any([&held]).timeout(short)).await.unwrap_err().is_timeout());
    assert!(on.on.get(client.wait_for_workers(3).timeout(short)).await.unwrap_err().is_timeout());
    gate.open();
    assert_eq!(on.value(&held).await.unwrap(), 1, "a wait that times out cancels nothing");
    // What another process does not know is refused, and what Dask's scheduler does not do.
    let error = on.error(&client.submit(|x: i64| x, 1)).await;
    assert!(matches!(&error, Error::NotPortable { fix, .. } if fix.contains("#[task]")), "{error:?}");
    let error = on.error(&client.with(Options::new().timeout(LIMIT)).submit(inc, 1)).await;
    assert!(matches!(&error, Error::NotPortable { fix, .. } if fix.contains("timeout")), "{error:?}");
}

async fn many_values_are_gathered_from_both_workers<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let many = client.map(inc, 0..200);
    let sums: Vec<_> = many.chunks(20).map(|some| client.submit(total, some)).collect();
    let sum = client.submit(total, &sums);
    assert_eq!(on.value(&sum).await.unwrap(), 20_100);
    assert_eq!(on.get(client.gather(&many)).await.unwrap(), (1..=200).collect::<Vec<_>>());
    let held = on.look("sorted(w.name for w in s.workers.values() if w.has_what)");
    assert_eq!(held, r#"["a", "b"]"#);
}

async fn a_value_takes_memory_once_it_is_here<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let x = client.submit(inc, 1);
    on.get(client.wait([&x])).await.unwrap();
    let nbytes = || client.dump().tasks.iter().find(|task| task.key == x.key()).unwrap().nbytes;
    assert_eq!((nbytes(), client.info().memory[&x.key()]), (None, 0));
    assert_eq!(on.value(&x).await.unwrap(), 2);
    assert_eq!((nbytes(), client.info().memory[&x.key()]), (Some(8), 8));
}
