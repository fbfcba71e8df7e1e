//! What a handle means on a cluster: cancelling, releasing, detaching, retrying, keys, closing.

use std::time::Duration;

use anydask::{ClientStatus, Error, Status};

use crate::ground::{AnyOf, Gate, Ground, chain, on_clusters, state};
use crate::tasks::{add, double, fails, flaky, hold, inc, mark};

on_clusters! {
    a_cancel_tells_its_reason_and_takes_dependents_along;
    a_cancel_of_one_client_leaves_the_futures_of_another;
    what_is_dropped_the_scheduler_forgets;
    a_task_holds_its_inputs;
    an_error_lives_as_long_as_somebody_blames_it;
    a_detached_task_goes_on_without_handles;
    a_detached_task_outlives_its_client;
    a_failed_task_is_retried_on_the_same_handle;
    retries_are_counted_by_the_scheduler;
    the_same_work_under_a_key_is_one_task;
    other_work_under_a_key_is_refused;
    a_key_is_one_task_for_all_clients_of_a_cluster;
    pure_work_is_done_once;
    a_close_is_idempotent_and_leaves_nothing;
    a_close_resolves_everything;
    a_closed_client_refuses;
    a_client_that_is_dropped_leaves_nothing;
    a_scope_of_a_body_that_fails_leaves_nothing;
    four_clients_open_and_close_one_after_another;
}

async fn a_cancel_tells_its_reason_and_takes_dependents_along<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let gate = Gate::new();
    let x = client.submit(hold, (gate.name.clone(), 1));
    let y = client.submit(inc, &x);
    let done = client.submit(inc, 1);
    on.value(&done).await.unwrap();
    on.passed(gate.began()).await;
    on.get(client.cancel_because((&x, &done), "testreason")).await.unwrap();
    let error = on.error(&x).await;
    assert!(error.is_cancelled() && error.to_string().contains("testreason"), "{error}");
    let error = on.error(&y).await;
    assert!(error.is_cancelled() && error.to_string().contains("lost dependencies"), "{error}");
    let error = on.error(&client.submit(inc, &x)).await;
    assert!(error.is_cancelled() && error.to_string().contains("lost dependencies"), "{error}");
    assert_eq!(on.value(&done).await.unwrap(), 2, "what has finished stays");
    drop(done);
    on.until_look("len(s.tasks)", "0").await;
    gate.open();
}

async fn a_cancel_of_one_client_leaves_the_futures_of_another<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let other = on.client().await;
    let gate = Gate::new();
    let ours = client.task(hold, (gate.name.clone(), 1)).key("shared").submit();
    on.passed(gate.began()).await;
    let theirs = other.task(hold, (gate.name.clone(), 1)).key("shared").submit();
    on.until_look("len(s.tasks['shared'].who_wants)", "2").await;
    ours.cancel();
    assert!(on.error(&ours).await.is_cancelled());
    on.until_look("len(s.tasks['shared'].who_wants)", "1").await;
    gate.open();
    assert_eq!(on.value(&theirs).await.unwrap(), 1);
    assert_eq!((theirs.status(), gate.entered()), (Status::Finished, 1));
}

async fn what_is_dropped_the_scheduler_forgets<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let x = client.submit(inc, 1);
    let clone = x.clone();
    on.value(&x).await.unwrap();
    drop(x);
    assert_eq!(on.value(&clone).await.unwrap(), 2);
    let key = clone.key();
    assert_eq!(on.look(&state(&key)), "\"memory\"", "a clone holds it");
    drop(clone);
    on.until_look(&state(&key), "\"forgotten\"").await;
    let gate = Gate::new();
    let running = client.submit(hold, (gate.name.clone(), 1));
    on.passed(gate.began()).await;
    drop(running);
    let failing = client.submit(fails, (Gate::new().name, 9));
    on.error(&failing).await;
    drop(failing);
    on.until_look("len(s.tasks)", "0").await;
    gate.open();
    on.until_look("[len(w.has_what) for w in s.workers.values()]", "[0, 0]").await;
}

async fn a_task_holds_its_inputs<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let gate = Gate::new();
    let x = client.submit(hold, (gate.name.clone(), 1));
    let key = x.key();
    let y = client.submit(double, x);
    on.passed(gate.began()).await;
    gate.open();
    assert_eq!(on.value(&y).await.unwrap(), 2);
    // Nobody else does. The scheduler keeps its data no longer.
    on.until_look(&format!("bool(s.tasks[{0:?}].who_has) if {0:?} in s.tasks else False", key.as_str()), "false").await;
    drop(y);
    on.until_look("len(s.tasks)", "0").await;
}

