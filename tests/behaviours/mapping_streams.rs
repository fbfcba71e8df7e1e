//! `map_stream`, by a hostile user.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use anydask::{Error, Options, asynchronous, fallible};
use futures_lite::{FutureExt, Stream, StreamExt, stream};

use crate::support::{AnyOf, Event, Setting, awaited_on_every_runtime, on_every_runtime};
use crate::{Counter, Gauge, Held, div, inc, is_divide_by_zero};

on_every_runtime! {
    results_come_in_the_order_of_the_items;
    unordered_results_come_as_tasks_end;
    no_more_are_in_flight_than_was_said;
    a_stream_that_never_ends_is_mapped;
    what_fails_is_an_item_and_the_rest_goes_on;
    an_item_that_comes_late_is_seen;
    an_item_that_comes_while_a_task_runs_is_submitted;
    dropping_the_results_cancels_what_is_in_flight;
    of_no_items_there_are_no_results;
    no_room_is_an_error;
    items_that_panic_lose_no_result;
    a_task_on_the_only_thread_maps_a_stream;
    futures_are_items_too;
    the_defaults_of_the_client_hold;
    a_closed_client_refuses_each_item;
    a_limit_in_time_loses_no_result;
}

mod awaited {
    use super::*;

    awaited_on_every_runtime! {
        results_are_a_stream;
        waiting_on_a_thread_of_the_runtime_is_refused;
    }
}

/// The next result: awaited, or blocked for.
macro_rules! next {
    ($on:expr, $results:expr) => {
        if $on.is_blocking { $results.next().wait().unwrap() } else { $results.next().await }
    };
}

/// All the values that are left.
macro_rules! rest {
    ($on:expr, $results:expr) => {{
        let mut values = Vec::new();
        while let Some(result) = next!($on, $results) {
            values.push(result.unwrap());
        }
        values
    }};
}

async fn results_come_in_the_order_of_the_items<R: AnyOf>(on: Setting<R>) {
    let client = on.client(3).await;
    // Each task ends after the one behind it has begun to end.
    let events: Arc<[Event]> = (0..=3).map(|_| Event::new()).collect();
    events[3].set();
    let backwards = move |x: usize| {
        events[x + 1].wait();
        events[x].set();
        x
    };
    let mut results = client.map_stream(backwards, stream::iter(0..3)).buffered(3);
    assert_eq!(rest!(on, results), [0, 1, 2]);
    let uneven = |x: u64| {
        (0..x * 7919 % 97 * 100).for_each(|_| std::hint::spin_loop());
        x
    };
    for limit in [1, 8, 1000] {
        let mut results = client.map_stream(uneven, stream::iter(0..200)).buffered(limit);
        assert_eq!(rest!(on, results), (0..200).collect::<Vec<_>>());
    }
}

async fn unordered_results_come_as_tasks_end<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let held = Held::new();
    let body = held.body();
    let first_is_held = move |x: i64| if x == 0 { body(x) } else { x + 1 };
    let mut results = client.map_stream(first_is_held, stream::iter(0..10)).buffered_unordered(2);
    for x in 1..10 {
        assert_eq!(next!(on, results).unwrap().unwrap(), x + 1);
    }
    held.release.set();
    assert_eq!(next!(on, results).unwrap().unwrap(), 1);
    assert!(next!(on, results).is_none());
    assert!(next!(on, results).is_none());
}

async fn no_more_are_in_flight_than_was_said<R: AnyOf>(on: Setting<R>) {
    let client = on.client(8).await;
    macro_rules! check {
        ($buffered:ident) => {
            let (read, gauge) = (Counter::new(), Gauge::default());
            let items = {
                let read = read.clone();
                stream::iter(0..50).inspect(move |_| _ = read.add())
            };
            let body = {
                let gauge = gauge.clone();
                move |x: i64| {
                    let _inside = gauge.enter();
                    std::thread::yield_now();
                    x
                }
            };
            let mut results = client.map_stream(body, items).$buffered(3);
            assert_eq!(read.get(), 0, "nothing is asked for before the results are");
            let mut given_out = 0;
            while let Some(result) = next!(on, results) {
                result.unwrap();
                assert!(read.get() - given_out <= 3, "{} read, {given_out} given out", read.get());
                given_out += 1;
            }
            assert_eq!((read.get(), given_out), (50, 50));
            assert!(gauge.most() <= 3, "{} ran at once", gauge.most());
        };
    }
    check!(buffered);
    check!(buffered_unordered);
}

