//! Cancelling: what it stops, what it leaves, and what it tells.

use std::time::Duration;

use anydask::{Error, Status, TaskContext, TaskFuture, asynchronous, fallible};

use crate::support::{AnyOf, Counted, Counts, Event, Setting, on_every_runtime};
use crate::{Counter, Held, available, inc};

on_every_runtime! {
    a_queued_task_that_is_cancelled_never_starts;
    an_asynchronous_task_is_dropped_at_its_next_await;
    a_running_task_sees_that_it_is_cancelled;
    a_task_whose_last_future_is_dropped_sees_it;
    dependents_tell_which_dependency_was_lost;
    a_cancelled_body_keeps_its_slot_until_it_ends;
    a_cancelled_body_keeps_its_resources_until_it_ends;
    a_finished_task_cannot_be_cancelled;
    a_task_cancels_another_and_itself;
    an_asynchronous_task_cancels_itself;
    a_cancel_frees_what_the_task_held;
    a_hundred_thousand_dependents_are_cancelled;
    a_chain_of_dependents_is_cancelled;
    a_cancel_takes_any_arrangement;
    cancels_race_with_the_ends_of_tasks;
    outside_of_tasks_there_is_no_context;
    contexts_nest_as_tasks_do;
    a_task_cancels_the_losers_of_a_race;
}

async fn a_queued_task_that_is_cancelled_never_starts<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let runs = Counter::new();
    let body = {
        let runs = runs.clone();
        move || runs.add()
    };
    let plain = client.submit(body.clone(), ());
    let urgent = client.task(body.clone(), ()).priority(1).submit();
    let late = client.task(body, ()).priority(-1).submit();
    on.get(client.cancel((&plain, &urgent, &late))).await.unwrap();
    assert_eq!([plain.status(), urgent.status(), late.status()], [Status::Cancelled; 3]);
    let after = client.task(|| (), ()).priority(-2).submit();
    release.set();
    on.value(&after).await.unwrap();
    assert_eq!(runs.get(), 0);
}

async fn an_asynchronous_task_is_dropped_at_its_next_await<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (running, dropped) = (Event::new(), Event::new());
    let body = {
        let (running, dropped) = (running.clone(), dropped.clone());
        move || {
            let (running, on_drop) = (running.clone(), dropped.on_drop());
            async move {
                let _on_drop = on_drop;
                running.set();
                std::future::pending::<()>().await;
            }
        }
    };
    let future = client.submit(asynchronous(body), ());
    on.passed(&running).await;
    assert_eq!(client.info().asynchronous, 1);
    future.cancel();
    assert_eq!(future.status(), Status::Cancelled);
    on.passed(&dropped).await;
    on.until("it is gone", || client.info().asynchronous == 0).await;
}

async fn a_running_task_sees_that_it_is_cancelled<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (running, cancelled) = (Event::new(), Event::new());
    let (sent, seen) = std::sync::mpsc::channel();
    let body = {
        let (running, cancelled) = (running.clone(), cancelled.clone());
        move || -> Result<(), Error> {
            let context = TaskContext::current()?;
            assert!(!context.is_cancelled() && context.check().is_ok());
            running.set();
            cancelled.wait();
            sent.send((context.key(), context.is_cancelled(), context.check())).unwrap();
            context.check()
        }
    };
    let future = client.submit(fallible(body), ());
    on.passed(&running).await;
    future.cancel_because("seen from inside");
    cancelled.set();
    let (key, is_cancelled, check) = seen.recv().unwrap();
    assert_eq!(key, future.key());
    assert!(is_cancelled);
    assert!(matches!(check, Err(Error::Cancelled { reason, .. }) if &*reason == "seen from inside"));
    assert!(on.error(&future).await.is_cancelled());
}

async fn a_task_whose_last_future_is_dropped_sees_it<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (running, ended) = (Event::new(), Event::new());
    let body = {
        let (running, ended) = (running.clone(), ended.clone());
        move || {
            running.set();
            let context = TaskContext::current().unwrap();
            while !context.is_cancelled() {
                std::thread::yield_now();
            }
            ended.set();
        }
    };
    let future = client.submit(body, ());
    on.passed(&running).await;
    drop(future);
    on.passed(&ended).await;
}

