//! Tasks that fail: every future resolves once, with an error that says what happened, and the engine goes on.

use std::panic::{panic_any, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anydask::{Client, Error, Status, TaskFuture, asynchronous, fallible};

use crate::support::{AnyOf, Counts, Event, SetOnDrop, Setting, on_every_runtime};

on_every_runtime! {
    a_panic_tells_its_key_message_and_place;
    a_panic_in_an_asynchronous_task_tells_its_key_message_and_place;
    a_panic_with_any_payload_is_an_error;
    a_payload_that_panics_in_its_drop_harms_nothing;
    a_value_that_panics_in_its_drop_harms_nothing;
    a_capture_that_panics_in_its_drop_harms_nothing;
    a_future_that_panics_in_its_drop_harms_nothing;
    an_error_that_panics_in_its_drop_harms_nothing;
    a_place_is_told_only_of_the_panic_itself;
    an_err_is_the_tasks_error_and_its_source;
    an_err_of_an_asynchronous_task_is_its_error;
    a_failed_input_fails_what_depends_on_it_with_the_original_error;
    an_input_that_has_failed_already_fails_what_is_submitted_on_it;
    what_can_no_longer_run_is_dropped_with_its_last_handle;
    a_failure_reaches_every_branch_of_a_graph;
    a_failed_chain_of_ten_thousand_fails_to_its_end;
    an_argument_that_cannot_be_cloned_fails_the_task;
    a_handed_on_error_is_the_same_error;
    an_error_is_given_as_often_as_it_is_asked_for;
}

/// Shows that nothing of the engine is lost.
async fn check_alive<R: AnyOf>(on: &Setting<R>, client: &Client<R>) {
    let cpu = client.map(|x: i64| x + 1, 0..20);
    let asynchronous = client.map(asynchronous(|x: i64| async move { x + 1 }), cpu);
    assert_eq!(on.get(client.gather(asynchronous)).await.unwrap(), (2..22).collect::<Vec<_>>());
}

async fn check_panicked<R: AnyOf, T: Send + Sync + 'static>(on: &Setting<R>, future: &TaskFuture<T>, text: &str) {
    let error = on.error(future).await;
    let Error::Panicked { key, message, location } = &error else { panic!("{error:?}") };
    assert_eq!((key, &**message), (&future.key(), text));
    assert!(location.as_ref().is_some_and(|location| location.contains("failures.rs:")), "{location:?}");
    let told = error.to_string();
    assert!(told.contains(key.as_str()) && told.contains(text) && told.contains("failures.rs:"), "{told}");
    assert_eq!(future.status(), Status::Error);
}

async fn a_panic_tells_its_key_message_and_place<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    check_panicked(&on, &client.submit(|| -> i64 { panic!("a text") }, ()), "a text").await;
    check_panicked(&on, &client.submit(|x: i64| -> i64 { panic!("formatted {x}") }, 7), "formatted 7").await;
    let indexed = client.submit(|values: Vec<i64>, index: usize| values[index], (vec![1, 2], 5));
    check_panicked(&on, &indexed, "index out of bounds: the len is 2 but the index is 5").await;
    check_panicked(&on, &client.submit(fallible(|| -> Result<i64, Error> { panic!("fallibly") }), ()), "fallibly")
        .await;
    check_alive(&on, &client).await;
}

async fn a_panic_in_an_asynchronous_task_tells_its_key_message_and_place<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let runtime = on.runtime.clone();
    let before = client.submit(asynchronous(|| -> std::future::Ready<i64> { panic!("in the call") }), ());
    let first = client.submit(asynchronous(|| async { panic!("at its first poll") as i64 }), ());
    let later = client.submit(
        asynchronous(move || {
            let sleep = runtime.sleep(std::time::Duration::from_millis(1));
            async move {
                sleep.await;
                panic!("after an await") as i64
            }
        }),
        (),
    );
    check_panicked(&on, &before, "in the call").await;
    check_panicked(&on, &first, "at its first poll").await;
    check_panicked(&on, &later, "after an await").await;
    check_alive(&on, &client).await;
}

