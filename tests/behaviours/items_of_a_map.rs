//! The items of a map are kept together, and each is a task by itself all the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Barrier, Mutex, OnceLock};

use anydask::{Client, Error, Status, TaskContext, TaskFuture, TaskState, as_completed, fallible};

use crate::support::{AnyOf, Counts, Event, Setting, on_every_runtime};
use crate::{Counter, div, double, inc, is_divide_by_zero};

on_every_runtime! {
    one_item_is_cancelled;
    an_item_that_nobody_holds_is_not_run;
    a_value_goes_with_the_last_handle_of_its_item;
    what_the_function_captures_goes_before_the_last_item_has_ended;
    an_item_fails_by_itself;
    an_item_panics_by_itself;
    a_running_item_sees_that_it_is_cancelled;
    an_item_knows_itself_from_inside;
    items_wait_for_items_inside;
    items_that_wait_for_each_other_are_told;
    what_an_item_submits_comes_before_the_items_after_it;
    what_is_urgent_comes_between_items;
    threads_share_the_items_of_one_map;
    detached_items_run_without_handles;
    items_are_watched_by_themselves;
    any_item_is_enough;
    items_are_gathered_in_any_arrangement;
    items_of_an_iterator_that_waits_for_them;
    the_whole_view_shows_every_item;
    a_restart_takes_items_too;
    a_close_ends_items_too;
    a_long_chain_of_items_is_dropped_without_recursion;
}

/// More than are kept together.
const MANY: i64 = 600;

async fn one_item_is_cancelled<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let many = client.map(inc, 0..MANY);
    many[500].cancel_because("enough");
    assert_eq!(many[500].status(), Status::Cancelled);
    assert_eq!(many[501].status(), Status::Pending);
    release.set();
    let results = on.get(client.gather_results(&many)).await.unwrap();
    for (x, result) in (0..).zip(results) {
        match result {
            Ok(value) => assert_eq!(value, x + 1),
            Err(Error::Cancelled { key, reason }) => assert_eq!((x, &*reason, key), (500, "enough", many[500].key())),
            Err(other) => panic!("{other}"),
        }
    }
}

async fn an_item_that_nobody_holds_is_not_run<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let (counts, ran) = (Counts::new(), Counter::new());
    let body = {
        let ran = ran.clone();
        move |x: crate::support::Counted| {
            ran.add();
            x.value()
        }
    };
    let mut many = client.map(body, (0..MANY).map(|x| counts.make(x)).collect::<Vec<_>>());
    assert_eq!(counts.alive(), 600);
    many.truncate(300);
    assert_eq!(counts.alive(), 300);
    release.set();
    assert_eq!(on.get(client.gather(&many)).await.unwrap(), (0..300).collect::<Vec<_>>());
    assert_eq!((ran.get(), counts.alive(), counts.cloned()), (300, 0, 0));
}

async fn a_value_goes_with_the_last_handle_of_its_item<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let counts = Counts::new();
    let mut many = client.map(
        {
            let counts = counts.clone();
            move |x: i64| counts.make(x)
        },
        0..MANY,
    );
    on.get(client.wait(&many)).await.unwrap();
    assert_eq!(counts.alive(), 600);
    let last = many.split_off(599);
    many.truncate(100);
    assert_eq!(counts.alive(), 101);
    drop(last);
    // Moved out, in the order of the items.
    let values = on.get(client.gather(many)).await.unwrap();
    assert!(values.iter().map(|value| value.value()).eq(0..100));
    assert_eq!((counts.alive(), counts.cloned()), (100, 0));
}

async fn what_the_function_captures_goes_before_the_last_item_has_ended<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    for length in [1, 8, 100, MANY] {
        let counts = Counts::new();
        let captured = counts.make(1);
        let many = client.map(move |x: i64| x + captured.value(), 0..length);
        on.get(client.wait(&many)).await.unwrap();
        assert_eq!(counts.alive(), 0);
    }
}

async fn an_item_fails_by_itself<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let many = client.map(fallible(div), (0..MANY).map(|x| (x, x % 100)));
    let error = on.get(client.gather(&many)).await.unwrap_err();
    assert!(is_divide_by_zero(&error));
    let results = on.get(client.gather_results(&many)).await.unwrap();
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 6);
    let error = results[400].as_ref().unwrap_err();
    assert_eq!(error.key(), Some(&many[400].key()));
    let after = client.submit(inc, &many[400]);
    assert!(is_divide_by_zero(&on.error(&after).await));
    // Its arguments are gone.
    let retried = on.get(client.retry(&many[400])).await;
    assert!(matches!(retried, Err(Error::NotRepeatable { .. })), "{retried:?}");
    assert_eq!(on.get(client.gather_ok(many)).await.unwrap().len(), 594);
}

