//! What the handles of async-task lose and ours must not: values, wakes, panics.

use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use anydask_runtime::{JoinError, Spawner, TaskHandle};
use anydask_smol::Smol;
use smol::future::block_on;

/// A task that says that it has finished keeps its value: aborting comes right after, on another thread.
#[test]
fn aborting_at_the_moment_of_the_end_keeps_what_is_finished() {
    for _ in 0..2_000 {
        let mut task = Smol::new().spawn(async { 7 });
        while !task.is_finished() {
            thread::yield_now();
        }
        task.abort();
        assert_eq!(block_on(task).unwrap(), 7);
    }
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Asking whether a task has finished takes the wake from nobody who waits for it.
#[test]
fn asking_takes_no_wake() {
    let (send, receive) = smol::channel::bounded::<()>(1);
    let mut task = Smol::new().spawn(async move { receive.recv().await.is_ok() });
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    assert!(Pin::new(&mut task).poll(&mut Context::from_waker(&waker)).is_pending());
    assert!(!task.is_finished());
    send.try_send(()).unwrap();
    while count.0.load(Ordering::SeqCst) == 0 {
        thread::yield_now();
    }
    assert!(block_on(task).unwrap());
}

/// Neither does aborting: who waited before is woken when the future has been dropped.
#[test]
fn aborting_wakes_who_has_waited() {
    for _ in 0..100 {
        let mut task = Smol::new().spawn(pending::<()>());
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        assert!(Pin::new(&mut task).poll(&mut Context::from_waker(&waker)).is_pending());
        task.abort();
        while count.0.load(Ordering::SeqCst) == 0 && !task.is_finished() {
            thread::yield_now();
        }
        assert!(matches!(block_on(task), Err(JoinError::Aborted)));
    }
}

struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        if !thread::panicking() {
            std::panic::resume_unwind(Box::new("on purpose, in a destructor"));
        }
    }
}

/// async-task aborts the process when a destructor panics that its executor runs.
#[test]
fn no_destructor_that_panics_kills_the_process() {
    // The value of a task that nobody watches, and of one whose handle is dropped when it has finished.
    Smol::new().spawn(async { PanicsOnDrop }).detach();
    let finished = Smol::new().spawn(async { PanicsOnDrop });
    while !finished.is_finished() {
        thread::yield_now();
    }
    // What a future holds when it is dropped unfinished, and when it completes.
    drop(Smol::new().spawn(async {
        let _held = PanicsOnDrop;
        pending::<()>().await;
    }));
    let mut held = Some(PanicsOnDrop);
    let completed = Smol::new().spawn(poll_fn(move |_| {
        let _ = &mut held;
        Poll::Ready(())
    }));
    assert!(block_on(completed).unwrap_err().is_panic());
    // The value of a blocking closure.
    Smol::new().spawn_blocking(|| PanicsOnDrop).detach();
    assert_eq!(block_on(Smol::new().spawn(async { "alive" })).unwrap(), "alive");
}
