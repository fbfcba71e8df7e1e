//! `Client::with`: options for all that is submitted through one handle of a client.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anydask::{Client, Error, Options, Status, TaskContext, fallible};

use crate::support::{AnyOf, Counts, Setting, on_every_runtime};
use crate::{Counter, Held, available, inc};

on_every_runtime! {
    they_hold_for_submit_map_and_tasks;
    a_task_that_says_otherwise_has_its_own;
    it_is_the_same_client;
    retries_without_knowing_the_arguments;
    a_deadline_and_a_timeout;
    resources;
    wrong_ones_are_told_by_the_futures;
    they_are_not_for_what_a_task_submits;
}

async fn they_hold_for_submit_map_and_tasks<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let note = {
        let order = Arc::clone(&order);
        move |name: &'static str| order.lock().unwrap().push(name)
    };
    let (patient, urgent) = (client.with(Options::new().priority(-1)), client.with(Options::new().priority(1)));
    let late = patient.submit(note.clone(), "patient");
    let plain = client.submit(note.clone(), "plain");
    let early = [urgent.map(note.clone(), ["urgent"]), urgent.tasks(note, ["also urgent"]).submit()];
    assert_eq!(client.info().priorities.iter().map(|(p, n)| (*p, *n)).collect::<Vec<_>>(), [(-1, 1), (0, 1), (1, 2)]);
    release.set();
    on.get(client.gather((&late, &plain, &early))).await.unwrap();
    assert_eq!(*order.lock().unwrap(), ["urgent", "also urgent", "plain", "patient"]);
}

async fn a_task_that_says_otherwise_has_its_own<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, _release) = on.occupy(&client).await;
    let patient = client.with(Options::new().priority(-5).retries(2));
    let own = patient.task(inc, 1).priority(7).key("own").submit();
    let dump = client.dump();
    let task = dump.tasks.iter().find(|task| task.key == "own").unwrap();
    assert_eq!((task.priority, task.retries), (7, 2));
    // The last say counts, and nothing is left of it in the first client.
    let again = patient.with(Options::new().priority(3));
    let (others, plain) = (again.task(inc, 1).key("again").submit(), client.task(inc, 1).key("plain").submit());
    let of = |key: &str| {
        let dump = client.dump();
        let task = dump.tasks.iter().find(|task| task.key == key).unwrap();
        (task.priority, task.retries)
    };
    assert_eq!((of("again"), of("plain")), ((3, 0), (0, 0)));
    _release.set();
    on.get(client.gather((&own, &others, &plain))).await.unwrap();
}

async fn it_is_the_same_client<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let urgent = client.with(Options::new().priority(1));
    let (a, b) = (client.submit(inc, 1), urgent.submit(inc, 2));
    let sum = urgent.submit(crate::add, (&a, &b));
    assert_eq!(on.get(client.gather((&a, &b, &sum))).await.unwrap(), (2, 3, 5));
    assert_eq!(client.info().clients, 1);
    drop(client);
    assert_eq!(on.take(urgent.submit(inc, 1)).await.unwrap(), 2, "any handle keeps it open");
    on.get(urgent.close()).await.unwrap();
}

async fn retries_without_knowing_the_arguments<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let stubborn = client.with(Options::new().retries(2));
    let flaky = |runs: &Counter| {
        let runs = runs.clone();
        move || if runs.add() < 2 { Err("not yet") } else { Ok(1) }
    };
    let (of_number, of_text, of_future, of_nothing) = {
        let bodies = [(); 4].map(|()| flaky(&Counter::new()));
        let [first, second, third, fourth] = bodies;
        let input = client.submit(inc, 1);
        (
            stubborn.submit(fallible(move |x: i64| first().map(|y| x + y)), 1),
            stubborn.submit(fallible(move |text: String| second().map(|y| text.len() as i64 + y)), "text".to_owned()),
            stubborn.submit(
                fallible(move |x: i64, xs: Vec<i64>| third().map(|y| x + xs[0] + y)),
                (&input, [&input].to_vec()),
            ),
            stubborn.submit(fallible(fourth), ()),
        )
    };
    assert_eq!(on.value(&of_number).await.unwrap(), 2);
    assert_eq!(on.value(&of_text).await.unwrap(), 5);
    assert_eq!(on.value(&of_future).await.unwrap(), 5);
    assert_eq!(on.value(&of_nothing).await.unwrap(), 1);
    // Of other types nobody knows whether they can be cloned.
    let runs = Counter::new();
    let counts = Counts::new();
    let body = {
        let runs = runs.clone();
        move |_: crate::support::Counted| {
            runs.add();
            1
        }
    };
    let unknown = stubborn.submit(body, counts.make(1));
    let error = on.error(&unknown).await;
    assert!(matches!(&error, Error::NotRepeatable { key } if *key == unknown.key()), "{error:?}");
    assert_eq!(runs.get(), 0);
    drop(unknown);
    on.until("the argument is gone", || counts.alive() == 0).await;
}

async fn a_deadline_and_a_timeout<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let held = Held::new();
    let hasty = client.with(Options::new().timeout(Duration::from_millis(5)));
    let late = hasty.submit(held.body(), 1);
    assert!(matches!(on.error(&late).await, Error::RunTimeout { .. }));
    let due = client.with(Options::new().deadline(Duration::from_millis(5)));
    let waiting = due.submit(inc, 1);
    assert!(matches!(on.error(&waiting).await, Error::DeadlineExceeded { .. }));
    held.release.set();
}

async fn resources<R: AnyOf>(on: Setting<R>) {
    let client = on.get(on.builder().threads(2).resources([("gpu", 1.0)]).local()).await.unwrap();
    let held = Held::new();
    let on_gpu = client.with(Options::new().resources([("gpu", 1.0)]));
    let first = on_gpu.submit(held.body(), 1);
    on.passed(&held.running).await;
    let rest = on_gpu.map(inc, 0..3);
    assert_eq!((available(&client, "gpu"), client.info().waiting_for_resources), (0.0, 3));
    assert_eq!(on.take(client.submit(inc, 1)).await.unwrap(), 2);
    held.release.set();
    on.get(client.gather((&first, &rest))).await.unwrap();
    on.until("all is given back", || available(&client, "gpu") == 1.0).await;
}

async fn wrong_ones_are_told_by_the_futures<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let wrong = client.with(Options::new().resources([("gpu", f64::NAN)]));
    let future = wrong.submit(inc, 1);
    assert_eq!(future.status(), Status::Error);
    assert!(matches!(on.error(&future).await, Error::InvalidResource { .. }));
    assert_eq!(on.take(client.submit(inc, 1)).await.unwrap(), 2);
}

async fn they_are_not_for_what_a_task_submits<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let urgent = client.with(Options::new().priority(4));
    let body = || {
        let client = TaskContext::current()?.client()?;
        let (current, nested) = (Client::current()?, client.task(inc, 1).key("nested").submit());
        let dump = current.dump();
        nested.wait()?;
        let of = |key: &str| dump.tasks.iter().find(|task| task.key == key).map(|task| task.priority);
        Ok::<_, Error>((of("outer"), of("nested")))
    };
    let outer = urgent.task(fallible(body), ()).key("outer").submit();
    assert_eq!(on.value(&outer).await.unwrap(), (Some(4), Some(0)));
}
