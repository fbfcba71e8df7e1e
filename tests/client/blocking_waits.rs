//! `.wait()` where blocking would stall a runtime: an error that names `.await`, never a deadlock or a panic.

use std::time::Duration;

use anydask::runtime::{BlockOn, Current, Shutdown};
use anydask::{Client, Error, asynchronous};

use crate::support::{AnyOf, Setting, awaited_on_every_runtime, on_every_runtime};

awaited_on_every_runtime! {
    waiting_in_the_root_future_is_refused;
    waiting_in_a_spawned_task_is_refused;
    waiting_on_a_blocking_thread_of_the_runtime_works;
    what_was_refused_can_still_be_awaited;
    opening_and_scopes_are_refused_alike;
}

mod anywhere {
    use super::*;

    on_every_runtime! {
        waiting_in_an_asynchronous_task_is_refused;
        sync_runs_a_future_inside_the_runtime;
        sync_gives_the_futures_own_error;
    }
}

/// Every way to block, one after the other, in a place where that is wrong.
fn check_all_refused<R: AnyOf>(client: &Client<R>) {
    let future = client.submit(|x: i64| x + 1, 10);
    let name = client.runtime().name();
    check_refused(name, future.wait());
    check_refused(name, future.timeout(Duration::from_secs(1)).wait());
    check_refused(name, future.shared().wait());
    check_refused(name, client.gather(&future).wait());
    check_refused(name, client.gather_ok([&future]).wait());
    check_refused(name, client.gather_results([&future]).wait());
    check_refused(name, client.wait([&future]).wait());
    check_refused(name, client.scatter(1).wait());
    check_refused(name, client.sync(async { future.clone().await }));
    check_refused(name, Client::with_runtime(client.runtime().clone()).local().wait());
    let scope = Client::with_runtime(client.runtime().clone()).scope(async |_| Ok::<(), Error>(()));
    check_refused(name, scope.wait());
    check_refused(name, client.close().wait());
}

fn check_refused<T>(name: &str, result: Result<T, Error>) {
    match result {
        Err(error @ Error::BlockingInAsync { runtime, .. }) => {
            assert_eq!(runtime, name);
            let text = error.to_string();
            assert!(text.contains(".await") && text.contains(name), "{text}");
        }
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("blocked where that is wrong"),
    }
}

async fn waiting_in_the_root_future_is_refused<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    check_all_refused(&client);
    // Also after a real await, and when the value is there.
    let future = client.submit(|| 1, ());
    (&future).await.unwrap();
    check_refused(client.runtime().name(), future.wait());
    check_all_refused(&client);
    client.close().await.unwrap();
}

async fn waiting_in_a_spawned_task_is_refused<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let own = client.clone();
    let task = on.runtime.spawn(async move {
        check_all_refused(&own);
        own.runtime().sleep(Duration::from_millis(1)).await;
        check_all_refused(&own);
        own.submit(|| 1, ()).await
    });
    assert_eq!(task.await.unwrap().unwrap(), 1);
    client.close().await.unwrap();
}

async fn waiting_in_an_asynchronous_task_is_refused<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let own = client.clone();
    let checks = move || {
        let own = own.clone();
        async move {
            check_all_refused(&own);
            own.runtime().sleep(Duration::from_millis(1)).await;
            check_all_refused(&own);
            own.submit(|x: i64| x + 1, 10).await
        }
    };
    let checked = client.submit(anydask::fallible(asynchronous(checks)), ());
    assert_eq!(on.take(checked).await.unwrap(), 11);
}

async fn waiting_on_a_blocking_thread_of_the_runtime_works<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let own = client.clone();
    let task = on.runtime.spawn_blocking(move || {
        let future = own.submit(|x: i64| x + 1, 10);
        let gathered = own.gather([&future, &future]).wait()?;
        let synced = own.sync(async { own.gather(&future).await })?;
        Ok::<_, Error>((future.wait()?, gathered, synced))
    });
    assert_eq!(task.await.unwrap().unwrap(), (11, [11, 11], 11));
    let own = client.clone();
    on.runtime.spawn_blocking(move || own.close().wait()).await.unwrap().unwrap();
}

