//! Closing: no future stays pending, every thread ends, and whoever asks twice is answered twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anydask::{Client, ClientStatus, Error, Status, TaskFuture, asynchronous, fallible};

use crate::support::{AnyOf, Counts, Event, Setting, awaited_on_every_runtime, on_every_runtime};

on_every_runtime! {
    a_close_is_idempotent_and_shared_by_clones;
    a_close_cancels_what_is_queued_waits_and_runs;
    a_close_stops_asynchronous_tasks;
    a_close_waits_for_the_body_that_runs;
    a_body_that_does_not_end_is_told_in_time;
    what_a_closed_client_is_asked_for_fails_at_once_and_names_it;
    a_dropped_client_resolves_every_future;
    a_task_may_close_its_own_client;
    a_task_may_drop_the_last_client;
    a_close_from_ten_threads_at_once;
    a_close_while_ten_threads_submit_loses_no_future;
    a_body_that_waits_is_woken_by_the_close;
    a_close_frees_what_queued_work_has_captured;
    values_stay_readable_after_the_close;
}

mod awaited {
    use super::*;

    awaited_on_every_runtime! {
        a_dropped_close_goes_on;
        an_asynchronous_task_may_close_its_own_client;
    }
}

async fn a_close_is_idempotent_and_shared_by_clones<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let clone = client.clone();
    assert_eq!(client.status(), ClientStatus::Running);
    assert_eq!(client.status().to_string(), "running");
    for _ in 0..3 {
        on.get(client.close()).await.unwrap();
        assert_eq!((client.status(), clone.status()), (ClientStatus::Closed, ClientStatus::Closed));
    }
    on.get(clone.close()).await.unwrap();
    assert_eq!(clone.status().to_string(), "closed");
    let text = format!("{client:?}");
    assert!(text.contains("Closed"), "{text}");
}

async fn check_cancelled<R: AnyOf, T: Send + Sync + 'static>(on: &Setting<R>, future: &TaskFuture<T>, why: &str) {
    let error = on.error(future).await;
    let Error::Cancelled { key, reason } = &error else { panic!("{error:?}") };
    assert_eq!(*key, future.key());
    assert!(reason.contains(why) && error.to_string().contains(why), "{error}");
    assert!(error.is_cancelled());
    assert_eq!(future.status(), Status::Cancelled);
}

async fn a_close_cancels_what_is_queued_waits_and_runs<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let (occupant, release) = on.occupy(&client).await;
    let counts = Arc::clone(&runs);
    let queued = client.submit(move || counts.fetch_add(1, Ordering::SeqCst), ());
    let waiting = client.submit(|(): ()| 1, &occupant);
    let behind = client.submit(|x: usize| x, &queued);
    let running = occupant.clone();
    let releaser = thread::spawn(move || {
        // The close has dealt with both when they are resolved; only then may the body end.
        let start = Instant::now();
        while !(queued.is_done() && running.is_done()) {
            assert!(start.elapsed() < Duration::from_secs(20), "the close does not cancel");
            thread::sleep(Duration::from_millis(1));
        }
        release.set();
        queued
    });
    on.get(client.close()).await.unwrap();
    let queued = releaser.join().unwrap();
    check_cancelled(&on, &occupant, "closed").await;
    check_cancelled(&on, &queued, "closed").await;
    check_cancelled(&on, &behind, "closed").await;
    check_cancelled(&on, &waiting, "closed").await;
    assert_eq!(runs.load(Ordering::SeqCst), 0);
}

async fn a_close_stops_asynchronous_tasks<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (begun, dropped) = (Event::new(), Event::new());
    let (begins, guard) = (begun.clone(), dropped.clone());
    let endless = client.submit(
        asynchronous(move || {
            let (begins, guard) = (begins.clone(), guard.on_drop());
            async move {
                let _guard = guard;
                begins.set();
                std::future::pending::<i64>().await
            }
        }),
        (),
    );
    let waiting = client.submit(|x: i64| x, &endless);
    on.passed(&begun).await;
    on.get(client.close()).await.unwrap();
    // The close has waited for it.
    assert!(dropped.is_set());
    check_cancelled(&on, &endless, "closed").await;
    check_cancelled(&on, &waiting, "closed").await;
}

