//! Tasks and their handles.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use futures_lite::future::{pending, yield_now};

use super::harness::{Subject, in_task};
use super::support::{RaiseOnDrop, Signal, eventually, panic_silently};
use crate::error::panic_text;
use crate::{JoinError, TaskHandle};

/// S1. What a task returns is what its handle gives.
pub fn a_task_gives_its_value<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        assert_eq!(runtime.spawn(async { 7 }).await.unwrap(), 7);
    });
}

/// S1. A task runs although nobody polls its handle.
pub fn a_task_runs_without_its_handle_being_polled<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let ran = Signal::default();
        let _handle = runtime.spawn({
            let ran = ran.clone();
            async move {
                yield_now().await;
                ran.raise();
            }
        });
        ran.raised().await;
    });
}

/// S2. A panic is a value of the handle, with its payload, and harms nobody else.
pub fn a_panicking_task_resolves_to_its_panic<R: Subject>(runtime: R) {
    fn panic_with_a_string() {
        panic!("a panic {}", "with a String");
    }

    in_task(runtime, |runtime| async move {
        let error = runtime.spawn(async { panic_with_a_string() }).await.unwrap_err();
        assert!(error.is_panic());
        assert_eq!(error.panic_message(), Some("a panic with a String"));

        let late = runtime.spawn(async {
            yield_now().await;
            resume_unwind(Box::new(7_u8)) as ()
        });
        match late.await {
            Err(JoinError::Panicked(payload)) => assert_eq!(payload.downcast_ref(), Some(&7_u8)),
            other => panic!("expected the panic with its payload, got {other:?}"),
        }
        assert_eq!(runtime.spawn(async { "alive" }).await.unwrap(), "alive");
    });
}

/// S4. Dropping the handle aborts the task and drops its future.
pub fn dropping_the_handle_aborts_the_task<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let (started, gate, dropped) = (Signal::default(), Signal::default(), Signal::default());
        let went_on = Arc::new(AtomicBool::new(false));
        let handle = runtime.spawn({
            let (started, gate, guard, went_on) = (started.clone(), gate.clone(), dropped.on_drop(), went_on.clone());
            async move {
                let _guard = guard;
                started.raise();
                gate.raised().await;
                went_on.store(true, Ordering::SeqCst);
            }
        });
        started.raised().await;
        drop(handle);
        dropped.raised().await;
        gate.raise();
        assert!(!went_on.load(Ordering::SeqCst), "the task ran on after its handle was dropped");
    });
}

/// S4. A handle that is dropped at once aborts as well, whether or not the task has started.
pub fn dropping_the_handle_at_once_drops_the_future<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        for _ in 0..100 {
            let dropped = Signal::default();
            let guard = dropped.on_drop();
            drop(runtime.spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            }));
            dropped.raised().await;
        }
    });
}

/// S5. A detached task runs to its end.
pub fn a_detached_task_runs_to_its_end<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let (gate, ended) = (Signal::default(), Signal::default());
        let task = {
            let (gate, ended, runtime) = (gate.clone(), ended.clone(), runtime.clone());
            async move {
                gate.raised().await;
                runtime.sleep(Duration::from_millis(1)).await;
                // After the await, and not in a destructor: an aborted task runs its destructors too.
                ended.raise();
            }
        };
        runtime.spawn(task).detach();
        yield_now().await;
        gate.raise();
        ended.raised().await;
    });
}

/// S6. An aborted task resolves to `Aborted`, and by then its future is gone.
pub fn an_aborted_task_resolves_when_its_future_is_dropped<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let (started, dropped) = (Signal::default(), Signal::default());
        let mut handle = runtime.spawn({
            let (started, guard) = (started.clone(), dropped.on_drop());
            async move {
                let _guard = guard;
                started.raise();
                pending::<()>().await;
            }
        });
        started.raised().await;
        handle.abort();
        assert!(matches!((&mut handle).await, Err(JoinError::Aborted)));
        assert!(dropped.is_raised(), "the handle resolved before the future was dropped");
    });
}

/// S7. Aborting before the first poll drops the future without polling it.
pub fn aborting_before_the_first_poll_drops_the_future_unpolled<R: Subject>(runtime: R) {
    // Tasks that hold the other threads of the runtime, so that none is there to be faster than the abort.
    let holders_max = 2 * thread::available_parallelism().map_or(8, usize::from) + 2;

    in_task(runtime, move |runtime| async move {
        let mut unpolled = 0;
        for round in 0..50 {
            let release = Signal::default();
            // Without them in every other round: a poll at the same time as the abort must do no harm.
            let holders: Vec<_> = (0..(round % 2) * holders_max)
                .map(|_| {
                    let release = release.clone();
                    runtime.spawn(async move { release.wait() })
                })
                .collect();
            let dropped = Signal::default();
            let polled = Arc::new(AtomicBool::new(false));
            let mut handle = runtime.spawn({
                let (guard, polled) = (dropped.on_drop(), polled.clone());
                async move {
                    let _guard = guard;
                    polled.store(true, Ordering::SeqCst);
                    pending::<()>().await;
                }
            });
            handle.abort();
            release.raise();
            assert!(matches!(handle.await, Err(JoinError::Aborted)));
            assert!(dropped.is_raised(), "the handle resolved before the future was dropped");
            unpolled += usize::from(!polled.load(Ordering::SeqCst));
            for holder in holders {
                holder.await.unwrap();
            }
        }
        assert!(unpolled > 0, "each of the aborted tasks was polled all the same");
    });
}

