//! Where blocking is fine on async-std and where it is not.

use std::panic::catch_unwind;
use std::thread;

use anydask_async_std::AsyncStd;
use anydask_runtime::{BlockOn, Current, Runtime, Spawner};
use async_std::task;

/// What the adapter says on this thread; all questions agree.
#[track_caller]
fn in_async_context() -> bool {
    let runtime = AsyncStd::new();
    let answer = runtime.in_async_context();
    assert_eq!(runtime.block_on(async {}).is_err(), answer, "block_on says otherwise");
    assert_eq!(AsyncStd::current().is_ok(), answer);
    assert!(AsyncStd::available().is_ok());
    answer
}

#[test]
fn a_task_is_a_context() {
    task::block_on(AsyncStd::new().spawn(async {
        assert!(in_async_context());
        task::yield_now().await;
        assert!(in_async_context());
    }))
    .unwrap();
    task::block_on(task::spawn(async { assert!(in_async_context()) }));
}

#[test]
fn the_future_of_block_on_is_a_context() {
    task::block_on(async { assert!(in_async_context()) });
    assert_eq!(AsyncStd::new().block_on(async { in_async_context() }), Ok(true));
}

#[test]
fn a_plain_thread_is_none() {
    assert!(!in_async_context());
    thread::spawn(|| assert!(!in_async_context())).join().unwrap();
}

#[test]
fn a_blocking_closure_is_none() {
    for _ in 0..8 {
        let nested = AsyncStd::new().spawn_blocking(|| {
            assert!(!in_async_context());
            assert_eq!(AsyncStd::new().block_on(async { in_async_context() }), Ok(true));
            in_async_context()
        });
        assert!(!task::block_on(nested).unwrap());
        assert!(!task::block_on(task::spawn_blocking(in_async_context)));
    }
}

#[test]
fn a_thread_is_none_after_a_panic_in_a_context() {
    std::panic::set_hook(Box::new(|_| ()));
    assert!(catch_unwind(|| task::block_on(async { panic!("on purpose") })).is_err());
    assert!(!in_async_context());
    let _ = std::panic::take_hook();
    // async-std counts its nested calls wrongly from now on, which must not matter.
    assert_eq!(AsyncStd::new().block_on(async { AsyncStd::new().spawn(async { 7 }).await.unwrap() }), Ok(7));
}
