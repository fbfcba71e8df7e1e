//! A17 to A24: futures.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anydask::{Error, Status, TaskFuture, fallible};

use crate::several_clients::{is_cancelled, two};
use crate::support::{AnyOf, Setting, on_every_runtime};
use crate::{Counter, Held, add, div, inc, is_divide_by_zero};

on_every_runtime! {
    a17_the_error_of_a_future;
    a18_a_wait_that_times_out_cancels_nothing;
    a19_one_failure_harms_nothing_else;
    a20_callbacks_tell_how_each_ended;
    a21_a_cancelled_task_takes_its_dependents_along;
    a22_a_cancel_of_one_client_leaves_the_futures_of_the_other;
    a23_a_cancel_tells_its_reason_and_dependents_theirs;
    a24_a_failed_task_is_retried_on_the_same_handle;
}

async fn a17_the_error_of_a_future<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let error = on.get(client.submit(fallible(div), (1, 0)).error()).await.unwrap();
    assert!(is_divide_by_zero(&error.unwrap()));
    assert!(on.get(client.submit(fallible(div), (1, 1)).error()).await.unwrap().is_none());
}

async fn a18_a_wait_that_times_out_cancels_nothing<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let held = Held::new();
    let future = client.submit(held.body(), 1);
    let late = on.get(future.timeout(Duration::from_millis(10))).await.unwrap_err();
    assert!(late.is_timeout(), "{late:?}");
    held.release.set();
    assert_eq!(on.value(&future).await.unwrap(), 2);
}

async fn a19_one_failure_harms_nothing_else<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    assert_eq!(on.take(client.submit(fallible(div), (10, 2))).await.unwrap(), 5);
    assert!(is_divide_by_zero(&on.take(client.submit(fallible(div), (10, 0))).await.unwrap_err()));
    assert_eq!(on.take(client.submit(fallible(div), (10, 5))).await.unwrap(), 2);
}

async fn a20_callbacks_tell_how_each_ended<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let held = Held::new();
    let x = client.submit(inc, 1);
    on.value(&x).await.unwrap();
    let w = client.submit(held.body(), 3);
    let u = client.submit(inc, 0);
    let v = client.submit(fallible(div), (1, 0));
    let records = Arc::new(Mutex::new(Vec::new()));
    for future in [&u, &v, &w, &x] {
        let records = Arc::clone(&records);
        future.on_done(move |future: TaskFuture<i64>| {
            future.on_done(move |future| records.lock().unwrap().push((future.key(), future.status())));
        });
    }
    held.release.set();
    on.get(client.wait([&u, &v, &w, &x])).await.unwrap();
    on.until("all four are recorded", || records.lock().unwrap().len() >= 4).await;
    on.get(client.close()).await.unwrap();
    let mut records = records.lock().unwrap().clone();
    let mut expected = vec![
        (u.key(), Status::Finished),
        (v.key(), Status::Error),
        (w.key(), Status::Finished),
        (x.key(), Status::Finished),
    ];
    records.sort_by_key(|record| record.0.clone());
    expected.sort_by_key(|record| record.0.clone());
    assert_eq!(records, expected);
}

async fn a21_a_cancelled_task_takes_its_dependents_along<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let held = Held::new();
    let x = client.submit(held.body(), 1);
    let y = client.submit(inc, &x);
    on.passed(&held.running).await;
    on.get(client.cancel(&x)).await.unwrap();
    assert_eq!(x.status(), Status::Cancelled);
    assert_eq!(y.status(), Status::Cancelled);
    assert!(on.error(&y).await.is_cancelled());
    held.release.set();
    on.until("nothing runs", || client.info().running == 0).await;
    assert_eq!(client.info().queued, 0);
}

async fn a22_a_cancel_of_one_client_leaves_the_futures_of_the_other<R: AnyOf>(on: Setting<R>) {
    let (c, f) = two(&on, 1).await;
    let (_occupant, release) = on.occupy(&c).await;
    let [x, y] = [&c, &f].map(|client| client.task(inc, 1).key("x").submit());
    on.get(c.cancel(&x)).await.unwrap();
    assert!(is_cancelled(&x) && on.error(&x).await.is_cancelled());
    assert_eq!(y.status(), Status::Pending);
    // The client can have it again.
    let again = c.task(inc, 1).key("x").submit();
    assert_eq!(again.status(), Status::Pending);
    release.set();
    assert_eq!(on.value(&y).await.unwrap(), 2);
    assert_eq!(on.value(&again).await.unwrap(), 2);
    // What has finished stays as it is.
    on.get(f.cancel(&y)).await.unwrap();
    assert_eq!(on.value(&y).await.unwrap(), 2);
}

async fn a23_a_cancel_tells_its_reason_and_dependents_theirs<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let x = client.submit(inc, 1);
    on.get(client.cancel_because(&x, "testreason")).await.unwrap();
    let error = on.error(&x).await;
    assert!(matches!(&error, Error::Cancelled { key, reason } if *key == x.key() && &**reason == "testreason"));
    assert!(error.to_string().contains("reason: testreason"), "{error}");
    let dependents = [client.submit(inc, &x), client.submit(add, (1, &x)), client.map(inc, [&x]).remove(0)];
    for dependent in &dependents {
        assert_eq!(dependent.status(), Status::Cancelled);
        let error = on.error(dependent).await;
        assert_eq!(error.key(), Some(&dependent.key()));
        let text = error.to_string();
        assert!(text.contains("lost dependencies") && text.contains(x.key().as_str()), "{text}");
    }
    release.set();
}

async fn a24_a_failed_task_is_retried_on_the_same_handle<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (flag, runs) = (Arc::new(AtomicBool::new(false)), Counter::new());
    let body = {
        let (flag, runs) = (Arc::clone(&flag), runs.clone());
        move || {
            runs.add();
            if flag.load(Ordering::SeqCst) { Ok(1) } else { Err("the flag is false") }
        }
    };
    let future = client.submit(fallible(body), ());
    let key = future.key();
    assert!(matches!(on.error(&future).await, Error::Failed { .. }));
    // As long as nothing has changed, it fails again.
    on.get(client.retry(&future)).await.unwrap();
    assert!(matches!(on.error(&future).await, Error::Failed { .. }));
    flag.store(true, Ordering::SeqCst);
    on.get(future.retry()).await.unwrap();
    assert_eq!(on.value(&future).await.unwrap(), 1);
    assert_eq!((future.key(), runs.get()), (key, 3));
    let refused = on.get(client.retry(&future)).await;
    assert!(matches!(refused, Err(Error::NotFailed { status: Status::Finished, .. })), "{refused:?}");
}
