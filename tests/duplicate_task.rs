//! Two registered tasks of one name: an error when a client starts, which names both places.

#![cfg(any(feature = "tokio", feature = "smol"))]

use anydask::{Error, task};

#[task(name = "the same")]
fn first(x: i64) -> i64 {
    x
}

#[task(name = "the same")]
fn second(x: i64) -> i64 {
    x + 1
}

fn check<T: std::fmt::Debug>(opened: Result<T, Error>) {
    let error = opened.expect_err("two tasks have one name");
    assert!(matches!(error, Error::DuplicateTask { name: "the same", .. }), "{error:?}");
    let text = error.to_string();
    for part in ["`the same`", "tests/duplicate_task.rs:7", "tests/duplicate_task.rs:12", "name = "] {
        assert!(text.contains(part), "no `{part}` in: {text}");
    }
}

#[cfg(feature = "tokio")]
#[test]
fn a_name_that_is_registered_twice_keeps_a_client_on_tokio_from_starting() {
    check(anydask::tokio::Client::local().wait());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    check(runtime.block_on(async { anydask::tokio::Client::local().await }));
    check(runtime.block_on(anydask::tokio::Client::scope(async |_| Ok::<(), Error>(()))));
}

#[cfg(feature = "smol")]
#[test]
fn a_name_that_is_registered_twice_keeps_a_client_on_smol_from_starting() {
    check(anydask::smol::Client::local().wait());
    check(smol::block_on(async { anydask::Client::detect()?.local().await }));
    assert_eq!((first(1), second(1)), (1, 2));
}
