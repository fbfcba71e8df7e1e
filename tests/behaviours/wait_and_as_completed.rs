//! A33 to A39: wait and `as_completed`.

use std::time::Duration;

use anydask::{Status, as_completed, fallible};

use crate::support::{AnyOf, Setting, on_every_runtime};
use crate::{Held, add, inc, next, rest};

on_every_runtime! {
    a33_wait_gives_all_that_are_done;
    a34_wait_any_ends_with_the_first;
    a35_a_wait_has_a_timeout;
    a36_as_completed_yields_every_handle_once;
    a37_as_completed_takes_more_while_it_runs;
    a38_as_completed_yields_cancelled_ones;
    a39_as_completed_yields_failures_as_what_they_are;
}

async fn a33_wait_gives_all_that_are_done<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let futures = client.map(inc, [1, 1, 2]);
    let waited = on.get(client.wait(&futures)).await.unwrap();
    assert_eq!((waited.done.len(), waited.not_done.len()), (3, 0));
    assert!(waited.done.iter().all(|future| future.status() == Status::Finished));
}

async fn a34_wait_any_ends_with_the_first<R: AnyOf>(on: Setting<R>) {
    let client = on.client(3).await;
    let held = Held::new();
    let (x, y) = (client.submit(held.body(), 1), client.submit(held.body(), 1));
    let z = client.submit(inc, 2);
    let waited = on.get(client.wait_any([&x, &y, &z])).await.unwrap();
    assert_eq!(waited.done.iter().map(|future| future.key()).collect::<Vec<_>>(), [z.key()]);
    let not_done: Vec<_> = waited.not_done.iter().map(|future| future.key()).collect();
    assert_eq!(not_done, [x.key(), y.key()]);
    assert_eq!((x.status(), y.status()), (Status::Pending, Status::Pending));
    held.release.set();
}

async fn a35_a_wait_has_a_timeout<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let held = Held::new();
    let future = client.submit(held.body(), 1);
    let limit = Duration::from_millis(10);
    assert!(on.get(client.wait([&future]).timeout(limit)).await.unwrap_err().is_timeout());
    assert!(on.get(client.wait_any([&future]).timeout(limit)).await.unwrap_err().is_timeout());
    held.release.set();
    assert_eq!(on.get(client.wait([&future])).await.unwrap().done.len(), 1);
}

async fn a36_as_completed_yields_every_handle_once<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let x = client.task(inc, 1).key("same").submit();
    let y = client.task(inc, 1).key("same").submit();
    let z = client.submit(inc, 2);
    let mut completed = as_completed([&x, &y, &z]);
    assert_eq!(completed.len(), 3);
    let mut keys: Vec<_> = rest(&on, &mut completed).await.iter().map(|future| future.key()).collect();
    keys.sort();
    let mut expected = vec![x.key(), y.key(), z.key()];
    expected.sort();
    assert_eq!(keys, expected);
    assert_eq!(completed.len(), 0);
    let mut none = as_completed(Vec::<anydask::TaskFuture<i64>>::new());
    assert!(none.is_empty());
    assert!(next(&on, &mut none).await.is_none());
}

async fn a37_as_completed_takes_more_while_it_runs<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let futures = client.map(inc, 0..10);
    let mut expected: i64 = (1..=10).sum();
    let mut completed = as_completed(futures);
    let (mut total, mut yielded) = (0, 0);
    while let Some(done) = next(&on, &mut completed).await {
        let value = on.take(done).await.unwrap();
        total += value;
        yielded += 1;
        // About one half, and never for ever: values grow.
        if value % 2 == 0 && value < 100 {
            completed.push(client.submit(add, (value, 10)));
            expected += value + 10;
        }
    }
    assert_eq!(total, expected);
    assert!(yielded > 10);
}

async fn a38_as_completed_yields_cancelled_ones<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let x = client.task(inc, 1).key("same").submit();
    let y = client.task(inc, 1).key("same").submit();
    on.get(client.cancel(&x)).await.unwrap();
    let mut completed = as_completed([&x, &y]);
    let all = rest(&on, &mut completed).await;
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|future| future.key() == "same" && future.status() == Status::Cancelled));
    assert!(completed.is_empty() && !completed.has_ready());
    assert_eq!(rest(&on, &mut as_completed([&x, &y, &x])).await.len(), 3);
    release.set();
}

async fn a39_as_completed_yields_failures_as_what_they_are<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let throws = fallible(|x: i64| if x == 0 { Err("hello!") } else { Ok(x) });
    let (x, y, z) = (client.submit(throws, 0), client.submit(throws, 1), client.submit(throws, 2));
    on.get(client.cancel(&y)).await.unwrap();
    release.set();
    let all = rest(&on, &mut as_completed([&x, &y, &z])).await;
    assert_eq!(all.len(), 3);
    for done in all {
        let (key, status) = (done.key(), done.status());
        let result = on.take(done).await;
        if key == x.key() {
            assert_eq!(status, Status::Error);
            assert_eq!(std::error::Error::source(&result.unwrap_err()).unwrap().to_string(), "hello!");
        } else if key == y.key() {
            assert_eq!(status, Status::Cancelled);
            assert!(result.unwrap_err().is_cancelled());
        } else {
            assert_eq!((key, status, result.unwrap()), (z.key(), Status::Finished, 2));
        }
    }
}
