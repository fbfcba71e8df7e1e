//! Failed tasks that their user has run again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anydask::{Client, Error, Status, TaskState, asynchronous, fallible};

use crate::support::{AnyOf, Counted, Counts, Event, Setting, on_every_runtime};
use crate::{Counter, add, inc};

on_every_runtime! {
    what_has_not_failed_is_not_retried;
    a_retry_runs_the_failed_inputs_too;
    an_input_that_is_waited_for_again_counts_once;
    what_failed_because_of_it_stays_failed_until_it_is_retried_too;
    several_are_retried_or_none;
    a_retry_of_what_can_not_be_repeated_says_so;
    a_cancelled_input_can_not_be_repeated;
    two_retries_at_once_are_one;
    retries_from_two_threads_are_one;
    what_a_function_captured_is_there_again;
    a_panic_is_retried;
    an_asynchronous_task_is_retried;
    automatic_retries_begin_anew;
    a_deadline_begins_anew;
    resources_are_taken_anew;
    a_retried_task_can_be_cancelled_and_dropped;
    who_awaits_hears_of_the_end_of_the_retry;
    who_gathers_hears_of_the_end_of_the_retry;
    a_wait_that_was_left_takes_nobody_elses_place;
    callbacks_are_called_once_for_each_end;
    as_completed_gives_what_it_was_given_for_each_end;
    a_retry_after_the_client_has_closed_is_refused;
    a_retry_of_a_future_whose_client_has_closed_is_refused;
    a_long_chain_is_retried;
    the_story_tells_of_the_retry;
}

/// Fails until it is told that all is well; then waits until it may go on.
#[derive(Clone)]
struct Flaky {
    is_up: Arc<AtomicBool>,
    runs: Counter,
    running: Event,
    release: Event,
}

impl Flaky {
    fn new() -> Self {
        let up = Self { is_up: Arc::default(), runs: Counter::new(), running: Event::new(), release: Event::new() };
        up.release.set();
        up
    }

    /// One that waits, once it does not fail.
    fn held() -> Self {
        Self { release: Event::new(), ..Self::new() }
    }

    fn mend(&self) {
        self.is_up.store(true, Ordering::SeqCst);
    }

    fn run(&self) -> Result<i64, &'static str> {
        self.runs.add();
        if !self.is_up.load(Ordering::SeqCst) {
            return Err("down");
        }
        self.running.set();
        self.release.wait();
        Ok(1)
    }

    fn body(&self) -> impl Fn() -> Result<i64, &'static str> + Send + Sync + Clone + use<> {
        let flaky = self.clone();
        move || flaky.run()
    }
}

async fn what_has_not_failed_is_not_retried<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let queued = client.submit(inc, 1);
    let cancelled = client.submit(inc, 1);
    cancelled.cancel();
    for (future, expected) in [(&queued, Status::Pending), (&cancelled, Status::Cancelled)] {
        match on.get(client.retry(future)).await {
            Err(Error::NotFailed { key, status }) => assert_eq!((key, status), (future.key(), expected)),
            other => panic!("{other:?}"),
        }
    }
    let running = on.get(occupant.retry()).await;
    assert!(matches!(running, Err(Error::NotFailed { status: Status::Pending, .. })), "{running:?}");
    release.set();
    assert_eq!(on.value(&queued).await.unwrap(), 2);
    let finished = on.get(client.retry(&queued)).await.unwrap_err();
    assert!(matches!(finished, Error::NotFailed { status: Status::Finished, .. }), "{finished:?}");
    assert!(finished.to_string().contains("only a failed one"), "{finished}");
}

