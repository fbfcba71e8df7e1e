//! What becomes of waits inside tasks when the system has no more threads, and of ready tasks while a thread is held up.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use crate::client::{Client, embedded};
use crate::runtime::Smol;
use crate::{Error, fallible};

/// Longest time that a test waits for anything.
const DEADLINE: Duration = Duration::from_secs(20);

/// Has a task wait for one that only another thread runs: it has options, so nobody helps with it.
fn wait_inside(threads: usize) -> Result<i64, Error> {
    let client = embedded(Smol::new(), threads, "few").unwrap();
    client.state().engine().pool.has_no_threads.store(true, Ordering::SeqCst);
    let own = client.clone();
    let waits = move || own.task(|| 1, ()).priority(1).submit().wait();
    let waited = client.submit(fallible(waits), ()).timeout(DEADLINE).wait();
    check_alive(&client);
    client.close().wait().unwrap();
    waited
}

fn check_alive(client: &Client<Smol>) {
    assert_eq!(client.submit(|| 1, ()).timeout(DEADLINE).wait().unwrap(), 1);
}

#[test]
fn the_last_thread_does_not_block_when_there_is_no_other() {
    let refused = wait_inside(1);
    assert!(matches!(refused, Err(Error::TooManyBlocked { limit: 0 })), "{refused:?}");
}

#[test]
fn one_of_two_threads_may_block_when_there_is_no_other() {
    assert_eq!(wait_inside(2).unwrap(), 1);
}

/// Wakes nobody until something has happened.
struct Blocking(Mutex<mpsc::Receiver<()>>, AtomicBool);

impl Wake for Blocking {
    fn wake(self: Arc<Self>) {
        self.1.store(self.0.lock().unwrap().recv_timeout(DEADLINE).is_ok(), Ordering::SeqCst);
    }
}

#[test]
fn what_a_task_makes_ready_runs_while_a_waker_of_the_same_task_takes_its_time() {
    let client = embedded(Smol::new(), 2, "wake").unwrap();
    let ((go, gone), (say, heard)) = (mpsc::channel::<()>(), mpsc::channel());
    let gone = Mutex::new(gone);
    // It takes something, so that its call is gone when it ends: nothing is dropped after the waker.
    let first = client.submit(move |_: i64| gone.lock().unwrap().recv_timeout(DEADLINE).is_ok(), 1);
    let second = client.submit(move |_: bool| say.send(()).is_ok(), &first);
    let blocking = Arc::new(Blocking(Mutex::new(heard), AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&blocking));
    let mut waiting = (&first).into_future();
    assert!(Pin::new(&mut waiting).poll(&mut Context::from_waker(&waker)).is_pending());
    go.send(()).unwrap();
    assert!(second.wait().unwrap());
    // The thread that wakes has come back from it.
    client.close().wait().unwrap();
    assert!(blocking.1.load(Ordering::SeqCst), "the second task ran only after the waker of the first");
}

/// Says when it is dropped whether something happens while that takes its time.
struct SlowToDrop(Mutex<mpsc::Receiver<()>>, mpsc::Sender<bool>);

impl Drop for SlowToDrop {
    fn drop(&mut self) {
        _ = self.1.send(self.0.lock().unwrap().recv_timeout(DEADLINE).is_ok());
    }
}

#[test]
fn what_a_task_makes_ready_runs_while_what_the_task_had_is_dropped() {
    let client = embedded(Smol::new(), 2, "drop").unwrap();
    let ((go, gone), (say, heard), (tell, told)) = (mpsc::channel::<()>(), mpsc::channel(), mpsc::channel());
    let (gone, slow) = (Mutex::new(gone), SlowToDrop(Mutex::new(heard), tell));
    let first = move || {
        let _ = &slow;
        gone.lock().unwrap().recv_timeout(DEADLINE).is_ok()
    };
    // It takes nothing, so that its call is kept until it is known that it has not failed.
    let first = client.submit(first, ());
    let second = client.submit(move |_: bool| say.send(()).is_ok(), first);
    go.send(()).unwrap();
    assert!(second.wait().unwrap());
    assert_eq!(told.recv_timeout(2 * DEADLINE), Ok(true), "the second task ran only after the drop");
    client.close().wait().unwrap();
}
