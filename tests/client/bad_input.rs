//! What a caller can get wrong.

use std::collections::BTreeMap;
use std::sync::Arc;

use anydask::{Client, Error, Status, TaskFuture, asynchronous};

use crate::support::{AnyOf, Setting, on_every_runtime};

on_every_runtime! {
    a_number_of_threads_that_cannot_be_is_an_error;
    a_thousand_threads_can_be_had;
    a_future_of_another_client_is_refused;
    a_future_of_another_client_is_refused_while_it_is_pending;
    a_value_of_a_gigabyte_is_never_copied;
    an_empty_map_gathers_to_an_empty_map;
    a_client_can_be_awaited_after_its_close;
    what_a_client_was_given_ends_with_it;
}

async fn a_number_of_threads_that_cannot_be_is_an_error<R: AnyOf>(on: Setting<R>) {
    for threads in [0, 1025, 1 << 20, usize::MAX] {
        match on.get(on.builder().threads(threads).local()).await {
            Err(error @ Error::InvalidThreads { threads: told, threads_max }) => {
                assert_eq!((told, threads_max), (threads, 1024));
                assert!(error.to_string().contains(&threads.to_string()), "{error}");
            }
            other => panic!("{other:?}"),
        }
    }
}

async fn a_thousand_threads_can_be_had<R: AnyOf>(on: Setting<R>) {
    let client = on.client(200).await;
    let squares = client.map(|x: u64| x * x, 0..2_000);
    assert_eq!(on.get(client.gather(squares)).await.unwrap().len(), 2_000);
    on.get(client.close()).await.unwrap();
}

async fn check_foreign<R: AnyOf, T: Send + Sync + 'static>(
    on: &Setting<R>,
    future: &TaskFuture<T>,
    foreign: &TaskFuture<i64>,
) {
    assert_eq!(future.status(), Status::Error);
    check_names(&on.error(future).await, foreign);
}

fn check_names(error: &Error, foreign: &TaskFuture<i64>) {
    assert!(matches!(error, Error::ForeignFuture { key } if *key == foreign.key()), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(foreign.key().as_str()) && text.contains("another client"), "{text}");
}

async fn check_all_refused<R: AnyOf>(on: &Setting<R>, client: &Client<R>, foreign: &TaskFuture<i64>) {
    let own = client.submit(|| 1, ());
    check_foreign(on, &client.submit(|x: i64| x, foreign), foreign).await;
    check_foreign(on, &client.submit(|x: i64, y: i64| x + y, (&own, foreign.clone())), foreign).await;
    check_foreign(on, &client.submit(|xs: Vec<i64>| xs.len(), vec![&own, foreign]), foreign).await;
    check_foreign(on, &client.submit(|x: Arc<i64>| *x, foreign), foreign).await;
    check_foreign(on, &client.submit(asynchronous(|x: i64| async move { x }), foreign), foreign).await;
    check_foreign(on, &client.task(|x: i64| x, foreign).key("foreign").submit(), foreign).await;
    for future in client.map(|x: i64| x, [foreign, foreign]) {
        check_foreign(on, &future, foreign).await;
    }
    check_names(&on.get(client.gather(foreign)).await.unwrap_err(), foreign);
    check_names(&on.get(client.gather((&own, [&own, foreign]))).await.unwrap_err(), foreign);
    check_names(&on.get(client.gather_ok([&own, foreign])).await.unwrap_err(), foreign);
    check_names(&on.get(client.gather_results([&own, foreign])).await.unwrap_err(), foreign);
    check_names(&on.get(client.wait([&own, foreign])).await.unwrap_err(), foreign);
    assert_eq!(on.take(own).await.unwrap(), 1);
}

async fn a_future_of_another_client_is_refused<R: AnyOf>(on: Setting<R>) {
    let (client, other) = (on.client(1).await, on.client(1).await);
    let foreign = other.submit(|| 5, ());
    assert_eq!(on.value(&foreign).await.unwrap(), 5);
    check_all_refused(&on, &client, &foreign).await;
    assert_eq!(on.take(foreign).await.unwrap(), 5);
}

async fn a_future_of_another_client_is_refused_while_it_is_pending<R: AnyOf>(on: Setting<R>) {
    let (client, other) = (on.client(1).await, on.client(1).await);
    let (occupant, release) = on.occupy(&other).await;
    let foreign = other.submit(|(): ()| 5, &occupant);
    check_all_refused(&on, &client, &foreign).await;
    // Itself it is as it was.
    assert_eq!(foreign.status(), Status::Pending);
    release.set();
    assert_eq!(on.take(foreign).await.unwrap(), 5);
}

async fn a_value_of_a_gigabyte_is_never_copied<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    // Zeroed pages that nobody touches take no memory: a copy would be seen as time, or as the end of the process.
    let big = client.submit(|| vec![0_u8; 1 << 30], ());
    let lengths = client.map(|big: Arc<Vec<u8>>| big.len(), vec![&big; 10]);
    assert_eq!(on.get(client.gather(lengths)).await.unwrap(), [1 << 30; 10]);
    assert_eq!(on.get(big.shared()).await.unwrap().len(), 1 << 30);
    let moved = client.submit(|big: Arc<Vec<u8>>| big, big);
    let back = on.get(client.gather(moved)).await.unwrap();
    assert_eq!((back.len(), Arc::strong_count(&back)), (1 << 30, 1));
}

async fn an_empty_map_gathers_to_an_empty_map<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let empty = BTreeMap::<String, TaskFuture<i64>>::new();
    assert!(on.get(client.gather(&empty)).await.unwrap().is_empty());
    assert!(on.get(client.gather_ok(&empty)).await.unwrap().is_empty());
    assert!(on.get(client.gather_results(empty)).await.unwrap().is_empty());
    assert!(client.map(|x: i64| x, [0; 0]).is_empty());
}

async fn a_client_can_be_awaited_after_its_close<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let queued = client.submit(|| 1, ());
    assert!(on.get(client.close().timeout(std::time::Duration::from_millis(1))).await.is_err());
    release.set();
    on.get(client.close()).await.unwrap();
    drop(client);
    for _ in 0..2 {
        assert!(on.value(&queued).await.unwrap_err().is_cancelled());
        assert!(on.value(&occupant).await.unwrap_err().is_cancelled());
        assert!(on.get(queued.shared()).await.unwrap_err().is_cancelled());
    }
}

async fn what_a_client_was_given_ends_with_it<R: AnyOf>(on: Setting<R>) {
    let marker = Arc::new(());
    let client = on.client(1).await;
    let captured = Arc::clone(&marker);
    let future = client.submit(move || Arc::strong_count(&captured), ());
    on.value(&future).await.unwrap();
    // A task that holds its own client, and one that waits for another for ever.
    let (own, captured) = (client.clone(), Arc::clone(&marker));
    let pending = client.submit(asynchronous(std::future::pending::<()>), ());
    let circular = client.submit(move |(): ()| (own.threads(), Arc::strong_count(&captured)), &pending);
    on.get(client.close()).await.unwrap();
    assert_eq!(Arc::strong_count(&marker), 1);
    drop((client, pending, circular));
}
