//! Finding the runtime around the caller: for runtimes that have [`Current`].

use std::time::Duration;

use futures_lite::future::pending;

use super::harness::{Subject, in_task};
use super::support::{Signal, block_on};
use crate::{Current, TaskHandle};

/// C5. Inside a task the runtime is found, and what is found works.
pub fn a_task_finds_its_runtime<R: Subject + Current>(runtime: R) {
    in_task(runtime, |runtime| async move {
        let found = R::current().expect("a task has a runtime around it");
        assert_eq!(found.name(), runtime.name());
        found.sleep(Duration::from_millis(1)).await;
        assert!(found.spawn(async { R::current().is_ok() }).await.unwrap());
        assert!(R::available().is_ok());
    });
}

/// C5. Inside `block_on` the runtime is found too.
pub fn block_on_has_its_runtime_around_it<R: Subject + Current>(runtime: R) {
    let found = runtime.block_on(async { R::current().map(|found| found.name()) });
    assert_eq!(found.unwrap(), Ok(runtime.name()));
}

/// C5. A plain thread has none around it, and the error says what was looked for.
pub fn a_plain_thread_finds_no_runtime_and_hears_what_was_looked_for<R: Subject + Current>(runtime: R) {
    let error = R::current().expect_err("a plain thread has no runtime around it");
    assert!(!error.looked_for.is_empty());
    let text = error.to_string();
    assert!(error.looked_for.iter().all(|name| text.contains(name)), "{text}");
    drop(runtime);
}

/// C5. What `available` gives on a plain thread works; or it says what was looked for.
pub fn what_is_available_on_a_plain_thread_works<R: Subject + Current>(runtime: R) {
    match R::available() {
        Ok(available) => assert_eq!(block_on(available.spawn(async { 7 })).unwrap(), 7),
        Err(error) => assert!(!error.looked_for.is_empty()),
    }
    drop(runtime);
}

/// C5. A plain thread can start a runtime.
pub fn a_started_runtime_works<R: Subject + Current>(runtime: R) {
    drop(runtime);
    let started = R::start().unwrap();
    let value = started.block_on(async {
        started.sleep(Duration::from_millis(1)).await;
        started.spawn(async { 7 }).await.unwrap()
    });
    assert_eq!(value, Ok(7));
}

/// C5. A started runtime ends with its last clone: tasks that are still there are dropped.
pub fn a_started_runtime_ends_with_its_last_clone<R: Subject + Current>(runtime: R) {
    drop(runtime);
    let started = R::start().unwrap();
    let (running, dropped) = (Signal::default(), Signal::default());
    let task = {
        let (running, guard) = (running.clone(), dropped.on_drop());
        async move {
            let _guard = guard;
            running.raise();
            pending::<()>().await;
        }
    };
    started.spawn(task).detach();
    running.wait();
    drop(started);
    dropped.wait();
}
