//! Opening a client: with a runtime that is found, given or detected.

use std::thread;

use anydask::runtime::{AnyRuntime, BlockOn, Runtime};
use anydask::{Client, ClientStatus, Error};

use crate::support::{AnyOf, Setting, awaited_on_every_runtime, on_every_runtime};

on_every_runtime! {
    a_builder_chooses_the_number_of_threads;
    by_default_there_is_a_thread_for_each_core;
    a_builder_names_the_threads;
    a_client_knows_its_runtime;
    two_clients_live_side_by_side;
    a_library_names_no_runtime;
    a_client_can_be_opened_within_a_task;
    scattered_values_are_futures_of_values_that_are_there;
}

mod awaited {
    use super::*;

    awaited_on_every_runtime! {
        the_runtime_around_the_caller_is_detected;
        the_runtime_around_a_spawned_task_is_detected;
    }
}

async fn a_builder_chooses_the_number_of_threads<R: AnyOf>(on: Setting<R>) {
    for threads in [1, 2, 7] {
        let client = on.get(on.builder().threads(threads).local()).await.unwrap();
        assert_eq!((client.threads(), client.status()), (threads, ClientStatus::Running));
        on.get(client.close()).await.unwrap();
    }
}

async fn by_default_there_is_a_thread_for_each_core<R: AnyOf>(on: Setting<R>) {
    let client = on.get(on.builder().local()).await.unwrap();
    assert_eq!(client.threads(), thread::available_parallelism().unwrap().get());
}

async fn a_builder_names_the_threads<R: AnyOf>(on: Setting<R>) {
    let name = || thread::current().name().unwrap_or_default().to_owned();
    let client = on.get(on.builder().threads(1).name("web").local()).await.unwrap();
    assert_eq!(on.take(client.submit(name, ())).await.unwrap(), "web-0");
    let client = on.client(1).await;
    assert_eq!(on.take(client.submit(name, ())).await.unwrap(), "anydask-0");
    // Names that no thread can have.
    for odd in ["", "with\0zero", &"long".repeat(1_000)] {
        let client = on.get(on.builder().threads(1).name(odd).local()).await.unwrap();
        assert!(on.take(client.submit(name, ())).await.unwrap().ends_with("-0"));
    }
}

async fn a_client_knows_its_runtime<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    assert_eq!(client.runtime().name(), on.runtime.name());
    let text = format!("{client:?}");
    assert!(text.contains(on.runtime.name()) && text.contains("Running"), "{text}");
}

async fn two_clients_live_side_by_side<R: AnyOf>(on: Setting<R>) {
    let (first, second) = (on.client(1).await, on.client(2).await);
    let x = first.submit(|| 1, ());
    let y = second.submit(|| 2, ());
    on.get(first.close()).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(on.take(y).await.unwrap(), 2);
    assert_eq!(on.take(second.submit(|| 3, ())).await.unwrap(), 3);
    drop(x);
}

async fn a_library_names_no_runtime<R: AnyOf>(on: Setting<R>) {
    async fn sum_of_squares<R: Runtime>(client: &Client<R>, n: u64) -> Result<u64, Error> {
        let squares = client.map(|x: u64| x * x, 0..n);
        client.submit(|squares: Vec<u64>| squares.iter().sum(), squares).await
    }

    let client = on.client(2).await;
    let sum = if on.is_blocking { client.sync(sum_of_squares(&client, 10)) } else { sum_of_squares(&client, 10).await };
    assert_eq!(sum.unwrap(), 285);
}

async fn a_client_can_be_opened_within_a_task<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let runtime = on.runtime.clone();
    let opens = move || -> Result<i64, Error> {
        let inner = Client::with_runtime(runtime.clone()).threads(1).local().wait()?;
        let value = inner.submit(|| 5, ()).wait()?;
        inner.close().wait()?;
        Ok(value)
    };
    assert_eq!(on.take(client.submit(anydask::fallible(opens), ())).await.unwrap(), 5);
}