async fn a_panic_with_any_payload_is_an_error<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let number = client.submit(|| panic_any(5), ());
    let asynchronously = client.submit(asynchronous(|| async { panic_any(5) }), ());
    for future in [number, asynchronously] {
        let error: Error = on.error::<()>(&future).await;
        assert!(matches!(&error, Error::Panicked { location: Some(_), .. }), "{error:?}");
        assert!(error.to_string().contains(future.key().as_str()), "{error}");
    }
    check_alive(&on, &client).await;
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("in drop");
        }
    }
}

async fn a_payload_that_panics_in_its_drop_harms_nothing<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let cpu = client.submit(|| panic_any(Bomb), ());
    let asynchronously = client.submit(asynchronous(|| async { panic_any(Bomb) }), ());
    for future in [cpu, asynchronously] {
        assert!(matches!(on.error::<()>(&future).await, Error::Panicked { .. }));
    }
    check_alive(&on, &client).await;
    on.get(client.close()).await.unwrap();
}

async fn a_value_that_panics_in_its_drop_harms_nothing<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let held = client.submit(|| Bomb, ());
    on.get(client.wait([&held])).await.unwrap();
    drop(held);
    client.submit(|| Bomb, ()).detach();
    client.submit(asynchronous(|| async { Bomb }), ()).detach();
    let (running, release) = (Event::new(), Event::new());
    let (runs, waits) = (running.clone(), release.clone());
    let dropped_while_it_runs = client.submit(
        move || {
            runs.set();
            waits.wait();
            Bomb
        },
        (),
    );
    on.passed(&running).await;
    drop(dropped_while_it_runs);
    release.set();
    check_alive(&on, &client).await;
    on.get(client.close()).await.unwrap();
}

async fn a_capture_that_panics_in_its_drop_harms_nothing<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let bomb = Bomb;
    let ran = client.submit(
        move || {
            let _ = &bomb;
            1
        },
        (),
    );
    // The value was there before.
    assert_eq!(on.value(&ran).await.unwrap(), 1);
    let (occupant, release) = on.occupy(&client).await;
    let bomb = Bomb;
    let queued = client.submit(
        move |_: Bomb| {
            let _ = &bomb;
        },
        Bomb,
    );
    let waiting = client.submit(|(): (), _: Bomb| (), (&occupant, Bomb));
    drop(queued);
    drop(waiting);
    release.set();
    on.take(occupant).await.unwrap();
    let argument = client.submit(|_: Bomb| (), Bomb);
    assert!(matches!(on.error(&argument).await, Error::Panicked { .. }));
    check_alive(&on, &client).await;
    on.get(client.close()).await.unwrap();
}

async fn a_future_that_panics_in_its_drop_harms_nothing<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    for _ in 0..8 {
        let (begun, gone) = (Event::new(), Event::new());
        let begins = begun.clone();
        let (guard, body) = (gone.clone(), move |guard: SetOnDrop| {
            let begins = begins.clone();
            async move {
                let _guard = guard;
                let _bomb = Bomb;
                begins.set();
                std::future::pending::<()>().await;
            }
        });
        let endless = client.submit(asynchronous(body), guard.on_drop());
        on.passed(&begun).await;
        drop(endless);
        on.passed(&gone).await;
    }
    check_alive(&on, &client).await;
    on.get(client.close()).await.unwrap();
}

async fn an_error_that_panics_in_its_drop_harms_nothing<R: AnyOf>(on: Setting<R>) {
    struct BombError(Bomb);

    impl std::fmt::Debug for BombError {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a bomb")
        }
    }

    impl std::fmt::Display for BombError {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a bomb")
        }
    }

    impl std::error::Error for BombError {}

    let client = on.client(1).await;
    let fails = || Err::<(), _>(BombError(Bomb));
    for _ in 0..3 {
        // Nobody holds it: it is dropped on the engine's thread, with its error.
        client.submit(fallible(fails), ()).detach();
    }
    check_alive(&on, &client).await;
    // On the thread of another task, inside its wait, it does not fail that one.
    let own = client.clone();
    let outer = client.submit(
        move || {
            own.submit(fallible(fails), ()).detach();
            own.submit(|| 1, ()).wait().unwrap()
        },
        (),
    );
    assert_eq!(on.take(outer).await.unwrap(), 1);
    check_alive(&on, &client).await;
    on.get(client.close()).await.unwrap();
}

