//! A runtime that goes away under its client.
#![cfg(feature = "tokio")]

use std::time::Duration;

use anydask::runtime::{Runtime, Shutdown, ShutdownReport, Tokio};
use anydask::{Client, ClientStatus, Error, Status, TaskFuture, asynchronous};

use crate::support::{Event, spin_on, within_deadline};

/// An asynchronous task that has begun, what depends on it, and an event for the end of its body.
fn endless(client: &Client<Tokio>) -> (TaskFuture<i64>, TaskFuture<i64>, Event) {
    let (begun, dropped) = (Event::new(), Event::new());
    let (begins, guard) = (begun.clone(), dropped.clone());
    let endless = client.submit(
        asynchronous(move || {
            let (begins, guard) = (begins.clone(), guard.on_drop());
            async move {
                let _guard = guard;
                begins.set();
                std::future::pending().await
            }
        }),
        (),
    );
    let dependant = client.submit(|x: i64| x, &endless);
    begun.wait();
    (endless, dependant, dropped)
}

fn check_lost(endless: &TaskFuture<i64>, dependant: &TaskFuture<i64>) {
    for future in [endless, dependant] {
        match future.timeout(Duration::from_secs(20)).wait() {
            Err(error @ Error::RuntimeGone { .. }) => {
                assert_eq!(error.key(), Some(&endless.key()));
                assert!(error.to_string().contains("runtime"), "{error}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(future.status(), Status::Lost);
        assert_eq!(future.status().to_string(), "lost");
    }
}

fn check_still_works_without(client: &Client<Tokio>) {
    // CPU tasks need no runtime.
    assert_eq!(client.gather(client.map(|x: i64| x + 1, 0..3)).wait().unwrap(), [1, 2, 3]);
    // An asynchronous one is lost at once, and says so.
    let late = client.submit(asynchronous(|| async { 1 }), ());
    assert!(matches!(late.timeout(Duration::from_secs(20)).wait(), Err(Error::RuntimeGone { .. })));
    let later = client.map(asynchronous(|x: i64| async move { x }), client.map(|x: i64| x, 0..3));
    assert!(client.gather_ok(later).wait().unwrap().is_empty());
    client.close().wait().unwrap();
    assert_eq!(client.status(), ClientStatus::Closed);
}

fn shutdown_loses_asynchronous_tasks_only(runtime: Tokio) {
    let client = Client::with_runtime(runtime.clone()).threads(1).local().wait().unwrap();
    let (endless, dependant, dropped) = endless(&client);
    assert_eq!(spin_on(runtime.shutdown(Duration::from_secs(20))), ShutdownReport::Complete);
    dropped.wait();
    check_lost(&endless, &dependant);
    check_still_works_without(&client);
}

#[test]
fn a_multi_thread_runtime_that_shuts_down_loses_asynchronous_tasks_only() {
    within_deadline("shutdown", || shutdown_loses_asynchronous_tasks_only(Tokio::multi_thread(1).unwrap()));
}

#[test]
fn a_current_thread_runtime_that_shuts_down_loses_asynchronous_tasks_only() {
    within_deadline("shutdown", || shutdown_loses_asynchronous_tasks_only(Tokio::current_thread().unwrap()));
}

#[test]
fn an_erased_runtime_that_shuts_down_loses_asynchronous_tasks_only() {
    within_deadline("shutdown", || {
        let runtime = anydask::runtime::AnyRuntime::new(Tokio::multi_thread(1).unwrap());
        let client = Client::with_runtime(runtime.clone()).threads(1).local().wait().unwrap();
        let pending = client.submit(asynchronous(std::future::pending::<()>), ());
        let _ = spin_on(runtime.shutdown(Duration::from_secs(20)));
        assert!(matches!(pending.timeout(Duration::from_secs(20)).wait(), Err(Error::RuntimeGone { .. })));
        client.close().wait().unwrap();
    });
}

#[test]
fn a_lent_runtime_that_is_dropped_loses_asynchronous_tasks_only() {
    within_deadline("dropped", || {
        let runtime = ::tokio::runtime::Runtime::new().unwrap();
        let lent = Tokio::from_handle(runtime.handle().clone());
        let client = Client::with_runtime(lent).threads(1).local().wait().unwrap();
        let (endless, dependant, dropped) = endless(&client);
        drop(runtime);
        dropped.wait();
        check_lost(&endless, &dependant);
        check_still_works_without(&client);
    });
}

#[test]
fn a_task_that_lacks_resources_is_lost_with_the_runtime_that_counts_its_time() {
    within_deadline("lacking", || {
        let runtime = Tokio::multi_thread(1).unwrap();
        let builder = Client::with_runtime(runtime.clone()).threads(1).unrunnable_timeout(Duration::from_secs(3600));
        let client = builder.local().wait().unwrap();
        let submit = || client.task(|| 1, ()).resources([("gpu", 1.0)]).submit();
        let before = submit();
        let _ = spin_on(runtime.shutdown(Duration::from_secs(20)));
        for lacking in [before, submit()] {
            assert!(matches!(lacking.timeout(Duration::from_secs(20)).wait(), Err(Error::RuntimeGone { .. })));
        }
        client.close().wait().unwrap();
    });
}

#[test]
fn a_client_that_is_dropped_inside_its_own_runtime_leaves_it_alone() {
    within_deadline("inside", || {
        let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = runtime.block_on(async {
            let client = anydask::tokio::Client::local().await.unwrap();
            let clone = client.clone();
            drop(client);
            assert_eq!(clone.submit(|| 1, ()).await.unwrap(), 1);
            clone
        });
        drop(runtime);
        // A current-thread runtime that nobody drives: CPU tasks go on.
        assert_eq!(client.submit(|| 2, ()).wait().unwrap(), 2);
        assert_eq!(client.runtime().name(), "tokio");
        client.close().wait().unwrap();
    });
}

#[test]
fn a_body_that_owns_the_last_client_and_its_runtime_ends_them() {
    within_deadline("owned", || {
        let client = Client::with_runtime(Tokio::multi_thread(1).unwrap()).threads(1).local().wait().unwrap();
        let own = client.clone();
        let ended = Event::new();
        let ends = ended.on_drop();
        let asynchronously = client.submit(
            asynchronous(move || {
                let _ = &ends;
                let own = own.clone();
                // The last clone goes inside a task of the very runtime that it owns.
                async move { own.submit(|| 1, ()).await }
            }),
            (),
        );
        drop(client);
        assert!(matches!(asynchronously.wait(), Ok(Ok(1)) | Err(Error::Cancelled { .. })));
        drop(asynchronously);
        ended.wait();
    });
}
