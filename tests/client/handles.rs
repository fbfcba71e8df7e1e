//! Handles: a `TaskFuture` is a reference count.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anydask::{Client, Status, asynchronous};

use crate::support::{AnyOf, Counted, Counts, Event, Setting, awaited_on_every_runtime, on_every_runtime, spin_on};

on_every_runtime! {
    the_last_handle_frees_the_value;
    an_input_is_held_until_its_last_dependant_has_taken_it;
    the_last_handle_drops_queued_work;
    the_last_handle_drops_waiting_work_and_what_only_that_needed;
    work_that_somebody_still_needs_goes_on;
    a_value_that_nobody_waits_for_any_more_is_dropped_when_it_comes;
    the_last_handle_stops_an_asynchronous_task_at_its_next_await;
    a_detached_task_runs_to_its_end_and_its_value_is_dropped;
    a_detached_waiting_task_runs_when_its_input_is_there;
    a_detached_asynchronous_task_runs_to_its_end;
    a_handle_beside_a_detached_one_still_gives_the_value;
    a_shared_value_outlives_its_handles;
    a_gather_that_is_given_the_last_handles_moves_the_values;
    a_gather_of_references_clones_the_values;
    an_unfinished_operation_holds_its_futures;
    handles_and_clones_tell_the_same_key_and_status;
}

mod awaited {
    use super::*;

    awaited_on_every_runtime! {
        the_await_of_the_last_handle_moves_the_value;
        the_await_of_one_of_two_handles_clones_the_value;
        an_await_by_reference_keeps_the_value;
    }
}

#[cfg(feature = "smol")]
#[test]
fn a_value_that_is_asked_for_in_the_very_moment_in_which_it_comes_is_moved() {
    crate::support::within_deadline("the very moment", || {
        let client = anydask::smol::Client::builder().threads(1).local().wait().unwrap();
        let counts = Counts::new();
        for x in 0..10_000 {
            let source = counts.clone();
            let future = client.submit(move || source.make(x), ());
            // Polled without end, by somebody who is never woken.
            assert_eq!(spin_on(future).unwrap().value(), x);
        }
        assert_eq!((counts.cloned(), counts.alive()), (0, 0));
    });
}

async fn the_last_handle_frees_the_value<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let counts = Counts::new();
    let source = counts.clone();
    let future = client.submit(move || source.make(1), ());
    let (second, third) = (future.clone(), future.clone());
    on.get(future.shared()).await.unwrap();
    drop(future);
    drop(second);
    assert_eq!(counts.alive(), 1);
    drop(third);
    assert_eq!((counts.alive(), counts.cloned()), (0, 0));
}

async fn an_input_is_held_until_its_last_dependant_has_taken_it<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let counts = Counts::new();
    let source = counts.clone();
    let input = client.submit(move || source.make(1), ());
    on.get(input.shared()).await.unwrap();
    let (occupant, release) = on.occupy(&client).await;
    let reading = client.map(|input: Arc<Counted>| input.value(), vec![&input; 3]);
    drop(input);
    assert_eq!(counts.alive(), 1);
    release.set();
    assert_eq!(on.get(client.gather(reading)).await.unwrap(), [1; 3]);
    assert_eq!(counts.alive(), 0);
    on.take(occupant).await.unwrap();
}

async fn the_last_handle_drops_queued_work<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let counts = Counts::new();
    let has_run = Arc::new(AtomicBool::new(false));
    let (captured, argument, runs) = (counts.make(1), counts.make(2), Arc::clone(&has_run));
    let queued = client.submit(
        move |argument: Counted| {
            runs.store(true, Ordering::SeqCst);
            captured.value() + argument.value()
        },
        argument,
    );
    assert_eq!(counts.alive(), 2);
    // At once, although the thread is busy.
    drop(queued);
    assert_eq!(counts.alive(), 0);
    release.set();
    on.take(occupant).await.unwrap();
    on.take(client.submit(|| (), ())).await.unwrap();
    assert!(!has_run.load(Ordering::SeqCst));
}

