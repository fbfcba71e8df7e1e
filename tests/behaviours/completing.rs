//! `as_completed` and `wait_any`, by a hostile user.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anydask::{Error, Status, TaskFuture, as_completed, asynchronous, fallible};

use crate::support::{AnyOf, Event, Setting, awaited_on_every_runtime, on_every_runtime};
use crate::{Counter, Held, inc, next, rest};

on_every_runtime! {
    every_input_comes_out_once;
    the_first_to_end_comes_first;
    what_is_pushed_comes_out_too;
    a_drop_in_the_middle_loses_nothing_else;
    a_batch_is_what_is_ready;
    the_iterator_blocks_on_a_plain_thread_and_in_a_task;
    a_task_on_the_only_thread_iterates_over_its_tasks;
    as_completed_ends_when_the_client_closes;
    a_hundred_thousand_complete;
    wait_any_of_nothing_and_of_what_is_there;
    wait_any_counts_a_failure_and_a_cancel;
    wait_any_over_and_over_keeps_nothing;
    a_task_on_the_only_thread_waits_for_any;
}

mod awaited {
    use super::*;

    awaited_on_every_runtime! {
        the_iterator_does_not_block_a_runtime;
        a_next_that_is_dropped_loses_nothing;
        it_is_a_stream;
    }
}

async fn every_input_comes_out_once<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let finished = client.submit(inc, 0);
    on.value(&finished).await.unwrap();
    let held = Held::new();
    let (fails, panics) = (client.submit(fallible(|| Err::<i64, _>("no")), ()), client.submit(|| panic!("no"), ()));
    let cancelled = client.submit(held.body(), 1);
    cancelled.cancel();
    let refused = client.task(inc, 1).key("").submit();
    let late = client.submit(held.body(), 2);
    let inputs = [&finished, &fails, &panics, &cancelled, &refused, &late, &late, &finished, &cancelled];
    let mut completed = as_completed(inputs);
    held.release.set();
    assert_eq!(completed.len(), inputs.len());
    let mut left: Vec<_> = inputs.iter().map(|future| future.key()).collect();
    while let Some(done) = next(&on, &mut completed).await {
        assert!(done.is_done());
        let place = left.iter().position(|key| *key == done.key());
        left.swap_remove(place.unwrap_or_else(|| panic!("`{}` came out too often", done.key())));
        assert_eq!(completed.len(), left.len());
    }
    assert!(left.is_empty(), "{left:?}");
    assert!(next(&on, &mut completed).await.is_none());
}

async fn the_first_to_end_comes_first<R: AnyOf>(on: Setting<R>) {
    let client = on.client(3).await;
    let held = [Held::new(), Held::new(), Held::new()];
    let futures: Vec<_> = held.iter().zip(0..).map(|(held, x)| client.submit(held.body(), x)).collect();
    let mut completed = as_completed(&futures);
    for index in [1, 2, 0] {
        held[index].release.set();
        assert_eq!(next(&on, &mut completed).await.unwrap().key(), futures[index].key());
    }
    assert!(next(&on, &mut completed).await.is_none());
}

async fn what_is_pushed_comes_out_too<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let mut completed = as_completed(Vec::<TaskFuture<i64>>::new());
    assert!(next(&on, &mut completed).await.is_none());
    let there = client.submit(inc, 1);
    on.value(&there).await.unwrap();
    completed.push(&there);
    assert!(completed.has_ready());
    completed.extend(client.map(inc, 0..3));
    assert_eq!(completed.len(), 4);
    let mut values = Vec::new();
    for done in rest(&on, &mut completed).await {
        values.push(on.take(done).await.unwrap());
    }
    values.sort_unstable();
    assert_eq!(values, [1, 2, 2, 3]);
}

async fn a_drop_in_the_middle_loses_nothing_else<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let held = Held::new();
    let futures = vec![client.submit(inc, 0), client.submit(held.body(), 1), client.submit(inc, 2)];
    let mut completed = as_completed(&futures);
    assert_eq!(next(&on, &mut completed).await.unwrap().key(), futures[0].key());
    drop(completed);
    held.release.set();
    assert_eq!(on.get(client.gather(&futures)).await.unwrap(), [1, 2, 3]);

    // It holds its futures: what nobody else holds is cancelled with it.
    let (_occupant, release) = on.occupy(&client).await;
    let runs = Counter::new();
    let body = {
        let runs = runs.clone();
        move |_: i64| runs.add()
    };
    drop(as_completed(client.map(body, 0..10)));
    release.set();
    on.take(client.task(inc, 1).priority(-1).submit()).await.unwrap();
    assert_eq!(runs.get(), 0);
}

