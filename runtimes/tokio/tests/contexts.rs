//! Where blocking is fine on tokio and where it is not: what the adapter tells from what tokio does, so that a tokio
//! which does it otherwise is noticed.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;

use anydask_runtime::{BlockOn, Runtime};
use anydask_tokio::Tokio;
use tokio::runtime::Builder;
use tokio::task::{LocalSet, block_in_place, coop, spawn_blocking, spawn_local, unconstrained};

fn multi_thread() -> tokio::runtime::Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn current_thread() -> tokio::runtime::Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// What the adapter says on this thread. It says so again when it is asked again, and `block_on` agrees.
#[track_caller]
fn in_async_context() -> bool {
    let lent = Tokio::current().unwrap();
    let answer = lent.in_async_context();
    for _ in 0..3 {
        assert_eq!(lent.in_async_context(), answer, "the answer changes with asking");
        assert_eq!(lent.block_on(async {}).is_err(), answer, "block_on says otherwise");
    }
    answer
}

#[test]
fn a_task_is_a_context() {
    for runtime in [multi_thread(), current_thread()] {
        runtime.block_on(async {
            tokio::spawn(async {
                assert!(in_async_context());
                tokio::task::yield_now().await;
                assert!(in_async_context());
            })
            .await
            .unwrap();
        });
    }
}

#[test]
fn the_future_of_block_on_is_a_context() {
    for runtime in [multi_thread(), current_thread()] {
        runtime.block_on(async { assert!(in_async_context()) });
        runtime.handle().block_on(async { assert!(in_async_context()) });
    }
}

#[tokio::test]
async fn the_main_of_a_current_thread_runtime_is_a_context() {
    assert!(in_async_context());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_main_of_a_multi_thread_runtime_is_a_context() {
    assert!(in_async_context());
}

#[test]
fn the_future_of_our_own_block_on_is_a_context() {
    for runtime in [Tokio::multi_thread(1).unwrap(), Tokio::current_thread().unwrap()] {
        assert_eq!(runtime.block_on(async { runtime.in_async_context() }), Ok(true));
    }
}

#[test]
fn a_local_set_and_its_tasks_are_contexts() {
    for runtime in [multi_thread(), current_thread()] {
        let local = LocalSet::new();
        local.block_on(&runtime, async {
            assert!(in_async_context());
            spawn_local(async { assert!(in_async_context()) }).await.unwrap();
        });
        runtime.block_on(local.run_until(async {
            assert!(in_async_context());
            spawn_local(async { assert!(in_async_context()) }).await.unwrap();
        }));
    }
}

#[test]
fn a_task_without_a_budget_is_a_context() {
    for runtime in [multi_thread(), current_thread()] {
        runtime.block_on(async {
            tokio::spawn(unconstrained(async { assert!(in_async_context()) })).await.unwrap();
        });
    }
    current_thread().block_on(unconstrained(async { assert!(in_async_context()) }));
}

#[test]
fn a_task_whose_budget_is_used_up_is_a_context() {
    multi_thread().block_on(async {
        tokio::spawn(async {
            while coop::has_budget_remaining() {
                coop::consume_budget().await;
            }
            assert!(in_async_context());
        })
        .await
        .unwrap();
    });
}

/// The one place that cannot be told from blocking code. It is not stalled and does not panic: `block_on` works.
#[test]
fn block_on_works_in_the_future_of_block_on_without_a_budget() {
    let runtime = multi_thread();
    runtime.block_on(unconstrained(async {
        let lent = Tokio::current().unwrap();
        assert_eq!(lent.block_on(async { 7 }), Ok(7));
    }));
}

#[test]
fn another_executor_inside_a_task_is_a_context() {
    multi_thread().block_on(async {
        let nested = tokio::spawn(async { futures_lite::future::block_on(async { in_async_context() }) });
        assert!(nested.await.unwrap());
    });
}

#[test]
fn a_plain_thread_is_none() {
    let runtime = Tokio::multi_thread(1).unwrap();
    assert!(!runtime.in_async_context());
    thread::spawn(move || assert!(!runtime.in_async_context())).join().unwrap();
}

#[test]
fn a_blocking_closure_is_none() {
    for runtime in [multi_thread(), current_thread()] {
        runtime.block_on(async {
            spawn_blocking(|| assert!(!in_async_context())).await.unwrap();
        });
    }
}

#[test]
fn block_in_place_is_none_and_what_follows_it_is_one() {
    multi_thread().block_on(async {
        assert!(!block_in_place(in_async_context));
        // tokio gives the future of `block_on` its budget back with the next poll, and a task at once.
        tokio::task::yield_now().await;
        assert!(in_async_context());
        tokio::spawn(async {
            assert!(!block_in_place(in_async_context));
            assert!(!block_in_place(|| block_in_place(in_async_context)));
            assert!(in_async_context());
        })
        .await
        .unwrap();
    });
}

#[test]
fn a_thread_that_has_entered_a_runtime_is_none() {
    for runtime in [multi_thread(), current_thread()] {
        let _guard = runtime.enter();
        assert!(!in_async_context());
        futures_lite::future::block_on(async { assert!(!in_async_context()) });
    }
}

#[test]
fn contexts_nest() {
    let runtime = multi_thread();
    runtime.block_on(async {
        let closure = spawn_blocking(|| {
            let lent = Tokio::current().unwrap();
            assert!(!in_async_context());
            lent.block_on(async {
                assert!(in_async_context());
                assert!(!block_in_place(in_async_context));
            })
            .unwrap();
            assert!(!in_async_context());
        });
        closure.await.unwrap();
    });
}

/// Asking costs the task none of its budget: what it may still do before it has to yield.
#[test]
fn asking_costs_no_budget() {
    fn left() -> usize {
        let mut cx = Context::from_waker(Waker::noop());
        let mut units = Vec::new();
        // Dropped together, these give back what they have taken.
        while coop::has_budget_remaining() && units.len() < 1000 {
            let Poll::Ready(unit) = coop::poll_proceed(&mut cx) else { break };
            units.push(unit);
        }
        let left = units.len();
        while units.pop().is_some() {}
        left
    }

    multi_thread().block_on(async {
        tokio::spawn(async {
            coop::consume_budget().await;
            let before = left();
            assert!(before > 1 && before < 1000, "{before}");
            assert!(Tokio::current().unwrap().in_async_context());
            assert_eq!(left(), before);
        })
        .await
        .unwrap();
    });
}

/// A task that asks all the time, also where the answer needs the scheduler, neither stops nor starves the others.
#[test]
fn asking_leaves_the_task_working() {
    for runtime in [multi_thread(), current_thread()] {
        runtime.block_on(async {
            let asking = tokio::spawn(unconstrained(async {
                for _ in 0..1_000 {
                    assert!(in_async_context());
                }
                tokio::task::yield_now().await;
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                7
            }));
            let other = tokio::spawn(async { 8 });
            assert_eq!((asking.await.unwrap(), other.await.unwrap()), (7, 8));
        });
    }
}

/// A future that is polled by hand, inside of a task and outside of any.
#[test]
fn what_counts_is_who_polls() {
    let runtime = Tokio::multi_thread(1).unwrap();
    let mut asking = pin!(poll_fn(|_| Poll::Ready(runtime.in_async_context())));
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(asking.as_mut().poll(&mut cx), Poll::Ready(false));
    assert_eq!(runtime.block_on(asking), Ok(true));
}