async fn the_last_handle_drops_waiting_work_and_what_only_that_needed<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let counts = Counts::new();
    let runs = Arc::new(AtomicUsize::new(0));
    let step = || {
        let (runs, captured) = (Arc::clone(&runs), counts.make(1));
        move |x: i64| {
            runs.fetch_add(1, Ordering::SeqCst);
            x + captured.value()
        }
    };
    let first = client.submit(step(), 0);
    let kept = client.submit(step(), &first);
    let second = client.submit(step(), first);
    let third = client.submit(step(), second);
    let last = client.submit(|x: i64, y: i64| x + y, (&third, third.clone()));
    assert_eq!(counts.alive(), 4);
    drop(third);
    assert_eq!(counts.alive(), 4);
    drop(last);
    // `first` is still needed by `kept`.
    assert_eq!(counts.alive(), 2);
    release.set();
    assert_eq!(on.take(kept).await.unwrap(), 2);
    on.take(occupant).await.unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

async fn work_that_somebody_still_needs_goes_on<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let a = client.submit(|| 1, ());
    let b = client.submit(|x: i64| x + 1, a);
    let clone = b.clone();
    drop(b);
    assert_eq!(clone.status(), Status::Pending);
    release.set();
    assert_eq!(on.take(clone).await.unwrap(), 2);
    on.take(occupant).await.unwrap();
}

async fn a_value_that_nobody_waits_for_any_more_is_dropped_when_it_comes<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (counts, running, release) = (Counts::new(), Event::new(), Event::new());
    let (source, runs, waits) = (counts.clone(), running.clone(), release.clone());
    let future = client.submit(
        move || {
            runs.set();
            let value = source.make(1);
            waits.wait();
            value
        },
        (),
    );
    on.passed(&running).await;
    drop(future);
    release.set();
    // The same thread comes to this only after it has dealt with that.
    on.take(client.submit(|| (), ())).await.unwrap();
    assert_eq!(counts.alive(), 0);
}

/// An asynchronous task that begins and then waits for ever; with an event for its begin and one for its end.
fn endless<R: AnyOf>(client: &Client<R>) -> (anydask::TaskFuture<()>, Event, Event) {
    let (begun, dropped) = (Event::new(), Event::new());
    let task = {
        let (begun, dropped) = (begun.clone(), dropped.clone());
        asynchronous(move || {
            let (begun, guard) = (begun.clone(), dropped.on_drop());
            async move {
                let _guard = guard;
                begun.set();
                std::future::pending::<()>().await;
            }
        })
    };
    (client.submit(task, ()), begun, dropped)
}

async fn the_last_handle_stops_an_asynchronous_task_at_its_next_await<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (future, begun, dropped) = endless(&client);
    on.passed(&begun).await;
    let clone = future.clone();
    drop(future);
    assert!(!dropped.is_set());
    drop(clone);
    on.passed(&dropped).await;
    // As an input of something that nobody needs, too.
    let (future, begun, dropped) = endless(&client);
    let next = client.submit(|(): ()| 1, future);
    on.passed(&begun).await;
    drop(next);
    on.passed(&dropped).await;
}

async fn a_detached_task_runs_to_its_end_and_its_value_is_dropped<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let (counts, ran) = (Counts::new(), Event::new());
    let (source, runs) = (counts.clone(), ran.clone());
    client
        .submit(
            move || {
                runs.set();
                source.make(1)
            },
            (),
        )
        .detach();
    release.set();
    on.passed(&ran).await;
    on.take(client.submit(|| (), ())).await.unwrap();
    assert_eq!(counts.alive(), 0);
    on.take(occupant).await.unwrap();
    // One that has finished by then is released.
    let source = counts.clone();
    let finished = client.submit(move || source.make(1), ());
    on.get(finished.shared()).await.unwrap();
    finished.detach();
    assert_eq!(counts.alive(), 0);
}

async fn a_detached_waiting_task_runs_when_its_input_is_there<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let ran = Event::new();
    let runs = ran.clone();
    client.submit(move |(): ()| runs.set(), occupant).detach();
    release.set();
    on.passed(&ran).await;
}

async fn a_detached_asynchronous_task_runs_to_its_end<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (begun, release, ended) = (Event::new(), Event::new(), Event::new());
    let task = {
        let (begun, release, ended) = (begun.clone(), release.clone(), ended.clone());
        asynchronous(move || {
            let (begun, passed, ended) = (begun.clone(), release.passed(), ended.clone());
            async move {
                begun.set();
                passed.await;
                ended.set();
            }
        })
    };
    client.submit(task, ()).detach();
    on.passed(&begun).await;
    release.set();
    on.passed(&ended).await;
}

