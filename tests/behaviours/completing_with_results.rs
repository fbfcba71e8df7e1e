//! `as_completed` with results, in batches, cleared, and within limits in time.

use std::time::Duration;

use anydask::{Error, Status, as_completed, asynchronous, fallible};

use crate::support::{AnyOf, Setting, awaited_on_every_runtime, on_every_runtime};
use crate::{Held, div, inc, is_divide_by_zero, next, rest};

on_every_runtime! {
    every_input_has_its_result_once;
    what_is_pushed_into_results_comes_out_too;
    results_iterate_on_a_plain_thread_and_in_a_task;
    a_batch_is_waited_for_and_is_all_that_have_ended;
    what_is_cleared_does_not_come_out;
    a_next_within_a_limit_loses_nothing;
}

mod awaited {
    use super::*;

    awaited_on_every_runtime! {
        results_are_a_stream;
        results_do_not_block_a_runtime;
    }
}

/// The next of something: awaited, or blocked for.
macro_rules! get {
    ($on:expr, $next:expr) => {
        if $on.is_blocking { $next.wait().unwrap() } else { $next.await }
    };
}

async fn every_input_has_its_result_once<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let held = Held::new();
    let finished = client.submit(inc, 0);
    on.value(&finished).await.unwrap();
    let (fails, panics) = (client.submit(fallible(div), (1, 0)), client.submit(|| -> i64 { panic!("no") }, ()));
    let cancelled = client.submit(held.body(), 1);
    cancelled.cancel();
    let refused = client.task(inc, 1).key("").submit();
    let late = client.submit(held.body(), 2);
    let inputs = [&finished, &fails, &panics, &cancelled, &refused, &late, &late, &finished, &cancelled];
    let mut results = as_completed(inputs).results();
    assert_eq!(results.len(), inputs.len());
    held.release.set();
    let mut left: Vec<_> = inputs.iter().map(|future| future.key()).collect();
    while let Some((future, result)) = get!(on, results.next()) {
        let place = left.iter().position(|key| *key == future.key());
        left.swap_remove(place.unwrap_or_else(|| panic!("`{}` came out too often", future.key())));
        match result {
            Ok(1) => assert_eq!(future.key(), finished.key()),
            Ok(value) => assert_eq!((value, future.key()), (3, late.key())),
            Err(error) if is_divide_by_zero(&error) => assert_eq!(future.key(), fails.key()),
            Err(Error::Panicked { .. }) => assert_eq!(future.key(), panics.key()),
            Err(Error::Cancelled { .. }) => assert_eq!(future.key(), cancelled.key()),
            Err(error) => assert!(matches!(error, Error::InvalidKey { .. }), "{error}"),
        }
    }
    assert!(left.is_empty(), "{left:?}");
    assert!(results.is_empty() && get!(on, results.next()).is_none());
}

async fn what_is_pushed_into_results_comes_out_too<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let mut results = as_completed([client.submit(inc, 0)]).results();
    let mut values = Vec::new();
    while let Some((future, result)) = get!(on, results.next()) {
        let value = result.unwrap();
        values.push(value);
        match value {
            1..5 => results.push(client.submit(inc, &future)),
            5 => results.extend(client.map(inc, [10, 10])),
            _ => {}
        }
    }
    assert_eq!(values, [1, 2, 3, 4, 5, 11, 11]);
}

async fn results_iterate_on_a_plain_thread_and_in_a_task<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let iterate = {
        let client = client.clone();
        move || {
            let results = as_completed(client.map(fallible(div), [(4, 2), (1, 0), (9, 3)])).results();
            let mut values: Vec<_> = results.into_iter().map(|(_, result)| result.ok()).collect();
            values.sort();
            values
        }
    };
    let expected = [None, Some(2), Some(3)];
    assert_eq!(std::thread::spawn(iterate.clone()).join().unwrap(), expected);
    assert_eq!(on.take(client.submit(iterate, ())).await.unwrap(), expected);
}

