//! Several threads that do things with one client at once.

use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use anydask::{Client, Error, TaskFuture};

use crate::ground::{AnyOf, Gate, Ground, LIMIT, on_clusters};
use crate::support::Event;
use crate::tasks::{hold, inc};

on_clusters! {
    a_key_that_many_threads_submit_is_one_task;
    a_key_is_submitted_while_others_let_go_of_it;
    equal_values_that_many_threads_scatter_are_one;
    a_callback_may_wait_for_the_value;
    a_wait_for_workers_ends_with_its_client;
}

const THREADS: usize = 4;

/// So many times, some threads do the same at once. Gives what they give.
fn at_once<T: Send>(act: impl Fn() -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(THREADS);
    let begin = || {
        barrier.wait();
        act()
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(begin)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

async fn a_key_that_many_threads_submit_is_one_task<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let futures: Vec<_> =
        (0..100).flat_map(|round| at_once(|| client.task(inc, round).key(format!("key-{round}")).submit())).collect();
    let values = on.get(client.gather(&futures)).await.unwrap();
    assert!(values.chunks(THREADS).zip(1..).all(|(values, value)| values.iter().all(|other| *other == value)));
    drop(futures);
    on.until_look("len(s.tasks)", "0").await;
}

async fn a_key_is_submitted_while_others_let_go_of_it<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let mut before: Vec<TaskFuture<i64>> = Vec::new();
    for _ in 0..100 {
        let gone = Mutex::new(before);
        let futures = at_once(|| {
            let gone = gone.lock().unwrap().pop();
            drop(gone);
            client.task(inc, 1).key("key").submit()
        });
        assert_eq!(on.get(client.gather(&futures)).await.unwrap(), [2; THREADS]);
        before = futures;
    }
    drop(before);
    on.until_look("len(s.tasks)", "0").await;
}

async fn equal_values_that_many_threads_scatter_are_one<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    for round in 0..20_i64 {
        let mut futures = Vec::new();
        for scatter in at_once(|| client.scatter_hashed(round)) {
            futures.push(on.get(scatter).await.unwrap());
        }
        assert!(futures.iter().all(|future| future.key() == futures[0].key()));
        assert_eq!(on.get(client.gather(&futures)).await.unwrap(), [round; THREADS]);
    }
}

async fn a_callback_may_wait_for_the_value<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let gate = Gate::new();
    let (called, values) = (Event::new(), Arc::new(Mutex::new(Vec::new())));
    let future = client.submit(hold, (gate.name.clone(), 7));
    future.on_done({
        let (called, values) = (called.clone(), Arc::clone(&values));
        move |future| {
            values.lock().unwrap().push(future.timeout(LIMIT).wait());
            called.set();
        }
    });
    gate.open();
    // What is said and asked from a thread that may block, too.
    let other = client.submit(inc, 1);
    assert_eq!(thread::scope(|scope| scope.spawn(|| other.timeout(LIMIT).wait()).join().unwrap()).unwrap(), 2);
    on.passed(&called).await;
    assert_eq!(values.lock().unwrap().pop().unwrap().unwrap(), 7);
}

async fn a_wait_for_workers_ends_with_its_client<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let waits: Vec<_> = (0..THREADS)
        .map(|_| {
            let client: Client<R> = client.clone();
            thread::spawn(move || client.wait_for_workers(7).timeout(LIMIT).wait())
        })
        .collect();
    // They have asked by then, and wait most of the time.
    for _ in 0..3 {
        on.get(client.wait_for_workers(2)).await.unwrap();
    }
    on.get(client.close()).await.unwrap();
    for wait in waits {
        let error = wait.join().unwrap().unwrap_err();
        assert!(matches!(error, Error::ClientClosed { .. }), "{error:?}");
    }
}