async fn what_was_refused_can_still_be_awaited<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let future = client.submit(|x: i64| x + 1, 10);
    assert!(future.wait().is_err());
    assert_eq!((&future).await.unwrap(), 11);
    assert!(client.close().wait().is_err());
    assert_eq!(client.submit(|| 1, ()).await.unwrap(), 1);
}

async fn opening_and_scopes_are_refused_alike<R: AnyOf>(on: Setting<R>) {
    match on.builder().local().wait() {
        Err(Error::BlockingInAsync { operation, .. }) => assert_eq!(operation, "local"),
        other => panic!("{other:?}"),
    }
    match on.builder().scope(async |_| Ok::<(), Error>(())).wait() {
        Err(Error::BlockingInAsync { operation, .. }) => assert_eq!(operation, "scope"),
        other => panic!("{other:?}"),
    }
}

async fn sync_runs_a_future_inside_the_runtime<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let own = client.clone();
    // On a plain thread, whatever the setting is.
    let body = move || {
        own.sync(async {
            own.runtime().sleep(Duration::from_millis(1)).await;
            assert!(own.runtime().in_async_context());
            let spawned = own.runtime().spawn(async { 1 }).await;
            let all = own.gather(own.map(|x: i64| x + 1, 0..3)).await?;
            // Not `Send`, and it need not be.
            let local = std::rc::Rc::new(2);
            Ok::<_, Error>((spawned.unwrap() + *local, all))
        })
    };
    let synced = std::thread::spawn(body).join().unwrap();
    assert_eq!(synced.unwrap(), (3, vec![1, 2, 3]));
}

async fn sync_gives_the_futures_own_error<R: AnyOf>(on: Setting<R>) {
    #[derive(Debug, PartialEq)]
    enum Mine {
        Own(i64),
        Client(String),
    }

    impl From<Error> for Mine {
        fn from(error: Error) -> Self {
            Self::Client(error.to_string())
        }
    }

    let client = on.client(1).await;
    let own = client.clone();
    let failed = std::thread::spawn(move || own.sync(async { Err::<(), _>(Mine::Own(7)) })).join().unwrap();
    assert_eq!(failed, Err(Mine::Own(7)));
    if !on.is_blocking {
        let refused = client.sync(async { Ok::<(), Mine>(()) });
        assert!(matches!(refused, Err(Mine::Client(text)) if text.contains(".await")));
    }
}

/// The same from the program's own `main`, without our harness around it.
#[cfg(feature = "tokio")]
#[tokio::test(flavor = "current_thread")]
async fn waiting_below_tokios_own_macro_is_refused() {
    natively::<anydask::runtime::Tokio>().await;
}

#[cfg(feature = "tokio")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_below_tokios_own_macro_is_refused_on_many_threads() {
    natively::<anydask::runtime::Tokio>().await;
}

#[cfg(feature = "smol")]
#[test]
fn waiting_below_smols_own_block_on_is_refused() {
    ::smol::block_on(natively::<anydask::runtime::Smol>());
}

#[cfg(feature = "async-std")]
#[test]
fn waiting_below_async_stds_own_block_on_is_refused() {
    anydask::runtime::AsyncStd::new().block_on(natively::<anydask::runtime::AsyncStd>()).unwrap();
}

async fn natively<R: Current + BlockOn + Shutdown>() {
    match Client::<R>::local().wait() {
        Err(Error::BlockingInAsync { operation, .. }) => assert_eq!(operation, "local"),
        other => panic!("{other:?}"),
    }
    let client = Client::<R>::local().await.unwrap();
    check_all_refused(&client);
    assert_eq!(client.submit(|x: i64| x + 1, 10).await.unwrap(), 11);
    client.close().await.unwrap();
}