async fn dependents_tell_which_dependency_was_lost<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let held = Held::new();
    let x = client.task(held.body(), 1).key("the-root").submit();
    on.passed(&held.running).await;
    let y = client.submit(inc, &x);
    let z = client.submit(inc, &y);
    x.cancel();
    let text = on.error(&y).await.to_string();
    assert!(text.contains("lost dependencies") && text.contains("the-root"), "{text}");
    let text = on.error(&z).await.to_string();
    assert!(text.contains("lost dependencies") && text.contains(y.key().as_str()), "{text}");
    held.release.set();
}

async fn a_cancelled_body_keeps_its_slot_until_it_ends<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let held = Held::new();
    let first = client.submit(held.body(), 1);
    on.passed(&held.running).await;
    first.cancel();
    assert!(on.error(&first).await.is_cancelled());
    let second = client.submit(inc, 1);
    assert_eq!(client.info().running, 1);
    assert!(on.get(second.timeout(Duration::from_millis(20))).await.unwrap_err().is_timeout());
    held.release.set();
    assert_eq!(on.value(&second).await.unwrap(), 2);
}

async fn a_cancelled_body_keeps_its_resources_until_it_ends<R: AnyOf>(on: Setting<R>) {
    let client = on.get(on.builder().threads(2).resources([("gpu", 1.0)]).local()).await.unwrap();
    let held = Held::new();
    let first = client.task(held.body(), 1).resources([("gpu", 1.0)]).submit();
    on.passed(&held.running).await;
    first.cancel();
    let second = client.task(inc, 1).resources([("gpu", 1.0)]).submit();
    assert_eq!(available(&client, "gpu"), 0.0);
    assert!(on.get(second.timeout(Duration::from_millis(20))).await.unwrap_err().is_timeout());
    assert_eq!(client.info().waiting_for_resources, 1);
    held.release.set();
    assert_eq!(on.value(&second).await.unwrap(), 2);
    on.until("it is given back", || available(&client, "gpu") == 1.0).await;
}

async fn a_finished_task_cannot_be_cancelled<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (ok, fails) = (client.submit(inc, 1), client.submit(fallible(|| Err::<i64, _>("no")), ()));
    on.get(client.wait([&ok, &fails])).await.unwrap();
    on.get(client.cancel((&ok, &fails))).await.unwrap();
    ok.cancel();
    assert_eq!((ok.status(), fails.status()), (Status::Finished, Status::Error));
    assert_eq!(on.value(&ok).await.unwrap(), 2);
    assert!(matches!(on.error(&fails).await, Error::Failed { .. }));
}

async fn a_task_cancels_another_and_itself<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let never = client.submit(asynchronous(std::future::pending::<i64>), ());
    let inside = never.clone();
    let canceller = client.submit(move || inside.cancel_because("by a task"), ());
    on.value(&canceller).await.unwrap();
    assert!(on.error(&never).await.to_string().contains("by a task"));

    let (send, own) = std::sync::mpsc::channel::<TaskFuture<i64>>();
    let own = std::sync::Mutex::new(own);
    let suicide = client.submit(
        move || {
            own.lock().unwrap().recv().unwrap().cancel_because("by itself");
            assert!(TaskContext::current().unwrap().is_cancelled());
            1
        },
        (),
    );
    send.send(suicide.clone()).unwrap();
    assert!(on.error(&suicide).await.to_string().contains("by itself"));
    assert_eq!(on.take(client.submit(inc, 1)).await.unwrap(), 2);
}

async fn an_asynchronous_task_cancels_itself<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (go, dropped) = (Event::new(), Event::new());
    let own = std::sync::Arc::new(std::sync::Mutex::new(None::<TaskFuture<()>>));
    let body = {
        let (go, dropped, own) = (go.clone(), dropped.clone(), own.clone());
        move || {
            let (go, on_drop, own) = (go.clone(), dropped.on_drop(), own.clone());
            async move {
                let _on_drop = on_drop;
                go.passed().await;
                own.lock().unwrap().take().unwrap().cancel_because("by itself");
                std::future::pending::<()>().await;
            }
        }
    };
    let future = client.submit(asynchronous(body), ());
    *own.lock().unwrap() = Some(future.clone());
    go.set();
    assert!(on.error(&future).await.to_string().contains("by itself"));
    on.passed(&dropped).await;
}

async fn a_cancel_frees_what_the_task_held<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let counts = Counts::new();
    let captured = counts.make(1);
    let body = move |x: Counted| {
        let captured = &captured;
        captured.value() + x.value()
    };
    let future = client.submit(body, counts.make(2));
    assert_eq!(counts.alive(), 2);
    future.cancel();
    assert_eq!(counts.alive(), 0);
    release.set();
}