async fn a_handle_beside_a_detached_one_still_gives_the_value<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let future = client.submit(|| 1, ());
    for _ in 0..3 {
        future.clone().detach();
    }
    release.set();
    assert_eq!(on.value(&future).await.unwrap(), 1);
    future.clone().detach();
    assert_eq!(on.value(&future).await.unwrap(), 1);
    on.take(occupant).await.unwrap();
}

async fn a_shared_value_outlives_its_handles<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let counts = Counts::new();
    let source = counts.clone();
    let future = client.submit(move || source.make(7), ());
    let shared = on.get(future.shared()).await.unwrap();
    drop(future);
    on.get(client.close()).await.unwrap();
    assert_eq!((shared.value(), counts.alive(), counts.cloned()), (7, 1, 0));
    drop(shared);
    assert_eq!(counts.alive(), 0);
}

async fn a_gather_that_is_given_the_last_handles_moves_the_values<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let counts = Counts::new();
    let source = counts.clone();
    let many = client.map(move |x: i64| source.make(x), 0..10);
    let values = on.get(client.gather(many)).await.unwrap();
    assert_eq!((values.len(), counts.cloned(), counts.alive()), (10, 0, 10));
}

async fn a_gather_of_references_clones_the_values<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let counts = Counts::new();
    let source = counts.clone();
    let many = client.map(move |x: i64| source.make(x), 0..10);
    let values = on.get(client.gather(&many)).await.unwrap();
    assert_eq!((values.len(), counts.cloned(), counts.alive()), (10, 10, 20));
    drop(many);
    assert_eq!(counts.alive(), 10);
}

async fn an_unfinished_operation_holds_its_futures<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let (one, two, three) = (client.submit(|| 1, ()), client.submit(|| 2, ()), client.submit(|| 3, ()));
    let (gather, shared, wait) = (client.gather(&one), two.shared(), client.wait([&three]));
    let status = three.clone();
    drop((one, two, three));
    release.set();
    assert_eq!(on.get(gather).await.unwrap(), 1);
    assert_eq!(*on.get(shared).await.unwrap(), 2);
    assert_eq!(on.get(wait).await.unwrap().done.len(), 1);
    assert_eq!(status.status(), Status::Finished);
    on.take(occupant).await.unwrap();
}

async fn handles_and_clones_tell_the_same_key_and_status<R: AnyOf>(on: Setting<R>) {
    fn named(x: i64) -> i64 {
        x
    }

    let client = on.client(1).await;
    let (a, b) = (client.submit(named, 1), client.submit(named, 1));
    let clone = a.clone();
    assert_eq!(a.key(), clone.key());
    assert_ne!(a.key(), b.key());
    assert!(a.key().starts_with("named-"), "{}", a.key());
    on.get(client.wait([&a, &b])).await.unwrap();
    assert_eq!((a.status(), clone.status()), (Status::Finished, Status::Finished));
    let text = format!("{a:?}");
    assert!(text.contains(a.key().as_str()) && text.contains("Finished"), "{text}");
}

async fn the_await_of_the_last_handle_moves_the_value<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let counts = Counts::new();
    for x in 0..500 {
        let source = counts.clone();
        let future = client.submit(move || source.make(x), ());
        assert_eq!(future.await.unwrap().value(), x);
    }
    assert_eq!((counts.cloned(), counts.alive()), (0, 0));
}

async fn the_await_of_one_of_two_handles_clones_the_value<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let counts = Counts::new();
    let source = counts.clone();
    let future = client.submit(move || source.make(1), ());
    let other = future.clone();
    assert_eq!(future.await.unwrap().value(), 1);
    assert_eq!((counts.cloned(), counts.alive()), (1, 1));
    assert_eq!(other.await.unwrap().value(), 1);
    assert_eq!(counts.alive(), 0);
}

async fn an_await_by_reference_keeps_the_value<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let counts = Counts::new();
    let source = counts.clone();
    let future = client.submit(move || source.make(1), ());
    for awaits in 1..4 {
        assert_eq!((&future).await.unwrap().value(), 1);
        assert_eq!((counts.cloned(), counts.alive()), (awaits, 1));
    }
    drop(future);
    assert_eq!(counts.alive(), 0);
}