async fn a_close_waits_for_the_body_that_runs<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let (running, has_ended) = (Event::new(), Arc::new(AtomicBool::new(false)));
    let (runs, ends) = (running.clone(), Arc::clone(&has_ended));
    let future = client.submit(
        move || {
            runs.set();
            // Long enough that a close which does not wait is seen; nothing else is waited for.
            thread::sleep(Duration::from_millis(50));
            ends.store(true, Ordering::SeqCst);
        },
        (),
    );
    on.passed(&running).await;
    on.get(client.close()).await.unwrap();
    assert!(has_ended.load(Ordering::SeqCst));
    assert!(matches!(on.error(&future).await, Error::Cancelled { .. }));
}

async fn a_body_that_does_not_end_is_told_in_time<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let start = Instant::now();
    let limit = Duration::from_millis(50);
    match on.get(client.close().timeout(limit)).await {
        Err(error @ Error::StillRunning { tasks, after }) => {
            assert_eq!((tasks, after), (1, limit));
            assert!(error.to_string().contains("1"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    assert!(start.elapsed() >= limit && start.elapsed() < Duration::from_secs(4));
    assert_eq!(client.status(), ClientStatus::Closing);
    assert_eq!(client.status().to_string(), "closing");
    // Its future is resolved all the same, although its body still runs.
    check_cancelled(&on, &occupant, "closed").await;
    release.set();
    on.get(client.close()).await.unwrap();
    assert_eq!(client.status(), ClientStatus::Closed);
}

async fn what_a_closed_client_is_asked_for_fails_at_once_and_names_it<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let input = client.submit(|| 1, ());
    on.get(client.wait([&input])).await.unwrap();
    on.get(client.close()).await.unwrap();

    let counts = Counts::new();
    let captured = counts.make(1);
    let submitted = client.submit(move |x: i64| captured.value() + x, &input);
    assert_eq!((submitted.status(), counts.alive()), (Status::Error, 0));
    let mapped = client.map(|x: i64| x, [1]);
    let keyed = client.task(|x: i64| x, 1).key("k").submit();
    let asynchronously = client.submit(asynchronous(|| async { 1 }), ());
    let told = [
        ("submit", on.error(&submitted).await),
        ("map", on.error(&mapped[0]).await),
        ("submit", on.error(&keyed).await),
        ("submit", on.error(&asynchronously).await),
        ("scatter", on.get(client.scatter(1)).await.unwrap_err()),
    ];
    for (name, error) in told {
        assert!(matches!(error, Error::ClientClosed { operation } if operation == name), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(name) && text.contains("open a new one"), "{text}");
    }
    // What is there can still be asked for, and a failed one fails what gathers it.
    assert_eq!(on.get(client.gather(&input)).await.unwrap(), 1);
    assert!(matches!(on.get(client.gather([&input, &submitted])).await, Err(Error::ClientClosed { .. })));
    assert_eq!(on.get(client.gather_ok([&input, &submitted])).await.unwrap(), [1]);
}

async fn a_dropped_client_resolves_every_future<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let finished = client.submit(|| 1, ());
    on.get(client.wait([&finished])).await.unwrap();
    let (occupant, release) = on.occupy(&client).await;
    let queued = client.submit(|| 1, ());
    let waiting = client.submit(|(): ()| 1, &occupant);
    let endless = client.submit(asynchronous(std::future::pending::<i64>), ());
    let gather = client.gather((&queued, &waiting));
    let clone = client.clone();
    drop(client);
    assert_eq!((queued.status(), clone.status()), (Status::Pending, ClientStatus::Running));
    drop(clone);
    check_cancelled(&on, &queued, "dropped").await;
    check_cancelled(&on, &waiting, "dropped").await;
    check_cancelled(&on, &occupant, "dropped").await;
    check_cancelled(&on, &endless, "dropped").await;
    assert!(on.get(gather).await.unwrap_err().is_cancelled());
    assert_eq!(on.value(&finished).await.unwrap(), 1);
    release.set();
}

async fn a_task_may_close_its_own_client<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (own, ended) = (client.clone(), Event::new());
    let ends = ended.clone();
    let closes = client.submit(fallible(move || own.close().wait().inspect(|()| ends.set())), ());
    on.passed(&ended).await;
    // It was running when the client closed.
    assert!(matches!(on.error(&closes).await, Error::Cancelled { .. }));
    on.get(client.close()).await.unwrap();
    assert_eq!(client.status(), ClientStatus::Closed);
}

async fn an_asynchronous_task_may_close_its_own_client<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let own = client.clone();
    let closes = client.submit(
        fallible(asynchronous(move || {
            let own = own.clone();
            async move { own.close().await }
        })),
        (),
    );
    assert!(matches!((&closes).await, Err(Error::Cancelled { .. })));
    client.close().await.unwrap();
    assert_eq!(client.status(), ClientStatus::Closed);
}

