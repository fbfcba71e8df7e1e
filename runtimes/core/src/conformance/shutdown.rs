//! The end of a runtime that its value owns. One that is not owned answers [`ShutdownReport::NotOwned`], and declares
//! these behaviours impossible.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;
use std::thread;
use std::time::Duration;

use futures_lite::future::{pending, poll_once, yield_now};
use futures_lite::{AsyncReadExt, AsyncWriteExt};

use super::harness::Subject;
use super::streams::{loopback, pair};
use super::support::{Signal, block_on, drive_for, eventually_blocking, start_waiting};
use crate::{Instant, JoinError, ShutdownReport, TaskHandle, TimerExt};

/// More time than any of these shutdowns needs.
const GRACE: Duration = Duration::from_secs(10);

/// Long enough for what would happen at once, if it did.
const A_MOMENT: Duration = Duration::from_millis(20);

/// Ends the runtime from a plain thread and requires that it is owned.
fn end<R: Subject>(runtime: &R) {
    assert_eq!(block_on(runtime.shutdown(GRACE)), ShutdownReport::Complete);
}

/// D1. Handles of tasks that the shutdown ended resolve to `Shutdown`; what has ended before keeps its value.
pub fn a_shutdown_resolves_pending_handles<R: Subject>(runtime: R) {
    let started = Signal::default();
    let running = runtime.spawn({
        let started = started.clone();
        async move {
            started.raise();
            pending::<()>().await;
        }
    });
    let sleeping = runtime.spawn(runtime.sleep(Duration::from_secs(3600)));
    let finished = runtime.spawn(async { 7 });
    started.wait();
    eventually_blocking(|| finished.is_finished());
    end(&runtime);
    assert!(running.is_finished());
    assert!(matches!(block_on(running), Err(JoinError::Shutdown)));
    assert!(matches!(block_on(sleeping), Err(JoinError::Shutdown)));
    assert_eq!(block_on(finished).unwrap(), 7);
}

/// D1. Somebody who awaits a handle outside of the runtime is woken by the shutdown.
pub fn a_shutdown_wakes_who_awaits_a_handle<R: Subject>(runtime: R) {
    let (started, waiting) = (Signal::default(), Signal::default());
    let mut handle = runtime.spawn({
        let started = started.clone();
        async move {
            started.raise();
            pending::<()>().await;
        }
    });
    started.wait();
    let thread = thread::spawn({
        let waiting = waiting.clone();
        move || {
            block_on(async {
                assert!(poll_once(&mut handle).await.is_none());
                waiting.raise();
                handle.await
            })
        }
    });
    waiting.wait();
    end(&runtime);
    assert!(matches!(thread.join().unwrap(), Err(JoinError::Shutdown)));
}

/// D2. Spawning after a shutdown panics nowhere: the handles say `Shutdown`, the work is dropped and never runs.
pub fn spawning_after_a_shutdown_gives_handles_that_say_so<R: Subject>(runtime: R) {
    end(&runtime);
    let ran = Arc::new(AtomicUsize::new(0));
    let dropped = Signal::default();
    let task = {
        let (ran, guard) = (ran.clone(), dropped.on_drop());
        async move {
            let _guard = guard;
            ran.fetch_add(1, Ordering::SeqCst);
        }
    };
    let handle = runtime.spawn(task);
    assert!(matches!(block_on(handle), Err(JoinError::Shutdown)));
    assert!(dropped.is_raised());
    let counted = ran.clone();
    let handle = runtime.spawn_blocking(move || counted.fetch_add(1, Ordering::SeqCst));
    assert!(matches!(block_on(handle), Err(JoinError::Shutdown)));
    let mut handle = runtime.spawn(pending::<()>());
    handle.abort();
    // Which of the two came first is the runtime's to say.
    assert!(matches!(block_on(handle), Err(JoinError::Shutdown | JoinError::Aborted)));
    runtime.spawn(pending::<()>()).detach();
    drop(runtime.spawn(pending::<()>()));
    assert_eq!(ran.load(Ordering::SeqCst), 0);
}

