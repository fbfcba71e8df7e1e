//! When the body of a task counts as over: once it has returned, whatever was said meanwhile.

use anydask::Error;

use crate::ground::{AnyOf, Gate, Ground, on_clusters};
use crate::tasks::{cancelled_by_itself, hold, inc, mark, until_cancelled};

on_clusters! {
    what_ignores_its_cancellation_holds_its_resources;
    a_cancellation_of_its_own_is_a_failure;
    what_has_not_begun_does_not_when_the_scheduler_is_lost;
}

async fn what_ignores_its_cancellation_holds_its_resources<R: AnyOf>(on: Ground<R>) {
    let _a = on.get(on.worker_as("a").threads(2).resources([("GPU", 1.0)]).start()).await.unwrap();
    let client = on.client().await;
    let [first, second] = [(); 2].map(|()| Gate::new());
    let stubborn = client.task(hold, (first.name.clone(), 1)).resources([("GPU", 1.0)]).submit();
    on.passed(first.began()).await;
    stubborn.cancel();
    let next = client.task(mark, (second.name.clone(), 2)).resources([("GPU", 1.0)]).submit();
    // The worker hears of it after that.
    assert_eq!(on.value(&client.submit(inc, 1)).await.unwrap(), 2);
    assert_eq!(second.entered(), 0);
    first.open();
    assert_eq!(on.value(&next).await.unwrap(), 2);
}

async fn a_cancellation_of_its_own_is_a_failure<R: AnyOf>(on: Ground<R>) {
    let _a = on.worker("a", 1).await;
    let client = on.client().await;
    let gate = Gate::new();
    let failing = client.submit(cancelled_by_itself, gate.name.clone());
    let error = on.error(&failing).await;
    assert!(matches!(error, Error::Failed { .. }), "{error:?}");
    assert_eq!(gate.entered(), 1);
}

async fn what_has_not_begun_does_not_when_the_scheduler_is_lost<R: AnyOf>(on: Ground<R>) {
    let _a = on.worker("a", 1).await;
    let client = on.client().await;
    let [began, ended, next] = [(); 3].map(|()| Gate::new());
    let running = client.submit(until_cancelled, (began.name.clone(), ended.name.clone()));
    on.passed(began.began()).await;
    let queued = client.submit(mark, (next.name.clone(), 1));
    on.until_look("[len(w.processing) for w in s.workers.values()]", "[2]").await;
    on.look("[stream.abort() for stream in s.stream_comms.values()]");
    on.passed(ended.began()).await;
    on.until("it runs in the next registration", || began.entered() == 2).await;
    assert_eq!(next.entered(), 0);
    running.cancel();
    assert_eq!(on.value(&queued).await.unwrap(), 1);
    assert_eq!(next.entered(), 1);
}