async fn a_retry_runs_the_failed_inputs_too<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let (one, two, fine) = (Flaky::new(), Flaky::new(), Flaky::new());
    fine.mend();
    let inputs = [&one, &two, &fine].map(|flaky| client.submit(fallible(flaky.body()), ()));
    let sum = client.submit(add, (client.submit(add, (&inputs[0], &inputs[1])), &inputs[2]));
    on.error(&sum).await;
    on.get(client.wait(&inputs)).await.unwrap();
    one.mend();
    two.mend();
    on.get(client.retry(&sum)).await.unwrap();
    assert_eq!(on.value(&sum).await.unwrap(), 3);
    assert_eq!(on.get(client.gather(&inputs)).await.unwrap(), [1, 1, 1]);
    assert_eq!([one.runs.get(), two.runs.get(), fine.runs.get()], [2, 2, 1], "what was fine is not done again");
    // Also when nobody holds the inputs any more.
    let flaky = Flaky::new();
    let last = client.submit(inc, client.submit(inc, client.submit(fallible(flaky.body()), ())));
    on.error(&last).await;
    flaky.mend();
    on.get(last.retry()).await.unwrap();
    assert_eq!(on.take(last).await.unwrap(), 3);
    drop((inputs, sum));
    on.until("nothing is left", || client.dump().tasks.is_empty()).await;
}

/// The first attempt still waits for it when the second begins.
async fn an_input_that_is_waited_for_again_counts_once<R: AnyOf>(on: Setting<R>) {
    let client = on.client(3).await;
    let (flaky, slow) = (Flaky::held(), Flaky::held());
    slow.mend();
    let (x, y) = (client.submit(fallible(flaky.body()), ()), client.submit(fallible(slow.body()), ()));
    let sum = client.submit(add, (&x, &y));
    on.error(&sum).await;
    flaky.mend();
    on.get(client.retry(&sum)).await.unwrap();
    on.passed(&flaky.running).await;
    slow.release.set();
    on.value(&y).await.unwrap();
    on.until("only the retried input runs", || client.info().running == 1).await;
    assert_eq!((x.status(), sum.status()), (Status::Pending, Status::Pending));
    flaky.release.set();
    assert_eq!(on.value(&sum).await.unwrap(), 2);
}

async fn what_failed_because_of_it_stays_failed_until_it_is_retried_too<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let flaky = Flaky::new();
    let root = client.submit(fallible(flaky.body()), ());
    let after = client.map(inc, [&root, &root]);
    on.get(client.wait(&after)).await.unwrap();
    flaky.mend();
    on.get(client.retry(&root)).await.unwrap();
    assert_eq!(on.value(&root).await.unwrap(), 1);
    assert!(after.iter().all(|future| future.status() == Status::Error));
    on.get(client.retry(&after[1])).await.unwrap();
    assert_eq!(on.value(&after[1]).await.unwrap(), 2);
    assert_eq!((after[0].status(), flaky.runs.get()), (Status::Error, 2));
}

async fn several_are_retried_or_none<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let flaky = [Flaky::new(), Flaky::new()];
    let failed = flaky.each_ref().map(|flaky| client.submit(fallible(flaky.body()), ()));
    let finished = client.submit(inc, 1);
    on.get(client.wait(&failed)).await.unwrap();
    on.value(&finished).await.unwrap();
    let refused = on.get(client.retry((&failed, &finished))).await;
    assert!(matches!(refused, Err(Error::NotFailed { .. })), "{refused:?}");
    assert!(failed.iter().all(|future| future.status() == Status::Error));
    flaky.iter().for_each(Flaky::mend);
    // The same one twice is one.
    on.get(client.retry([&failed[0], &failed[1], &failed[0]])).await.unwrap();
    assert_eq!(on.get(client.gather(&failed)).await.unwrap(), [1, 1]);
    assert_eq!(flaky.map(|flaky| flaky.runs.get()), [2, 2]);
    on.get(client.retry(Vec::<anydask::TaskFuture<i64>>::new())).await.unwrap();
}

async fn a_retry_of_what_can_not_be_repeated_says_so<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let counts = Counts::new();
    let body = |x: Counted| if x.value() > 0 { Err("no") } else { Ok(0) };
    let future = client.submit(fallible(body), counts.make(1));
    let after = client.submit(inc, &future);
    for failed in [&future, &after] {
        on.error(failed).await;
        let refused = on.get(client.retry(failed)).await.unwrap_err();
        assert!(matches!(&refused, Error::NotRepeatable { key } if *key == future.key()), "{refused:?}");
        assert!(refused.to_string().contains("retryable"), "{refused}");
        assert_eq!(failed.status(), Status::Error, "it stays as it was");
    }
    let kept = client.task(fallible(body), counts.make(1)).retryable().submit();
    on.error(&kept).await;
    on.get(client.retry(&kept)).await.unwrap();
    on.error(&kept).await;
    drop(kept);
    on.until("all arguments are gone", || counts.alive() == 0).await;
}

