//! Several clients on one engine.

use std::time::Duration;

use anydask::{Client, ClientStatus, Error, Status, TaskContext, TaskFuture, asynchronous, fallible};

use crate::support::{AnyOf, Counts, Event, Setting, on_every_runtime};
use crate::{Counter, Gauge, Held, double, inc};

on_every_runtime! {
    a_key_is_done_once_for_all_clients;
    a_key_of_other_work_is_refused_across_clients;
    a_future_of_one_client_is_foreign_to_the_other;
    two_cancels_end_a_shared_task;
    a_shared_task_outlives_the_client_that_submitted_it;
    a_shared_task_with_shared_inputs_outlives_a_close;
    a_detached_task_outlives_its_client;
    what_a_detached_task_needs_outlives_its_client_too;
    a_close_leaves_other_clients_and_waits_for_its_own_bodies;
    a_close_waits_for_its_own_asynchronous_tasks;
    a_client_that_closes_from_inside_its_own_task;
    the_last_handle_of_all_closes_the_engine;
    an_engine_stays_open_without_clients;
    an_engine_closes_with_its_clients;
    a_closed_engine_takes_no_clients;
    a_client_with_an_engine_of_its_own_takes_it_along;
    clients_come_and_go_while_others_work;
    a_retry_of_one_client_is_not_forgotten_when_the_other_drops;
    a_retry_of_one_client_leaves_the_failure_of_the_other;
    a_shared_task_that_submits_tasks_outlives_its_client;
    a_detached_task_that_submits_tasks_outlives_its_client;
    a_foreign_input_is_refused_under_a_key_too;
}

pub(crate) async fn two<R: AnyOf>(on: &Setting<R>, threads: usize) -> (Client<R>, Client<R>) {
    let engine = on.engine(threads).await;
    (Client::on(&engine).unwrap(), Client::on(&engine).unwrap())
}

pub(crate) fn is_cancelled<T: Send + Sync + 'static>(future: &TaskFuture<T>) -> bool {
    future.status() == Status::Cancelled
}

async fn a_key_is_done_once_for_all_clients<R: AnyOf>(on: Setting<R>) {
    let (c, f) = two(&on, 1).await;
    let (occupant, release) = on.occupy(&c).await;
    let [a, b] = [&c, &f].map(|client| client.task(inc, 1).key("once").submit());
    assert_eq!((c.info().queued, a.key() == b.key()), (1, true));
    release.set();
    assert_eq!((on.value(&a).await.unwrap(), on.value(&b).await.unwrap()), (2, 2));
    drop((occupant, a));
    let late = c.task(inc, 1).key("once").submit();
    assert_eq!(late.status(), Status::Finished, "the other client has it");
    drop((late, b));
    on.until("nothing is left", || c.dump().tasks.is_empty()).await;
}

async fn a_key_of_other_work_is_refused_across_clients<R: AnyOf>(on: Setting<R>) {
    let (c, f) = two(&on, 1).await;
    let a = c.task(inc, 1).key("k").submit();
    for conflicting in [f.task(double, 1).key("k").submit(), f.task(inc, 2).key("k").submit()] {
        assert!(matches!(on.error(&conflicting).await, Error::KeyConflict { .. }));
    }
    assert_eq!(on.value(&a).await.unwrap(), 2);
    drop(a);
    let free = f.task(double, 1).key("k").submit();
    assert_eq!(on.value(&free).await.unwrap(), 2);
}

async fn a_future_of_one_client_is_foreign_to_the_other<R: AnyOf>(on: Setting<R>) {
    let (c, f) = two(&on, 1).await;
    for (own, key) in [(c.submit(inc, 1), None), (c.task(inc, 1).key("k").submit(), Some("k"))] {
        let is_foreign = |error: &Error| matches!(error, Error::ForeignFuture { key } if *key == own.key());
        assert!(is_foreign(&on.error(&f.submit(inc, &own)).await), "as an argument: {key:?}");
        assert!(is_foreign(&on.get(f.gather(&own)).await.unwrap_err()), "in a gather");
        assert!(is_foreign(&on.get(f.wait([&own])).await.unwrap_err()), "in a wait");
        assert!(is_foreign(&on.get(f.cancel(&own)).await.unwrap_err()), "in a cancel");
        assert!(is_foreign(&on.get(f.retry(&own)).await.unwrap_err()), "in a retry");
        assert_eq!(on.value(&own).await.unwrap(), 2, "nothing has happened to it");
    }
}

