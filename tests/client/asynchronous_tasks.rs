//! Asynchronous tasks: on the client's runtime, without a slot of the engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anydask::{Status, asynchronous, fallible};

use crate::support::{AnyOf, Event, SetOnDrop, Setting, on_every_runtime};

on_every_runtime! {
    a_thousand_sleeps_take_as_long_as_one;
    asynchronous_tasks_run_while_every_thread_is_busy;
    they_take_and_give_futures_like_others;
    they_run_on_the_clients_runtime;
    they_await_what_they_submit;
    a_chain_of_asynchronous_tasks_is_as_long_as_it_is;
    what_an_asynchronous_task_captures_is_dropped_when_it_ends;
    they_begin_as_soon_as_their_inputs_are_there;
}

async fn a_thousand_sleeps_take_as_long_as_one<R: AnyOf>(on: Setting<R>) {
    const SLEEP: Duration = Duration::from_millis(200);
    let client = on.client(1).await;
    let runtime = on.runtime.clone();
    let sleep = asynchronous(move |x: i64| {
        let sleep = runtime.sleep(SLEEP);
        async move {
            sleep.await;
            x
        }
    });
    let start = Instant::now();
    let sleeps = client.map(sleep, 0..1_000);
    assert_eq!(on.get(client.gather(sleeps)).await.unwrap(), (0..1_000).collect::<Vec<_>>());
    let took = start.elapsed();
    // One after the other they take 200 s.
    assert!(took >= SLEEP && took < Duration::from_secs(1), "{took:?}");
}

async fn asynchronous_tasks_run_while_every_thread_is_busy<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let lengths = client.map(asynchronous(|text: &'static str| async move { text.len() }), ["a", "bb", "ccc"]);
    assert_eq!(on.get(client.gather(lengths)).await.unwrap(), [1, 2, 3]);
    assert_eq!(occupant.status(), Status::Pending);
    release.set();
    on.take(occupant).await.unwrap();
}

async fn they_take_and_give_futures_like_others<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let cpu = client.submit(|x: i64| x + 1, 1);
    let add = asynchronous(|x: i64, y: Arc<i64>, more: Vec<i64>| async move { x + *y + more.iter().sum::<i64>() });
    let sum = client.submit(add, (&cpu, &cpu, vec![&cpu, &cpu]));
    let doubled = client.submit(|x: i64| x * 2, &sum);
    let parsed =
        client.submit(fallible(asynchronous(|text: String| async move { text.parse::<i64>() })), "5".to_owned());
    assert_eq!(on.get(client.gather((cpu, sum, doubled, parsed))).await.unwrap(), (2, 8, 16, 5));
}

async fn they_run_on_the_clients_runtime<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let runtime = on.runtime.clone();
    let inside = asynchronous(move || {
        let runtime = runtime.clone();
        async move {
            let before = runtime.in_async_context();
            let spawned = runtime.spawn(async { 1 }).await.unwrap();
            (before, spawned, runtime.in_async_context())
        }
    });
    assert_eq!(on.take(client.submit(inside, ())).await.unwrap(), (true, 1, true));
    let runtime = on.runtime.clone();
    let outside = client.submit(move || runtime.in_async_context(), ());
    assert!(!on.take(outside).await.unwrap());
}

async fn they_await_what_they_submit<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let own = client.clone();
    let parent = asynchronous(move |n: i64| {
        let own = own.clone();
        async move {
            let squares = own.map(|x: i64| x * x, 0..n);
            own.gather(squares).await.map(|squares| squares.iter().sum::<i64>())
        }
    });
    assert_eq!(on.take(client.submit(fallible(parent), 4)).await.unwrap(), 14);
}

async fn a_chain_of_asynchronous_tasks_is_as_long_as_it_is<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let mut last = client.submit(asynchronous(|| async { 0 }), ());
    for _ in 0..2_000 {
        last = client.submit(asynchronous(|x: i64| async move { x + 1 }), last);
    }
    assert_eq!(on.take(last).await.unwrap(), 2_000);
}

async fn what_an_asynchronous_task_captures_is_dropped_when_it_ends<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (function, argument) = (Event::new(), Event::new());
    let captured = function.on_drop();
    let body = move |guard: SetOnDrop| {
        let _ = &captured;
        async move {
            let _guard = guard;
            7
        }
    };
    let future = client.submit(asynchronous(body), argument.on_drop());
    assert_eq!(on.value(&future).await.unwrap(), 7);
    assert!(argument.is_set());
    on.passed(&function).await;
}

async fn they_begin_as_soon_as_their_inputs_are_there<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let begun = Arc::new(AtomicUsize::new(0));
    let (occupant, release) = on.occupy(&client).await;
    let counts = Arc::clone(&begun);
    let waiting = client.map(
        asynchronous(move |(): ()| {
            counts.fetch_add(1, Ordering::SeqCst);
            async {}
        }),
        vec![&occupant; 10],
    );
    assert_eq!(begun.load(Ordering::SeqCst), 0);
    release.set();
    on.get(client.gather(waiting)).await.unwrap();
    assert_eq!(begun.load(Ordering::SeqCst), 10);
}
