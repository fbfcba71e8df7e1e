//! `on_done` and `error`, by a hostile user.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anydask::{Error, Status, TaskContext, TaskFuture, asynchronous, fallible};

use crate::support::{AnyOf, Counts, Event, Setting, on_every_runtime};
use crate::{Counter, Held, inc};

on_every_runtime! {
    a_callback_is_called_once_however_the_task_ends;
    a_callback_of_a_task_that_has_ended_is_called_at_once;
    a_callback_adds_a_callback;
    a_callback_that_panics_harms_nothing;
    a_callback_submits_waits_and_cancels;
    a_callback_keeps_its_task_and_no_longer;
    callbacks_are_called_when_the_client_closes;
    the_error_of_each_way_to_end;
}

async fn a_callback_is_called_once_however_the_task_ends<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let held = Held::new();
    let first = client.submit(held.body(), 1);
    let futures = [
        first.clone(),
        client.submit(inc, 1),
        client.submit(fallible(|| Err::<i64, _>("no")), ()),
        client.submit(|| panic!("no"), ()),
        client.submit(inc, 5),
    ];
    let calls: Vec<_> = futures.iter().map(|_| Counter::new()).collect();
    let statuses = Arc::new(Mutex::new(Vec::new()));
    for (future, calls) in futures.iter().zip(&calls) {
        let (calls, statuses) = (calls.clone(), Arc::clone(&statuses));
        future.on_done(move |future| {
            calls.add();
            statuses.lock().unwrap().push(future.status());
        });
    }
    futures[4].cancel();
    futures[4].cancel();
    held.release.set();
    on.get(client.wait(&futures)).await.unwrap();
    on.get(client.close()).await.unwrap();
    assert!(calls.iter().all(|calls| calls.get() == 1));
    let mut statuses = statuses.lock().unwrap().iter().map(ToString::to_string).collect::<Vec<_>>();
    statuses.sort();
    assert_eq!(statuses, ["cancelled", "error", "error", "finished", "finished"]);
}

async fn a_callback_of_a_task_that_has_ended_is_called_at_once<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let refused = client.task(inc, 1).key("").submit();
    let finished = on.get(client.scatter(1)).await.unwrap();
    let cancelled = client.submit(asynchronous(std::future::pending::<i64>), ());
    cancelled.cancel();
    for (future, status) in [(&refused, Status::Error), (&finished, Status::Finished), (&cancelled, Status::Cancelled)]
    {
        let seen = Arc::new(Mutex::new(None));
        let written = Arc::clone(&seen);
        future.on_done(move |future| *written.lock().unwrap() = Some(future.status()));
        assert_eq!(*seen.lock().unwrap(), Some(status));
    }
}

async fn a_callback_adds_a_callback<R: AnyOf>(on: Setting<R>) {
    fn again(future: TaskFuture<i64>, left: u32, done: Event) {
        match left {
            0 => done.set(),
            _ => future.on_done(move |future| again(future, left - 1, done)),
        }
    }

    let client = on.client(1).await;
    let done = Event::new();
    let held = Held::new();
    let future = client.submit(held.body(), 1);
    future.on_done({
        let done = done.clone();
        move |future| again(future, 10, done)
    });
    held.release.set();
    on.passed(&done).await;
}

async fn a_callback_that_panics_harms_nothing<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let held = Held::new();
    let future = client.submit(held.body(), 1);
    let dependent = client.submit(inc, &future);
    let calls = Counter::new();
    let (before, after) = (calls.clone(), calls.clone());
    future.on_done(move |_| _ = before.add());
    future.on_done(|_| panic!("in a callback"));
    future.on_done(move |_| _ = after.add());
    held.release.set();
    assert_eq!(on.value(&dependent).await.unwrap(), 3);
    on.until("both are called", || calls.get() == 2).await;
    // The same where it is called at once.
    future.on_done(|_| panic!("in a callback"));
    assert_eq!(on.value(&future).await.unwrap(), 2);
    assert_eq!(on.take(client.submit(inc, 1)).await.unwrap(), 2);
}

async fn a_callback_submits_waits_and_cancels<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let held = Held::new();
    let future = client.submit(held.body(), 1);
    let never = client.submit(asynchronous(std::future::pending::<i64>), ());
    let (send, receive) = std::sync::mpsc::channel();
    let (inner, doomed) = (client.clone(), never.clone());
    future.on_done(move |future| {
        doomed.cancel_because("by a callback");
        // On a thread of the engine: it waits like a task, and is none.
        let value = inner.submit(inc, &future).wait();
        send.send((value, TaskContext::current().is_err())).unwrap();
    });
    held.release.set();
    assert!(on.error(&never).await.to_string().contains("by a callback"));
    let received = client.submit(asynchronous(|| async {}), ());
    on.value(&received).await.unwrap();
    let (value, is_outside) = receive.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(value.unwrap(), 3);
    assert!(is_outside);
}

async fn a_callback_keeps_its_task_and_no_longer<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let counts = Counts::new();
    let held = Held::new();
    let called = Event::new();
    let future = {
        let (body, counts) = (held.body(), counts.clone());
        client.submit(move |x: i64| counts.make(body(x)), 1)
    };
    future.on_done({
        let called = called.clone();
        move |future| {
            assert_eq!(future.status(), Status::Finished);
            called.set();
        }
    });
    drop(future);
    held.release.set();
    on.passed(&called).await;
    on.until("the value is gone", || counts.alive() == 0).await;
}

async fn callbacks_are_called_when_the_client_closes<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let never = client.submit(asynchronous(std::future::pending::<i64>), ());
    let after = client.submit(inc, &never);
    let calls = Counter::new();
    for future in [&never, &after] {
        let calls = calls.clone();
        future.on_done(move |future| {
            assert_eq!(future.status(), Status::Cancelled);
            calls.add();
        });
    }
    on.get(client.close()).await.unwrap();
    assert_eq!(calls.get(), 2);
}

async fn the_error_of_each_way_to_end<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let ok = client.submit(inc, 1);
    let fails = client.submit(fallible(|| Err::<i64, _>("no")), ());
    let panics = client.submit(|x: i64| if x == 0 { panic!("no") } else { x }, 0);
    let cancelled = client.submit(inc, 1);
    assert!(on.get(ok.error().timeout(Duration::ZERO)).await.unwrap_err().is_timeout());
    cancelled.cancel();
    release.set();
    assert!(on.get(ok.error()).await.unwrap().is_none());
    assert!(matches!(on.get(fails.error()).await.unwrap(), Some(Error::Failed { .. })));
    assert!(matches!(on.get(panics.error()).await.unwrap(), Some(Error::Panicked { .. })));
    assert!(matches!(on.get(cancelled.error()).await.unwrap(), Some(Error::Cancelled { .. })));
}
