//! A connection with its tasks and futures, in the hands of a test that is both its driver and the scheduler.

use std::future::IntoFuture;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use anydask_macros::task;

use super::driver::*;
use crate::client::on_connection;
use crate::engine::dask::client::{Config, Connection, Event, OnLost, Through};
use crate::engine::dask::panicking_log::PanickingLog;
use crate::engine::dask::wire::Value;
use crate::runtime::{Runtime, Smol};
use crate::{Client, Error, Status, TaskFuture, python};

#[task]
fn inc(x: i64) -> i64 {
    x + 1
}

struct Driven {
    client: Client<Smol>,
    connection: Arc<Connection>,
}

impl Driven {
    fn registered() -> Self {
        let runtime = Smol::new();
        let config = Config { gather: Through::Scheduler, on_lost: OnLost::Resubmit };
        let connection = Connection::new("tcp://nowhere:1".into(), runtime.erased(), config, 7);
        let client = on_connection(runtime, Arc::clone(&connection)).unwrap();
        let driven = Self { client, connection };
        driven.connection.handle(Event::Connected { client_id: "me".into() });
        driven.answer("versions", versions("2026.8.0"));
        assert_eq!(op(&driven.connection.poll_flush().unwrap()), "register-client");
        driven.stream([Value::map([("op", "stream-start".into())])]);
        driven
    }

    fn submit(&self, key: &str, x: i64) -> TaskFuture<i64> {
        self.client.task(inc, x).key(key).submit()
    }

    fn stream<const N: usize>(&self, messages: [Value; N]) {
        self.connection.handle(Event::Stream(Value::List(messages.into())));
    }

    /// What is said to the scheduler.
    fn flush(&self) -> Vec<Value> {
        let messages = std::iter::from_fn(|| self.connection.poll_flush());
        let messages = messages.flat_map(|message| message.items().unwrap().to_vec()).collect();
        self.connection.carry_out();
        messages
    }

    /// Answers all requests, which are of this kind.
    fn answer(&self, wanted: &str, reply: Value) {
        self.connection.carry_out();
        let requests = self.connection.work.take(|work| std::mem::take(&mut work.requests));
        assert!(!requests.is_empty(), "nobody asks for {wanted}");
        for request in requests {
            assert_eq!(op(&request.message), wanted);
            self.connection.replied(request.reply_to, Ok(reply.clone()));
        }
        self.connection.carry_out();
    }

    /// Takes what there is, and finishes a task.
    fn finish(&self, key: &str) {
        for message in self.flush() {
            if op(&message) == "heartbeat-client" {
                self.stream([beat()]);
            }
        }
        self.stream([in_memory(key)]);
    }
}

/// The value, if it is here, which it is asked for.
fn value<T: Clone + Send + Sync + 'static>(future: &TaskFuture<T>, waker: &Waker) -> Poll<Result<T, Error>> {
    Pin::new(&mut future.into_future()).poll(&mut Context::from_waker(waker))
}

/// Calls this once.
struct Calls<F>(Mutex<Option<F>>);

impl<F: FnOnce() + Send + 'static> Calls<F> {
    fn waker(call: F) -> Waker {
        Waker::from(Arc::new(Self(Mutex::new(Some(call)))))
    }
}

impl<F: FnOnce() + Send> Wake for Calls<F> {
    fn wake(self: Arc<Self>) {
        let call = self.0.lock().unwrap().take();
        call.into_iter().for_each(|call| call());
    }
}