async fn a_stream_that_never_ends_is_mapped<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let mut results = client.map_stream(inc, stream::iter(0..)).buffered(4);
    for x in 0..1000 {
        assert_eq!(next!(on, results).unwrap().unwrap(), x + 1);
    }
    let mut results = client.map_stream(inc, stream::repeat(1)).buffered_unordered(4);
    for _ in 0..1000 {
        assert_eq!(next!(on, results).unwrap().unwrap(), 2);
    }
}

async fn what_fails_is_an_item_and_the_rest_goes_on<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let quotients = || client.map_stream(fallible(div), stream::iter([(8, 4), (1, 0), (9, 3)]));
    let mut results = quotients().buffered(2);
    assert_eq!(next!(on, results).unwrap().unwrap(), 2);
    assert!(is_divide_by_zero(&next!(on, results).unwrap().unwrap_err()));
    assert_eq!(next!(on, results).unwrap().unwrap(), 3);
    assert!(next!(on, results).is_none());
    let mut results = quotients().buffered_unordered(2);
    let mut values = Vec::new();
    while let Some(result) = next!(on, results) {
        values.push(result.map_err(|error| assert!(is_divide_by_zero(&error))));
    }
    values.sort();
    assert_eq!(values, [Ok(2), Ok(3), Err(())]);
    let odd = |x: i64| if x % 2 == 0 { panic!("even") } else { x };
    let mut results = client.map_stream(odd, stream::iter(1..=3)).buffered(1);
    assert_eq!(next!(on, results).unwrap().unwrap(), 1);
    let error = next!(on, results).unwrap().unwrap_err();
    assert!(matches!(&error, Error::Panicked { message, .. } if &**message == "even"));
    let key = error.key().unwrap();
    assert!(key.starts_with("closure@mapping_streams.rs:"), "`{key}` is not named after the place of the call");
    assert_eq!(next!(on, results).unwrap().unwrap(), 3);
}

/// A stream of what is sent, and an event that is set whenever it has been pending.
fn channel<T: Send + 'static>() -> (async_channel::Sender<T>, impl Stream<Item = T>, Event) {
    let (sender, receiver) = async_channel::unbounded();
    let pending = Event::new();
    let mut receiver = Box::pin(receiver);
    let items = {
        let pending = pending.clone();
        stream::poll_fn(move |cx| {
            let polled = receiver.poll_next(cx);
            if polled.is_pending() {
                pending.set();
            }
            polled
        })
    };
    (sender, items, pending)
}

async fn an_item_that_comes_late_is_seen<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    macro_rules! check {
        ($buffered:ident) => {
            let (sender, items, pending) = channel();
            let mut results = client.map_stream(inc, items).$buffered(3);
            let thread = std::thread::spawn(move || {
                pending.wait();
                sender.send_blocking(1).unwrap();
                sender
            });
            assert_eq!(next!(on, results).unwrap().unwrap(), 2);
            let sender = thread.join().unwrap();
            // What is there comes out although the items are pending.
            sender.send_blocking(2).unwrap();
            assert_eq!(next!(on, results).unwrap().unwrap(), 3);
            sender.close();
            assert!(next!(on, results).is_none());
        };
    }
    check!(buffered);
    check!(buffered_unordered);
}