async fn scattered_values_are_futures_of_values_that_are_there<R: AnyOf>(on: Setting<R>) {
    struct NotClone(i64);

    let client = on.client(2).await;
    let (occupant, release) = on.occupy(&client).await;
    let scattered = on.get(client.scatter(NotClone(5))).await.unwrap();
    assert!(scattered.is_done());
    assert!(scattered.key().starts_with("scatter-"), "{}", scattered.key());
    let read = client.map(|value: std::sync::Arc<NotClone>, x: i64| value.0 + x, (0..3).map(|x| (&scattered, x)));
    assert_eq!(on.get(client.gather(read)).await.unwrap(), [5, 6, 7]);
    assert_eq!(on.get(scattered.shared()).await.unwrap().0, 5);
    release.set();
    on.take(occupant).await.unwrap();
}

async fn the_runtime_around_the_caller_is_detected<R: AnyOf>(on: Setting<R>) {
    let client: Client<AnyRuntime> = Client::detect().unwrap().threads(1).local().await.unwrap();
    assert_eq!(client.runtime().name(), on.runtime.name());
    assert_eq!(client.submit(|x: i64| x + 1, 10).await.unwrap(), 11);
    let asynchronously = client.submit(anydask::asynchronous(|| async { 1 }), ());
    assert_eq!(asynchronously.await.unwrap(), 1);
    client.close().await.unwrap();
}

async fn the_runtime_around_a_spawned_task_is_detected<R: AnyOf>(on: Setting<R>) {
    let name = on.runtime.name();
    let task = on.runtime.spawn(async move {
        let client = Client::detect()?.local().await?;
        assert_eq!(client.runtime().name(), name);
        let value = client.submit(|x: i64| x + 1, 10).await;
        client.close().await?;
        value
    });
    assert_eq!(task.await.unwrap().unwrap(), 11);
}

#[test]
fn a_plain_thread_has_no_runtime_and_the_error_says_what_was_looked_for() {
    let error = thread::spawn(|| Client::detect().unwrap_err()).join().unwrap();
    assert!(matches!(error, Error::NoRuntime(_)));
    let text = error.to_string();
    for (is_on, name) in [
        (cfg!(feature = "tokio"), "tokio"),
        (cfg!(feature = "async-std"), "async-std"),
        (cfg!(feature = "smol"), "smol"),
    ] {
        assert_eq!(text.contains(name), is_on, "{text}");
    }
    assert!(text.contains("with_runtime"), "{text}");
}

#[cfg(all(feature = "tokio", feature = "smol"))]
#[test]
fn an_awaited_client_finds_its_runtime_or_says_that_there_is_none() {
    use anydask::runtime::Smol;

    let outside = Smol::new().block_on(async { anydask::tokio::Client::local().await }).unwrap();
    match outside {
        Err(error @ Error::NoRuntime(_)) => assert!(error.to_string().contains("tokio"), "{error}"),
        other => panic!("{other:?}"),
    }
    // smol is everywhere.
    let tokio = ::tokio::runtime::Builder::new_current_thread().build().unwrap();
    let sum = tokio.block_on(async {
        let client = anydask::smol::Client::local().await?;
        client.submit(|| 1 + 1, ()).await
    });
    assert_eq!(sum.unwrap(), 2);
}

#[cfg(feature = "tokio")]
#[test]
fn blocking_code_without_a_runtime_gets_one() {
    let client = anydask::tokio::Client::local().wait().unwrap();
    let slept = client.submit(
        anydask::asynchronous(|| async { ::tokio::time::sleep(std::time::Duration::from_millis(1)).await }),
        (),
    );
    slept.wait().unwrap();
    let sum = client.sync(async { client.gather(client.map(|x: i64| x, 0..3)).await }).unwrap();
    assert_eq!(sum, [0, 1, 2]);
    client.close().wait().unwrap();
}

#[cfg(feature = "tokio")]
#[test]
fn what_is_given_beats_what_is_around() {
    let (inner, outer) =
        (anydask::runtime::Tokio::current_thread().unwrap(), ::tokio::runtime::Runtime::new().unwrap());
    let id = inner.handle().id();
    let ran_on = outer.block_on(async {
        let client = Client::with_runtime(inner).threads(1).local().await?;
        client.submit(anydask::asynchronous(|| async { ::tokio::runtime::Handle::current().id() }), ()).await
    });
    assert_eq!(ran_on.unwrap(), id);
}
