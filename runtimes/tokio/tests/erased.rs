//! The erased runtime, where it differs from none.

use std::rc::Rc;

use anydask_runtime::{AnyRuntime, BlockOn, Runtime, Shutdown, ShutdownReport, Spawner};
use anydask_tokio::Tokio;
use futures_lite::future::block_on;

#[test]
fn erasing_twice_is_erasing_once() {
    let once = AnyRuntime::new(Tokio::multi_thread(1).unwrap());
    let twice = AnyRuntime::new(once.clone());
    assert_eq!(format!("{once:?}"), format!("{twice:?}"));
    assert_eq!(twice.name(), "tokio");
}

#[test]
fn block_on_may_borrow_and_keep_to_its_thread() {
    let runtime = AnyRuntime::new(Tokio::current_thread().unwrap());
    let local = Rc::new(7);
    let borrowed = &local;
    let task = runtime.spawn(async { 1 });
    let sum = runtime.block_on(async { task.await.unwrap() + **borrowed });
    assert_eq!(sum, Ok(8));
}

/// The runtimes of one program can be kept together, and each stays what it is.
#[test]
fn different_runtimes_are_of_one_type() {
    let program = tokio::runtime::Runtime::new().unwrap();
    let runtimes = [
        AnyRuntime::new(Tokio::multi_thread(1).unwrap()),
        AnyRuntime::new(Tokio::from_handle(program.handle().clone())),
    ];
    let reports = runtimes.map(|runtime| block_on(runtime.shutdown(std::time::Duration::from_secs(10))));
    assert_eq!(reports, [ShutdownReport::Complete, ShutdownReport::NotOwned]);
}