async fn an_item_that_comes_while_a_task_runs_is_submitted<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    macro_rules! check {
        ($buffered:ident) => {
            let held = Held::new();
            let (sender, items, pending) = channel();
            let (body, release) = (held.body(), held.release.clone());
            let second_releases_first = move |x: i64| {
                if x == 0 {
                    return body(x);
                }
                release.set();
                x
            };
            let mut results = client.map_stream(second_releases_first, items).$buffered(2);
            sender.send_blocking(0).unwrap();
            let running = held.running.clone();
            let thread = std::thread::spawn(move || {
                running.wait();
                pending.wait();
                sender.send_blocking(1).unwrap();
            });
            let both = [next!(on, results).unwrap().unwrap(), next!(on, results).unwrap().unwrap()];
            assert_eq!(both, [1, 1]);
            assert!(next!(on, results).is_none(), "the sender is gone");
            thread.join().unwrap();
        };
    }
    check!(buffered);
    check!(buffered_unordered);
}

async fn dropping_the_results_cancels_what_is_in_flight<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    macro_rules! check {
        ($buffered:ident) => {
            let [running, dropped] = [(); 2].map(|()| -> Arc<[Event]> { [Event::new(), Event::new()].into() });
            let body = {
                let (running, dropped) = (Arc::clone(&running), Arc::clone(&dropped));
                asynchronous(move |x: usize| {
                    let guard = dropped.get(x).map(Event::on_drop);
                    running.get(x).inspect(|running| running.set());
                    async move {
                        let _guard = guard;
                        if x < 2 { std::future::pending().await } else { x }
                    }
                })
            };
            let read = Counter::new();
            let items = {
                let read = read.clone();
                stream::iter([2, 0, 1, 3]).inspect(move |_| _ = read.add())
            };
            let mut results = client.map_stream(body, items).$buffered(3);
            assert_eq!(next!(on, results).unwrap().unwrap(), 2);
            // One that is dropped before the runtime has come to it has nothing to drop.
            for event in &*running {
                on.passed(event).await;
            }
            drop(results);
            for event in &*dropped {
                on.passed(event).await;
            }
            assert_eq!(read.get(), 3, "an item was read that nobody asked for");
        };
    }
    check!(buffered);
    check!(buffered_unordered);
    on.until("nothing is left", || client.info().tasks == 0).await;
}

async fn of_no_items_there_are_no_results<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let mut results = client.map_stream(inc, stream::empty::<i64>()).buffered(1);
    assert!(next!(on, results).is_none());
    assert!(next!(on, results).is_none());
    let mut results = client.map_stream(inc, stream::empty::<i64>()).buffered_unordered(1);
    assert!(next!(on, results).is_none());
    assert_eq!(results.size_hint(), (0, Some(0)));
}

async fn no_room_is_an_error<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let read = Counter::new();
    macro_rules! check {
        ($buffered:ident) => {
            let items = {
                let read = read.clone();
                stream::iter(0..3).inspect(move |_| _ = read.add())
            };
            let mut results = client.map_stream(inc, items).$buffered(0);
            let error = next!(on, results).unwrap().unwrap_err();
            assert!(matches!(error, Error::NoRoom { operation } if operation == stringify!($buffered)));
            assert!(error.to_string().ends_with("give 1 or more"), "{error}");
            assert!(next!(on, results).is_none());
        };
    }
    check!(buffered);
    check!(buffered_unordered);
    assert_eq!(read.get(), 0);
}

async fn items_that_panic_lose_no_result<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let items = || stream::iter(0..).inspect(|&x| assert_ne!(x, 2, "no second item"));
    macro_rules! check {
        ($buffered:ident) => {
            let mut results = client.map_stream(inc, items()).$buffered(3);
            let caught = if on.is_blocking {
                std::panic::catch_unwind(AssertUnwindSafe(|| results.next().wait())).is_err()
            } else {
                AssertUnwindSafe(results.next()).catch_unwind().await.is_err()
            };
            assert!(caught);
            assert_eq!(rest!(on, results), [1, 2]);
        };
    }
    check!(buffered);
    check!(buffered_unordered);
}