async fn a_batch_is_waited_for_and_is_all_that_have_ended<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let held = Held::new();
    let late = client.submit(held.body(), 1);
    let early = client.map(inc, 0..5);
    on.get(client.wait(&early)).await.unwrap();
    let mut completed = as_completed(early.iter().chain([&late]));
    assert_eq!(get!(on, completed.next_batch()).unwrap().len(), 5);
    let release = held.release.clone();
    // The only one that is left ends while it is waited for.
    let releaser = client.submit(move || release.set(), ());
    let batch = get!(on, completed.next_batch()).unwrap();
    assert_eq!(batch.iter().map(|future| future.key()).collect::<Vec<_>>(), [late.key()]);
    assert_eq!(batch[0].status(), Status::Finished);
    assert!(get!(on, completed.next_batch()).is_none());
    on.value(&releaser).await.unwrap();
}

async fn what_is_cleared_does_not_come_out<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let held = Held::new();
    let (ended, late) = (client.submit(inc, 1), client.submit(held.body(), 1));
    on.value(&ended).await.unwrap();
    let mut completed = as_completed([&ended, &late]);
    let never = client.submit(asynchronous(std::future::pending::<i64>), ());
    let dropped = never.key();
    completed.push(never);
    completed.clear();
    assert!(completed.is_empty() && !completed.has_ready());
    assert!(next(&on, &mut completed).await.is_none());
    on.until("nobody holds the last one", || client.info().asynchronous == 0).await;
    // What ends now was watched under a number that another has by now.
    let other = Held::new();
    let others = [client.submit(other.body(), 10), client.submit(other.body(), 20)];
    completed.extend(&others);
    held.release.set();
    on.value(&late).await.unwrap();
    assert!(!completed.has_ready());
    other.release.set();
    let mut keys: Vec<_> = rest(&on, &mut completed).await.iter().map(|future| future.key()).collect();
    keys.sort();
    let mut expected = others.map(|future| future.key());
    expected.sort();
    assert_eq!(keys, expected);
    assert!(!keys.contains(&dropped));
}

async fn a_next_within_a_limit_loses_nothing<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let held = Held::new();
    let future = client.submit(held.body(), 1);
    let mut completed = as_completed([&future]);
    macro_rules! within {
        ($next:expr, $limit:expr) => {
            if on.is_blocking { $next.timeout($limit).wait() } else { $next.timeout($limit).await }
        };
    }
    for limit in [Duration::ZERO, Duration::from_millis(5)] {
        let late = within!(completed.next(), limit);
        assert!(matches!(late, Err(Error::Timeout { operation: "as_completed", after }) if after == limit));
        assert!(within!(completed.next_batch(), limit).unwrap_err().is_timeout());
    }
    held.release.set();
    let in_time = within!(completed.next(), Duration::from_secs(30)).unwrap().unwrap();
    assert_eq!(in_time.key(), future.key());
    // What is there is there in no time, and so is that there is nothing more.
    completed.push(&future);
    assert!(within!(completed.next(), Duration::ZERO).unwrap().is_some());
    assert!(within!(completed.next(), Duration::ZERO).unwrap().is_none());
}

async fn results_are_a_stream<R: AnyOf>(on: Setting<R>) {
    use futures_lite::StreamExt;

    let client = on.client(2).await;
    let results = as_completed(client.map(inc, 0..10)).results();
    let values = StreamExt::map(results, |(_, result)| result.unwrap());
    assert_eq!(StreamExt::fold(values, 0, |sum, value| sum + value).await, 55);
}

async fn results_do_not_block_a_runtime<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let inner = client.clone();
    let refused = asynchronous(move || {
        let never = inner.submit(asynchronous(std::future::pending::<i64>), ());
        async move {
            let results: Vec<_> = Iterator::collect(as_completed([never.clone(), never]).results());
            results.len() == 2 && results.iter().all(|(_, result)| matches!(result, Err(Error::BlockingInAsync { .. })))
        }
    });
    assert!(client.submit(refused, ()).await.unwrap());
}
