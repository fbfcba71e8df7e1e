//! Threads, wakes, load, and tasks that misbehave.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Poll, Waker};
use std::time::Duration;
use std::{panic, thread};

use futures_lite::future::{pending, yield_now};

use super::harness::{Subject, in_task};
use super::support::{OnDrop, Signal, block_on, eventually, eventually_blocking, panic_silently};
use crate::{JoinError, TaskHandle, TimerExt};

/// S3. Panics that nobody awaits kill no worker.
pub fn detached_panics_kill_no_worker<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let count = Arc::new(AtomicUsize::new(0));
        for _ in 0..64 {
            let count = count.clone();
            let task = async move {
                yield_now().await;
                count.fetch_add(1, Ordering::SeqCst);
                panic_silently::<()>("on purpose")
            };
            runtime.spawn(task).detach();
        }
        eventually(&runtime, || count.load(Ordering::SeqCst) == 64).await;
        let handles: Vec<_> = (0..64).map(|number| runtime.spawn(async move { number })).collect();
        for (number, handle) in handles.into_iter().enumerate() {
            assert_eq!(handle.await.unwrap(), number);
        }
    });
}

/// S12. A thread that knows nothing of the runtime can spawn on it, and await the task without it.
pub fn a_plain_thread_can_spawn<R: Subject>(runtime: R) {
    let spawned = runtime.clone();
    let thread = thread::spawn(move || {
        let handle = spawned.spawn(async {
            yield_now().await;
            7
        });
        block_on(handle).unwrap()
    });
    assert_eq!(thread.join().unwrap(), 7);
}

/// S13. A waker works from a thread that knows nothing of the runtime.
pub fn a_plain_thread_can_wake_a_task<R: Subject>(runtime: R) {
    for _ in 0..100 {
        let (sender, receiver) = mpsc::channel::<Waker>();
        let woken = Signal::default();
        let handle = runtime.spawn({
            let woken = woken.clone();
            let mut first = true;
            poll_fn(move |cx| {
                if std::mem::take(&mut first) {
                    sender.send(cx.waker().clone()).unwrap();
                }
                if woken.is_raised() { Poll::Ready(7) } else { Poll::Pending }
            })
        });
        let waker = receiver.recv().unwrap();
        woken.raise();
        waker.wake();
        assert_eq!(block_on(handle).unwrap(), 7);
    }
}

/// S14. Ten thousand tasks at once all give their values.
pub fn ten_thousand_tasks_all_complete<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let handles: Vec<_> = (0..10_000_u64)
            .map(|number| {
                runtime.spawn(async move {
                    yield_now().await;
                    number
                })
            })
            .collect();
        let mut sum = 0;
        for handle in handles {
            sum += handle.await.unwrap();
        }
        assert_eq!(sum, 49_995_000);
    });
}

/// S16. A panic in a destructor of an aborted task kills neither the executor nor the process.
pub fn a_panicking_destructor_does_not_kill_the_executor<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        for _ in 0..8 {
            let started = Signal::default();
            let mut handle = runtime.spawn({
                let started = started.clone();
                async move {
                    let _guard = OnDrop::new(|| panic_silently::<()>("on purpose, in a destructor"));
                    started.raise();
                    pending::<()>().await;
                }
            });
            started.raised().await;
            handle.abort();
            // Whether the abort or the panic is reported is the runtime's choice.
            assert!(matches!(handle.await, Err(JoinError::Aborted | JoinError::Panicked(_))));
            assert_eq!(runtime.spawn(async { "alive" }).await.unwrap(), "alive");
        }
    });
}

/// S17. A destructor that spawns, run by the executor itself, does not deadlock.
pub fn a_destructor_can_spawn<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let (started, answered) = (Signal::default(), Signal::default());
        let handle = runtime.spawn({
            let (runtime, started, answered) = (runtime.clone(), started.clone(), answered.clone());
            async move {
                let _guard = OnDrop::new(move || {
                    // Accepted or refused: in both cases the future is dropped in the end.
                    let guard = answered.on_drop();
                    runtime.spawn(async move { drop(guard) }).detach();
                });
                started.raise();
                pending::<()>().await;
            }
        });
        started.raised().await;
        drop(handle);
        answered.raised().await;
    });
}

/// S19. A blocking closure can spawn a task and wait for it.
pub fn a_blocking_closure_can_spawn<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let inner = runtime.clone();
        let value = runtime.spawn_blocking(move || {
            block_on(inner.spawn(async {
                yield_now().await;
                7
            }))
        });
        assert_eq!(value.await.unwrap().unwrap(), 7);
    });
}