/// What several threads give that do the same at the same time.
fn at_once<T: Send>(act: impl Fn() -> T + Sync) -> Vec<T> {
    const THREADS: usize = 4;
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    act()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Nothing that is waited for here takes any time.
const LIMIT: Duration = Duration::from_secs(20);

/// Enough for threads to meet wherever they can.
const ROUNDS: usize = 300;

#[test]
fn submits_of_one_key_at_the_same_time_are_one_task() {
    let driven = Driven::registered();
    for round in 0..ROUNDS {
        let key = format!("key-{round}");
        let futures = at_once(|| driven.submit(&key, 1));
        driven.finish(&key);
        assert!(futures.iter().all(TaskFuture::is_done), "in round {round}");
    }
}

#[test]
fn equal_values_that_are_scattered_at_the_same_time_are_one() {
    let driven = Driven::registered();
    for round in 0..ROUNDS {
        let scatters = at_once(|| driven.client.scatter_hashed(round as i64));
        driven.answer("scatter", Value::List(Vec::new()));
        let futures: Vec<_> = scatters.into_iter().map(|scatter| scatter.timeout(LIMIT).wait().unwrap()).collect();
        assert!(futures.iter().all(|future| future.key() == futures[0].key()));
    }
}

#[test]
fn a_key_is_submitted_anew_while_its_last_future_goes() {
    let driven = Driven::registered();
    let first = driven.submit("key", 1);
    driven.finish("key");
    assert!(first.is_done());
    let entry = first.shared_entry();
    std::mem::forget(first);
    assert!(entry.release(), "nobody holds it any more, and the connection has yet to hear that");
    let second = driven.submit("key", 1);
    entry.bury();
    driven.finish("key");
    assert!(second.is_done());
}

#[test]
fn submits_and_drops_of_one_key_leave_no_future_unresolved() {
    let driven = Driven::registered();
    let mut before = Vec::new();
    for round in 0..ROUNDS {
        let gone = Mutex::new(before);
        let futures = at_once(|| {
            drop(gone.lock().unwrap().pop());
            driven.submit("key", 1)
        });
        driven.finish("key");
        assert!(futures.iter().all(TaskFuture::is_done), "in round {round}");
        before = futures;
    }
}

#[test]
fn what_came_for_a_task_is_not_for_the_next_one_with_its_key() {
    let driven = Driven::registered();
    let (first, old) = (driven.submit("first", 1), driven.submit("key", 1));
    driven.flush();
    driven.stream([in_memory("first"), in_memory("key")]);
    let asks = old.clone();
    let new = Arc::new(Mutex::new(None));
    // Whoever has the first value goes on with other work under the other key.
    let goes_on = Calls::waker({
        let (client, new) = (driven.client.clone(), Arc::clone(&new));
        move || {
            drop(old);
            let future = client.task(inc, 2).key("key").submit();
            assert!(value(&future, Waker::noop()).is_pending());
            *new.lock().unwrap() = Some(future);
        }
    });
    let mut waiting = first.into_future();
    assert!(Pin::new(&mut waiting).poll(&mut Context::from_waker(&goes_on)).is_pending());
    assert!(value(&asks, Waker::noop()).is_pending());
    drop(asks);
    driven.answer("gather", all_data(&["first", "key"]));
    let new = new.lock().unwrap().take().unwrap();
    assert!(!new.is_done() && value(&new, Waker::noop()).is_pending());
    driven.finish("key");
    driven.answer("gather", all_data(&["key"]));
    assert_eq!(value(&new, Waker::noop()).map(Result::unwrap), Poll::Ready(11));
}

#[test]
fn a_result_is_made_an_object_of_python_also_if_the_first_call_that_takes_it_is_refused() {
    let driven = Driven::registered();
    let call = || python::<i64>("operator:neg");
    let there = driven.client.task(call(), (1,)).key("key").submit();
    let result = driven.client.submit(inc, 1);
    let refused = driven.client.task(call(), &result).key("key").submit();
    assert!(matches!(refused.error().timeout(LIMIT).wait().unwrap(), Some(Error::KeyConflict { .. })));
    let taken = driven.client.submit(call(), &result);
    // A task whose input nobody knows would end now.
    driven.flush();
    assert!(!taken.is_done() && !there.is_done());
}

#[test]
fn a_future_that_was_refused_is_no_input() {
    let driven = Driven::registered();
    let there = driven.submit("key", 1);
    let refused = driven.submit("key", 2);
    let error = driven.client.submit(inc, &refused).error().timeout(LIMIT).wait().unwrap();
    assert!(matches!(error, Some(Error::KeyConflict { .. })), "not the value of the other task: {error:?}");
    assert!(!there.is_done());
}

#[test]
fn only_the_driver_tells_futures() {
    let driven = Driven::registered();
    let future = driven.submit("key", 1);
    driven.flush();
    driven.connection.tell(Event::Stream(Value::List(vec![in_memory("key")])));
    let other = driven.submit("other", 1);
    drop(other);
    assert!(!future.is_done());
    driven.connection.carry_out();
    assert!(future.is_done());
}

#[test]
fn a_panic_on_the_way_does_not_keep_others_from_hearing() {
    let driven = Driven::registered();
    let future = driven.submit("key", 1);
    driven.flush();
    // The first is reported as malformed.
    tracing::subscriber::with_default(PanickingLog, || {
        driven.stream([Value::map([("op", "key-in-memory".into())]), in_memory("key")]);
    });
    assert!(future.is_done());
}

#[test]
fn the_end_of_the_driver_ends_every_wait() {
    let driven = Driven::registered();
    let changes = driven.connection.watch_workers();
    let woken = Arc::new(AtomicUsize::new(0));
    let waker = Calls::waker({
        let woken = Arc::clone(&woken);
        move || _ = woken.fetch_add(1, Ordering::Relaxed)
    });
    let cx = Context::from_waker(&waker);
    assert!(driven.connection.poll_workers_changed(changes, &cx).is_pending());
    let pending = driven.submit("pending", 1);
    driven.connection.end();
    assert_eq!(woken.load(Ordering::Relaxed), 1);
    assert!(driven.connection.poll_workers_changed(changes, &cx).is_ready());
    assert!(pending.error().timeout(LIMIT).wait().unwrap().unwrap().is_cancelled());
    // The client does not know of it yet.
    assert!(driven.client.scatter(1_i64).timeout(LIMIT).wait().unwrap_err().is_cancelled());
    assert!(driven.submit("late", 1).error().timeout(LIMIT).wait().unwrap().unwrap().is_cancelled());
}

#[test]
fn what_is_here_stays_after_the_end() {
    for is_lost_first in [false, true] {
        let driven = Driven::registered();
        let (here, finished) = (driven.submit("here", 1), driven.submit("finished", 2));
        assert!(value(&here, Waker::noop()).is_pending());
        driven.finish("here");
        driven.answer("gather", all_data(&["here"]));
        driven.stream([in_memory("finished")]);
        if is_lost_first {
            driven.connection.handle(Event::ConnectionLost);
        }
        driven.connection.end_all(|key| Error::Lost { key, reason: "it is over".into() });
        driven.connection.end();
        assert!(matches!(value(&here, Waker::noop()), Poll::Ready(Ok(_))));
        assert_eq!(finished.status(), Status::Finished);
        assert!(matches!(value(&finished, Waker::noop()), Poll::Ready(Err(Error::Lost { .. }))));
    }
}

#[test]
fn a_retry_after_the_end_ends() {
    let driven = Driven::registered();
    let future = driven.submit("key", 1);
    driven.flush();
    driven.stream([erred("key")]);
    driven.connection.end();
    // Its client does not know of the end yet.
    let entry = future.shared_entry();
    assert!(entry.retry());
    assert!(!future.is_done());
    entry.resume();
    assert!(future.is_done());
}

#[test]
fn a_wait_for_workers_outlives_a_request_that_was_lost() {
    let driven = Driven::registered();
    let mut waiting = driven.client.wait_for_workers(0);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut waiting).poll(&mut cx).is_pending());
    let requests = driven.connection.work.take(|work| std::mem::take(&mut work.requests));
    assert_eq!(requests.len(), 1);
    drop(requests);
    assert!(Pin::new(&mut waiting).poll(&mut cx).is_pending(), "the scheduler may come back");
    driven.connection.workers_changed();
    assert!(Pin::new(&mut waiting).poll(&mut cx).is_pending());
    driven.answer("identity", Value::map([("workers", Value::Map(Vec::new()))]));
    assert!(matches!(Pin::new(&mut waiting).poll(&mut cx), Poll::Ready(Ok(()))));
}