/// S8. A task that has finished keeps its value when it is aborted.
pub fn aborting_a_finished_task_keeps_its_value<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let mut handle = runtime.spawn(async { 7 });
        eventually(&runtime, || handle.is_finished()).await;
        handle.abort();
        assert_eq!(handle.await.unwrap(), 7);
    });
}

/// S8. The same when nobody has looked at the handle before.
pub fn aborting_a_finished_task_unseen_keeps_its_value<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        // What a task does last is not yet its end, so that an abort may still be in time. But not always.
        for _ in 0..100 {
            let ending = Signal::default();
            let guard = ending.on_drop();
            let mut handle = runtime.spawn(async move {
                drop(guard);
                7
            });
            ending.raised().await;
            runtime.sleep(Duration::from_millis(1)).await;
            handle.abort();
            if matches!(handle.await, Ok(7)) {
                return;
            }
        }
        panic!("each of the finished tasks lost its value");
    });
}

/// S9. Aborting again, before and after the handle has been polled, changes nothing.
pub fn aborting_twice_is_harmless<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let mut handle = runtime.spawn(pending::<()>());
        handle.abort();
        handle.abort();
        assert!(matches!(handle.await, Err(JoinError::Aborted)));

        let mut handle = runtime.spawn(pending::<()>());
        assert!(futures_lite::future::poll_once(&mut handle).await.is_none());
        handle.abort();
        let first = futures_lite::future::poll_once(&mut handle).await;
        handle.abort();
        let result = match first {
            Some(result) => result,
            None => handle.await,
        };
        assert!(matches!(result, Err(JoinError::Aborted)));
    });
}

/// S10. `is_finished` is false while a task runs and true when it has ended, in whichever way.
pub fn is_finished_turns_true_when_the_task_ends<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let gate = Signal::default();
        let open = gate.clone();
        let handle = runtime.spawn(async move { open.raised().await });
        yield_now().await;
        assert!(!handle.is_finished(), "a task that waits has not finished");
        gate.raise();
        eventually(&runtime, || handle.is_finished()).await;

        let mut aborted = runtime.spawn(pending::<()>());
        aborted.abort();
        eventually(&runtime, || aborted.is_finished()).await;

        let panicked = runtime.spawn(async { panic_silently::<()>("on purpose") });
        eventually(&runtime, || panicked.is_finished()).await;
        assert!(panicked.await.unwrap_err().is_panic());
    });
}

/// S11. The future is dropped before the handle resolves, on success too.
pub fn the_future_is_dropped_before_the_handle_resolves<R: Subject>(runtime: R) {
    /// Ready at once, and unlike an `async` block it still holds its fields then.
    struct ReadyWhole(#[allow(dead_code)] RaiseOnDrop);

    impl Future for ReadyWhole {
        type Output = ();

        fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }
    }

    in_task(runtime, |runtime| async move {
        for _ in 0..100 {
            let dropped = Signal::default();
            runtime.spawn(ReadyWhole(dropped.on_drop())).await.unwrap();
            assert!(dropped.is_raised());
        }
    });
}

/// S15. A handle that has given its result panics when polled again, and says why; it does not hang.
pub fn polling_a_handle_after_its_result_panics_clearly<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let mut handle = runtime.spawn(async { 7 });
        assert_eq!((&mut handle).await.unwrap(), 7);
        let mut cx = Context::from_waker(Waker::noop());
        match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut handle).poll(&mut cx))) {
            Err(payload) => {
                let text = panic_text(payload.as_ref()).unwrap_or_default();
                assert!(text.contains("poll") || text.contains("complet"), "an unclear message: `{text}`");
            }
            Ok(poll) => panic!("polling after the result gave {poll:?}"),
        }
    });
}

/// S18. A value that nobody takes is dropped: with its handle, or at once where the task is detached.
pub fn a_value_that_nobody_awaits_is_dropped<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let kept = Signal::default();
        let value = kept.on_drop();
        let handle = runtime.spawn(async move { value });
        eventually(&runtime, || handle.is_finished()).await;
        assert!(!kept.is_raised(), "the value is the handle's as long as there is one");
        drop(handle);
        kept.raised().await;

        let detached = Signal::default();
        let value = detached.on_drop();
        runtime.spawn(async move { value }).detach();
        detached.raised().await;
    });
}

/// S18. Values go to their own handles: nothing is lost or doubled among many.
pub fn each_handle_gives_the_value_of_its_own_task<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let alive = Arc::new(AtomicUsize::new(0));
        let handles: Vec<_> = (0..100_usize)
            .map(|number| {
                let alive = alive.clone();
                runtime.spawn(async move {
                    alive.fetch_add(1, Ordering::SeqCst);
                    yield_now().await;
                    number
                })
            })
            .collect();
        for (number, handle) in handles.into_iter().enumerate().rev() {
            assert_eq!(handle.await.unwrap(), number);
        }
        assert_eq!(alive.load(Ordering::SeqCst), 100, "each ran once");
    });
}