/// S20. Two tasks that wait for each other in turn lose no wake.
pub fn two_tasks_that_take_turns_lose_no_wake<R: Subject>(runtime: R) {
    const TURNS: usize = 10_000;

    #[derive(Default)]
    struct Table {
        turn: usize,
        waiting: [Option<Waker>; 2],
    }

    async fn play(table: Arc<Mutex<Table>>, me: usize) {
        for _ in 0..TURNS {
            poll_fn(|cx| {
                let mut table = table.lock().unwrap();
                if table.turn != me {
                    table.waiting[me] = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                table.turn = 1 - me;
                if let Some(other) = table.waiting[1 - me].take() {
                    other.wake();
                }
                Poll::Ready(())
            })
            .await;
        }
    }

    in_task(runtime, |runtime| async move {
        let table = Arc::new(Mutex::new(Table::default()));
        let ping = runtime.spawn(play(table.clone(), 0));
        let pong = runtime.spawn(play(table, 1));
        ping.await.unwrap();
        pong.await.unwrap();
    });
}

/// S21. Waking a task that has ended does nothing.
pub fn waking_an_ended_task_does_nothing<R: Subject>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let polls = Arc::new(AtomicUsize::new(0));
        let counted = polls.clone();
        let finished: Waker = runtime
            .spawn(poll_fn(move |cx| {
                counted.fetch_add(1, Ordering::SeqCst);
                Poll::Ready(cx.waker().clone())
            }))
            .await
            .unwrap();

        let (sender, receiver) = mpsc::channel::<Waker>();
        let started = Signal::default();
        let mut handle = runtime.spawn({
            let started = started.clone();
            poll_fn(move |cx| {
                let _ = sender.send(cx.waker().clone());
                started.raise();
                Poll::<()>::Pending
            })
        });
        started.raised().await;
        handle.abort();
        assert!(handle.await.is_err());
        let aborted = receiver.recv().unwrap();

        let foreign = [finished.clone(), aborted.clone()];
        thread::spawn(move || foreign.iter().for_each(|waker| (0..1000).for_each(|_| waker.wake_by_ref())))
            .join()
            .unwrap();
        finished.wake();
        aborted.wake();
        assert_eq!(runtime.spawn(async { "alive" }).await.unwrap(), "alive");
        assert_eq!(polls.load(Ordering::SeqCst), 1);
    });
}

/// S22. A hundred thousand wakes during one poll cause one more poll, not a hundred thousand.
pub fn a_storm_of_wakes_causes_one_more_poll<R: Subject>(runtime: R) {
    const WAKES: usize = 100_000;
    // One for the storm; a few more because a poll that starts while a foreign wake is under way may be followed by
    // another.
    const POLLS_MAX: usize = 4;

    let polls = Arc::new(AtomicUsize::new(0));
    let (storm_is_over, gate) = (Signal::default(), Signal::default());
    let handle = runtime.spawn({
        let (polls, storm_is_over, gate) = (polls.clone(), storm_is_over.clone(), gate.clone());
        poll_fn(move |cx| {
            if polls.fetch_add(1, Ordering::SeqCst) == 0 {
                let waker = cx.waker().clone();
                let foreign = thread::spawn(move || (0..WAKES / 2).for_each(|_| waker.wake_by_ref()));
                (0..WAKES / 2).for_each(|_| cx.waker().wake_by_ref());
                foreign.join().unwrap();
                storm_is_over.raise();
            }
            gate.poll_raised(cx)
        })
    });
    storm_is_over.wait();
    eventually_blocking(|| polls.load(Ordering::SeqCst) > 1);
    gate.raise();
    block_on(handle).unwrap();
    let polls = polls.load(Ordering::SeqCst);
    assert!(polls <= POLLS_MAX, "{polls} polls");
}

/// S23. What panics on a caller's mistake names the caller's line. `spawn` itself never panics.
///
/// In a process of its own, because it replaces the panic hook.
pub fn a_callers_mistake_names_the_callers_line<R: Subject>(runtime: R) {
    let (sender, receiver) = mpsc::sync_channel(1);
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let _ = sender.try_send(info.location().map(|location| (location.file().to_owned(), location.line())));
    }));
    let line = line!() + 1;
    let mistake = || drop(runtime.interval(Duration::ZERO));
    let panicked = panic::catch_unwind(AssertUnwindSafe(mistake));
    panic::set_hook(before);
    assert!(panicked.is_err());
    assert_eq!(receiver.recv().unwrap(), Some((file!().to_owned(), line)));
}