async fn two_cancels_end_a_shared_task<R: AnyOf>(on: Setting<R>) {
    let (c, f) = two(&on, 1).await;
    let running = Event::new();
    let dropped = Event::new();
    let body = {
        let (running, dropped) = (running.clone(), dropped.clone());
        move || {
            let guard = dropped.on_drop();
            running.set();
            async move {
                std::future::pending::<()>().await;
                drop(guard);
                1
            }
        }
    };
    // What captures something is never the same work twice: the second joins with a function that does not.
    let a = c.task(asynchronous(body), ()).key("own").submit();
    on.passed(&running).await;
    a.cancel();
    on.passed(&dropped).await;
    let [a, b] = [&c, &f].map(|client| client.task(asynchronous(never), ()).key("shared").submit());
    a.cancel();
    assert!(is_cancelled(&a) && !b.is_done());
    on.until("only the shared one is left", || c.info().asynchronous == 1).await;
    b.cancel();
    assert!(is_cancelled(&b));
    on.until("it is dropped", || c.info().asynchronous == 0).await;
}

async fn never() -> i64 {
    std::future::pending().await
}

async fn a_shared_task_outlives_the_client_that_submitted_it<R: AnyOf>(on: Setting<R>) {
    for drop_it in [false, true] {
        let (c, f) = two(&on, 1).await;
        let (_occupant, release) = on.occupy(&f).await;
        let [a, b] = [&c, &f].map(|client| client.task(inc, 1).key("shared").submit());
        if drop_it {
            drop(c);
        } else {
            on.get(c.close()).await.unwrap();
        }
        assert!(is_cancelled(&a) && !b.is_done());
        release.set();
        assert_eq!(on.value(&b).await.unwrap(), 2);
    }
}

/// The input of the shared task is a future of the client that submitted it first.
async fn a_shared_task_with_shared_inputs_outlives_a_close<R: AnyOf>(on: Setting<R>) {
    for end in 0..3 {
        let (c, f) = two(&on, 1).await;
        let (_occupant, release) = on.occupy(&f).await;
        let [(x, y), (x2, y2)] = [&c, &f].map(|client| {
            let x = client.task(inc, 1).key("x").submit();
            let y = client.task(double, &x).key("y").submit();
            (x, y)
        });
        match end {
            0 => on.get(c.close()).await.unwrap(),
            1 => drop(c),
            _ => drop((x.clone(), y.clone(), c)),
        }
        assert!(!x2.is_done() && !y2.is_done(), "{end}");
        release.set();
        assert_eq!(on.value(&y2).await.unwrap(), 4, "{end}");
        assert_eq!(on.value(&x2).await.unwrap(), 2, "{end}");
        assert!(x.is_done() && y.is_done());
    }
}

async fn a_detached_task_outlives_its_client<R: AnyOf>(on: Setting<R>) {
    for drop_it in [false, true] {
        let (c, f) = two(&on, 2).await;
        let (held, ran) = (Held::new(), Counter::new());
        let body = {
            let (wait, ran) = (held.body(), ran.clone());
            move || {
                wait(1);
                ran.add();
            }
        };
        c.submit(body, ()).detach();
        let queued = {
            let ran = ran.clone();
            let release = held.release.clone();
            asynchronous(move || {
                let (ran, passed) = (ran.clone(), release.passed());
                async move {
                    passed.await;
                    ran.add();
                }
            })
        };
        c.submit(queued, ()).detach();
        let kept = c.submit(asynchronous(never), ());
        on.passed(&held.running).await;
        if drop_it {
            drop(c);
        } else {
            on.get(c.close()).await.unwrap();
        }
        assert!(is_cancelled(&kept));
        assert_eq!(f.info().clients, 1);
        held.release.set();
        on.until("both have run", || ran.get() == 2).await;
        on.until("nothing is left", || f.info().tasks == 0).await;
        assert_eq!(on.take(f.submit(inc, 1)).await.unwrap(), 2);
    }
}

async fn what_a_detached_task_needs_outlives_its_client_too<R: AnyOf>(on: Setting<R>) {
    let (c, f) = two(&on, 1).await;
    let (_occupant, release) = on.occupy(&f).await;
    let (first, other) = (c.submit(inc, 1), c.submit(inc, 1));
    let second = c.submit(double, &first);
    let (send, receive) = std::sync::mpsc::channel();
    c.submit(move |x: i64| send.send(x).unwrap(), &second).detach();
    on.get(c.close()).await.unwrap();
    assert!(is_cancelled(&other) && !first.is_done() && !second.is_done());
    release.set();
    assert_eq!(receive.recv_timeout(Duration::from_secs(30)), Ok(4));
    assert_eq!(on.value(&first).await.unwrap(), 2);
}

