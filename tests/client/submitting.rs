//! Submitting and mapping: plain calls that never wait.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use anydask::{Error, Status, asynchronous, fallible};

use crate::support::{AnyOf, Event, Setting, on_every_runtime};

on_every_runtime! {
    a_value_goes_in_and_its_result_comes_out;
    what_a_closure_captures_is_moved;
    results_need_no_clone_and_no_serialize;
    a_result_is_a_value_unless_the_task_is_fallible;
    a_map_keeps_the_order_of_its_items;
    a_map_over_futures_and_tuples_of_them;
    a_map_over_nothing_is_empty;
    a_map_shares_one_function;
    a_map_of_fallible_and_of_asynchronous_functions;
    submit_returns_while_every_thread_is_busy;
    inputs_are_referenced_before_submit_returns;
    tasks_submit_tasks;
    as_many_tasks_run_at_once_as_there_are_threads;
    a_client_serves_ten_threads_at_once;
    a_task_that_is_made_ready_does_not_wait_for_a_long_one;
}

async fn a_value_goes_in_and_its_result_comes_out<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let future = client.submit(|x: i64| x + 1, 10);
    assert_eq!(on.value(&future).await.unwrap(), 11);
    assert_eq!(future.status(), Status::Finished);
    on.get(client.close()).await.unwrap();
}

async fn what_a_closure_captures_is_moved<R: AnyOf>(on: Setting<R>) {
    struct NotClone(Box<i64>);

    let client = on.client(1).await;
    let (captured, argument) = (NotClone(Box::new(1)), NotClone(Box::new(2)));
    let sum = client.submit(move |argument: NotClone| *captured.0 + *argument.0, argument);
    assert_eq!(on.value(&sum).await.unwrap(), 3);
}

async fn results_need_no_clone_and_no_serialize<R: AnyOf>(on: Setting<R>) {
    struct Opaque(Mutex<Vec<i64>>);

    let client = on.client(1).await;
    let opaque = client.submit(|| Opaque(Mutex::new(vec![1, 2])), ());
    let shared = on.get(opaque.shared()).await.unwrap();
    shared.0.lock().unwrap().push(3);
    let again = on.get(opaque.shared()).await.unwrap();
    assert_eq!(*again.0.lock().unwrap(), [1, 2, 3]);
    assert!(Arc::ptr_eq(&shared, &again));
}

async fn a_result_is_a_value_unless_the_task_is_fallible<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let parse = |text: String| text.parse::<i64>();
    let value = client.submit(parse, "no".to_owned());
    assert!(on.take(value).await.unwrap().is_err());
    let failed = client.submit(fallible(parse), "no".to_owned());
    assert!(matches!(on.take(failed).await, Err(Error::Failed { .. })));
    let parsed = client.submit(fallible(parse), "41".to_owned());
    assert_eq!(on.take(parsed).await.unwrap(), 41);
}

async fn a_map_keeps_the_order_of_its_items<R: AnyOf>(on: Setting<R>) {
    let client = on.client(4).await;
    let squares = client.map(|x: u64| x * x, 0..1_000);
    assert_eq!(on.get(client.gather(squares)).await.unwrap(), (0..1_000).map(|x| x * x).collect::<Vec<_>>());
}

async fn a_map_over_futures_and_tuples_of_them<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let inc = |x: i64| x + 1;
    let first = client.map(inc, 0..5);
    let second = client.map(inc, &first);
    let third = client.map(inc, second.clone());
    let sums = client.map(|x: i64, y: i64, z: i64| x + y + z, first.iter().zip(&second).map(|(x, y)| (x, y, 100)));
    assert_eq!(on.get(client.gather(&third)).await.unwrap(), [3, 4, 5, 6, 7]);
    assert_eq!(on.get(client.gather(sums)).await.unwrap(), [103, 105, 107, 109, 111]);
}

async fn a_map_over_nothing_is_empty<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let none = client.map(|x: i64| x, Vec::<i64>::new());
    assert!(none.is_empty());
    assert_eq!(on.get(client.gather(none)).await.unwrap(), []);
}