async fn an_error_lives_as_long_as_somebody_blames_it<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let x = client.submit(fails, (Gate::new().name, 9));
    let key = x.key();
    let y = client.submit(crate::tasks::plus_one, &x);
    let z = client.submit(crate::tasks::plus_one, &y);
    for future in [&y, &z] {
        let error = on.error(future).await;
        assert!(matches!(&error, Error::Failed { key: blamed, .. } if *blamed == key), "{error:?}");
        assert!(chain(&error).contains("run 1 failed"), "{}", chain(&error));
    }
    drop((x, z));
    on.until_look("len(s.tasks)", "2").await;
    assert_eq!(on.look(&state(&key)), "\"erred\"");
    drop(y);
    on.until_look("len(s.tasks)", "0").await;
}

async fn a_detached_task_goes_on_without_handles<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let (gate, marked) = (Gate::new(), Gate::new());
    let x = client.submit(hold, (gate.name.clone(), 1));
    client.submit(mark, (marked.name.clone(), &x)).detach();
    drop(x);
    on.passed(gate.began()).await;
    gate.open();
    on.passed(marked.began()).await;
    on.until_look("len(s.tasks)", "0").await;
}

async fn a_detached_task_outlives_its_client<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let (gate, marked) = (Gate::new(), Gate::new());
    let x = client.submit(hold, (gate.name.clone(), 1));
    client.submit(mark, (marked.name.clone(), &x)).detach();
    on.passed(gate.began()).await;
    on.get(client.close()).await.unwrap();
    on.until_look("len(s.clients)", "1").await;
    assert_eq!(marked.entered(), 0);
    gate.open();
    on.passed(marked.began()).await;
    on.until_look("len(s.tasks)", "0").await;
}

async fn a_failed_task_is_retried_on_the_same_handle<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let gate = Gate::new();
    let x = client.submit(flaky, (gate.name.clone(), 7));
    let y = client.submit(inc, &x);
    assert!(matches!(on.error(&x).await, Error::Failed { .. }));
    assert!(matches!(on.error(&y).await, Error::Failed { .. }));
    on.get(client.retry(&x)).await.unwrap();
    assert!(matches!(on.error(&x).await, Error::Failed { .. }), "not yet");
    // `y` has failed once more, with it. What the scheduler says is in order.
    on.until_look(&state(&y.key()), "\"erred\"").await;
    assert_eq!(on.value(&client.submit(inc, 1)).await.unwrap(), 2);
    gate.open();
    on.get(client.retry((&x, &y))).await.unwrap();
    assert_eq!(on.value(&x).await.unwrap(), 7);
    assert_eq!(on.value(&y).await.unwrap(), 8);
    let error = on.get(client.retry(&x)).await.unwrap_err();
    assert!(matches!(error, Error::NotFailed { status: Status::Finished, .. }), "{error:?}");
}

async fn retries_are_counted_by_the_scheduler<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let x = client.task(fails, (Gate::new().name, 2)).retries(2).submit();
    assert_eq!(on.value(&x).await.unwrap(), 3);
    let y = client.task(fails, (Gate::new().name, 2)).retries(1).submit();
    let error = on.error(&y).await;
    assert!(chain(&error).contains("run 2 failed"), "the last one: {}", chain(&error));
}

async fn the_same_work_under_a_key_is_one_task<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let gate = Gate::new();
    let [x, y] = [(); 2].map(|()| client.task(mark, (gate.name.clone(), 1)).key("one").submit());
    assert_eq!((x.key(), x.key()), (y.key(), "one".into()));
    assert_eq!(on.value(&x).await.unwrap(), 1);
    let z = client.task(mark, (gate.name.clone(), 1)).key("one").submit();
    drop((x, y));
    assert_eq!(on.value(&z).await.unwrap(), 1);
    assert_eq!(gate.entered(), 1);
    drop(z);
    // Nobody has it any more: now it may be other work.
    let other = client.task(inc, 5).key("one").submit();
    assert_eq!(on.value(&other).await.unwrap(), 6);
}

async fn other_work_under_a_key_is_refused<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let x = client.task(inc, 1).key("one").submit();
    for other in [client.task(inc, 2).key("one").submit(), client.task(double, 1).key("one").submit()] {
        let error = on.error(&other).await;
        assert!(matches!(&error, Error::KeyConflict { key } if key.as_str() == "one"), "{error:?}");
    }
    assert_eq!(on.value(&x).await.unwrap(), 2);
    let error = on.error(&client.task(inc, 1).key("").submit()).await;
    assert!(matches!(error, Error::InvalidKey { nbytes: 0, .. }), "{error:?}");
}