async fn an_item_panics_by_itself<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let many = client.map(|x: i64| if x == 77 { panic!("seventy-seven") } else { x }, 0..MANY);
    let error = on.error(&many[77]).await;
    assert!(matches!(&error, Error::Panicked { message, location: Some(_), .. } if &**message == "seventy-seven"));
    assert_eq!(on.value(&many[599]).await.unwrap(), 599);
}

async fn a_running_item_sees_that_it_is_cancelled<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (running, seen) = (Event::new(), Event::new());
    let body = {
        let (running, seen) = (running.clone(), seen.clone());
        move |x: i64| {
            if x == 10 {
                running.set();
                while !TaskContext::current().unwrap().is_cancelled() {
                    std::thread::yield_now();
                }
                seen.set();
            }
            x
        }
    };
    let mut many = client.map(body, 0..20);
    on.passed(&running).await;
    // The last handle.
    drop(many.remove(10));
    on.passed(&seen).await;
    assert_eq!(on.get(client.gather(many)).await.unwrap().len(), 19);
    on.until("nothing runs", || client.info().running == 0 && client.info().tasks == 0).await;
}

async fn an_item_knows_itself_from_inside<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let many = client.map(
        |x: i64| {
            let context = TaskContext::current().unwrap();
            assert!(!context.is_cancelled());
            let inner = context.client().unwrap().submit(inc, x);
            (context.key().to_string(), inner.wait().unwrap())
        },
        0..MANY,
    );
    for (x, (key, value)) in (0..).zip(on.get(client.gather(&many)).await.unwrap()) {
        assert_eq!((key.as_str(), value), (&*many[x as usize].key(), x + 1));
    }
    let story: Vec<_> = many[300].story().iter().map(|step| step.to).collect();
    assert_eq!(story, [TaskState::Waiting, TaskState::Ready, TaskState::Running, TaskState::Memory]);
}

async fn items_wait_for_items_inside<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let many: Arc<OnceLock<Vec<TaskFuture<i64>>>> = Arc::default();
    let body = {
        let many = Arc::downgrade(&many);
        // Each waits for the one after it.
        move |x: i64| {
            let many = many.upgrade().unwrap();
            let next = many.get().unwrap().get(x as usize + 1).cloned();
            next.map_or(0, |next| next.wait().unwrap() + 1)
        }
    };
    many.set(client.map(body, 0..50)).unwrap();
    release.set();
    assert_eq!(on.value(&many.get().unwrap()[0]).await.unwrap(), 49);
}

async fn items_that_wait_for_each_other_are_told<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let many: Arc<OnceLock<Vec<TaskFuture<i64>>>> = Arc::default();
    let body = {
        let many = Arc::downgrade(&many);
        move |x: i64| {
            let many = many.upgrade().unwrap();
            // One may begin before all are here.
            let other = many.wait()[(x as usize + 1) % 20].clone();
            other.wait().map(|value| value + 1)
        }
    };
    many.set(client.map(fallible(body), 0..20)).unwrap();
    let results = on.get(client.gather_results(many.get().unwrap())).await.unwrap();
    assert!(results.iter().all(|result| matches!(result, Err(Error::Deadlock { .. }))), "{results:?}");
}

async fn what_an_item_submits_comes_before_the_items_after_it<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let body = {
        let order = Arc::clone(&order);
        move |x: i64| {
            order.lock().unwrap().push(x);
            let inner = Arc::clone(&order);
            let client = TaskContext::current().unwrap().client().unwrap();
            client.submit(move || inner.lock().unwrap().push(-x), ()).detach();
        }
    };
    let many = client.map(body, 1..=20);
    release.set();
    on.get(client.gather(many)).await.unwrap();
    on.until("all have run", || order.lock().unwrap().len() == 40).await;
    let order = order.lock().unwrap();
    assert!(order.chunks(2).all(|pair| pair[0] == -pair[1]), "{order:?}");
}

