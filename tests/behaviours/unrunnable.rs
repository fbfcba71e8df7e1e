//! Tasks that want more of a resource than the engine has.

use std::time::Duration;

use anydask::{Client, Engine, Error, Status, TaskState, asynchronous, fallible};

use crate::support::{AnyOf, Event, Setting, on_every_runtime};
use crate::{available, inc};

on_every_runtime! {
    it_waits_and_then_fails;
    it_runs_once_there_is_enough;
    some_more_is_not_enough;
    what_is_added_is_there_for_those_that_wait_for_a_turn;
    a_hundred_wait_for_what_is_added;
    it_can_be_cancelled_and_dropped;
    a_close_ends_it;
    a_restart_ends_it;
    it_can_be_retried;
    what_depends_on_it_fails_with_it;
    nothing_is_added_if_an_amount_is_none;
    what_is_added_while_bodies_hold_some_adds_up;
}

async fn engine_with<R: AnyOf>(on: &Setting<R>, timeout: Duration) -> (Engine<R>, Client<R>) {
    let builder = on.builder().threads(2).resources([("gpu", 1.0)]).unrunnable_timeout(timeout);
    let engine = on.get(builder.engine()).await.unwrap();
    let client = Client::on(&engine).unwrap();
    (engine, client)
}

/// For what must not time out.
const LONG: Duration = Duration::from_secs(600);

async fn it_waits_and_then_fails<R: AnyOf>(on: Setting<R>) {
    let (_engine, client) = engine_with(&on, Duration::from_millis(50)).await;
    let future = client.task(inc, 1).resources([("gpu", 2.0)]).key("much").submit();
    assert_eq!((future.status(), client.info().waiting_for_resources), (Status::Pending, 1));
    assert_eq!(client.info().unrunnable, ["much"]);
    assert_eq!(client.dump().tasks[0].state, TaskState::Constrained);
    let error = on.error(&future).await;
    match &error {
        Error::NoResource { key, resource, wanted, total } => {
            assert_eq!((key, &**resource, *wanted, *total), (&future.key(), "gpu", 2.0, 1.0));
        }
        other => panic!("{other:?}"),
    }
    assert!(error.to_string().contains("Builder::resources"), "{error}");
    assert!(client.info().unrunnable.is_empty());
    let sleeping = client.task(asynchronous(async || 1), ()).resources([("nobody has it", 0.1)]).submit();
    assert!(matches!(on.error(&sleeping).await, Error::NoResource { total: 0.0, .. }));
}

async fn it_runs_once_there_is_enough<R: AnyOf>(on: Setting<R>) {
    let (engine, client) = engine_with(&on, Duration::from_millis(200)).await;
    let future = client.task(inc, 1).resources([("gpu", 2.0)]).submit();
    let asleep = client.task(asynchronous(async || 1), ()).resources([("tpu", 1.0)]).submit();
    assert_eq!(client.info().unrunnable.len(), 2);
    engine.add_resources([("gpu", 1.0), ("tpu", 1.0)]).unwrap();
    assert_eq!(on.get(client.gather((&future, &asleep))).await.unwrap(), (2, 1));
    on.until("all is given back", || available(&client, "gpu") == 2.0 && available(&client, "tpu") == 1.0).await;
    // The timer of the first has gone: it would fail what is held, and be seen here.
    crate::pause(&on, Duration::from_millis(250)).await;
    assert_eq!(on.get(client.gather((&future, &asleep))).await.unwrap(), (2, 1));
}

async fn some_more_is_not_enough<R: AnyOf>(on: Setting<R>) {
    let (engine, client) = engine_with(&on, LONG).await;
    let future = client.task(inc, 1).resources([("gpu", 3.0)]).submit();
    let both = client.task(inc, 1).resources([("gpu", 1.0), ("tpu", 1.0)]).submit();
    engine.add_resources([("gpu", 1.0)]).unwrap();
    assert_eq!((client.info().unrunnable.len(), client.info().waiting_for_resources), (2, 2));
    engine.add_resources([("tpu", 1.0)]).unwrap();
    assert_eq!(on.value(&both).await.unwrap(), 2);
    assert_eq!((client.info().unrunnable.len(), future.status()), (1, Status::Pending));
    engine.add_resources([("gpu", 1.0)]).unwrap();
    assert_eq!(on.value(&future).await.unwrap(), 2);
}

async fn what_is_added_is_there_for_those_that_wait_for_a_turn<R: AnyOf>(on: Setting<R>) {
    let (engine, client) = engine_with(&on, LONG).await;
    let release = Event::new();
    let running = [Event::new(), Event::new()];
    let futures = running.each_ref().map(|running| {
        let (running, release) = (running.clone(), release.clone());
        let body = move || {
            running.set();
            release.wait();
            1
        };
        client.task(body, ()).resources([("gpu", 1.0)]).submit()
    });
    on.passed(&running[0]).await;
    assert!(!running[1].is_set());
    assert_eq!((client.info().waiting_for_resources, client.info().unrunnable.len()), (1, 0));
    engine.add_resources([("gpu", 1.0)]).unwrap();
    on.passed(&running[1]).await;
    release.set();
    assert_eq!(on.get(client.gather(&futures)).await.unwrap(), [1, 1]);
    on.until("all is given back", || available(&client, "gpu") == 2.0).await;
}

