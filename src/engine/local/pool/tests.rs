//! What becomes of waits inside tasks when the system has no more threads.

use std::sync::atomic::Ordering;
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