async fn a_close_leaves_other_clients_and_waits_for_its_own_bodies<R: AnyOf>(on: Setting<R>) {
    let (c, f) = two(&on, 2).await;
    let (own, others) = (Held::new(), Held::new());
    let running = c.submit(own.body(), 1);
    let kept = f.submit(others.body(), 1);
    on.passed(&own.running).await;
    on.passed(&others.running).await;
    let queued = [c.submit(inc, c.submit(asynchronous(never), ())), c.submit(inc, 1)];
    let late = on.get(c.close().timeout(Duration::from_millis(10))).await.unwrap_err();
    assert!(matches!(late, Error::StillRunning { tasks: 1, .. }), "{late:?}");
    assert!(is_cancelled(&running) && queued.iter().all(is_cancelled));
    assert_eq!((c.status(), f.status()), (ClientStatus::Closing, ClientStatus::Running));
    assert_eq!(f.info().clients, 1);
    own.release.set();
    on.get(c.close()).await.unwrap();
    assert_eq!((c.status(), kept.status()), (ClientStatus::Closed, Status::Pending));
    others.release.set();
    assert_eq!(on.value(&kept).await.unwrap(), 2);
    assert!(matches!(on.error(&c.submit(inc, 1)).await, Error::ClientClosed { .. }));
    on.get(c.close()).await.unwrap();
}

async fn a_close_waits_for_its_own_asynchronous_tasks<R: AnyOf>(on: Setting<R>) {
    let (c, f) = two(&on, 1).await;
    let gauge = Gauge::default();
    let body = {
        let gauge = gauge.clone();
        move || {
            let inside = gauge.enter();
            async move {
                let _inside = inside;
                std::future::pending::<i64>().await
            }
        }
    };
    let asleep: Vec<_> = (0..20).map(|_| c.submit(asynchronous(body.clone()), ())).collect();
    let others = f.submit(asynchronous(never), ());
    on.until("all run", || gauge.most() == 20 && f.info().asynchronous == 21).await;
    on.get(c.close()).await.unwrap();
    assert_eq!(gauge.now(), 0);
    assert!(asleep.iter().all(is_cancelled) && !others.is_done());
    assert_eq!(f.info().asynchronous, 1, "those of the closed client are gone");
}

async fn a_client_that_closes_from_inside_its_own_task<R: AnyOf>(on: Setting<R>) {
    let (c, f) = two(&on, 2).await;
    let own = c.clone();
    let (send, receive) = std::sync::mpsc::channel();
    let closes = c.submit(move || send.send(own.close().wait()).unwrap(), ());
    assert!(receive.recv_timeout(Duration::from_secs(30)).unwrap().is_ok());
    assert!(on.error(&closes).await.is_cancelled());
    assert_eq!(on.take(f.submit(inc, 1)).await.unwrap(), 2);
    on.get(c.close()).await.unwrap();
}

async fn the_last_handle_of_all_closes_the_engine<R: AnyOf>(on: Setting<R>) {
    let counts = Counts::new();
    let dropped = Event::new();
    let engine = on.engine(1).await;
    let client = Client::on(&engine).unwrap();
    let made = counts.make(1);
    let value = on.get(client.scatter(made)).await.unwrap();
    let guard = dropped.on_drop();
    let asleep = client.submit(
        asynchronous(move || {
            let _ = &guard;
            std::future::pending::<i64>()
        }),
        (),
    );
    drop(engine);
    assert_eq!(client.status(), ClientStatus::Running);
    let engine = client.engine();
    drop(client);
    assert!(is_cancelled(&asleep), "its client has gone");
    assert_eq!((engine.status(), engine.info().clients), (ClientStatus::Running, 0));
    let (occupant, held) = {
        let client = Client::on(&engine).unwrap();
        let held = Held::new();
        let occupant = client.submit(held.body(), 1);
        on.passed(&held.running).await;
        (occupant, held)
    };
    drop(engine);
    assert!(is_cancelled(&occupant));
    held.release.set();
    drop(asleep);
    on.passed(&dropped).await;
    assert_eq!(counts.alive(), 1, "a future keeps its value");
    drop(value);
    assert_eq!(counts.alive(), 0);
}

async fn an_engine_stays_open_without_clients<R: AnyOf>(on: Setting<R>) {
    let engine = on.engine(1).await;
    for round in 0..3 {
        let client = Client::on(&engine).unwrap();
        assert_eq!(engine.info().clients, 1);
        assert_eq!(on.take(client.submit(inc, round)).await.unwrap(), round + 1);
        if round == 1 {
            on.get(client.close()).await.unwrap();
        }
    }
    assert_eq!((engine.status(), engine.info().clients), (ClientStatus::Running, 0));
    on.get(engine.close()).await.unwrap();
    assert_eq!(engine.status(), ClientStatus::Closed);
}