/// D3. Sleeps stay pending after a shutdown, made before it or after; nothing panics.
pub fn sleeping_after_a_shutdown_does_not_panic<R: Subject>(runtime: R) {
    let deadline = runtime.now() + A_MOMENT * 2;
    let mut polled = Box::pin(runtime.sleep_until(deadline));
    let unpolled = runtime.sleep(Duration::from_millis(1));
    start_waiting(polled.as_mut(), Waker::noop());
    end(&runtime);
    let ended_before = runtime.now() < deadline;
    let polled = drive_for(A_MOMENT * 4, polled);
    assert!(polled.is_none() || !ended_before);
    assert!(drive_for(A_MOMENT, unpolled).is_none());
    assert!(drive_for(A_MOMENT, runtime.sleep(Duration::from_millis(1))).is_none());
    assert!(drive_for(A_MOMENT, runtime.sleep(Duration::ZERO)).is_none());
    assert_eq!(drive_for(A_MOMENT, runtime.timeout(Duration::ZERO, async { 7 })), Some(Ok(7)));
    let before = runtime.now();
    assert!(runtime.now() >= before, "the clock goes on");
}

/// D3. Connecting, binding, reading and writing after a shutdown give an error or stay pending; nothing panics.
pub fn networking_after_a_shutdown_does_not_panic<R: Subject>(runtime: R) {
    let mut pair = block_on(pair(&runtime, "tcp", &loopback()));
    end(&runtime);
    drive_for(A_MOMENT, async {
        let _ = pair.client.write_all(b"x").await;
    });
    drive_for(A_MOMENT, async {
        let _ = pair.server.read_to_end(&mut Vec::new()).await;
    });
    drop(pair);
    let address = loopback();
    drive_for(A_MOMENT, async {
        if let Ok(listener) = runtime.bind(&address).await {
            drop(listener);
        }
    });
    let refusing = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = crate::Endpoint::Tcp(refusing.local_addr().unwrap());
    drive_for(A_MOMENT, async {
        let _ = runtime.connect(&address).await;
    });
}

/// D4. When the shutdown returns, all tasks have been dropped, whether or not they had started.
pub fn all_tasks_are_dropped_when_a_shutdown_returns<R: Subject>(runtime: R) {
    const TASKS: usize = 200;

    let started = Arc::new(AtomicUsize::new(0));
    let dropped: Vec<_> = (0..TASKS).map(|_| Signal::default()).collect();
    for signal in &dropped {
        let (guard, started) = (signal.on_drop(), started.clone());
        let forever = runtime.clone();
        let task = async move {
            let _guard = guard;
            started.fetch_add(1, Ordering::SeqCst);
            while forever.now() >= Instant::from_epoch(Duration::ZERO) {
                yield_now().await;
                forever.sleep(Duration::from_millis(1)).await;
            }
        };
        runtime.spawn(task).detach();
    }
    eventually_blocking(|| started.load(Ordering::SeqCst) > TASKS / 2);
    end(&runtime);
    assert_eq!(dropped.iter().filter(|signal| !signal.is_raised()).count(), 0, "tasks were left");
}

/// D4. A runtime that its value owns ends with the last clone: tasks that are still there are dropped.
pub fn the_last_clone_ends_the_runtime<R: Subject>(runtime: R) {
    let (started, dropped) = (Signal::default(), Signal::default());
    let task = {
        let (started, guard) = (started.clone(), dropped.on_drop());
        async move {
            let _guard = guard;
            started.raise();
            pending::<()>().await;
        }
    };
    runtime.spawn(task).detach();
    started.wait();
    drop(runtime.clone());
    assert!(!dropped.is_raised(), "it ended with another clone");
    drop(runtime);
    dropped.wait();
}

/// D5. A second shutdown, and ones at the same time, all return, and all say that it is complete.
pub fn shutdowns_again_and_at_once_all_return<R: Subject>(runtime: R) {
    runtime.spawn(pending::<()>()).detach();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let runtime = runtime.clone();
            thread::spawn(move || end(&runtime))
        })
        .collect();
    for thread in threads {
        thread.join().expect("each of the concurrent shutdowns is complete");
    }
    end(&runtime);
}

