//! Awaiting, waiting, and time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anydask::{Error, Status, fallible};
use futures_lite::future;

use crate::support::{AnyOf, Event, Setting, awaited_on_every_runtime, on_every_runtime};

on_every_runtime! {
    a_future_gives_its_value_again_and_again;
    a_wait_ends_when_all_have_ended_in_whichever_way;
    a_wait_for_nothing_ends_at_once;
    a_timeout_gives_up_and_the_task_goes_on;
    a_timeout_of_an_operation_names_it;
    a_value_that_is_there_beats_a_timeout_of_zero;
    an_endless_timeout_is_none;
    a_value_can_be_awaited_after_the_client_has_closed;
}

mod awaited {
    use super::*;

    awaited_on_every_runtime! {
        awaiting_leaves_the_runtime_to_other_tasks;
        one_future_can_be_awaited_by_many_at_once;
        a_pinned_future_that_is_polled_again_tells_that_its_value_is_gone;
        a_future_follows_whoever_polls_it;
        a_dropped_awaiter_cancels_nothing;
        the_loser_of_a_select_can_be_awaited_later;
    }
}

#[cfg(all(feature = "tokio", feature = "smol", feature = "async-std"))]
mod across {
    use anydask::runtime::{AsyncStd, BlockOn};

    use super::*;

    #[test]
    fn a_future_can_be_awaited_on_another_runtime_than_the_clients() {
        crate::support::within_deadline("across", || {
            let tokio = anydask::runtime::Tokio::multi_thread(1).unwrap();
            let client = anydask::Client::with_runtime(tokio).threads(1).local().wait().unwrap();
            let release = Event::new();
            let waiting = release.clone();
            let late = client.submit(move || waiting.wait(), ());
            let value = client.submit(|(): ()| 11, &late);
            let on_async_std = std::thread::spawn({
                let value = value.clone();
                move || AsyncStd::new().block_on(value).unwrap()
            });
            let on_smol = std::thread::spawn({
                let (client, value) = (client.clone(), value.clone());
                move || ::smol::block_on(async { client.gather((&value, &value)).await })
            });
            let timed = ::smol::block_on(value.timeout(Duration::from_millis(20)));
            assert!(timed.unwrap_err().is_timeout());
            release.set();
            assert_eq!(on_async_std.join().unwrap().unwrap(), 11);
            assert_eq!(on_smol.join().unwrap().unwrap(), (11, 11));
            assert_eq!(::smol::block_on(value).unwrap(), 11);
            ::smol::block_on(client.close()).unwrap();
        });
    }

    #[test]
    fn one_future_can_be_awaited_on_two_runtimes_at_once() {
        crate::support::within_deadline("two at once", || {
            let client = anydask::smol::Client::builder().threads(1).local().wait().unwrap();
            for round in 0..200 {
                let release = Event::new();
                let waiting = release.clone();
                let value = client.submit(move || waiting.wait(), ());
                let value = client.submit(move |(): ()| round, value);
                let other = value.clone();
                let tokio = std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    runtime.block_on(other)
                });
                let smol = std::thread::spawn(move || ::smol::block_on(value));
                release.set();
                assert_eq!((tokio.join().unwrap().unwrap(), smol.join().unwrap().unwrap()), (round, round));
            }
        });
    }
}

async fn a_future_gives_its_value_again_and_again<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let future = client.submit(|| "eleven".to_owned(), ());
    for _ in 0..3 {
        assert_eq!(on.value(&future).await.unwrap(), "eleven");
    }
    let clone = future.clone();
    assert_eq!(on.take(future).await.unwrap(), "eleven");
    assert_eq!(on.take(clone).await.unwrap(), "eleven");
}

async fn a_wait_ends_when_all_have_ended_in_whichever_way<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let release = Event::new();
    let waiting = release.clone();
    let late = client.submit(move || waiting.wait(), ());
    let futures = vec![
        client.submit(|x: i64| x, 1),
        client.submit(fallible(|x: i64| (x > 5).then_some(x).ok_or("too small")), 2),
        client.submit(|x: i64| if x == 3 { panic!("three") } else { x }, 3),
        client.submit(|(): ()| 4, &late),
    ];
    let waited = on.get(client.wait(&futures).timeout(Duration::from_millis(20))).await;
    assert!(waited.unwrap_err().is_timeout());
    release.set();
    let waited = on.get(client.wait(&futures)).await.unwrap();
    assert_eq!(waited.done.len(), 4);
    assert!(waited.not_done.is_empty());
    let statuses: Vec<_> = futures.iter().map(|future| future.status().to_string()).collect();
    assert_eq!(statuses, ["finished", "error", "error", "finished"]);
    assert_eq!(
        waited.done.iter().map(|f| f.key()).collect::<Vec<_>>(),
        futures.iter().map(|f| f.key()).collect::<Vec<_>>()
    );
}

async fn a_wait_for_nothing_ends_at_once<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let waited = on.get(client.wait(Vec::<anydask::TaskFuture<i64>>::new())).await.unwrap();
    assert!(waited.done.is_empty() && waited.not_done.is_empty());
}

async fn a_timeout_gives_up_and_the_task_goes_on<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let start = Instant::now();
    let limit = Duration::from_millis(30);
    match on.get(occupant.timeout(limit)).await {
        Err(Error::Timeout { after, .. }) => assert_eq!(after, limit),
        other => panic!("{other:?}"),
    }
    assert!(start.elapsed() >= limit);
    assert_eq!(occupant.status(), Status::Pending);
    release.set();
    on.value(&occupant).await.unwrap();
    on.get(occupant.timeout(limit)).await.unwrap();
}