async fn a_cancelled_input_can_not_be_repeated<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let flaky = Flaky::new();
    let (occupant, release) = on.occupy(&client).await;
    let (failing, queued) = (client.submit(fallible(flaky.body()), ()), client.submit(inc, 1));
    let failed = client.submit(add, (&failing, client.submit(inc, &queued)));
    let cancelled = client.submit(inc, &queued);
    let alone = client.task(fallible(flaky.body()), ()).priority(1).submit();
    release.set();
    on.error(&failing).await;
    on.get(client.wait([&failed, &alone])).await.unwrap();
    drop(occupant);
    assert!(on.value(&queued).await.is_ok() && on.value(&cancelled).await.is_ok());
    // One whose input was cancelled was cancelled itself, and has not failed.
    let (_occupant, release) = on.occupy(&client).await;
    let doomed = client.submit(inc, 1);
    let both = client.submit(add, (&alone, &doomed));
    let lost = client.submit(inc, &doomed);
    doomed.cancel();
    assert_eq!((both.status(), lost.status()), (Status::Error, Status::Cancelled));
    let refused = on.get(client.retry(&lost)).await;
    assert!(matches!(refused, Err(Error::NotFailed { status: Status::Cancelled, .. })), "{refused:?}");
    flaky.mend();
    let refused = on.get(client.retry(&both)).await;
    assert!(matches!(&refused, Err(Error::NotRepeatable { key }) if *key == doomed.key()), "{refused:?}");
    assert_eq!(alone.status(), Status::Error, "none is run again");
    release.set();
    on.get(client.retry(&failed)).await.unwrap();
    assert_eq!(on.value(&failed).await.unwrap(), 4);
}

async fn two_retries_at_once_are_one<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let flaky = Flaky::held();
    let future = client.submit(fallible(flaky.body()), ());
    on.error(&future).await;
    flaky.mend();
    let (first, second) = (client.retry(&future), client.retry(&future));
    on.get(first).await.unwrap();
    let refused = on.get(second).await;
    assert!(matches!(refused, Err(Error::NotFailed { status: Status::Pending, .. })), "{refused:?}");
    flaky.release.set();
    assert_eq!(on.value(&future).await.unwrap(), 1);
    assert_eq!(flaky.runs.get(), 2);
}

async fn retries_from_two_threads_are_one<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    for _ in 0..50 {
        let flaky = Flaky::held();
        let root = client.submit(fallible(flaky.body()), ());
        let after = client.submit(inc, &root);
        on.error(&after).await;
        flaky.mend();
        let results: Vec<_> = std::thread::scope(|scope| {
            let retry = |future: anydask::TaskFuture<i64>| scope.spawn(move || future.retry().wait());
            let retries: Vec<_> = [&after, &root, &after, &root].map(|future| retry(future.clone())).into();
            retries.into_iter().map(|retry| retry.join().unwrap()).collect()
        });
        assert!(results.iter().any(Result::is_ok), "{results:?}");
        // One that comes when another has begun finds it pending, or in the middle of being taken back.
        let is_known = |result: &Result<(), Error>| match result {
            Ok(()) => true,
            Err(error) => matches!(error, Error::NotFailed { .. } | Error::NotRepeatable { .. }),
        };
        assert!(results.iter().all(is_known), "{results:?}");
        flaky.release.set();
        assert_eq!(on.value(&root).await.unwrap(), 1);
        if after.status() == Status::Error {
            on.get(after.retry()).await.unwrap();
        }
        assert_eq!(on.get(after.timeout(Duration::from_secs(30))).await.unwrap(), 2);
        assert_eq!(flaky.runs.get(), 2);
    }
}