/// D5. A shutdown waits no longer than its grace for a task that does not yield, and says so. A later one can wait
/// for the rest.
pub fn a_shutdown_waits_no_longer_than_its_grace<R: Subject>(runtime: R) {
    shutdown_against(runtime, |runtime, started, release| {
        runtime
            .spawn(async move {
                started.raise();
                release.wait();
            })
            .detach();
    });
}

/// D5. The same for a blocking closure.
pub fn a_shutdown_waits_for_blocking_closures_within_its_grace<R: Subject>(runtime: R) {
    shutdown_against(runtime, |runtime, started, release| {
        runtime
            .spawn_blocking(move || {
                started.raise();
                release.wait();
            })
            .detach();
    });
}

fn shutdown_against<R: Subject>(runtime: R, block: impl FnOnce(&R, Signal, Signal)) {
    let (started, release) = (Signal::default(), Signal::default());
    // Released in any case: a runtime that waits for it in its destructor would turn a failure into a hang.
    let _release = release.on_drop();
    block(&runtime, started.clone(), release.clone());
    started.wait();
    let start = std::time::Instant::now();
    assert_eq!(block_on(runtime.shutdown(Duration::from_millis(50))), ShutdownReport::GraceExceeded);
    assert!(start.elapsed() >= Duration::from_millis(50), "the grace was not given");
    release.raise();
    end(&runtime);
}

/// D6. A task can shut its own runtime down.
pub fn a_task_can_shut_its_runtime_down<R: Subject>(runtime: R) {
    let inner = runtime.clone();
    let task = runtime.spawn(async move { inner.shutdown(GRACE).await });
    match block_on(task) {
        Ok(report) => assert_ne!(report, ShutdownReport::NotOwned),
        Err(error) => assert!(matches!(error, JoinError::Shutdown), "{error}"),
    }
    end(&runtime);
    assert!(matches!(block_on(runtime.spawn(async {})), Err(JoinError::Shutdown)));
}

/// D6. So can a blocking closure, and the future of `block_on`.
pub fn a_blocking_closure_can_shut_its_runtime_down<R: Subject>(runtime: R) {
    let inner = runtime.clone();
    let closure = runtime.spawn_blocking(move || block_on(inner.shutdown(Duration::from_millis(50))));
    match block_on(closure) {
        Ok(report) => assert_ne!(report, ShutdownReport::NotOwned),
        Err(error) => assert!(matches!(error, JoinError::Shutdown), "{error}"),
    }
    end(&runtime);
    assert!(matches!(block_on(runtime.spawn(async {})), Err(JoinError::Shutdown)));
}

/// D6. A shutdown that is dropped after its first poll goes on.
pub fn a_dropped_shutdown_goes_on<R: Subject>(runtime: R) {
    let started = Signal::default();
    let task = runtime.spawn({
        let started = started.clone();
        async move {
            started.raise();
            pending::<()>().await;
        }
    });
    started.wait();
    let first = block_on(poll_once(runtime.shutdown(GRACE)));
    assert_ne!(first, Some(ShutdownReport::NotOwned));
    assert!(matches!(block_on(task), Err(JoinError::Shutdown)));
}

/// D5. What the report says is true: after `Complete` nothing is taken any more, and `NotOwned` has changed nothing.
pub fn the_report_of_a_shutdown_is_true<R: Subject>(runtime: R) {
    let (started, gate) = (Signal::default(), Signal::default());
    let running = runtime.spawn({
        let (started, gate) = (started.clone(), gate.clone());
        async move {
            started.raise();
            gate.raised().await;
            7
        }
    });
    started.wait();
    let report = block_on(runtime.shutdown(GRACE));
    gate.raise();
    let (before, after) = (block_on(running), block_on(runtime.spawn(async { 8 })));
    match report {
        ShutdownReport::NotOwned => assert_eq!((before.unwrap(), after.unwrap()), (7, 8)),
        ShutdownReport::Complete => {
            assert!(matches!((before, after), (Err(JoinError::Shutdown), Err(JoinError::Shutdown))));
        }
        ShutdownReport::GraceExceeded => panic!("{GRACE:?} are enough for a task that waits"),
    }
}