async fn a_timeout_of_an_operation_names_it<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let limit = Duration::from_millis(5);
    let told = [
        ("gather", on.get(client.gather([&occupant]).timeout(limit)).await.unwrap_err()),
        ("gather_ok", on.get(client.gather_ok([&occupant]).timeout(limit)).await.unwrap_err()),
        ("gather_results", on.get(client.gather_results([&occupant]).timeout(limit)).await.unwrap_err()),
        ("wait", on.get(client.wait([&occupant]).timeout(limit)).await.unwrap_err()),
        ("future", on.get(occupant.shared().timeout(limit)).await.unwrap_err()),
    ];
    for (name, error) in told {
        assert!(error.is_timeout(), "{error}");
        assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
    }
    release.set();
    on.value(&occupant).await.unwrap();
}

async fn a_value_that_is_there_beats_a_timeout_of_zero<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let future = client.submit(|| 1, ());
    on.value(&future).await.unwrap();
    assert_eq!(on.get(future.timeout(Duration::ZERO)).await.unwrap(), 1);
    assert_eq!(on.get(client.gather([&future]).timeout(Duration::ZERO)).await.unwrap(), [1]);
}

async fn an_endless_timeout_is_none<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let value = client.submit(|| 1, ());
    let waits = value.timeout(Duration::MAX);
    release.set();
    assert_eq!(on.get(waits).await.unwrap(), 1);
    on.take(occupant).await.unwrap();
}

async fn a_value_can_be_awaited_after_the_client_has_closed<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (kept, moved) = (client.submit(|| 1, ()), client.submit(|| 2, ()));
    on.get(client.wait([&kept, &moved])).await.unwrap();
    on.get(client.close()).await.unwrap();
    assert_eq!(on.value(&kept).await.unwrap(), 1);
    assert_eq!(*on.get(kept.shared()).await.unwrap(), 1);
    assert_eq!(on.get(client.gather([kept, moved])).await.unwrap(), [1, 2]);
}

async fn awaiting_leaves_the_runtime_to_other_tasks<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let release = Event::new();
    let waiting = release.clone();
    let ticks = Arc::new(AtomicUsize::new(0));
    // Both run on the runtime, which may have a single thread: if awaiting blocked it, nobody would tick, and the task
    // would not end.
    let ticker = on.runtime.spawn({
        let (runtime, ticks) = (on.runtime.clone(), Arc::clone(&ticks));
        async move {
            for _ in 0..20 {
                runtime.sleep(Duration::from_millis(1)).await;
                ticks.fetch_add(1, Ordering::SeqCst);
            }
            release.set();
        }
    });
    let awaiting = on.runtime.spawn(async move {
        let submitted = client.submit(move || waiting.wait(), ());
        let all = client.gather([&submitted, &submitted]);
        future::zip(all, async { (&submitted).await }).await
    });
    let (all, one) = awaiting.await.unwrap();
    assert_eq!((all.unwrap(), one.unwrap()), ([(), ()], ()));
    assert_eq!(ticks.load(Ordering::SeqCst), 20);
    ticker.await.unwrap();
}

async fn one_future_can_be_awaited_by_many_at_once<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let future = client.submit(|(): ()| "one".to_owned(), occupant);
    let tasks: Vec<_> = (0..100)
        .map(|number| {
            let future = future.clone();
            on.runtime.spawn(async move { if number % 2 == 0 { (&future).await } else { future.await } })
        })
        .collect();
    let (here, _) = future::zip(async { (&future).await }, async { release.set() }).await;
    assert_eq!(here.unwrap(), "one");
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap(), "one");
    }
}

async fn a_pinned_future_that_is_polled_again_tells_that_its_value_is_gone<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let mut future = client.submit(|| "once".to_owned(), ());
    let key = future.key();
    assert_eq!((&mut future).await.unwrap(), "once");
    for _ in 0..2 {
        match (&mut future).await {
            Err(Error::Taken { key: of }) => assert_eq!(of, key),
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!((&future).await, Err(Error::Taken { .. })));
    assert!(matches!(future.clone().await, Err(Error::Taken { .. })));
    // As an input it fails what depends on it.
    let next = client.submit(|text: String| text, &future);
    assert!(matches!(next.await, Err(Error::Taken { .. })));
}

async fn a_future_follows_whoever_polls_it<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let mut future = client.submit(|(): ()| 5, occupant);
    // Polled here, once, and then moved to a task of the runtime, which must be the one that is woken.
    assert!(future::poll_once(&mut future).await.is_none());
    let task = on.runtime.spawn(future);
    release.set();
    assert_eq!(task.await.unwrap().unwrap(), 5);
}

async fn a_dropped_awaiter_cancels_nothing<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let future = client.submit(|(): ()| 5, &occupant);
    assert!(future::poll_once(async { (&future).await }).await.is_none());
    assert!(future::poll_once(future.clone()).await.is_none());
    assert!(future::poll_once(future.shared()).await.is_none());
    assert!(future::poll_once(future.timeout(Duration::from_millis(1))).await.is_none());
    assert!(future::poll_once(client.gather([&future, &future])).await.is_none());
    assert!(future::poll_once(client.wait([&future])).await.is_none());
    assert_eq!(future.status(), Status::Pending);
    release.set();
    assert_eq!((&future).await.unwrap(), 5);
    occupant.await.unwrap();
}

async fn the_loser_of_a_select_can_be_awaited_later<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let (slow, release) = on.occupy(&client).await;
    let fast = client.submit(|| 1, ());
    let slow = client.submit(|(): ()| 2, slow);
    let winner = future::or(async { (&fast).await }, async { (&slow).await }).await;
    assert_eq!(winner.unwrap(), 1);
    release.set();
    assert_eq!(slow.await.unwrap(), 2);
}
