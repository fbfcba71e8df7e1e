//! Where blocking is fine on smol and where it is not: what the adapter tells from the wakers that smol uses, so that
//! a smol which uses others is noticed.

use std::future::poll_fn;
use std::panic::catch_unwind;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;

use anydask_runtime::{BlockOn, Current, Runtime, Spawner};
use anydask_smol::Smol;

/// What the adapter says on this thread. It says so again when it is asked again, and all questions agree.
#[track_caller]
fn in_async_context() -> bool {
    let runtime = Smol::new();
    let answer = runtime.in_async_context();
    for _ in 0..3 {
        assert_eq!(runtime.in_async_context(), answer, "the answer changes with asking");
        assert_eq!(runtime.block_on(async {}).is_err(), answer, "block_on says otherwise");
        assert_eq!(Smol::current().is_ok(), answer);
        assert!(Smol::available().is_ok());
    }
    answer
}

#[test]
fn a_task_is_a_context() {
    let ours = Smol::new().spawn(async {
        assert!(in_async_context());
        smol::future::yield_now().await;
        assert!(in_async_context());
    });
    smol::block_on(ours).unwrap();
    smol::block_on(smol::spawn(async { assert!(in_async_context()) }));
}

#[test]
fn the_future_of_each_block_on_is_a_context() {
    smol::block_on(async { assert!(in_async_context()) });
    smol::future::block_on(async { assert!(in_async_context()) });
    assert_eq!(Smol::new().block_on(async { in_async_context() }), Ok(true));
}

#[test]
fn an_executor_of_ones_own_is_a_context() {
    let executor = smol::LocalExecutor::new();
    let task = executor.spawn(async { in_async_context() });
    assert!(smol::block_on(executor.run(task)));
    let task = executor.spawn(async { in_async_context() });
    assert!(smol::future::block_on(executor.run(task)));
}

/// On a thread that has never been asked outside of a context, and on one that has.
#[test]
fn what_a_thread_was_asked_before_makes_no_difference() {
    for first in [true, false] {
        let rounds = move || {
            for round in 0..4 {
                match first == (round % 2 == 0) {
                    true => smol::block_on(async { assert!(in_async_context()) }),
                    false => assert!(!in_async_context()),
                }
                match first == (round % 2 == 0) {
                    true => smol::future::block_on(async { assert!(in_async_context()) }),
                    false => assert!(!in_async_context()),
                }
            }
        };
        thread::spawn(rounds).join().unwrap();
    }
}

#[test]
fn a_plain_thread_is_none() {
    assert!(!in_async_context());
    thread::spawn(|| assert!(!in_async_context())).join().unwrap();
}

#[test]
fn a_blocking_closure_is_none() {
    for _ in 0..8 {
        let nested = Smol::new().spawn_blocking(|| {
            assert!(!in_async_context());
            assert_eq!(Smol::new().block_on(async { in_async_context() }), Ok(true));
            in_async_context()
        });
        assert!(!smol::block_on(nested).unwrap());
        assert!(!smol::block_on(smol::unblock(in_async_context)));
    }
}

#[test]
fn a_thread_is_none_after_a_panic_in_a_context() {
    std::panic::set_hook(Box::new(|_| ()));
    assert!(catch_unwind(|| smol::block_on(async { panic!("on purpose") })).is_err());
    assert!(!in_async_context());
    assert!(catch_unwind(|| smol::future::block_on(async { panic!("on purpose") })).is_err());
    assert!(!in_async_context());
    let _ = std::panic::take_hook();
}

/// A future that is polled by hand, outside of smol and inside.
#[test]
fn what_counts_is_who_polls() {
    let mut asking = pin!(poll_fn(|_| Poll::Ready(in_async_context())));
    assert_eq!(asking.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(false));
    assert!(smol::block_on(asking));
}

/// Asking loses no wake: neither that of the `block_on` around it, nor that of a task.
#[test]
fn asking_leaves_the_task_working() {
    async fn ask_and_yield() {
        for _ in 0..1000 {
            let woken = poll_fn(|cx| {
                cx.waker().wake_by_ref();
                assert!(in_async_context());
                Poll::Ready(())
            });
            woken.await;
            smol::future::yield_now().await;
        }
        smol::Timer::after(std::time::Duration::from_millis(1)).await;
    }

    smol::block_on(ask_and_yield());
    smol::future::block_on(ask_and_yield());
    smol::block_on(smol::spawn(ask_and_yield()));
}