async fn a_batch_is_what_is_ready<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let held = Held::new();
    let mut futures = client.map(inc, 0..5);
    on.get(client.wait(&futures)).await.unwrap();
    futures.push(client.submit(held.body(), 7));
    let mut completed = as_completed(futures);
    assert!(completed.has_ready());
    assert_eq!(completed.ready_batch().len(), 5);
    assert!(!completed.has_ready());
    assert!(completed.ready_batch().is_empty());
    assert_eq!(completed.len(), 1);
    held.release.set();
    assert_eq!(rest(&on, &mut completed).await.len(), 1);
}

async fn the_iterator_blocks_on_a_plain_thread_and_in_a_task<R: AnyOf>(on: Setting<R>) {
    // One for the held task, one for the task that joins the plain thread, and one for the rest.
    let client = on.client(3).await;
    let held = Held::new();
    let futures = vec![client.submit(held.body(), 1), client.submit(inc, 2)];
    let release = held.release.clone();
    let iterated = std::thread::spawn(move || {
        let mut values = Vec::new();
        for done in as_completed(futures) {
            assert!(done.is_done());
            values.push(done.wait().unwrap());
            release.set();
        }
        values
    });
    let iterated = std::sync::Mutex::new(Some(iterated));
    let values = client.submit(move || iterated.lock().unwrap().take().unwrap().join().unwrap(), ());
    assert_eq!(on.take(values).await.unwrap(), [3, 2]);

    let inner = client.clone();
    let total = client.submit(
        move || {
            let done = as_completed(inner.map(inc, 0..100)).map(|done| done.wait());
            done.sum::<Result<i64, Error>>().unwrap()
        },
        (),
    );
    assert_eq!(on.take(total).await.unwrap(), 5050);
}

async fn a_task_on_the_only_thread_iterates_over_its_tasks<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let inner = client.clone();
    let total = client.submit(
        fallible(move || {
            let mut completed = as_completed(inner.map(inc, 0..10));
            // Not run where they are waited for, since they have options.
            completed.extend(inner.tasks(inc, 0..10).priority(-1).submit());
            let mut total = 0;
            while let Some(done) = completed.next().wait()? {
                let value = done.wait()?;
                total += value;
                if value == 10 {
                    completed.push(inner.submit(inc, 999));
                }
            }
            Ok::<_, Error>(total)
        }),
        (),
    );
    assert_eq!(on.take(total).await.unwrap(), 55 + 55 + 2000);
}

async fn as_completed_ends_when_the_client_closes<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let never: Vec<_> = (0..3).map(|_| client.submit(asynchronous(std::future::pending::<()>), ())).collect();
    let mut completed = as_completed(never);
    on.get(client.close()).await.unwrap();
    let all = rest(&on, &mut completed).await;
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|future| future.status() == Status::Cancelled));
}

/// The time for each must not grow with their number: then this would take longer than a test may.
async fn a_hundred_thousand_complete<R: AnyOf>(on: Setting<R>) {
    const MANY: i64 = 100_000;
    let client = on.client(1).await;
    let mut completed = as_completed(client.map(|x: i64| x, 0..MANY));
    let mut seen = HashSet::new();
    while let Some(done) = next(&on, &mut completed).await {
        seen.insert(done.key());
    }
    assert_eq!(seen.len(), MANY as usize);
    // And where each is run by the one that waits for it.
    let inner = client.clone();
    let count = client.submit(move || as_completed(inner.map(|x: i64| x, 0..MANY)).count(), ());
    assert_eq!(on.take(count).await.unwrap(), MANY as usize);
}

