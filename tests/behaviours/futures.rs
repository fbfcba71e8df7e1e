//! A17 to A23: futures.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anydask::{Error, Status, TaskFuture, fallible};

use crate::support::{AnyOf, Setting, on_every_runtime};
use crate::{Held, add, div, inc, is_divide_by_zero};

on_every_runtime! {
    a17_the_error_of_a_future;
    a18_a_wait_that_times_out_cancels_nothing;
    a19_one_failure_harms_nothing_else;
    a20_callbacks_tell_how_each_ended;
    a21_a_cancelled_task_takes_its_dependents_along;
    a23_a_cancel_tells_its_reason_and_dependents_theirs;
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