async fn a_place_is_told_only_of_the_panic_itself<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let caught = client.submit(|| std::panic::catch_unwind(|| panic!("within")).is_err(), ());
    assert!(on.take(caught).await.unwrap());
    // Of this one nobody knows the place, and least of all that it is the other's.
    let resumed = client.submit(|| resume_unwind(Box::new("from elsewhere")), ());
    match on.error::<()>(&resumed).await {
        Error::Panicked { message, location, .. } => assert_eq!((&*message, location), ("from elsewhere", None)),
        other => panic!("{other:?}"),
    }
}

#[derive(Debug, PartialEq)]
struct Refusal(i64);

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "refused {}", self.0)
    }
}

impl std::error::Error for Refusal {}

fn refuse(x: i64) -> Result<i64, Refusal> {
    Err(Refusal(x))
}

async fn an_err_is_the_tasks_error_and_its_source<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let future = client.submit(fallible(refuse), 5);
    let error = on.error(&future).await;
    assert!(matches!(&error, Error::Failed { key, .. } if *key == future.key()));
    assert_eq!(error.downcast_ref::<Refusal>(), Some(&Refusal(5)));
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "refused 5");
    assert_eq!(future.status(), Status::Error);
    // Whatever becomes an error: a text, a box.
    let text = client.submit(fallible(|| Err::<i64, _>("a text")), ());
    assert_eq!(std::error::Error::source(&on.error(&text).await).unwrap().to_string(), "a text");
    let boxed = client.submit(fallible(|| Err::<i64, Box<dyn std::error::Error + Send + Sync>>(Refusal(6).into())), ());
    assert_eq!(on.error(&boxed).await.downcast_ref::<Refusal>(), Some(&Refusal(6)));
}

async fn an_err_of_an_asynchronous_task_is_its_error<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let future = client.submit(fallible(asynchronous(|x: i64| async move { refuse(x) })), 5);
    let error = on.error(&future).await;
    assert_eq!(error.key(), Some(&future.key()));
    assert_eq!(error.downcast_ref::<Refusal>(), Some(&Refusal(5)));
}

async fn a_failed_input_fails_what_depends_on_it_with_the_original_error<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let (occupant, release) = on.occupy(&client).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let count = |x: i64| {
        let runs = Arc::clone(&runs);
        move |y: i64| {
            runs.fetch_add(1, Ordering::SeqCst);
            x + y
        }
    };
    let failing = client.submit(fallible(|(): (), x: i64| refuse(x)), (&occupant, 5));
    let direct = client.submit(count(1), &failing);
    let indirect = client.submit(count(2), &direct);
    let runs_too = Arc::clone(&runs);
    let in_vector = client.submit(
        move |values: Vec<i64>, _: i64| {
            runs_too.fetch_add(1, Ordering::SeqCst);
            values.len()
        },
        (vec![&indirect, &failing], 7),
    );
    let counts_async = Arc::clone(&runs);
    let asynchronously = client.submit(
        asynchronous(move |_: i64| {
            counts_async.fetch_add(1, Ordering::SeqCst);
            async {}
        }),
        &failing,
    );
    release.set();
    let errors = [
        on.error(&failing).await,
        on.error(&direct).await,
        on.error(&indirect).await,
        on.error(&in_vector).await,
        on.error(&asynchronously).await,
    ];
    for error in errors {
        assert_eq!(error.key(), Some(&failing.key()));
        assert_eq!(error.downcast_ref::<Refusal>(), Some(&Refusal(5)));
    }
    assert_eq!(runs.load(Ordering::SeqCst), 0);
}

async fn an_input_that_has_failed_already_fails_what_is_submitted_on_it<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let failing = client.submit(|| -> i64 { panic!("early") }, ());
    on.get(client.wait([&failing])).await.unwrap();
    let (occupant, release) = on.occupy(&client).await;
    let late = client.submit(|x: i64, (): ()| x, (&failing, &occupant));
    // At once: it waits for nothing any more.
    assert_eq!(late.status(), Status::Error);
    match on.error(&late).await {
        Error::Panicked { key, message, .. } => assert_eq!((key, &*message), (failing.key(), "early")),
        other => panic!("{other:?}"),
    }
    release.set();
    on.take(occupant).await.unwrap();
}