async fn an_engine_closes_with_its_clients<R: AnyOf>(on: Setting<R>) {
    let engine = on.engine(2).await;
    let (c, f) = (Client::on(&engine).unwrap(), Client::on(&engine).unwrap());
    let held = Held::new();
    let running = c.submit(held.body(), 1);
    let queued = f.submit(asynchronous(never), ());
    c.submit(asynchronous(never), ()).detach();
    let shared = [&c, &f].map(|client| client.task(asynchronous(never), ()).key("shared").submit());
    on.passed(&held.running).await;
    let late = on.get(engine.close().timeout(Duration::from_millis(10))).await.unwrap_err();
    assert!(matches!(late, Error::StillRunning { .. }), "{late:?}");
    assert!(is_cancelled(&running) && is_cancelled(&queued) && shared.iter().all(is_cancelled));
    assert!(on.error(&queued).await.to_string().contains("the engine was closed"));
    assert_eq!((c.status(), f.status()), (ClientStatus::Closing, ClientStatus::Closing));
    held.release.set();
    on.get(engine.close()).await.unwrap();
    assert_eq!((c.status(), f.status()), (ClientStatus::Closed, ClientStatus::Closed));
    on.get(c.close()).await.unwrap();
    on.get(engine.close()).await.unwrap();
    assert!(matches!(on.error(&f.submit(inc, 1)).await, Error::ClientClosed { .. }));
    assert_eq!((engine.info().running, engine.info().asynchronous), (0, 0));
}

async fn a_closed_engine_takes_no_clients<R: AnyOf>(on: Setting<R>) {
    let engine = on.engine(1).await;
    on.get(engine.close()).await.unwrap();
    let error = Client::on(&engine).err().unwrap();
    assert!(matches!(error, Error::EngineClosed), "{error:?}");
    assert_eq!(engine.info().clients, 0);
    engine.restart();
    engine.add_resources([("gpu", 1.0)]).unwrap();
}

async fn a_client_with_an_engine_of_its_own_takes_it_along<R: AnyOf>(on: Setting<R>) {
    let owner = on.client(1).await;
    let guest = Client::on(&owner.engine()).unwrap();
    assert_eq!(guest.info().clients, 2);
    let pending = guest.submit(asynchronous(never), ());
    on.get(owner.close()).await.unwrap();
    assert!(is_cancelled(&pending));
    assert_eq!(guest.status(), ClientStatus::Closed);
    assert!(matches!(Client::on(&owner.engine()), Err(Error::EngineClosed)));
}

async fn clients_come_and_go_while_others_work<R: AnyOf>(on: Setting<R>) {
    let engine = on.engine(2).await;
    let client = Client::on(&engine).unwrap();
    let all: Vec<_> = (0..50_i64)
        .map(|round| {
            let guest = Client::on(&engine).unwrap();
            let mine = guest.tasks(inc, 0..10).submit();
            let shared = guest.task(inc, round / 10).key(format!("shared-{}", round / 10)).submit();
            let kept = client.task(inc, round / 10).key(format!("shared-{}", round / 10)).submit();
            drop((mine, shared, guest));
            kept
        })
        .collect();
    let values = on.get(client.gather(&all)).await.unwrap();
    assert_eq!(values, (0..50).map(|round| round / 10 + 1).collect::<Vec<_>>());
    drop(all);
    on.until("nothing is left", || engine.info().clients == 1 && engine.dump().tasks.is_empty()).await;
}

/// Fails until its event is set, and says when it runs again. Captures nothing, so that two clients can share it.
mod flaky {
    use super::*;
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    static EVENTS: Mutex<BTreeMap<u64, Event>> = Mutex::new(BTreeMap::new());

    pub(super) fn new() -> (u64, Event) {
        let mut events = EVENTS.lock().unwrap();
        let number = events.len() as u64;
        let event = Event::new();
        events.insert(number, event.clone());
        (number, event)
    }

    pub(super) async fn run(number: u64) -> Result<u64, String> {
        let event = EVENTS.lock().unwrap()[&number].clone();
        let is_first = FAILED.lock().unwrap().insert(number);
        if is_first {
            return Err("not yet".to_owned());
        }
        event.passed().await;
        Ok(number)
    }

    static FAILED: Mutex<std::collections::BTreeSet<u64>> = Mutex::new(std::collections::BTreeSet::new());
}