async fn a_map_shares_one_function<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    // Neither `Clone` nor `Copy`: there is only one of it.
    let calls = AtomicUsize::new(0);
    let numbers = client.map(move |_: ()| calls.fetch_add(1, Ordering::SeqCst), vec![(); 100]);
    let mut numbers = on.get(client.gather(numbers)).await.unwrap();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..100).collect::<Vec<_>>());
}

async fn a_map_of_fallible_and_of_asynchronous_functions<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let texts = || ["1", "x", "3"].map(String::from);
    let parsed = client.map(fallible(|text: String| text.parse::<i64>()), texts());
    assert_eq!(on.get(client.gather_ok(parsed)).await.unwrap(), [1, 3]);
    let lengths = client.map(asynchronous(|text: String| async move { text.len() }), texts());
    assert_eq!(on.get(client.gather(lengths)).await.unwrap(), [1, 1, 1]);
    let parsed = client.map(fallible(asynchronous(|text: String| async move { text.parse::<i64>() })), texts());
    assert_eq!(on.get(client.gather_ok(parsed)).await.unwrap(), [1, 3]);
}

async fn submit_returns_while_every_thread_is_busy<R: AnyOf>(on: Setting<R>) {
    const TASKS: i64 = 20_000;
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let futures: Vec<_> = (0..TASKS).map(|x| client.submit(|x: i64| x * 2, x)).collect();
    assert!(futures.iter().all(|future| future.status() == Status::Pending));
    release.set();
    assert_eq!(on.get(client.gather(futures)).await.unwrap(), (0..TASKS).map(|x| x * 2).collect::<Vec<_>>());
    on.take(occupant).await.unwrap();
}

async fn inputs_are_referenced_before_submit_returns<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let a = client.submit(|| 1, ());
    let many = client.map(|x: i64| x, 0..3);
    let b = client.submit(|a: i64, many: Vec<i64>| a + many.iter().sum::<i64>(), (&a, &many));
    drop((a, many));
    release.set();
    assert_eq!(on.take(b).await.unwrap(), 4);
    on.take(occupant).await.unwrap();
}

async fn tasks_submit_tasks<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let own = client.clone();
    let outer = client.submit(move || own.map(|x: i64| x * x, 0..4), ());
    let squares = on.take(outer).await.unwrap();
    assert_eq!(on.get(client.gather(squares)).await.unwrap(), [0, 1, 4, 9]);
}

async fn as_many_tasks_run_at_once_as_there_are_threads<R: AnyOf>(on: Setting<R>) {
    const THREADS: usize = 3;
    let client = on.client(THREADS).await;
    // All of them are needed at once; one more would be too many.
    let barrier = Arc::new(Barrier::new(THREADS));
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let body = {
        let most = Arc::clone(&most);
        move |_: usize| {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            barrier.wait();
            running.fetch_sub(1, Ordering::SeqCst);
        }
    };
    on.get(client.gather(client.map(body, 0..10 * THREADS))).await.unwrap();
    assert_eq!(most.load(Ordering::SeqCst), THREADS);
}

async fn a_client_serves_ten_threads_at_once<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let sums: Vec<i64> = thread::scope(|scope| {
        let user = |thread: i64| {
            let client = &client;
            move || {
                let parts = client.map(|x: i64| x, (0..200).map(|x| x * thread));
                let sum = client.submit(|parts: Vec<i64>| parts.iter().sum::<i64>(), &parts);
                assert_eq!(client.gather(&parts).wait().unwrap().len(), 200);
                sum.wait().unwrap()
            }
        };
        let threads: Vec<_> = (0..10).map(|thread| scope.spawn(user(thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(sums, (0..10).map(|thread| 19_900 * thread).collect::<Vec<_>>());
}

async fn a_task_that_is_made_ready_does_not_wait_for_a_long_one<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    // Both dependants become ready on one thread. One needs the other to run beside it.
    let (occupant, release) = on.occupy(&client).await;
    let first = client.submit(|| (), ());
    let event = Event::new();
    let (waits, sets) = (event.clone(), event);
    let waiting = client.submit(move |(): ()| waits.wait(), &first);
    let setting = client.submit(move |(): ()| sets.set(), &first);
    release.set();
    on.get(client.gather((waiting, setting, occupant))).await.unwrap();
}