/// It can be retried as long as somebody holds it.
async fn what_can_no_longer_run_is_dropped_with_its_last_handle<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let (occupant, release) = on.occupy(&client).await;
    let counts = Counts::new();
    let captured = counts.make(1);
    let failing = client.submit(fallible(refuse), 1);
    // It still waits for the occupant when the other input fails.
    let doomed = client.submit(move |(): (), x: i64| captured.value() + x, (&occupant, &failing));
    on.error(&doomed).await;
    assert_eq!(counts.alive(), 1);
    drop(doomed);
    on.until("the capture is dropped", || counts.alive() == 0).await;
    assert_eq!(occupant.status(), Status::Pending);
    // What was cancelled can not be retried, and goes at once.
    let captured = counts.make(1);
    let cancelled = client.submit(move |(): ()| captured.value(), &occupant);
    cancelled.cancel();
    assert_eq!(counts.alive(), 0);
    release.set();
    on.take(occupant).await.unwrap();
}

async fn a_failure_reaches_every_branch_of_a_graph<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let (occupant, release) = on.occupy(&client).await;
    let root = client.submit(fallible(|(): ()| refuse(1)), &occupant);
    let healthy = client.submit(|(): ()| 1, &occupant);
    let mut level = vec![root.clone(), healthy.clone()];
    for _ in 0..6 {
        // Each level has every sum of two neighbours of the one before: all but one touch the failure in the end.
        level = level.iter().flat_map(|x| [client.submit(|x: i64| x, x), client.submit(|x: i64| x, x)]).collect();
    }
    release.set();
    let results = on.get(client.gather_results(&level)).await.unwrap();
    let failed = results.iter().filter(|result| result.is_err()).count();
    assert_eq!((results.len(), failed), (128, 64));
    for error in results.into_iter().filter_map(Result::err) {
        assert_eq!(error.key(), Some(&root.key()));
    }
    assert_eq!(on.value(&healthy).await.unwrap(), 1);
}

async fn a_failed_chain_of_ten_thousand_fails_to_its_end<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let first = client.submit(fallible(|(): ()| refuse(3)), occupant);
    let mut chain = vec![first];
    for index in 0..10_000 {
        chain.push(client.submit(|x: i64| x + 1, &chain[index]));
    }
    release.set();
    let error = on.error(&chain[10_000]).await;
    assert_eq!(error.key(), Some(&chain[0].key()));
    assert!(on.get(client.gather_ok(&chain)).await.unwrap().is_empty());
}

async fn an_argument_that_cannot_be_cloned_fails_the_task<R: AnyOf>(on: Setting<R>) {
    struct Touchy;

    impl Clone for Touchy {
        fn clone(&self) -> Self {
            panic!("touched")
        }
    }

    let client = on.client(1).await;
    let touchy = client.submit(|| Touchy, ());
    let reads = client.submit(|_: Touchy| (), &touchy);
    check_panicked(&on, &reads, "touched").await;
    let shares = client.submit(|_: Arc<Touchy>| 1, &touchy);
    assert_eq!(on.take(shares).await.unwrap(), 1);
    check_alive(&on, &client).await;
}

async fn a_handed_on_error_is_the_same_error<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let failing = client.submit(fallible(refuse), 4);
    let error = on.error(&failing).await;
    let hands_on = client.submit(fallible(move || Err::<(), Error>(error.clone())), ());
    let error = on.error(&hands_on).await;
    assert_eq!(error.key(), Some(&failing.key()));
    assert_eq!(error.downcast_ref::<Refusal>(), Some(&Refusal(4)));
}

async fn an_error_is_given_as_often_as_it_is_asked_for<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let failing = client.submit(fallible(refuse), 4);
    for _ in 0..3 {
        assert!(matches!(on.value(&failing).await, Err(Error::Failed { .. })));
    }
    let clones: Vec<_> = (0..3).map(|_| failing.clone()).collect();
    assert!(matches!(on.take(failing).await, Err(Error::Failed { .. })));
    for clone in clones {
        assert!(matches!(on.take(clone).await, Err(Error::Failed { .. })));
    }
}