async fn a_task_on_the_only_thread_maps_a_stream<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    // Those of a priority do not run inside the wait of another: the slot must go to them.
    for inner in [client.clone(), client.with(Options::new().priority(-1))] {
        let sum = fallible(move || -> Result<i64, Error> {
            let mut sum = 0;
            let mut results = inner.map_stream(inc, stream::iter(0..10)).buffered(2);
            while let Some(result) = results.next().wait()? {
                sum += result?;
            }
            let mut results = inner.map_stream(inc, stream::iter(0..10)).buffered_unordered(2);
            while let Some(result) = results.next().wait()? {
                sum += result?;
            }
            Ok(sum)
        });
        assert_eq!(on.take(client.submit(sum, ())).await.unwrap(), 110);
    }
}

async fn futures_are_items_too<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let futures = client.map(inc, 0..10);
    let mut results = client.map_stream(inc, stream::iter(&futures)).buffered(3);
    assert_eq!(rest!(on, results), (2..12).collect::<Vec<_>>());
    let other = on.client(1).await;
    let mut results = other.map_stream(inc, stream::iter(&futures)).buffered(3);
    assert!(matches!(next!(on, results), Some(Err(Error::ForeignFuture { .. }))));
}

async fn the_defaults_of_the_client_hold<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let runs = Counter::new();
    let second_run = {
        let runs = runs.clone();
        fallible(move |x: i64| if runs.add().is_multiple_of(2) { Err("not yet") } else { Ok(x) })
    };
    let twice = client.with(Options::new().retries(1));
    let mut results = twice.map_stream(second_run, stream::iter(0..5)).buffered(1);
    assert_eq!(rest!(on, results), [0, 1, 2, 3, 4]);
    assert_eq!(runs.get(), 10);
}

async fn a_closed_client_refuses_each_item<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let mut results = client.map_stream(inc, stream::iter(0..3)).buffered(1);
    assert_eq!(next!(on, results).unwrap().unwrap(), 1);
    on.get(client.close()).await.unwrap();
    for _ in 0..2 {
        assert!(matches!(next!(on, results), Some(Err(Error::ClientClosed { operation: "map_stream" }))));
    }
    assert!(next!(on, results).is_none());
}

async fn a_limit_in_time_loses_no_result<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let held = Held::new();
    let mut results = client.map_stream(held.body(), stream::iter(0..2)).buffered(2);
    for limit in [Duration::ZERO, Duration::from_millis(5)] {
        let late = results.next().timeout(limit);
        let late = if on.is_blocking { late.wait() } else { late.await };
        assert!(matches!(late, Err(Error::Timeout { operation: "map_stream", .. })));
    }
    held.release.set();
    let in_time = results.next().timeout(Duration::from_secs(30));
    let in_time = if on.is_blocking { in_time.wait() } else { in_time.await };
    assert_eq!(in_time.unwrap().unwrap().unwrap(), 1);
    assert_eq!(rest!(on, results), [2]);
}

async fn results_are_a_stream<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let results = client.map_stream(inc, stream::iter(0..10)).buffered(3);
    assert_eq!(results.size_hint(), (10, Some(10)));
    let values: Vec<i64> = results.try_collect().await.unwrap();
    assert_eq!(values, (1..=10).collect::<Vec<_>>());
    let values: Vec<i64> =
        client.map_stream(inc, stream::iter(0..10)).buffered_unordered(3).try_collect().await.unwrap();
    assert_eq!(values.iter().sum::<i64>(), 55);
}

async fn waiting_on_a_thread_of_the_runtime_is_refused<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let inner = client.clone();
    let body = asynchronous(move || {
        let mut results = inner.map_stream(inc, stream::iter(0..2)).buffered(1);
        async move {
            let refused = matches!(results.next().wait(), Err(Error::BlockingInAsync { .. }));
            (refused, results.try_collect::<i64, Error, Vec<_>>().await.unwrap())
        }
    });
    assert_eq!(client.submit(body, ()).await.unwrap(), (true, vec![1, 2]));
}