async fn what_a_function_captured_is_there_again<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (flaky, counts) = (Flaky::new(), Counts::new());
    let future = {
        let (body, captured) = (flaky.body(), counts.make(6));
        client.submit(fallible(move || body().map(|x| x + captured.value())), ())
    };
    on.error(&future).await;
    assert_eq!((counts.alive(), counts.cloned()), (1, 0), "it is kept, and not cloned");
    flaky.mend();
    on.get(future.retry()).await.unwrap();
    assert_eq!(on.value(&future).await.unwrap(), 7);
    on.until("what it captured is dropped", || counts.alive() == 0).await;
}

async fn a_panic_is_retried<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let flaky = Flaky::new();
    let body = flaky.body();
    let future = client.submit(move || body().unwrap(), ());
    assert!(matches!(on.error(&future).await, Error::Panicked { .. }));
    flaky.mend();
    on.get(client.retry(&future)).await.unwrap();
    assert_eq!(on.value(&future).await.unwrap(), 1);
}

async fn an_asynchronous_task_is_retried<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let flaky = Flaky::new();
    let body = {
        let (flaky, runtime) = (flaky.clone(), on.runtime.clone());
        move |x: i64| {
            let (flaky, runtime) = (flaky.clone(), runtime.clone());
            async move {
                runtime.sleep(Duration::from_millis(1)).await;
                flaky.run().map(|y| x + y)
            }
        }
    };
    let input = client.submit(inc, 1);
    let future = client.task(asynchronous(fallible(body)), &input).retryable().submit();
    for _ in 0..3 {
        assert!(matches!(on.error(&future).await, Error::Failed { .. }));
        on.get(client.retry(&future)).await.unwrap();
    }
    on.error(&future).await;
    flaky.mend();
    on.get(client.retry(&future)).await.unwrap();
    assert_eq!(on.value(&future).await.unwrap(), 3);
    on.until("none is left on the runtime", || client.info().asynchronous == 0).await;
}

async fn automatic_retries_begin_anew<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let runs = Counter::new();
    let body = {
        let runs = runs.clone();
        move |x: i64| if runs.add() < 5 { Err("not yet") } else { Ok(x) }
    };
    let future = client.task(fallible(body), 9).retries(2).submit();
    on.error(&future).await;
    assert_eq!(runs.get(), 3);
    on.get(client.retry(&future)).await.unwrap();
    assert_eq!(on.value(&future).await.unwrap(), 9);
    assert_eq!(runs.get(), 6);
}

async fn a_deadline_begins_anew<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let future = client.task(inc, 1).deadline(Duration::from_millis(20)).retryable().submit();
    assert!(matches!(on.error(&future).await, Error::DeadlineExceeded { .. }));
    on.get(client.retry(&future)).await.unwrap();
    assert!(matches!(on.error(&future).await, Error::DeadlineExceeded { .. }), "the thread is still occupied");
    release.set();
    on.value(&occupant).await.unwrap();
    // A loaded machine may take longer than the deadline.
    let start = std::time::Instant::now();
    loop {
        on.get(client.retry(&future)).await.unwrap();
        match on.value(&future).await {
            Ok(value) => break assert_eq!(value, 2),
            Err(error) => assert!(start.elapsed() < Duration::from_secs(20), "{error:?}"),
        }
    }
}

async fn resources_are_taken_anew<R: AnyOf>(on: Setting<R>) {
    let client = on.get(on.builder().threads(2).resources([("gpu", 1.0)]).local()).await.unwrap();
    let flaky = Flaky::held();
    let future = client.task(fallible(flaky.body()), ()).resources([("gpu", 1.0)]).submit();
    on.error(&future).await;
    on.until("it is given back", || crate::available(&client, "gpu") == 1.0).await;
    flaky.mend();
    on.get(client.retry(&future)).await.unwrap();
    on.passed(&flaky.running).await;
    assert_eq!(crate::available(&client, "gpu"), 0.0);
    let waits = client.task(inc, 1).resources([("gpu", 1.0)]).submit();
    assert_eq!(client.info().waiting_for_resources, 1);
    flaky.release.set();
    assert_eq!(on.get(client.gather((&future, &waits))).await.unwrap(), (1, 2));
    on.until("it is given back", || crate::available(&client, "gpu") == 1.0).await;
}