async fn a_hundred_wait_for_what_is_added<R: AnyOf>(on: Setting<R>) {
    let (engine, client) = engine_with(&on, LONG).await;
    let futures = client.tasks(inc, 0..100).resources([("tpu", 1.0)]).submit();
    assert_eq!(client.info().unrunnable.len(), 100);
    engine.add_resources([("tpu", 1.0)]).unwrap();
    assert_eq!(on.get(client.gather(&futures)).await.unwrap(), (1..=100).collect::<Vec<_>>());
    on.until("all is given back", || available(&client, "tpu") == 1.0).await;
}

async fn it_can_be_cancelled_and_dropped<R: AnyOf>(on: Setting<R>) {
    let (engine, client) = engine_with(&on, LONG).await;
    let [cancelled, dropped] = [(); 2].map(|()| client.task(inc, 1).resources([("gpu", 2.0)]).submit());
    assert_eq!(client.info().unrunnable.len(), 2);
    cancelled.cancel();
    drop(dropped);
    assert_eq!((cancelled.status(), client.info().unrunnable.len()), (Status::Cancelled, 0));
    drop(cancelled);
    on.until("nothing is left", || client.dump().tasks.is_empty()).await;
    engine.add_resources([("gpu", 1.0)]).unwrap();
    assert_eq!(available(&client, "gpu"), 2.0);
}

async fn a_close_ends_it<R: AnyOf>(on: Setting<R>) {
    let (engine, client) = engine_with(&on, LONG).await;
    let other = Client::on(&engine).unwrap();
    let [own, others] = [&client, &other].map(|client| client.task(inc, 1).resources([("tpu", 1.0)]).submit());
    on.get(client.close()).await.unwrap();
    assert_eq!((own.status(), others.status()), (Status::Cancelled, Status::Pending));
    assert_eq!(other.info().unrunnable, [others.key()]);
    on.get(engine.close()).await.unwrap();
    assert_eq!(others.status(), Status::Cancelled);
    drop((own, others));
    on.until("nothing is left", || engine.dump().tasks.is_empty()).await;
}

async fn a_restart_ends_it<R: AnyOf>(on: Setting<R>) {
    let (engine, client) = engine_with(&on, LONG).await;
    let future = client.task(inc, 1).resources([("tpu", 1.0)]).submit();
    engine.restart();
    assert_eq!((future.status(), client.info().unrunnable.len()), (Status::Cancelled, 0));
    engine.add_resources([("tpu", 1.0)]).unwrap();
    assert_eq!(on.take(client.task(inc, 1).resources([("tpu", 1.0)]).submit()).await.unwrap(), 2);
    on.until("it is given back", || available(&client, "tpu") == 1.0).await;
}

async fn it_can_be_retried<R: AnyOf>(on: Setting<R>) {
    let (engine, client) = engine_with(&on, Duration::from_millis(1)).await;
    let future = client.task(inc, 1).resources([("tpu", 1.0)]).submit();
    for _ in 0..2 {
        assert!(matches!(on.error(&future).await, Error::NoResource { .. }));
        on.get(client.retry(&future)).await.unwrap();
    }
    assert!(matches!(on.error(&future).await, Error::NoResource { .. }));
    engine.add_resources([("tpu", 1.0)]).unwrap();
    assert_eq!(future.status(), Status::Error, "it has failed");
    on.get(client.retry(&future)).await.unwrap();
    assert_eq!(on.value(&future).await.unwrap(), 2);
}

async fn what_depends_on_it_fails_with_it<R: AnyOf>(on: Setting<R>) {
    let (_engine, client) = engine_with(&on, Duration::from_millis(1)).await;
    let future = client.task(fallible(|| Err::<i64, _>("never")), ()).retries(3).resources([("tpu", 1.0)]).submit();
    let after = client.submit(inc, &future);
    assert!(matches!(on.error(&after).await, Error::NoResource { key, .. } if key == future.key()));
}

async fn nothing_is_added_if_an_amount_is_none<R: AnyOf>(on: Setting<R>) {
    let (engine, client) = engine_with(&on, LONG).await;
    for amount in [f64::NAN, -1.0, f64::INFINITY] {
        let refused = engine.add_resources([("gpu", 1.0), ("tpu", amount)]);
        assert!(
            matches!(&refused, Err(Error::InvalidResource { resource, .. }) if &**resource == "tpu"),
            "{refused:?}"
        );
    }
    assert_eq!((client.info().resources.len(), available(&client, "gpu")), (1, 1.0));
    engine.add_resources([("gpu", 0.0)]).unwrap();
    engine.add_resources(Vec::<(String, f64)>::new()).unwrap();
    // As with the amounts of a task, what is named twice counts with the sum.
    engine.add_resources([("gpu", 1.0), ("gpu", 1.0)]).unwrap();
    assert_eq!(available(&client, "gpu"), 3.0);
}

async fn what_is_added_while_bodies_hold_some_adds_up<R: AnyOf>(on: Setting<R>) {
    let (engine, client) = engine_with(&on, LONG).await;
    let futures = client.tasks(inc, 0..200).resources([("gpu", 1.0)]).submit();
    for _ in 0..9 {
        engine.add_resources([("gpu", 1.0)]).unwrap();
    }
    on.get(client.gather(&futures)).await.unwrap();
    on.until("all is given back", || available(&client, "gpu") == 10.0).await;
    assert_eq!(client.info().resources["gpu"].total, 10.0);
}
