//! What only tokio has: several runtimes in one process, lent ones, paused clocks, and runtimes without timers or I/O.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use anydask_runtime::{BlockOn, Current, Endpoint, JoinError, Listener, Runtime, Shutdown, ShutdownReport};
use anydask_runtime::{Spawner, TaskHandle, Timer, TimerExt, Transport};
use anydask_tokio::Tokio;
use futures_lite::future::block_on;
use tokio::runtime::{Builder, Handle, Id};

fn both_flavours() -> [Tokio; 2] {
    [Tokio::multi_thread(2).unwrap(), Tokio::current_thread().unwrap()]
}

fn here() -> Id {
    Handle::current().id()
}

/// C4. A task, a closure and a `block_on` run on the runtime they were given to, not on the one around the caller.
#[test]
fn the_given_runtime_beats_the_one_around() {
    let around = Tokio::multi_thread(2).unwrap();
    for given in both_flavours() {
        let expected = given.handle().id();
        assert_ne!(expected, around.handle().id());
        let inner = given.clone();
        let seen = around.spawn(async move {
            let task = inner.spawn(async { here() }).await.unwrap();
            let closure = inner.spawn_blocking(here).await.unwrap();
            (task, closure)
        });
        assert_eq!(block_on(seen).unwrap(), (expected, expected));

        let inner = given.clone();
        let seen = around.spawn_blocking(move || inner.block_on(async { here() }));
        assert_eq!(block_on(seen).unwrap(), Ok(expected));
    }
}

/// C4. Timers and sockets that are made and polled inside another runtime are the given runtime's: they outlive the
/// other.
#[test]
fn timers_and_sockets_belong_to_the_given_runtime() {
    for given in both_flavours() {
        let other = Tokio::multi_thread(1).unwrap();
        let inner = given.clone();
        let made = other.spawn(async move {
            let listener = inner.bind(&"tcp://127.0.0.1:0".parse().unwrap()).await.unwrap();
            let client = inner.connect(&listener.local().unwrap()).await.unwrap();
            (listener, client, inner.sleep(Duration::from_millis(5)))
        });
        let (mut listener, client, sleep) = block_on(made).unwrap();
        assert_eq!(block_on(other.shutdown(Duration::from_secs(10))), ShutdownReport::Complete);
        block_on(sleep);
        block_on(listener.accept()).unwrap();
        drop(client);
    }
}

/// C5. Inside a runtime that the program has started, that one is found.
#[test]
fn the_programs_runtime_is_found() {
    let program = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let found = program.block_on(async { Tokio::current().unwrap() });
    assert_eq!(found.handle().id(), program.handle().id());
    let entered = program.enter();
    assert_eq!(<Tokio as Current>::current().unwrap().handle().id(), program.handle().id());
    drop(entered);
    assert!(Tokio::current().is_err());
}

/// C2. Blocking on one tokio inside a task of another would stall the other: it is refused. In a closure of the other
/// that may block, it works.
#[test]
fn block_on_inside_a_task_of_another_tokio_is_refused() {
    let around = Tokio::multi_thread(1).unwrap();
    for given in both_flavours() {
        let inner = given.clone();
        assert!(block_on(around.spawn(async move { inner.block_on(async {}).is_err() })).unwrap());
        let inner = given.clone();
        assert_eq!(block_on(around.spawn_blocking(move || inner.block_on(async { 7 }))).unwrap(), Ok(7));
    }
}

/// C7. The last clone of an owned runtime can be dropped inside another tokio's `block_on`, where tokio itself panics.
#[test]
fn an_owned_runtime_can_be_dropped_inside_tokio() {
    let program = Builder::new_current_thread().enable_all().build().unwrap();
    for owned in both_flavours() {
        owned.spawn(std::future::pending::<()>()).detach();
        program.block_on(async move { drop(owned) });
    }
}

/// C9. Lent from a current-thread runtime, everything works while the program drives that.
#[tokio::test]
async fn a_current_thread_runtime_can_be_lent() {
    let lent = Tokio::current().unwrap();
    assert!(lent.in_async_context());
    assert_eq!(lent.spawn(async { 7 }).await.unwrap(), 7);
    lent.sleep(Duration::from_millis(1)).await;
    assert!(lent.timeout(Duration::from_millis(1), std::future::pending::<()>()).await.is_err());
    assert_eq!(lent.shutdown(Duration::ZERO).await, ShutdownReport::NotOwned);
    assert_eq!(lent.spawn(async { 8 }).await.unwrap(), 8);
}

/// C9. Without I/O, connecting and binding give an error that says so.
#[test]
fn without_io_connecting_is_unsupported() {
    let program = Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let lent = Tokio::from_handle(program.handle().clone());
    let endpoint: Endpoint = "tcp://127.0.0.1:0".parse().unwrap();
    for error in [block_on(lent.connect(&endpoint)).unwrap_err(), block_on(lent.bind(&endpoint)).unwrap_err()] {
        assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
        assert!(error.to_string().contains("enable_io"), "{error}");
    }
}

/// C9. Without timers a sleep, which has no way to fail, panics and says what to enable.
#[test]
fn without_timers_a_sleep_panics_clearly() {
    let program = Builder::new_multi_thread().worker_threads(1).enable_io().build().unwrap();
    let lent = Tokio::from_handle(program.handle().clone());
    let panic = catch_unwind(AssertUnwindSafe(|| block_on(lent.sleep(Duration::ZERO)))).unwrap_err();
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied()).unwrap();
    assert!(text.contains("enable_time"), "{text}");
    assert_eq!(block_on(lent.spawn(async { 7 })).unwrap(), 7, "everything else works");
}

/// D2, D3. When the program ends the runtime that it has lent, tasks say so and sleeps stay pending.
#[test]
fn a_lent_runtime_that_ends_panics_nowhere() {
    let program = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let lent = Tokio::from_handle(program.handle().clone());
    let pending = lent.spawn(std::future::pending::<()>());
    let mut sleep = Box::pin(lent.sleep(Duration::from_millis(1)));
    drop(program);
    assert!(matches!(block_on(pending), Err(JoinError::Shutdown)));
    assert!(matches!(block_on(lent.spawn(async {})), Err(JoinError::Shutdown)));
    assert!(matches!(block_on(lent.spawn_blocking(|| ())), Err(JoinError::Shutdown)));
    for _ in 0..3 {
        assert!(block_on(futures_lite::future::poll_once(&mut sleep)).is_none());
    }
    let mut late = Box::pin(lent.sleep(Duration::ZERO));
    assert!(block_on(futures_lite::future::poll_once(&mut late)).is_none());
}

/// T14. The clock is tokio's: when it is paused, time passes as tokio says.
#[tokio::test(start_paused = true)]
async fn a_paused_clock_is_the_clock() {
    let lent = Tokio::current().unwrap();
    let (start, real) = (lent.now(), std::time::Instant::now());
    lent.sleep(Duration::from_secs(3600)).await;
    assert!(lent.now() - start >= Duration::from_secs(3600));
    assert!(real.elapsed() < Duration::from_secs(60), "the hour has really passed");

    let mut interval = lent.interval(Duration::from_secs(60));
    let first = interval.tick().await;
    assert_eq!(interval.tick().await - first, Duration::from_secs(60));
}