async fn wait_any_of_nothing_and_of_what_is_there<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let waited = on.get(client.wait_any(Vec::<TaskFuture<i64>>::new())).await.unwrap();
    assert!(waited.done.is_empty() && waited.not_done.is_empty());
    let (_occupant, release) = on.occupy(&client).await;
    let queued = client.submit(inc, 2);
    let there = on.get(client.scatter(1)).await.unwrap();
    let waited = on.get(client.wait_any([&queued, &there, &there])).await.unwrap();
    assert_eq!((waited.done.len(), waited.not_done.len()), (2, 1));
    let zero = client.wait_any([&queued]).timeout(Duration::ZERO);
    assert!(on.get(zero).await.unwrap_err().is_timeout());
    release.set();
    assert_eq!(on.value(&queued).await.unwrap(), 3);
}

async fn wait_any_counts_a_failure_and_a_cancel<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let never = client.submit(asynchronous(std::future::pending::<i64>), ());
    let fails = client.submit(fallible(|| Err::<i64, _>("no")), ());
    let waited = on.get(client.wait_any([&never, &fails])).await.unwrap();
    assert_eq!(waited.done[0].status(), Status::Error);
    let other = client.submit(asynchronous(std::future::pending::<i64>), ());
    let cancelled = never.clone();
    let canceller = client.submit(move || cancelled.cancel(), ());
    let waited = on.get(client.wait_any([&never, &other])).await.unwrap();
    assert_eq!(waited.done[0].status(), Status::Cancelled);
    on.value(&canceller).await.unwrap();
}

async fn wait_any_over_and_over_keeps_nothing<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let never = client.submit(asynchronous(std::future::pending::<i64>), ());
    let start = Instant::now();
    for round in 0..5_000 {
        let quick = on.get(client.scatter(round)).await.unwrap();
        let waited = on.get(client.wait_any([&never, &quick])).await.unwrap();
        assert_eq!(waited.done.len(), 1);
    }
    assert!(start.elapsed() < Duration::from_secs(20));
}

async fn a_task_on_the_only_thread_waits_for_any<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let inner = client.clone();
    let value = client.submit(
        fallible(move || {
            let never = inner.submit(asynchronous(std::future::pending::<i64>), ());
            let low = inner.task(inc, 1).priority(-1).submit();
            let waited = inner.wait_any([&never, &low]).wait()?;
            waited.done[0].wait()
        }),
        (),
    );
    assert_eq!(on.take(value).await.unwrap(), 2);
}

async fn the_iterator_does_not_block_a_runtime<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let inner = client.clone();
    let waiting = Event::new();
    let statuses = client.submit(
        asynchronous(move || {
            let (client, waiting, release) = (inner.clone(), waiting.clone(), waiting.clone());
            async move {
                let held = client.submit(move || waiting.wait(), ());
                let mut completed = as_completed([&held]);
                let first = Iterator::next(&mut completed).unwrap();
                assert!(matches!(first.wait(), Err(Error::BlockingInAsync { .. })));
                let refused = completed.next().wait();
                assert!(matches!(refused, Ok(None)), "nothing is left: {refused:?}");
                completed.push(&held);
                assert!(matches!(completed.next().wait(), Err(Error::BlockingInAsync { .. })));
                let status = first.status();
                release.set();
                // What came out early does not come out again, and the other does.
                assert_eq!(completed.next().await.unwrap().key(), held.key());
                assert!(completed.next().await.is_none());
                assert!(!completed.has_ready());
                (status, held.status())
            }
        }),
        (),
    );
    assert_eq!(statuses.await.unwrap(), (Status::Pending, Status::Finished));
}

async fn a_next_that_is_dropped_loses_nothing<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let held = Held::new();
    let mut completed = as_completed([client.submit(held.body(), 1)]);
    for _ in 0..3 {
        let late = futures_lite::future::or(
            async {
                completed.next().await;
                false
            },
            async {
                on.runtime.sleep(Duration::from_millis(2)).await;
                true
            },
        );
        assert!(late.await);
    }
    held.release.set();
    assert_eq!(completed.next().await.unwrap().await.unwrap(), 2);
}

async fn it_is_a_stream<R: AnyOf>(on: Setting<R>) {
    use futures_lite::StreamExt;

    let client = on.client(2).await;
    let completed = as_completed(client.map(inc, 0..10));
    let values: Vec<_> = StreamExt::then(completed, |done| async move { done.await.unwrap() }).collect().await;
    assert_eq!(values.iter().sum::<i64>(), 55);
}
