//! What only async-std's adapter promises: it is nothing by itself.

#[cfg(target_os = "linux")]
use std::fs;

use anydask_async_std::AsyncStd;
use anydask_runtime::conformance::{Promise, check_in_own_process};
use anydask_runtime::{BlockOn, Spawner};

/// E3. The runtime's value takes no space.
#[test]
fn async_std_is_of_size_zero() {
    assert_eq!(size_of::<AsyncStd>(), 0);
}

/// C8. Compiling it in and making a value starts no thread; the first task does.
#[cfg(target_os = "linux")]
#[test]
fn making_it_starts_no_thread() {
    fn threads() -> usize {
        fs::read_dir("/proc/self/task").unwrap().count()
    }

    let promise = Promise { name: "making_it_starts_no_thread", module: module_path!(), cannot: &[] };
    check_in_own_process(promise, threads, |before| {
        let runtime = AsyncStd::new();
        let clone = runtime;
        assert_eq!(threads(), before);
        assert_eq!(runtime.block_on(clone.spawn(async { 7 })).unwrap().unwrap(), 7);
        assert!(threads() > before, "nothing is shown if the executor's threads cannot be seen");
    });
}
