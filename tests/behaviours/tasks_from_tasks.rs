//! A60 to A64: tasks that submit tasks.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anydask::{Client, Error, TaskContext, asynchronous, fallible};

use crate::support::{AnyOf, Setting, on_every_runtime};
use crate::{double, inc};

on_every_runtime! {
    a60_a_task_submits_tasks_and_waits_for_them;
    a61_an_asynchronous_task_submits_tasks_and_awaits_them;
    a62_a_task_waits_on_the_only_thread;
    a63_a_recursion_of_tasks;
    a64_what_a_task_submits_comes_before_what_waited;
    what_an_asynchronous_task_submits_comes_before_what_waited;
}

async fn a60_a_task_submits_tasks_and_waits_for_them<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let f = |x: i64| {
        let client = TaskContext::current()?.client()?;
        let a = client.submit(inc, x);
        let b = client.submit(double, &a);
        let sum = a.wait()? + b.wait()?;
        Ok::<_, Error>((sum, client.info().clients))
    };
    let futures = client.map(fallible(f), [10, 20]);
    assert_eq!(on.get(client.gather(&futures)).await.unwrap(), [(33, 1), (63, 1)], "no client shows up");
    // With a clone that is moved in as well.
    let inner = client.clone();
    let f = move |x: i64| Ok::<_, Error>(inner.submit(inc, x).wait()? + inner.submit(double, x + 1).wait()?);
    assert_eq!(on.take(client.submit(fallible(f), 10)).await.unwrap(), 33);
}

async fn a61_an_asynchronous_task_submits_tasks_and_awaits_them<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let f = async |x: i64| {
        let client = TaskContext::current()?.client()?;
        let a = client.submit(inc, x);
        let b = client.submit(double, &a);
        let sum = (&a).await? + (&b).await?;
        let client = TaskContext::current()?.client()?;
        Ok::<_, Error>((sum, client.info().clients))
    };
    let futures = client.map(fallible(asynchronous(f)), [10, 20]);
    assert_eq!(on.get(client.gather(&futures)).await.unwrap(), [(33, 1), (63, 1)], "no client shows up");
}

async fn a62_a_task_waits_on_the_only_thread<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let inner = client.clone();
    let future = client.submit(fallible(move || inner.submit(inc, 1).wait()), ());
    assert_eq!(on.value(&future).await.unwrap(), 2);
    // Also when the inner task has options, so that it is not run where it is waited for.
    let inner = client.clone();
    let future = client.submit(fallible(move || inner.task(inc, 1).priority(-1).retries(1).submit().wait()), ());
    assert_eq!(on.value(&future).await.unwrap(), 2);
}

async fn a63_a_recursion_of_tasks<R: AnyOf>(on: Setting<R>) {
    fn f<R: AnyOf>(client: Client<R>, x: i64) -> Result<i64, Error> {
        thread::sleep(Duration::from_millis(20));
        if x > 4 {
            return Ok(4);
        }
        let left = client.submit(fallible(f::<R>), (client.clone(), x + 1));
        let right = client.submit(fallible(f::<R>), (client.clone(), x + 2));
        Ok(left.wait()? + right.wait()?)
    }

    let client = on.client(2).await;
    let start = Instant::now();
    let total = client.submit(fallible(f::<R>), (client.clone(), 0));
    assert_eq!(on.value(&total).await.unwrap(), 52);
    assert!(start.elapsed() < Duration::from_secs(20));
}

async fn a64_what_a_task_submits_comes_before_what_waited<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let note = {
        let order = Arc::clone(&order);
        move |name: &'static str| order.lock().unwrap().push(name)
    };
    let parent = {
        let note = note.clone();
        let body = move || {
            note("parent");
            let client = TaskContext::current()?.client()?;
            client.submit(note.clone(), "child").detach();
            Ok::<_, Error>(())
        };
        client.submit(fallible(body), ())
    };
    let waited = client.map(note, ["first", "second"]);
    release.set();
    on.value(&parent).await.unwrap();
    on.get(client.gather(&waited)).await.unwrap();
    on.until("all have run", || order.lock().unwrap().len() == 4).await;
    assert_eq!(order.lock().unwrap()[..2], ["parent", "child"]);
}

async fn what_an_asynchronous_task_submits_comes_before_what_waited<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let note = {
        let order = Arc::clone(&order);
        move |name: &'static str| order.lock().unwrap().push(name)
    };
    let waited = client.map(note.clone(), ["waited", "waited"]);
    let parent = client.submit(
        fallible(asynchronous(move || {
            let note = note.clone();
            async move {
                let client = TaskContext::current()?.client()?;
                Ok::<_, Error>(client.map(note, ["older", "newer"]))
            }
        })),
        (),
    );
    let children = on.get(parent.shared()).await.unwrap();
    release.set();
    on.get(client.gather(&waited)).await.unwrap();
    on.get(client.gather(&*children)).await.unwrap();
    assert_eq!(*order.lock().unwrap(), ["newer", "older", "waited", "waited"]);
}
