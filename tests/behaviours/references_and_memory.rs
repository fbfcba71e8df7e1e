//! A40 to A44: references and memory.

use anydask::{Client, Error, Status, fallible};

use crate::several_clients::two;
use crate::support::{AnyOf, Counted, Counts, Setting, on_every_runtime};
use crate::{Held, inc};

on_every_runtime! {
    a40_a_task_holds_its_inputs_and_nobody_else_does;
    a41_what_is_released_is_gone_at_once;
    a42_what_the_last_of_two_clients_drops_is_gone;
    a43_an_error_lives_as_long_as_somebody_blames_it;
    a44_a_client_that_is_dropped_leaves_nothing;
    a_chain_of_keyed_tasks_is_dropped_at_once;
}

async fn a40_a_task_holds_its_inputs_and_nobody_else_does<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let counts = Counts::new();
    let made = counts.make(1);
    // The same task twice: one key is one task.
    let x = client.submit(move || made.clone(), ());
    let y = x.clone();
    drop(x);
    let z = client.submit(|one: std::sync::Arc<Counted>| one.value() + 2, &y);
    drop(y);
    release.set();
    assert_eq!(on.value(&z).await.unwrap(), 3);
    on.until("the input of the last task is gone", || counts.alive() == 0).await;

    // A key lives as long as its handles: work that nobody holds any more is done anew.
    let made = counts.clone();
    let first = client.task(inc, 1).key("counted").submit();
    assert_eq!(on.value(&first).await.unwrap(), 2);
    drop(first);
    let anew = client.task(move || made.make(7), ()).key("counted").submit();
    assert_eq!(on.get(anew.shared()).await.unwrap().value(), 7);
}

async fn a41_what_is_released_is_gone_at_once<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let counts = Counts::new();
    let finished = {
        let counts = counts.clone();
        client.submit(move || counts.make(1), ())
    };
    on.get(finished.shared()).await.unwrap();
    assert_eq!(counts.alive(), 1);
    drop(finished);
    assert_eq!(counts.alive(), 0);

    let failed = {
        let counts = counts.clone();
        client.submit(fallible(move || Err::<(), _>(Blamed(counts.make(2)))), ())
    };
    drop(on.error(&failed).await);
    assert_eq!(counts.alive(), 1);
    drop(failed);
    on.until("the error is gone", || counts.alive() == 0).await;

    let held = Held::new();
    let running = {
        let (body, counts) = (held.body(), counts.clone());
        client.submit(
            move |x: i64| {
                body(x);
                counts.make(x)
            },
            3,
        )
    };
    on.passed(&held.running).await;
    drop(running);
    held.release.set();
    on.until("the body has ended", || client.info().running == 0).await;
    assert_eq!(counts.alive(), 0);
}

async fn a42_what_the_last_of_two_clients_drops_is_gone<R: AnyOf>(on: Setting<R>) {
    fn make(counts: u64) -> Option<Counted> {
        let kept = KEPT.lock().unwrap();
        kept.get(&counts).map(|counts| counts.make(1))
    }
    static KEPT: std::sync::Mutex<std::collections::BTreeMap<u64, Counts>> =
        std::sync::Mutex::new(std::collections::BTreeMap::new());
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

    let (c, f) = two(&on, 1).await;
    let counts = Counts::new();
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    KEPT.lock().unwrap().insert(number, counts.clone());
    let x = c.task(make, number).key("x").submit();
    let [y, y2] = [&f, &c].map(|client| client.task(make, number).key("y").submit());
    on.get(x.shared()).await.unwrap();
    on.get(y.shared()).await.unwrap();
    on.get(y2.shared()).await.unwrap();
    let data = || c.info().memory.keys().map(|key| key.to_string()).collect::<Vec<_>>();
    assert_eq!((counts.alive(), data()), (2, vec!["x".to_owned(), "y".to_owned()]));
    drop(x);
    assert_eq!((counts.alive(), data()), (1, vec!["y".to_owned()]));
    drop(y);
    assert_eq!((counts.alive(), data()), (1, vec!["y".to_owned()]));
    assert!(on.get(y2.shared()).await.unwrap().is_some());
    drop(y2);
    on.until("all is gone", || counts.alive() == 0 && c.dump().tasks.is_empty()).await;
    assert_eq!(c.info().tasks, 0);
}

async fn a43_an_error_lives_as_long_as_somebody_blames_it<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let counts = Counts::new();
    let x = {
        let counts = counts.clone();
        client.submit(fallible(move |_: i64| Err::<i64, _>(Blamed(counts.make(1)))), 0)
    };
    let y = client.submit(inc, &x);
    let z = client.submit(inc, &y);
    assert!(blamed(&on.error(&z).await));
    let erred = || (client.info().tasks, client.info().erred);
    let blames = || client.dump().tasks.iter().filter(|task| task.error.is_some()).count();
    assert_eq!((erred(), blames()), ((3, 3), 3));
    drop(z);
    on.until("z is forgotten", || erred() == (2, 2)).await;
    assert!(blamed(&on.error(&x).await) && blamed(&on.error(&y).await));
    drop(x);
    assert_eq!((erred(), blames()), ((2, 2), 2), "y still blames x, and could be retried with it");
    assert!(blamed(&on.error(&y).await));
    assert_eq!(counts.alive(), 1);
    drop(y);
    on.until("all is forgotten", || erred() == (0, 0) && counts.alive() == 0).await;
    assert!(client.dump().tasks.is_empty());
}

/// An error whose end is counted.
#[derive(Debug)]
struct Blamed(#[allow(dead_code)] Counted);

impl std::fmt::Display for Blamed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("blamed")
    }
}

impl std::error::Error for Blamed {}

fn blamed(error: &Error) -> bool {
    error.downcast_ref::<Blamed>().is_some()
}

async fn a44_a_client_that_is_dropped_leaves_nothing<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let counts = Counts::new();
    let made = counts.make(1);
    let value = on.get(client.scatter(made)).await.unwrap();
    let held = Held::new();
    let running = client.submit(held.body(), 1);
    let queued = client.submit(|one: std::sync::Arc<Counted>, x: i64| one.value() + x, (&value, &running));
    on.passed(&held.running).await;
    drop(client);
    assert!(on.error(&queued).await.is_cancelled() && on.error(&running).await.is_cancelled());
    drop(value);
    assert_eq!(counts.alive(), 0);
    held.release.set();

    // On an engine that goes on.
    let engine = on.engine(1).await;
    let client = Client::on(&engine).unwrap();
    let finished = client.submit(inc, 1);
    on.value(&finished).await.unwrap();
    assert_eq!((engine.info().clients, engine.info().tasks), (1, 1));
    drop(client);
    assert_eq!((engine.info().clients, finished.status()), (0, Status::Finished));
    drop(finished);
    on.until("the task table is empty", || engine.dump().tasks.is_empty()).await;
}

async fn a_chain_of_keyed_tasks_is_dropped_at_once<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let mut last = client.task(inc, 0).key("link-0").submit();
    for index in 1..20_000 {
        last = client.task(inc, &last).key(format!("link-{index}")).submit();
    }
    drop(last);
    assert_eq!(client.info().tasks, 1);
    release.set();
}
