//! The page's example and those of the design, on a cluster.

use std::time::Duration;

use anydask::{Client, as_completed, python};

use crate::ground::{AnyOf, Ground, LIMIT, next, on_clusters};
use crate::tasks::{Table, add, double_later, inc, parse, sum_of, total};

on_clusters! {
    the_example_of_the_page;
    a_blocking_client_runs_an_asynchronous_function;
    what_is_submitted_in_the_design;
    results_in_the_design;
}

/// Starts an asynchronous client, submits a trivial job, waits on the result, and shuts down the client.
async fn the_example_of_the_page<R: AnyOf>(on: Ground<R>) {
    let _worker = on.worker("a", 1).await;
    let client = on.client().await;
    let future = client.submit(inc, 10);
    let gathered = on.get(client.gather(&future)).await.unwrap();
    let result = on.value(&future).await.unwrap();
    on.get(client.close()).await.unwrap();
    assert_eq!((gathered, result), (11, 11));
}

async fn a_blocking_client_runs_an_asynchronous_function<R: AnyOf>(on: Ground<R>) {
    let _worker = on.worker("a", 1).await;
    let client = on.client().await;
    let (sender, receiver) = std::sync::mpsc::channel();
    let syncing = {
        let client = client.clone();
        move || {
            let gathered = client.sync(async {
                let future = client.submit(inc, 10);
                client.gather(&future).timeout(LIMIT).await
            });
            sender.send(gathered).unwrap();
        }
    };
    // A plain thread, whatever this body runs on.
    let thread = std::thread::spawn(syncing);
    on.until("the thread is done", || thread.is_finished()).await;
    assert_eq!(receiver.recv().unwrap().unwrap(), 11);
}

async fn what_is_submitted_in_the_design<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let a = client.submit(inc, 10);
    let b = client.submit(add, (&a, 5));
    let c = client.submit(total, vec![a.clone(), b.clone()]);
    let big = on.get(client.scatter(Table { name: "big".to_owned(), cells: vec![0.5, 1.5] })).await.unwrap();
    let d = client.submit(sum_of, &big);
    let e = client.submit(parse, "15".to_owned());
    let f = client.submit(double_later, &e);
    let many = client.map(inc, 0..100);
    let more = client.map(inc, &many);
    let g = client.task(inc, 1).key("train").priority(10).retries(2).submit();
    assert_eq!(on.value(&c).await.unwrap(), 27);
    assert_eq!(on.value(&d).await.unwrap(), 2.0);
    assert_eq!(on.value(&f).await.unwrap(), 30);
    assert_eq!(on.get(client.gather(&more)).await.unwrap(), (2..102).collect::<Vec<_>>());
    assert_eq!((on.value(&g).await.unwrap(), g.key().as_str()), (2, "train"));
    assert_eq!(inc(1), 2, "a registered task is a function as before");
}

async fn results_in_the_design<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let a = client.submit(inc, 10);
    for _ in 0..2 {
        assert_eq!(on.value(&a).await.unwrap(), 11, "repeatable");
    }
    let many = client.map(inc, 0..10);
    let mut sum = 0;
    let mut completed = as_completed(&many);
    while let Some(done) = next!(on, completed) {
        sum += on.value(&done).await.unwrap();
    }
    assert_eq!(sum, 55);
    let waited = on.get(client.wait(&many)).await.unwrap();
    assert_eq!((waited.done.len(), waited.not_done.len()), (10, 0));
    let waited = on.get(client.wait_any(&many)).await.unwrap();
    assert!(!waited.done.is_empty());
    on.get(client.cancel(&many)).await.unwrap();
    drop((a, many, waited, completed));
    let moved = on.on.take(client.submit(inc, 1)).await.unwrap();
    assert_eq!(moved, 2);
    let scoped = Client::with_runtime(on.on.runtime.clone());
    let other = on.get(scoped.connect(on.cluster.address())).await.unwrap();
    let refused = on.error(&other.submit(|x: i64| x, 1)).await;
    assert!(refused.to_string().contains("#[task]"), "{refused}");
    let python = client.submit(python::<i64>("operator:add"), (1, 2));
    assert!(on.get(python.timeout(Duration::from_millis(50))).await.is_err(), "there is no Python worker");
}