async fn a_retried_task_can_be_cancelled_and_dropped<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    for cancel in [true, false] {
        let flaky = Flaky::held();
        let future = client.submit(fallible(flaky.body()), ());
        on.error(&future).await;
        flaky.mend();
        on.get(client.retry(&future)).await.unwrap();
        on.passed(&flaky.running).await;
        if cancel {
            future.cancel();
            assert_eq!(future.status(), Status::Cancelled);
        }
        drop(future);
        flaky.release.set();
        on.until("nothing is left", || client.info().running == 0 && client.dump().tasks.is_empty()).await;
    }
}

async fn who_awaits_hears_of_the_end_of_the_retry<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let flaky = Flaky::held();
    let future = client.submit(fallible(flaky.body()), ());
    on.error(&future).await;
    flaky.mend();
    on.get(client.retry(&future)).await.unwrap();
    on.passed(&flaky.running).await;
    let late = on.get(future.timeout(Duration::from_millis(5))).await.unwrap_err();
    assert!(late.is_timeout());
    flaky.release.set();
    assert_eq!(on.value(&future).await.unwrap(), 1);
    assert_eq!(on.get(future.error()).await.unwrap().map(|error| error.to_string()), None);
}

/// One that gathers, and has been told of a failure that is no more, waits for the end that counts.
async fn who_gathers_hears_of_the_end_of_the_retry<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let (flaky, other) = (Flaky::held(), Flaky::held());
    other.mend();
    let future = client.submit(fallible(flaky.body()), ());
    let held = client.submit(fallible(other.body()), ());
    on.passed(&other.running).await;
    let mut results = client.gather_results((&future, &held));
    let mut values = client.gather((&held, &future));
    let mut waited = client.wait([&future, &held]);
    assert!(is_pending(&mut results) && is_pending(&mut waited));
    on.error(&future).await;
    flaky.mend();
    on.get(client.retry(&future)).await.unwrap();
    assert!(is_pending(&mut values));
    other.release.set();
    on.value(&held).await.unwrap();
    assert!(is_pending(&mut results) && is_pending(&mut values) && is_pending(&mut waited));
    flaky.release.set();
    let (first, second) = on.get(results).await.unwrap();
    assert_eq!((first.unwrap(), second.unwrap()), (1, 1));
    assert_eq!(on.get(values).await.unwrap(), (1, 1));
    assert_eq!(on.get(waited).await.unwrap().done.len(), 2);
}

fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
    std::pin::Pin::new(future).poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_pending()
}

/// A future that was polled before the failure and not after it is registered nowhere; dropping it must take nobody away.
async fn a_wait_that_was_left_takes_nobody_elses_place<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let flaky = Flaky::held();
    let future = client.submit(fallible(flaky.body()), ());
    let (mut left, mut polled) = (future.clone(), future.clone());
    assert!(is_pending(&mut left) && is_pending(&mut polled));
    release.set();
    on.value(&occupant).await.unwrap();
    on.error(&future).await;
    flaky.mend();
    on.get(client.retry(&future)).await.unwrap();
    let (told, after) = (Event::new(), client.submit(inc, &future));
    future.on_done({
        let told = told.clone();
        move |_| told.set()
    });
    // Polled again, it waits for the new end.
    assert!(is_pending(&mut polled));
    drop(left);
    flaky.release.set();
    on.passed(&told).await;
    assert_eq!(on.get(after.timeout(Duration::from_secs(30))).await.unwrap(), 2);
    assert!(!is_pending(&mut polled));
}