async fn a_retry_of_one_client_is_not_forgotten_when_the_other_drops<R: AnyOf>(on: Setting<R>) {
    let (c, f) = two(&on, 1).await;
    let (number, go_on) = flaky::new();
    let [a, b] = [&c, &f]
        .map(|client| client.task(asynchronous(fallible(flaky::run)), number).key("flaky").retryable().submit());
    on.error(&a).await;
    on.error(&b).await;
    on.get(c.retry(&a)).await.unwrap();
    assert_eq!(a.status(), Status::Pending);
    drop(b);
    go_on.set();
    assert_eq!(on.get(a.timeout(Duration::from_secs(30))).await.unwrap(), number);
}

async fn a_retry_of_one_client_leaves_the_failure_of_the_other<R: AnyOf>(on: Setting<R>) {
    let (c, f) = two(&on, 1).await;
    let (number, go_on) = flaky::new();
    let [a, b] = [&c, &f]
        .map(|client| client.task(asynchronous(fallible(flaky::run)), number).key("flaky").retryable().submit());
    on.error(&a).await;
    on.error(&b).await;
    on.get(a.retry()).await.unwrap();
    assert_eq!((a.status(), b.status()), (Status::Pending, Status::Error), "a future resolves once for its client");
    go_on.set();
    assert_eq!(on.value(&a).await.unwrap(), number);
    assert_eq!(b.status(), Status::Error);
    on.get(f.retry(&b)).await.unwrap();
    assert_eq!(on.value(&b).await.unwrap(), number);
}

/// Submits tasks before and after its client has closed, and waits for them.
fn submitting(running: Event, release: Event) -> impl Fn(i64) -> Result<i64, Error> + Clone + Send + Sync {
    move |x| {
        let client = TaskContext::current()?.client()?;
        let before = client.submit(inc, x);
        running.set();
        release.wait();
        let after = client.task(inc, &before).key("inside").submit();
        after.wait()
    }
}

async fn a_shared_task_that_submits_tasks_outlives_its_client<R: AnyOf>(on: Setting<R>) {
    let engine = on.get(on.builder().threads(1).engine()).await.unwrap();
    let (one, other) = (Client::on(&engine).unwrap(), Client::on(&engine).unwrap());
    static RUNNING: std::sync::Mutex<Vec<(Event, Event)>> = std::sync::Mutex::new(Vec::new());
    fn shared(index: usize) -> Result<i64, Error> {
        let (running, release) = RUNNING.lock().unwrap()[index].clone();
        submitting(running, release)(1)
    }
    let (running, release) = (Event::new(), Event::new());
    let index = {
        let mut all = RUNNING.lock().unwrap();
        all.push((running.clone(), release.clone()));
        all.len() - 1
    };
    let [first, second] = [&one, &other].map(|client| client.task(fallible(shared), index).key("shared").submit());
    on.passed(&running).await;
    on.get(one.close()).await.unwrap();
    drop(one);
    assert!(on.error(&first).await.is_cancelled());
    release.set();
    assert_eq!(on.value(&second).await.unwrap(), 3);
    drop((first, second));
    on.until("all has gone", || engine.info().tasks == 0).await;
}

async fn a_detached_task_that_submits_tasks_outlives_its_client<R: AnyOf>(on: Setting<R>) {
    let engine = on.get(on.builder().threads(1).engine()).await.unwrap();
    let client = Client::on(&engine).unwrap();
    let (running, release, done) = (Event::new(), Event::new(), Event::new());
    let body = {
        let (submitting, done) = (submitting(running.clone(), release.clone()), done.clone());
        move |x| {
            let value = submitting(x)?;
            assert_eq!(value, 3);
            done.set();
            Ok::<_, Error>(value)
        }
    };
    client.submit(fallible(body), 1).detach();
    on.passed(&running).await;
    drop(client);
    release.set();
    on.passed(&done).await;
    on.until("all has gone", || engine.info().tasks == 0).await;
}

async fn a_foreign_input_is_refused_under_a_key_too<R: AnyOf>(on: Setting<R>) {
    let (one, other) = (on.client(1).await, on.client(1).await);
    // Each is the first task of its engine.
    let (own, foreign) = (one.submit(inc, 1), other.submit(inc, 2));
    let kept = one.task(inc, &own).key("k").submit();
    let refused = one.task(inc, &foreign).key("k").submit();
    assert!(matches!(on.error(&refused).await, Error::ForeignFuture { .. }));
    assert_eq!(on.value(&kept).await.unwrap(), 3);
}
