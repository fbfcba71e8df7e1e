//! Where code runs, and what it may do there.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use futures_lite::future::ready;
use futures_lite::{AsyncReadExt, AsyncWriteExt};

use super::harness::{Subject, in_task};
use super::streams::loopback;
use super::support::{Signal, block_on, panic_silently};
use crate::{ByteStream, Listener, NestedBlockOn, TaskHandle, TimerExt};

/// C1. Blocking inside a task is refused with an error: no panic, no deadlock.
pub fn block_on_inside_a_task_is_refused<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        assert!(runtime.in_async_context());
        let error = runtime.block_on(ready(())).unwrap_err();
        assert_eq!(error, NestedBlockOn::new(runtime.name()));
        futures_lite::future::yield_now().await;
        assert!(runtime.block_on(ready(())).is_err(), "it is refused after an await as well");
    });
}

/// C1. Inside `block_on`, another one neither panics nor deadlocks, and is refused where the context says so.
pub fn block_on_inside_block_on_goes_by_the_context<R: Subject>(runtime: R) {
    let seen = runtime.block_on(async { (runtime.in_async_context(), runtime.block_on(ready(7))) });
    match seen.unwrap() {
        (true, inner) => assert!(inner.is_err()),
        (false, inner) => assert_eq!(inner, Ok(7)),
    }
}

/// C1. A plain thread is in no async context, before and after it has blocked.
pub fn a_plain_thread_can_block_on_the_runtime<R: Subject>(runtime: R) {
    for round in 0..3 {
        assert!(!runtime.in_async_context());
        let sum = runtime.block_on(async {
            let task = runtime.spawn(async { 1 });
            runtime.sleep(Duration::from_millis(1)).await;
            // Not `Send`, which `block_on` does not ask for.
            let local = std::rc::Rc::new(round);
            futures_lite::future::yield_now().await;
            task.await.unwrap() + *local
        });
        assert_eq!(sum, Ok(round + 1));
    }
}

/// C1. Two plain threads can block at the same time.
pub fn several_threads_can_block_on_the_runtime_at_once<R: Subject>(runtime: R) {
    let (left, right) = (Signal::default(), Signal::default());
    let other = thread::spawn({
        let (runtime, left, right) = (runtime.clone(), left.clone(), right.clone());
        move || {
            runtime.block_on(async {
                left.raise();
                right.raised().await;
                runtime.sleep(Duration::from_millis(1)).await;
            })
        }
    });
    let here = runtime.block_on(async {
        left.raised().await;
        runtime.sleep(Duration::from_millis(1)).await;
        right.raise();
    });
    assert_eq!((here, other.join().unwrap()), (Ok(()), Ok(())));
}

/// C1. A panic in `block_on` reaches its caller, and the thread can block again.
pub fn a_panic_in_block_on_reaches_its_caller<R: Subject>(runtime: R) {
    let panicked = catch_unwind(AssertUnwindSafe(|| runtime.block_on(async { panic_silently::<()>("on purpose") })));
    assert!(panicked.is_err());
    assert!(!runtime.in_async_context(), "the mark of the context was left behind");
    assert_eq!(runtime.block_on(ready(7)), Ok(7));
}

/// C2. Blocking on the runtime inside another executor works: that is not this runtime's context.
pub fn block_on_inside_a_foreign_executor_works<R: Subject>(runtime: R) {
    let value = block_on(async {
        assert!(!runtime.in_async_context());
        runtime.block_on(async {
            runtime.sleep(Duration::from_millis(1)).await;
            runtime.spawn(async { 7 }).await.unwrap()
        })
    });
    assert_eq!(value, Ok(7));
}

/// C3. Streams and listeners can be made and polled by an executor that knows nothing of the runtime.
pub fn a_foreign_executor_can_connect_and_accept<R: Subject>(runtime: R) {
    block_on(async {
        let mut listener = runtime.bind(&loopback()).await.unwrap();
        let address = listener.local().unwrap();
        let (client, server) = futures_lite::future::zip(runtime.connect(&address), listener.accept()).await;
        let (mut client, (mut server, _)) = (client.unwrap(), server.unwrap());
        // Read first, so that the reactor has to wake this executor.
        let mut received = [0; 4];
        let (read, written) = futures_lite::future::zip(server.read_exact(&mut received), async {
            futures_lite::future::yield_now().await;
            client.write_all(b"ping").await
        })
        .await;
        read.unwrap();
        written.unwrap();
        assert_eq!(&received, b"ping");
        client.shutdown_write().await.unwrap();
        assert_eq!(server.read(&mut received).await.unwrap(), 0);
    });
}

/// C6. Everything can be made outside of the runtime, given its value, and used inside.
pub fn everything_can_be_made_outside_and_used_inside<R: Subject>(runtime: R) {
    let mut sleep = Box::pin(runtime.sleep(Duration::from_millis(5)));
    let mut interval = runtime.interval(Duration::from_millis(5));
    let timeout = runtime.timeout(Duration::from_secs(60), ready(7));
    let task = runtime.spawn(async { 7 });
    let listener = block_on(runtime.bind(&loopback())).unwrap();
    in_task(runtime, |runtime| async move {
        (&mut sleep).await;
        interval.tick().await;
        interval.tick().await;
        assert_eq!(timeout.await, Ok(7));
        assert_eq!(task.await.unwrap(), 7);
        let mut listener = listener;
        let address = listener.local().unwrap();
        let (client, server) = futures_lite::future::zip(runtime.connect(&address), listener.accept()).await;
        client.unwrap();
        server.unwrap();
    });
}

/// C7. The last clone can be dropped inside a task of the runtime, without a panic.
pub fn the_last_clone_can_be_dropped_inside_a_task<R: Subject>(runtime: R) {
    let go = Signal::default();
    let (sender, receiver) = mpsc::channel();
    let task = {
        let (runtime, go) = (runtime.clone(), go.clone());
        async move {
            go.raised().await;
            let _ = sender.send(catch_unwind(AssertUnwindSafe(|| drop(runtime))).is_ok());
        }
    };
    runtime.spawn(task).detach();
    drop(runtime);
    go.raise();
    assert_eq!(receiver.recv(), Ok(true), "dropping panicked");
}

/// C7. The last clone can be dropped by a blocking closure.
pub fn the_last_clone_can_be_dropped_by_a_blocking_closure<R: Subject>(runtime: R) {
    let go = Signal::default();
    let (sender, receiver) = mpsc::channel();
    let closure = {
        let (runtime, go) = (runtime.clone(), go.clone());
        move || {
            go.wait();
            let _ = sender.send(catch_unwind(AssertUnwindSafe(|| drop(runtime))).is_ok());
        }
    };
    runtime.spawn_blocking(closure).detach();
    drop(runtime);
    go.raise();
    assert_eq!(receiver.recv(), Ok(true), "dropping panicked");
}

/// C7. The last clone can be dropped inside `block_on` of another executor, and on a plain thread.
pub fn the_last_clone_can_be_dropped_outside<R: Subject>(runtime: R) {
    let clone = runtime.clone();
    thread::spawn(move || drop(clone)).join().unwrap();
    block_on(async move { drop(runtime) });
}
