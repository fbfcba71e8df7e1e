//! Waiting inside a running task: it frees the task's slot by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anydask::runtime::Runtime;
use anydask::{Client, Error, Status, asynchronous, fallible};

use crate::support::{AnyOf, Event, Setting, on_every_runtime};

on_every_runtime! {
    a_recursive_fibonacci_finishes_on_one_thread;
    a_recursive_fibonacci_that_gathers_finishes_on_one_thread;
    waits_nest_five_hundred_deep_on_one_thread;
    a_task_may_wait_for_an_asynchronous_one;
    many_tasks_may_wait_for_one_on_one_thread;
    a_task_that_waits_makes_room_for_others;
    no_more_tasks_run_than_there_are_threads_after_waits;
    a_wait_with_a_limit_keeps_to_it_inside_a_task;
    a_gather_inside_a_task_runs_no_more_once_one_has_failed;
    a_panic_inside_a_wait_costs_no_thread;
    a_sync_that_panics_inside_a_task_costs_no_thread;
    a_task_may_sync_and_scope;
    a_failed_wait_inside_a_task_gives_the_original_error;
    a_task_may_wait_for_a_task_of_another_client;
    too_many_blocked_tasks_are_told_so;
}

fn fib<R: Runtime>(client: Client<R>, n: u64) -> Result<u64, Error> {
    if n < 2 {
        return Ok(n);
    }
    let a = client.submit(fallible(fib), (client.clone(), n - 1));
    let b = client.submit(fallible(fib), (client.clone(), n - 2));
    Ok(a.wait()? + b.wait()?)
}

fn gathering_fib<R: Runtime>(client: Client<R>, n: u64) -> Result<u64, Error> {
    if n < 2 {
        return Ok(n);
    }
    let parts = client.map(fallible(gathering_fib), [n - 1, n - 2].map(|n| (client.clone(), n)));
    Ok(client.gather(parts).wait()?.iter().sum())
}

async fn a_recursive_fibonacci_finishes_on_one_thread<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let result = client.submit(fallible(fib), (client.clone(), 14));
    assert_eq!(on.take(result).await.unwrap(), 377);
    on.get(client.close()).await.unwrap();
}

async fn a_recursive_fibonacci_that_gathers_finishes_on_one_thread<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let result = client.submit(fallible(gathering_fib), (client.clone(), 14));
    assert_eq!(on.take(result).await.unwrap(), 377);
    on.get(client.close()).await.unwrap();
}

async fn waits_nest_five_hundred_deep_on_one_thread<R: AnyOf>(on: Setting<R>) {
    fn descend<R: Runtime>(client: Client<R>, levels: u32) -> Result<u32, Error> {
        match levels {
            0 => Ok(0),
            _ => Ok(client.submit(fallible(descend), (client.clone(), levels - 1)).wait()? + 1),
        }
    }

    let client = on.client(1).await;
    let depth = client.submit(fallible(descend), (client.clone(), 500));
    assert_eq!(on.take(depth).await.unwrap(), 500);
}

async fn a_task_may_wait_for_an_asynchronous_one<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let own = client.clone();
    let waits = move || {
        let runtime = own.runtime().clone();
        let slept = own.submit(
            asynchronous(move || {
                let sleep = runtime.sleep(Duration::from_millis(5));
                async move {
                    sleep.await;
                    5
                }
            }),
            (),
        );
        slept.wait()
    };
    let waited = client.submit(fallible(waits), ());
    assert_eq!(on.take(waited).await.unwrap(), 5);
}

async fn many_tasks_may_wait_for_one_on_one_thread<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let release = Event::new();
    let passed = release.passed();
    let passed = std::sync::Mutex::new(Some(passed));
    let late = client.submit(
        asynchronous(move || {
            let passed = passed.lock().unwrap().take().expect("called once");
            async move {
                passed.await;
                1
            }
        }),
        (),
    );
    let begun = Arc::new(AtomicUsize::new(0));
    let waits = {
        let (late, begun) = (late.clone(), Arc::clone(&begun));
        move |x: i64| {
            begun.fetch_add(1, Ordering::SeqCst);
            late.wait().map(|one| one + x)
        }
    };
    let waiting = client.map(fallible(waits), 0..50);
    on.until("all wait", || begun.load(Ordering::SeqCst) == 50).await;
    release.set();
    assert_eq!(on.get(client.gather(waiting)).await.unwrap(), (1..51).collect::<Vec<_>>());
}

