//! Closures that block.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_lite::future::{poll_once, yield_now};

use super::harness::{Subject, in_task};
use super::support::{Signal, block_on, eventually, eventually_blocking, panic_silently};
use crate::{JoinError, TaskHandle};

/// More closures than any pool should have threads: tokio's has 512 at most, that of smol and async-std 500.
const CLOSURES: usize = 1024;

/// B1. A blocking closure's value is what its handle gives.
pub fn a_blocking_closure_gives_its_value<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        assert_eq!(runtime.spawn_blocking(|| 7).await.unwrap(), 7);
    });
}

/// B1. A plain thread can start one, and await it without the runtime.
pub fn a_plain_thread_can_start_a_blocking_closure<R: Subject>(runtime: R) {
    assert_eq!(block_on(runtime.spawn_blocking(|| 7)).unwrap(), 7);
}

/// B2. A panic is a value of the handle, with its payload, and harms nobody else.
pub fn a_panicking_blocking_closure_resolves_to_its_panic<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        for _ in 0..16 {
            let error = runtime.spawn_blocking(|| panic_silently::<()>("on purpose")).await.unwrap_err();
            assert_eq!(error.panic_message(), Some("on purpose"));
        }
        assert_eq!(runtime.spawn_blocking(|| "alive").await.unwrap(), "alive");
    });
}

/// B3. Tasks go on while closures block, more of them than an executor has threads.
pub fn blocking_closures_do_not_stall_tasks<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let release = Signal::default();
        let blocked: Vec<_> = (0..64)
            .map(|number| {
                let release = release.clone();
                runtime.spawn_blocking(move || {
                    release.wait();
                    number
                })
            })
            .collect();
        // They end only if tasks and timers run meanwhile.
        let task = runtime.spawn({
            let runtime = runtime.clone();
            async move {
                yield_now().await;
                runtime.sleep(Duration::from_millis(20)).await;
                release.raise();
            }
        });
        for (number, closure) in blocked.into_iter().enumerate() {
            assert_eq!(closure.await.unwrap(), number);
        }
        task.await.unwrap();
    });
}

/// B4. Detached closures all run.
pub fn detached_blocking_closures_all_run<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let count = Arc::new(AtomicUsize::new(0));
        for _ in 0..64 {
            let count = count.clone();
            runtime.spawn_blocking(move || count.fetch_add(1, Ordering::SeqCst)).detach();
        }
        eventually(&runtime, || count.load(Ordering::SeqCst) == 64).await;
    });
}

/// B5. A closure that runs when it is aborted goes on to its end, and its handle does not resolve before.
pub fn aborting_a_running_blocking_closure_lets_it_end<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let (started, release, ended) = (Signal::default(), Signal::default(), Signal::default());
        let mut handle = runtime.spawn_blocking({
            let (started, release, ended) = (started.clone(), release.clone(), ended.clone());
            move || {
                started.raise();
                release.wait();
                ended.raise();
                7
            }
        });
        started.raised().await;
        handle.abort();
        assert!(poll_once(&mut handle).await.is_none(), "the handle resolved while the closure ran");
        assert!(!handle.is_finished(), "the closure still runs");
        release.raise();
        // Whether the value is kept is the runtime's choice.
        assert!(matches!(handle.await, Ok(7) | Err(JoinError::Aborted)));
        assert!(ended.is_raised(), "the handle resolved before the closure had ended");
    });
}

/// B5. A closure that is still queued when it is aborted never starts.
///
/// In a process of its own, because it fills the pool.
pub fn aborting_a_queued_blocking_closure_keeps_it_from_starting<R: Subject>(runtime: R) {
    let release = Signal::default();
    let closures: Vec<_> = (0..CLOSURES)
        .map(|_| {
            let release = release.clone();
            runtime.spawn_blocking(move || release.wait())
        })
        .collect();
    let ran = Signal::default();
    let mut queued = runtime.spawn_blocking({
        let ran = ran.clone();
        move || ran.raise()
    });
    queued.abort();
    release.raise();
    assert!(matches!(block_on(queued), Err(JoinError::Aborted)));
    for closure in closures {
        block_on(closure).unwrap();
    }
    assert!(!ran.is_raised(), "the aborted closure ran");
}

/// B6. The number of threads for blocking closures has a bound; what comes after it waits and then runs.
///
/// In a process of its own, because it fills the pool.
pub fn the_threads_for_blocking_closures_are_bounded<R: Subject>(runtime: R) {
    const SETTLED_AFTER: Duration = Duration::from_millis(300);

    let started = Arc::new(AtomicUsize::new(0));
    let release = Signal::default();
    let closures: Vec<_> = (0..CLOSURES)
        .map(|_| {
            let (started, release) = (started.clone(), release.clone());
            runtime.spawn_blocking(move || {
                started.fetch_add(1, Ordering::SeqCst);
                release.wait();
            })
        })
        .collect();
    // Nothing announces that no further thread will start.
    let mut last = (started.load(Ordering::SeqCst), Instant::now());
    eventually_blocking(|| {
        let now = started.load(Ordering::SeqCst);
        if now != last.0 {
            last = (now, Instant::now());
        }
        last.1.elapsed() > SETTLED_AFTER && now > 0
    });
    release.raise();
    for closure in closures {
        block_on(closure).unwrap();
    }
    assert!(last.0 < CLOSURES, "all {CLOSURES} closures had a thread at once");
    assert_eq!(started.load(Ordering::SeqCst), CLOSURES);
}

/// B7. A blocking closure may block on the runtime: it is not in an async context.
pub fn a_blocking_closure_can_block_on_the_runtime<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let inner = runtime.clone();
        let seen = runtime.spawn_blocking(move || {
            let context = inner.in_async_context();
            let value = inner.block_on(async {
                inner.sleep(Duration::from_millis(1)).await;
                7
            });
            (context, value)
        });
        assert_eq!(seen.await.unwrap(), (false, Ok(7)));
    });
}
