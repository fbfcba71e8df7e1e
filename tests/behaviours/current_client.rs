//! The client that is around the caller.

use anydask::{Client, Error, TaskContext, TaskFuture, asynchronous, fallible};

use crate::support::{AnyOf, Setting, on_every_runtime};
use crate::{Held, inc};

on_every_runtime! {
    an_entered_client_is_the_current_one_until_it_is_left;
    a_task_has_the_client_that_submitted_it;
    an_asynchronous_task_has_the_client_that_submitted_it;
    what_is_entered_inside_a_task_comes_first;
    what_is_entered_around_a_wait_is_not_around_the_tasks_in_it;
    a_detached_task_has_its_client_though_it_was_dropped;
    a_current_client_keeps_its_client_open;
    guards_are_dropped_in_any_order;
}

/// The number of threads tells the clients of a test apart.
pub(crate) fn current() -> Option<usize> {
    match Client::current() {
        Ok(client) => Some(client.threads()),
        Err(Error::NoClient) => None,
        Err(other) => panic!("{other:?}"),
    }
}

async fn an_entered_client_is_the_current_one_until_it_is_left<R: AnyOf>(on: Setting<R>) {
    let (one, two) = (on.client(1).await, on.client(2).await);
    let entered = one.enter();
    assert_eq!(current(), Some(1));
    let inner = two.enter();
    assert_eq!(current(), Some(2));
    drop(inner);
    assert_eq!(current(), Some(1));
    assert_eq!(std::thread::spawn(current).join().unwrap(), None, "on this thread only");
    drop(entered);
    assert_eq!(current(), None);
    let fails = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _entered = one.enter();
        panic!("inside");
    }));
    assert!(fails.is_err() && current().is_none());
}

async fn a_task_has_the_client_that_submitted_it<R: AnyOf>(on: Setting<R>) {
    let one = on.client(1).await;
    let body = || {
        let own = TaskContext::current()?.client()?;
        let nested = own.submit(current, ());
        Ok::<_, Error>((own.threads(), current(), nested.wait()?))
    };
    let future = one.submit(fallible(body), ());
    assert_eq!(on.value(&future).await.unwrap(), (1, Some(1), Some(1)));
}

async fn an_asynchronous_task_has_the_client_that_submitted_it<R: AnyOf>(on: Setting<R>) {
    let (one, two) = (on.client(1).await, on.client(2).await);
    let body = async || {
        let before = current();
        let nested = Client::current()?.submit(asynchronous(async || current()), ());
        let nested = nested.await?;
        Ok::<_, Error>((before, nested, current()))
    };
    let (first, second) = (one.submit(asynchronous(fallible(body)), ()), two.submit(asynchronous(fallible(body)), ()));
    assert_eq!(on.value(&first).await.unwrap(), (Some(1), Some(1), Some(1)));
    assert_eq!(on.value(&second).await.unwrap(), (Some(2), Some(2), Some(2)));
}

async fn what_is_entered_inside_a_task_comes_first<R: AnyOf>(on: Setting<R>) {
    let (one, two) = (on.client(1).await, on.client(2).await);
    let body = move || {
        let entered = two.enter();
        let inside = current();
        drop(entered);
        (inside, current())
    };
    let future = one.submit(body, ());
    assert_eq!(on.value(&future).await.unwrap(), (Some(2), Some(1)));
}

/// A task that runs inside the wait of another, on the same thread, is not inside of what that one has entered.
async fn what_is_entered_around_a_wait_is_not_around_the_tasks_in_it<R: AnyOf>(on: Setting<R>) {
    let (one, two) = (on.client(1).await, on.client(2).await);
    let own = one.clone();
    let body = move || {
        let inner = own.submit(current, ());
        let _entered = two.enter();
        Ok::<_, Error>((inner.wait()?, current()))
    };
    let future = one.submit(fallible(body), ());
    assert_eq!(on.value(&future).await.unwrap(), (Some(1), Some(2)));
}

async fn a_detached_task_has_its_client_though_it_was_dropped<R: AnyOf>(on: Setting<R>) {
    let engine = on.engine(1).await;
    let client = Client::on(&engine).unwrap();
    let held = Held::new();
    let (send, receive) = std::sync::mpsc::channel();
    let wait = held.body();
    let body = move || {
        let x = wait(0);
        let from_context = TaskContext::current()?.client()?.submit(inc, x).wait();
        send.send((from_context, Client::current()?.submit(inc, x).wait())).unwrap();
        Ok::<_, Error>(())
    };
    client.submit(fallible(body), ()).detach();
    on.passed(&held.running).await;
    drop(client);
    held.release.set();
    let (first, second) = receive.recv().unwrap();
    assert_eq!((first.unwrap(), second.unwrap()), (2, 2));
}

async fn a_current_client_keeps_its_client_open<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let entered = client.enter();
    drop(client);
    let current = Client::current().unwrap();
    drop(entered);
    let future = current.submit(inc, 1);
    assert_eq!(on.value(&future).await.unwrap(), 2);
    drop(current);
    assert!(on.error(&future_of(&on).await).await.is_cancelled());
}

/// Of a client that is gone once this returns, since it was entered but not kept.
async fn future_of<R: AnyOf>(on: &Setting<R>) -> TaskFuture<i64> {
    let client = on.client(1).await;
    let _entered = client.enter();
    Client::current().unwrap().submit(asynchronous(std::future::pending::<i64>), ())
}

async fn guards_are_dropped_in_any_order<R: AnyOf>(on: Setting<R>) {
    if !on.is_blocking {
        // A guard belongs to its thread.
        return;
    }
    let (one, other) = (on.client(1).await, on.client(2).await);
    let (first, second) = (one.enter(), other.enter());
    drop(first);
    assert_eq!(Client::current().unwrap().threads(), 2);
    drop(second);
    assert!(matches!(Client::current(), Err(Error::NoClient)));
}