async fn a_task_that_waits_makes_room_for_others<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let event = Event::new();
    let passes = event.clone();
    // It is not helped: it runs already when it is waited for.
    let own = client.clone();
    let inner = asynchronous(move || passes.passed());
    let waits = move || own.submit(inner.clone(), ()).wait();
    let outer = client.submit(fallible(waits), ());
    let beside = client.submit(move || event.set(), ());
    on.take(beside).await.unwrap();
    on.take(outer).await.unwrap();
}

async fn no_more_tasks_run_than_there_are_threads_after_waits<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let busy = {
        let most = Arc::clone(&most);
        move || {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::yield_now();
            running.fetch_sub(1, Ordering::SeqCst);
        }
    };
    let own = client.clone();
    let waits = move |x: u64| -> Result<u64, Error> {
        let runtime = own.runtime().clone();
        busy();
        own.submit(asynchronous(move || runtime.sleep(Duration::from_millis(1))), ()).wait()?;
        // Whoever goes on after a wait has a slot again.
        busy();
        Ok(x)
    };
    let all = client.map(fallible(waits), 0..100);
    assert_eq!(on.get(client.gather(all)).await.unwrap(), (0..100).collect::<Vec<_>>());
    assert!(most.load(Ordering::SeqCst) <= 2, "{most:?} ran at once on two threads");
}

async fn a_wait_with_a_limit_keeps_to_it_inside_a_task<R: AnyOf>(on: Setting<R>) {
    // The child has the only slot, and what it waits for is the parent.
    let client = on.client(1).await;
    let own = client.clone();
    let parent = move || -> Result<(bool, bool), Error> {
        let release = Event::new();
        let waits = release.clone();
        let child = own.submit(move || waits.wait(), ());
        let limit = Duration::from_millis(20);
        let one = child.timeout(limit).wait().is_err_and(|error| error.is_timeout());
        let many = own.gather([&child]).timeout(limit).wait().is_err_and(|error| error.is_timeout());
        release.set();
        child.wait()?;
        Ok((one, many))
    };
    let parent = client.submit(fallible(parent), ());
    assert_eq!(on.take(parent).await.unwrap(), (true, true));
}

async fn a_gather_inside_a_task_runs_no_more_once_one_has_failed<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let own = client.clone();
    let parent = move || -> Result<(String, Vec<Status>), Error> {
        let failing = own.submit(fallible(|| Err::<(), _>("fast")), ());
        let others = own.map(|_: i64| (), 0..3);
        let error = own.gather((&failing, &others)).wait().unwrap_err();
        let statuses = others.iter().map(anydask::TaskFuture::status).collect();
        Ok((std::error::Error::source(&error).unwrap().to_string(), statuses))
    };
    let parent = client.submit(fallible(parent), ());
    assert_eq!(on.take(parent).await.unwrap(), ("fast".to_owned(), vec![Status::Pending; 3]));
}

/// Shows that an engine of one thread still runs what it is given, and wakes for it.
async fn check_alive<R: AnyOf>(on: &Setting<R>, client: &Client<R>) {
    for x in 0..50 {
        let alive = on.get(client.submit(|x: i64| x + 1, x).timeout(Duration::from_secs(20))).await;
        assert_eq!(alive.unwrap(), x + 1, "the engine has stopped");
    }
}