async fn what_is_urgent_comes_between_items<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (running, release) = (Event::new(), Event::new());
    let order = Arc::new(Mutex::new(Vec::new()));
    let body = {
        let (running, release, order) = (running.clone(), release.clone(), Arc::clone(&order));
        move |x: i64| {
            if x == 20 {
                running.set();
                release.wait();
            }
            order.lock().unwrap().push(x);
        }
    };
    let many = client.map(body, 0..40);
    on.passed(&running).await;
    let urgent = {
        let order = Arc::clone(&order);
        client.task(move || order.lock().unwrap().push(-1), ()).priority(1).submit()
    };
    release.set();
    on.get(client.gather(many)).await.unwrap();
    on.value(&urgent).await.unwrap();
    let order = order.lock().unwrap();
    let place = order.iter().position(|x| *x == -1).unwrap();
    assert_eq!(order[place - 1], 20);
}

async fn threads_share_the_items_of_one_map<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let barrier = Arc::new(Barrier::new(2));
    // Neither of two ends before the other has begun.
    let body = move |x: i64| {
        barrier.wait();
        x
    };
    let many = client.map(body, 0..60);
    assert_eq!(on.get(client.gather(many)).await.unwrap(), (0..60).collect::<Vec<_>>());
}

async fn detached_items_run_without_handles<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let ran = Counter::new();
    let body = {
        let ran = ran.clone();
        move |_: i64| ran.add()
    };
    client.map(body, 0..MANY).into_iter().for_each(TaskFuture::detach);
    release.set();
    on.until("all have run", || ran.get() == 600).await;
    // But the occupant.
    on.until("nothing is left", || client.dump().tasks.len() == 1).await;
}

async fn items_are_watched_by_themselves<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let (_occupant, release) = on.occupy(&client).await;
    let many = client.map(inc, 0..100);
    let told = Counter::new();
    for future in &many {
        let told = told.clone();
        future.on_done(move |_| _ = told.add());
    }
    let after = client.map(double, &many);
    let all = client.gather(&many);
    let mut completed = as_completed(&many);
    release.set();
    on.get(client.wait(&many)).await.unwrap();
    on.until("all have come out", || completed.len() == 100 && completed.has_ready()).await;
    let done = completed.ready_batch();
    assert!(done.iter().all(TaskFuture::is_done) && !done.is_empty());
    assert_eq!(on.get(all).await.unwrap().iter().sum::<i64>(), 5050);
    assert_eq!(on.get(client.gather(after)).await.unwrap().iter().sum::<i64>(), 10_100);
    on.until("all are told", || told.get() == 100).await;
}

async fn any_item_is_enough<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (running, release) = (Event::new(), Event::new());
    let body = {
        let (running, release) = (running.clone(), release.clone());
        move |x: i64| {
            if x == 50 {
                running.set();
                release.wait();
            }
            if x == 60 { Err("sixty") } else { Ok(x) }
        }
    };
    let many = client.map(fallible(body), 0..100);
    let waited = on.get(client.wait_any(&many)).await.unwrap();
    assert!(!waited.done.is_empty());
    on.passed(&running).await;
    let waited = on.get(client.wait_any(&many[40..60])).await.unwrap();
    assert_eq!((waited.done.len(), waited.not_done.len()), (10, 10));
    release.set();
    let waited = on.get(client.wait_first_error(&many)).await.unwrap();
    assert!(waited.done.iter().any(|future| future.status() == Status::Error));
    assert!(on.get(client.gather(&many)).await.is_err());
    assert_eq!(on.get(client.wait(&many)).await.unwrap().done.len(), 100);
}

async fn items_are_gathered_in_any_arrangement<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let many = client.map(inc, 0..100);
    let by_number: BTreeMap<_, _> = (0..).zip(&many).map(|(x, future)| (x, future.clone())).collect();
    assert_eq!(on.get(client.gather(by_number)).await.unwrap()[&70], 71);
    let backwards: Vec<_> = many.iter().rev().collect();
    assert_eq!(on.get(client.gather(backwards)).await.unwrap()[0], 100);
    let twice = [&many[50], &many[50], &many[51]];
    assert_eq!(on.get(client.gather(twice)).await.unwrap(), [51, 51, 52]);
    let words = client.map(|x: i64| format!("{x}"), 0..100);
    assert_eq!(on.get(client.gather((&many[9], &words))).await.unwrap().1[99], "99");
    assert_eq!(on.get(client.gather(words)).await.unwrap()[99], "99");
    let total = client.submit(|all: Vec<i64>| all.iter().sum::<i64>(), many);
    assert_eq!(on.take(total).await.unwrap(), 5050);
}