async fn a_key_is_one_task_for_all_clients_of_a_cluster<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let other = on.client().await;
    let gate = Gate::new();
    let x = client.task(mark, (gate.name.clone(), 1)).key("one").submit();
    assert_eq!(on.value(&x).await.unwrap(), 1);
    let y = other.task(mark, (gate.name.clone(), 1)).key("one").submit();
    assert_eq!(on.value(&y).await.unwrap(), 1);
    assert_eq!(gate.entered(), 1, "done once");
    on.get(client.close()).await.unwrap();
    assert_eq!(on.look(&state("one")), "\"memory\"", "the other client has it still");
    assert_eq!(on.value(&other.submit(inc, &y)).await.unwrap(), 2);
}

async fn pure_work_is_done_once<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let gate = Gate::new();
    let [x, y] = [(); 2].map(|()| client.task(mark, (gate.name.clone(), 1)).pure().submit());
    assert_eq!(x.key(), y.key());
    assert_eq!(on.get(client.gather([&x, &y])).await.unwrap(), [1, 1]);
    assert_eq!(gate.entered(), 1);
    let impure = client.submit(mark, (gate.name.clone(), 1));
    assert_ne!(impure.key(), x.key());
    assert_eq!(on.value(&impure).await.unwrap(), 1);
    assert_eq!(gate.entered(), 2);
}

async fn a_close_is_idempotent_and_leaves_nothing<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let x = client.submit(inc, 1);
    on.value(&x).await.unwrap();
    for _ in 0..3 {
        on.get(client.close()).await.unwrap();
    }
    assert_eq!(client.status(), ClientStatus::Closed);
    on.until_look("[len(s.clients), len(s.tasks)]", "[1, 0]").await;
    assert_eq!(on.value(&x).await.unwrap(), 2, "what has come stays");
}

async fn a_close_resolves_everything<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let gate = Gate::new();
    let running = client.submit(hold, (gate.name.clone(), 1));
    let waiting = client.submit(add, (&running, 1));
    let unfetched = client.submit(inc, 1);
    on.get(client.wait([&unfetched])).await.unwrap();
    on.passed(gate.began()).await;
    on.get(client.close()).await.unwrap();
    assert!(on.error(&running).await.is_cancelled());
    assert!(on.error(&waiting).await.is_cancelled());
    let error = on.get(unfetched.timeout(Duration::from_secs(5))).await.unwrap_err();
    assert!(error.is_cancelled(), "its value is not here, and comes no more: {error:?}");
    gate.open();
}

async fn a_closed_client_refuses<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    on.get(client.close()).await.unwrap();
    let error = on.error(&client.submit(inc, 1)).await;
    assert!(matches!(error, Error::ClientClosed { operation: "submit" }), "{error:?}");
    assert!(error.to_string().len() < 100, "{error}");
    let error = on.get(client.workers()).await.unwrap_err();
    assert!(matches!(error, Error::ClientClosed { .. }), "{error:?}");
}

async fn a_client_that_is_dropped_leaves_nothing<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let gate = Gate::new();
    let running = client.submit(hold, (gate.name.clone(), 1));
    let done = client.submit(inc, 1);
    on.value(&done).await.unwrap();
    on.passed(gate.began()).await;
    let clone = client.clone();
    drop(client);
    assert_eq!(on.value(&clone.submit(inc, 2)).await.unwrap(), 3, "a clone keeps it open");
    drop(clone);
    assert!(on.error(&running).await.is_cancelled());
    on.until_look("[len(s.clients), len(s.tasks)]", "[1, 0]").await;
    gate.open();
}

async fn a_scope_of_a_body_that_fails_leaves_nothing<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let gate = Gate::new();
    let outcome: Result<(), String> = async {
        let client = client;
        let _running = client.submit(hold, (gate.name.clone(), 1));
        on.passed(gate.began()).await;
        Err("of my own".to_owned())
    }
    .await;
    assert_eq!(outcome.unwrap_err(), "of my own");
    on.until_look("[len(s.clients), len(s.tasks)]", "[1, 0]").await;
    gate.open();
}

async fn four_clients_open_and_close_one_after_another<R: AnyOf>(on: Ground<R>) {
    let _a = on.worker("a", 1).await;
    for _ in 0..4 {
        let client = on.client().await;
        assert_eq!(client.status(), ClientStatus::Running);
        assert_eq!(on.value(&client.submit(inc, 1)).await.unwrap(), 2);
        on.get(client.close()).await.unwrap();
    }
}