async fn a_task_may_drop_the_last_client<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (last, release, ended) = (client.clone(), Event::new(), Event::new());
    let (waits, ends) = (release.clone(), ended.on_drop());
    let future = client.submit(
        move |client: Client<R>| {
            let _ = &ends;
            waits.wait();
            drop(client);
        },
        last,
    );
    drop(client);
    release.set();
    on.passed(&ended).await;
    assert!(matches!(on.error(&future).await, Error::Cancelled { .. }));
}

async fn a_close_from_ten_threads_at_once<R: AnyOf>(on: Setting<R>) {
    for _ in 0..20 {
        let client = on.client(2).await;
        let futures = client.map(|x: i64| x, 0..100);
        let threads: Vec<_> = (0..10)
            .map(|_| {
                let client = client.clone();
                thread::spawn(move || client.close().wait())
            })
            .collect();
        for thread in threads {
            thread.join().unwrap().unwrap();
        }
        on.get(client.close()).await.unwrap();
        assert!(futures.iter().all(TaskFuture::is_done));
    }
}

async fn a_close_while_ten_threads_submit_loses_no_future<R: AnyOf>(on: Setting<R>) {
    for _ in 0..10 {
        let client = on.client(2).await;
        let begun = Event::new();
        let threads: Vec<_> = (0..10)
            .map(|thread| {
                let (client, begun) = (client.clone(), begun.clone());
                thread::spawn(move || {
                    begun.set();
                    let mut futures = Vec::new();
                    for x in 0..200 {
                        let input = client.submit(|x: i64| x, x);
                        futures.push(client.submit(|x: i64| x + 1, &input));
                        if thread % 2 == 0 {
                            futures.push(client.submit(asynchronous(|x: i64| async move { x + 1 }), input));
                        }
                    }
                    futures
                })
            })
            .collect();
        on.passed(&begun).await;
        on.get(client.close()).await.unwrap();
        for thread in threads {
            for future in thread.join().unwrap() {
                match on.value(&future).await {
                    Ok(_) | Err(Error::Cancelled { .. } | Error::ClientClosed { .. }) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
    }
}

async fn a_body_that_waits_is_woken_by_the_close<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (own, waits, told) = (client.clone(), Event::new(), Event::new());
    let (begins, tells) = (waits.clone(), told.clone());
    let body = move || {
        let endless = own.submit(asynchronous(std::future::pending::<()>), ());
        begins.set();
        let error = endless.wait().unwrap_err();
        assert!(error.is_cancelled(), "{error}");
        tells.set();
    };
    let outer = client.submit(body, ());
    on.passed(&waits).await;
    on.get(client.close()).await.unwrap();
    assert!(told.is_set());
    assert!(outer.is_done());
}

async fn a_close_frees_what_queued_work_has_captured<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let counts = Counts::new();
    let (occupant, release) = on.occupy(&client).await;
    let captured = counts.make(1);
    let queued = client.submit(move || captured.value(), ());
    let captured = counts.make(1);
    let waiting = client.submit(move |(): ()| captured.value(), &occupant);
    release.set();
    on.get(client.close()).await.unwrap();
    // The futures are still held.
    assert_eq!(counts.alive(), 0);
    drop((queued, waiting));
}

async fn values_stay_readable_after_the_close<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let counts = Counts::new();
    let source = counts.clone();
    let future = client.submit(move || source.make(5), ());
    on.get(client.wait([&future])).await.unwrap();
    on.get(client.close()).await.unwrap();
    drop(client);
    assert_eq!(on.value(&future).await.unwrap().value(), 5);
    drop(future);
    assert_eq!(counts.alive(), 0);
}

async fn a_dropped_close_goes_on<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let never_polled = client.close();
    drop(never_polled);
    assert_eq!(client.status(), ClientStatus::Running);
    let (occupant, release) = on.occupy(&client).await;
    assert!(futures_lite::future::poll_once(client.close()).await.is_none());
    assert_eq!(client.status(), ClientStatus::Closing);
    assert!((&occupant).await.unwrap_err().is_cancelled());
    assert!(matches!(client.submit(|| 1, ()).await, Err(Error::ClientClosed { .. })));
    release.set();
    client.close().await.unwrap();
    assert_eq!(client.status(), ClientStatus::Closed);
}