/// Items are not held back for others to come where these may wait for them.
async fn items_of_an_iterator_that_waits_for_them<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (send, receive) = std::sync::mpsc::channel();
    send.send(1).unwrap();
    let body = move |x: i64| {
        if x < 50 {
            send.send(x + 1).unwrap();
        }
        x
    };
    let many = client.map(body, receive.iter().take(50));
    assert_eq!(on.get(client.gather(many)).await.unwrap(), (1..=50).collect::<Vec<_>>());
}

async fn the_whole_view_shows_every_item<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let many = client.map(inc, 0..100);
    let info = client.info();
    assert_eq!((info.queued, info.tasks, info.running), (100, 101, 1));
    // One is singled out.
    let first = client.submit(inc, &many[60]);
    let dump = client.dump();
    let keys: BTreeSet<_> = dump.tasks.iter().map(|task| task.key.clone()).collect();
    assert_eq!((dump.tasks.len(), keys.len()), (102, 102));
    assert!(many.iter().all(|future| keys.contains(&future.key())));
    let shown: Vec<_> = dump.tasks.iter().skip(1).take(100).map(|task| task.key.clone()).collect();
    assert_eq!(shown, many.iter().map(TaskFuture::key).collect::<Vec<_>>());
    let (plain, item) = (&dump.tasks[1], &dump.tasks[90]);
    assert_eq!((plain.state, plain.function, &plain.location), (item.state, item.function, &item.location));
    assert_eq!(plain.story, item.story);
    release.set();
    assert_eq!(on.value(&first).await.unwrap(), 62);
    on.get(client.wait(&many)).await.unwrap();
    let info = client.info();
    assert!(many.iter().all(|future| info.memory[&future.key()] == 8));
    let dump = client.dump();
    let plain = dump.tasks.iter().find(|task| task.key == many[0].key()).unwrap();
    let item = dump.tasks.iter().find(|task| task.key == many[90].key()).unwrap();
    assert_eq!((plain.state, plain.nbytes, &plain.story), (item.state, item.nbytes, &item.story));
}

async fn a_restart_takes_items_too<R: AnyOf>(on: Setting<R>) {
    let engine = on.engine(1).await;
    let client = Client::on(&engine).unwrap();
    let done = client.map(inc, 0..100);
    on.get(client.wait(&done)).await.unwrap();
    let (_occupant, release) = on.occupy(&client).await;
    let queued = client.map(inc, 0..100);
    engine.restart();
    assert!(done.iter().chain(&queued).all(|future| future.status() == Status::Cancelled));
    release.set();
    assert_eq!(on.get(client.gather(client.map(inc, 0..100))).await.unwrap().len(), 100);
}

async fn a_close_ends_items_too<R: AnyOf>(on: Setting<R>) {
    let engine = on.engine(1).await;
    let (own, other) = (Client::on(&engine).unwrap(), Client::on(&engine).unwrap());
    let (_occupant, release) = on.occupy(&other).await;
    let (ran, counter) = (Counter::new(), Counter::new());
    let counted = |counter: &Counter| {
        let counter = counter.clone();
        move |x: i64| {
            counter.add();
            x
        }
    };
    let mut many = own.map(counted(&ran), 0..100);
    let others = other.map(counted(&counter), 0..100);
    many.remove(50).detach();
    on.get(own.close()).await.unwrap();
    assert!(many.iter().all(|future| future.status() == Status::Cancelled));
    let refused = own.map(inc, 0..100);
    assert!(refused.iter().all(|future| future.status() == Status::Error));
    release.set();
    assert_eq!(on.get(other.gather(others)).await.unwrap().len(), 100);
    on.until("what was detached has run", || ran.get() == 1).await;
}

struct Link(#[expect(dead_code, reason = "it is dropped")] Option<TaskFuture<Link>>);

async fn a_long_chain_of_items_is_dropped_without_recursion<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let mut last = None;
    for _ in 0..20_000 {
        let links: Vec<_> = (0..8).map(|place| Link(if place == 7 { last.take() } else { None })).collect();
        last = client.map(|link: Link| link, links).pop();
    }
    on.get(client.wait(last.as_ref())).await.unwrap();
    drop(last);
    on.until("nothing is left", || client.info().tasks == 0).await;
}