async fn a_hundred_thousand_dependents_are_cancelled<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let held = Held::new();
    let x = client.submit(held.body(), 1);
    on.passed(&held.running).await;
    let dependents = client.map(inc, (0..100_000).map(|_| &x));
    x.cancel();
    assert!(dependents.iter().all(|future| future.status() == Status::Cancelled));
    assert!(on.error(&dependents[99_999]).await.to_string().contains(x.key().as_str()));
    held.release.set();
}

async fn a_chain_of_dependents_is_cancelled<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let held = Held::new();
    let x = client.submit(held.body(), 1);
    let mut chain = vec![client.submit(inc, &x)];
    for _ in 0..20_000 {
        chain.push(client.submit(inc, &chain[chain.len() - 1]));
    }
    x.cancel();
    assert!(chain.iter().all(|future| future.status() == Status::Cancelled));
    held.release.set();
}

async fn a_cancel_takes_any_arrangement<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let many = client.map(inc, 0..3);
    let (one, text) = (client.submit(inc, 1), client.submit(String::new, ()));
    on.get(client.cancel((&many, [&one], &text))).await.unwrap();
    assert!(many.iter().all(|future| future.status() == Status::Cancelled));
    assert_eq!((one.status(), text.status()), (Status::Cancelled, Status::Cancelled));
    on.get(client.cancel(Vec::<TaskFuture<i64>>::new())).await.unwrap();
    release.set();
}

async fn cancels_race_with_the_ends_of_tasks<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    for round in 0..500 {
        let future = client.submit(inc, round);
        let after = client.submit(inc, &future);
        future.cancel();
        match on.value(&future).await {
            Ok(value) => assert_eq!(value, round + 1),
            Err(error) => assert!(error.is_cancelled(), "{error:?}"),
        }
        match on.value(&after).await {
            Ok(value) => assert_eq!(value, round + 2),
            Err(error) => assert!(error.to_string().contains("lost dependencies"), "{error:?}"),
        }
    }
    on.until("nothing runs", || client.info().running == 0).await;
}

async fn outside_of_tasks_there_is_no_context<R: AnyOf>(on: Setting<R>) {
    assert!(matches!(TaskContext::current(), Err(Error::NotInTask)));
    let client = on.client(1).await;
    on.take(client.submit(inc, 1)).await.unwrap();
    assert!(matches!(TaskContext::current(), Err(Error::NotInTask)));
}

async fn contexts_nest_as_tasks_do<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let key = || TaskContext::current().unwrap().key();
    let inner_client = client.clone();
    let outer = client.submit(
        fallible(move || {
            let before = key();
            let inner = inner_client.submit(key, ());
            let panics = inner_client.submit(|x: i64| if x == 0 { panic!("nested") } else { x }, 0);
            assert_eq!(inner.wait()?, inner.key());
            assert!(panics.wait().is_err());
            assert_eq!(before, key());
            Ok::<_, Error>(before)
        }),
        (),
    );
    assert_eq!(on.value(&outer).await.unwrap(), outer.key());
    let inner_client = client.clone();
    let outer = client.submit(
        fallible(asynchronous(move || {
            let client = inner_client.clone();
            async move {
                let before = key();
                client.submit(inc, 1).await?;
                assert_eq!(before, key());
                Ok::<_, Error>(before)
            }
        })),
        (),
    );
    assert_eq!(on.value(&outer).await.unwrap(), outer.key());
}

/// Whoever waits for any of several runs none of them on its own thread: it could not cancel it then.
async fn a_task_cancels_the_losers_of_a_race<R: AnyOf>(on: Setting<R>) {
    fn lose() -> Result<i64, Error> {
        let context = TaskContext::current()?;
        while context.check().is_ok() {
            std::thread::yield_now();
        }
        Ok(0)
    }
    fn race(way: usize) -> Result<i64, Error> {
        let client = TaskContext::current()?.client()?;
        let (loser, winner) = (client.submit(fallible(lose), ()), client.submit(inc, 0));
        let both = [&loser, &winner];
        let first = match way {
            0 => client.wait_any(both).wait()?.done.remove(0),
            _ => anydask::as_completed(both).next().wait()?.ok_or(Error::NotInTask)?,
        };
        loser.cancel();
        first.wait()
    }
    let client = on.client(2).await;
    for way in 0..2 {
        assert_eq!(on.take(client.submit(fallible(race), way)).await.unwrap(), 1, "in way {way}");
    }
}