async fn callbacks_are_called_once_for_each_end<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let flaky = Flaky::held();
    let future = client.submit(fallible(flaky.body()), ());
    let (send, receive) = std::sync::mpsc::channel();
    let listen = |name: &'static str| {
        let send = send.clone();
        future.on_done(move |future| send.send((name, future.status())).unwrap());
    };
    listen("first");
    on.error(&future).await;
    let wait = Duration::from_secs(30);
    assert_eq!(receive.recv_timeout(wait), Ok(("first", Status::Error)));
    flaky.mend();
    on.get(client.retry(&future)).await.unwrap();
    listen("second");
    flaky.release.set();
    assert_eq!(receive.recv_timeout(wait), Ok(("second", Status::Finished)));
    listen("late");
    assert_eq!(receive.recv_timeout(wait), Ok(("late", Status::Finished)));
    assert!(receive.try_recv().is_err(), "none is called twice");
}

async fn as_completed_gives_what_it_was_given_for_each_end<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let flaky = Flaky::new();
    let future = client.submit(fallible(flaky.body()), ());
    let mut completed = anydask::as_completed([&future]);
    let failed = crate::next(&on, &mut completed).await.unwrap();
    assert_eq!(failed.status(), Status::Error);
    flaky.mend();
    on.get(client.retry(&failed)).await.unwrap();
    completed.push(failed);
    let done = crate::next(&on, &mut completed).await.unwrap();
    assert_eq!(on.value(&done).await.unwrap(), 1);
    assert!(crate::next(&on, &mut completed).await.is_none());
}

async fn a_retry_after_the_client_has_closed_is_refused<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let future = client.submit(fallible(Flaky::new().body()), ());
    on.error(&future).await;
    on.get(client.close()).await.unwrap();
    let refused = on.get(client.retry(&future)).await;
    assert!(matches!(refused, Err(Error::ClientClosed { operation: "retry" })), "{refused:?}");
    let refused = on.get(future.retry()).await;
    assert!(matches!(refused, Err(Error::ClientClosed { operation: "retry" })), "{refused:?}");
    assert_eq!(future.status(), Status::Error);
}

async fn a_retry_of_a_future_whose_client_has_closed_is_refused<R: AnyOf>(on: Setting<R>) {
    let engine = on.engine(1).await;
    let (c, f) = (Client::on(&engine).unwrap(), Client::on(&engine).unwrap());
    let flaky = Flaky::new();
    let future = c.submit(fallible(flaky.body()), ());
    let keyed = c.task(fallible(flaky.body()), ()).key("k").submit();
    on.get(c.wait([&future, &keyed])).await.unwrap();
    drop(c);
    flaky.mend();
    for failed in [&future, &keyed] {
        let refused = on.get(failed.retry()).await;
        assert!(matches!(refused, Err(Error::ClientClosed { operation: "retry" })), "{refused:?}");
        assert_eq!(failed.status(), Status::Error);
    }
    assert_eq!(on.take(f.submit(inc, 1)).await.unwrap(), 2);
    assert_eq!(flaky.runs.get(), 2);
}

async fn a_long_chain_is_retried<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let flaky = Flaky::new();
    let mut last = client.submit(fallible(flaky.body()), ());
    for _ in 0..5_000 {
        last = client.submit(inc, last);
    }
    on.error(&last).await;
    flaky.mend();
    on.get(client.retry(&last)).await.unwrap();
    assert_eq!(on.take(last).await.unwrap(), 5_001);
    on.until("nothing is left", || client.dump().tasks.is_empty()).await;
}

async fn the_story_tells_of_the_retry<R: AnyOf>(on: Setting<R>) {
    use TaskState::{Erred, Memory, Ready, Running, Waiting};

    let client = on.client(1).await;
    let flaky = Flaky::new();
    let future = client.submit(fallible(flaky.body()), ());
    on.error(&future).await;
    flaky.mend();
    on.get(client.retry(&future)).await.unwrap();
    on.value(&future).await.unwrap();
    let story = future.story();
    let states: Vec<_> = story.iter().map(|step| step.to).collect();
    assert_eq!(states, [Waiting, Ready, Running, Erred, Waiting, Ready, Running, Memory]);
    assert!(story[4].why.contains("retried"), "{}", story[4]);
}