async fn a_panic_inside_a_wait_costs_no_thread<R: AnyOf>(on: Setting<R>) {
    struct Touchy;

    impl Clone for Touchy {
        fn clone(&self) -> Self {
            panic!("touched")
        }
    }

    let client = on.client(1).await;
    for _ in 0..300 {
        let own = client.clone();
        let waits = move || {
            // It ends while the wait blocks: asynchronous tasks are not helped.
            let runtime = own.runtime().clone();
            let touchy = own.submit(
                asynchronous(move || {
                    let sleep = runtime.sleep(Duration::from_micros(50));
                    async move {
                        sleep.await;
                        Touchy
                    }
                }),
                (),
            );
            own.gather(&touchy).wait().map(drop)
        };
        let outer = client.submit(fallible(waits), ());
        match on.take(outer).await {
            Err(Error::Panicked { message, .. }) => assert_eq!(&*message, "touched"),
            other => panic!("{other:?}"),
        }
    }
    check_alive(&on, &client).await;
    on.get(client.close()).await.unwrap();
}

async fn a_sync_that_panics_inside_a_task_costs_no_thread<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    for _ in 0..300 {
        let own = client.clone();
        let outer = client.submit(fallible(move || own.sync(async { panic!("in sync") as Result<(), Error> })), ());
        match on.take(outer).await {
            Err(Error::Panicked { message, .. }) => assert_eq!(&*message, "in sync"),
            other => panic!("{other:?}"),
        }
    }
    check_alive(&on, &client).await;
    on.get(client.close()).await.unwrap();
}

async fn a_task_may_sync_and_scope<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let own = client.clone();
    let synced = client.submit(
        fallible(move || {
            own.sync(async { Ok::<_, Error>(own.submit(|| 1, ()).await? + own.submit(|| 2, ()).wait()?) })
        }),
        (),
    );
    // In the runtime's `block_on`, the inner `.wait()` is refused, or it works: a hang it is not.
    match on.take(synced).await {
        Ok(sum) => assert_eq!(sum, 3),
        Err(error) => assert!(matches!(error, Error::Failed { .. }), "{error}"),
    }
    let own = client.clone();
    let scoped = move || {
        let body = async |inner: Client<R>| Ok::<_, Error>(own.submit(|| 1, ()).await? + inner.submit(|| 2, ()).await?);
        Client::with_runtime(own.runtime().clone()).threads(1).scope(body).wait()
    };
    let scoped = client.submit(fallible(scoped), ());
    let sum = on.get(scoped.timeout(Duration::from_secs(20))).await;
    assert_eq!(sum.unwrap(), 3);
}

async fn a_failed_wait_inside_a_task_gives_the_original_error<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let own = client.clone();
    let outer = move || {
        let inner = own.submit(fallible(|text: String| text.parse::<i64>()), "x".to_owned());
        inner.wait()
    };
    let error = on.error(&client.submit(fallible(outer), ())).await;
    assert!(error.downcast_ref::<std::num::ParseIntError>().is_some(), "{error}");
}

async fn a_task_may_wait_for_a_task_of_another_client<R: AnyOf>(on: Setting<R>) {
    let (client, other) = (on.client(1).await, on.client(1).await);
    // There and back: the first client's only thread must be free for the innermost task.
    let (there, back) = (other.clone(), client.clone());
    let outer = move || {
        let back = back.clone();
        there.submit(fallible(move || back.submit(|| 5, ()).wait()), ()).wait()
    };
    let outer = client.submit(fallible(outer), ());
    assert_eq!(on.take(outer).await.unwrap(), 5);
}

async fn too_many_blocked_tasks_are_told_so<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let release = Event::new();
    let passes = release.clone();
    let late = client.submit(asynchronous(move || passes.passed()), ());
    let waits = {
        let late = late.clone();
        move |_: usize| late.wait()
    };
    let waiting = client.map(fallible(waits), 0..300);
    on.until("one is refused", || waiting.iter().any(|waiting| waiting.status() == Status::Error)).await;
    release.set();
    let results = on.get(client.gather_results(waiting)).await.unwrap();
    let refused: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    assert!(!refused.is_empty() && refused.len() < 100);
    for error in refused {
        assert!(matches!(error, Error::TooManyBlocked { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("asynchronous") && text.contains(".await"), "{text}");
    }
    on.get(client.close()).await.unwrap();
}
