//! Works that take their figures by themselves.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anydask::runtime::{Runtime, Tokio};
use anydask::{Client, TaskFuture, asynchronous};

use super::{Host, Place};
use crate::measure::{Figures, Latencies, Stopwatch, queueing};
use crate::occupation::{Dormitory, Occupation};
use crate::process::resident_nbytes;
use crate::work::{Body, Work, compute};

pub(super) fn body<P: Place>(work: Work) -> Option<Body> {
    Some(Body::Told(match work {
        Work::LatencyHot => |n| P::call(latency_hot, n),
        Work::LatencyCold => |n| P::call(latency_cold, n),
        Work::Queued => |n| P::call(queued, n),
        Work::Cancel => |n| P::call(cancel, n),
        Work::DeepChain => |n| P::call(deep_chain, n),
        Work::Asleep => |n| P::call(asleep, n),
        Work::Priority => |n| P::call(priority, n),
        _ => return None,
    }))
}

/// The engine that is submitted to by `map`, for works where that makes a difference.
pub(in crate::subjects) fn by_map(work: Work) -> Option<Body> {
    match work {
        Work::Queued => Some(Body::Told(|n| queued_by_map(Tokio::client(), n))),
        _ => None,
    }
}

/// Submitted and awaited in an asynchronous task of the runtime.
pub(in crate::subjects) fn awaited(work: Work) -> Option<Body> {
    match work {
        Work::LatencyHot => Some(Body::Told(|n| await_each(Latencies::of(Work::LatencyHot, n)))),
        Work::LatencyCold => Some(Body::Told(|n| await_each(Latencies::of(Work::LatencyCold, n)))),
        _ => None,
    }
}

fn await_each(mut latencies: Latencies) -> Figures {
    let client = Tokio::client();
    let task = client.runtime().handle().spawn(async move {
        while let Some(begun) = latencies.next() {
            black_box(client.submit(|| black_box(1), ()).await.expect("the task finishes"));
            latencies.end(begun);
        }
        latencies.figures()
    });
    futures_lite::future::block_on(task).expect("the task finishes")
}

fn latency_hot<R: Runtime>(client: &Client<R>, n: usize) -> Figures {
    wait_for_each(client, Latencies::of(Work::LatencyHot, n))
}

fn latency_cold<R: Runtime>(client: &Client<R>, n: usize) -> Figures {
    wait_for_each(client, Latencies::of(Work::LatencyCold, n))
}

fn wait_for_each<R: Runtime>(client: &Client<R>, mut latencies: Latencies) -> Figures {
    while let Some(begun) = latencies.next() {
        black_box(client.submit(|| black_box(1), ()).wait().expect("the task finishes"));
        latencies.end(begun);
    }
    latencies.figures()
}

fn occupy<R: Runtime>(client: &Client<R>) -> Occupation {
    Occupation::begin(|task| {
        // A task may be run several times as far as its type knows, so what it consumes is an argument.
        client.submit(|task: Box<dyn FnOnce() + Send>| task(), task).detach();
    })
}

fn submit_all<R: Runtime>(client: &Client<R>, n: usize) -> Vec<TaskFuture<usize>> {
    (0..n).map(|i| client.submit(|i: usize| black_box(i), i)).collect()
}

fn queued<R: Runtime>(client: &Client<R>, n: usize) -> Figures {
    let _occupation = occupy(client);
    queueing(n, |n| submit_all(client, n)).1
}

fn queued_by_map<R: Runtime>(client: &Client<R>, n: usize) -> Figures {
    let _occupation = occupy(client);
    queueing(n, |n| client.map(|i: usize| black_box(i), 0..n)).1
}

fn cancel<R: Runtime>(client: &Client<R>, n: usize) -> Figures {
    let occupation = occupy(client);
    let futures = submit_all(client, n);
    let figures = Stopwatch::time(|| client.cancel(&futures).wait().expect("cancelling works")).figures("", n);
    drop(occupation);
    assert!(futures.iter().all(|future| future.wait().is_err()));
    figures
}

fn deep_chain<R: Runtime>(client: &Client<R>, n: usize) -> Figures {
    let mut figures = Figures::new();
    let build = || {
        let mut links = vec![client.submit(|| 0_usize, ())];
        for _ in 1..n {
            links.push(client.submit(|x: usize| x + 1, &links[links.len() - 1]));
        }
        links
    };

    let occupation = occupy(client);
    let mut links = Vec::new();
    figures.extend(Stopwatch::time(|| links = build()).figures("build_", n));
    drop(occupation);
    let last = Stopwatch::time(|| assert_eq!(links[n - 1].wait().expect("the chain finishes"), n - 1));
    figures.extend(last.figures("run_", n));
    figures.extend(Stopwatch::time(|| drop(links)).figures("drop_", n));

    let occupation = occupy(client);
    let last = build().pop();
    figures.extend(Stopwatch::time(|| drop(last)).figures("abandon_", n));
    drop(occupation);
    figures
}

fn asleep<R: Runtime>(client: &Client<R>, n: usize) -> Figures {
    let dormitory = Dormitory::new(n);
    let resident = resident_nbytes();
    let mut futures = Vec::new();
    let start = Stopwatch::time(|| {
        futures.extend((0..n).map(|_| client.submit(asynchronous(Dormitory::sleep), Arc::clone(&dormitory))));
        dormitory.wait_until_all_sleep();
    });
    let mut figures = start.figures("start_", n);
    figures.insert("resident_nbytes".into(), (resident_nbytes() - resident) / n as f64);
    figures.extend(Stopwatch::time(|| dormitory.wake_all()).figures("wake_", n));
    client.gather(futures).wait().expect("the tasks finish");
    figures
}

/// Counts the tasks of low priority that begin between the submission of the urgent one and its beginning, while all of
/// them are being worked on.
fn priority<R: Runtime>(client: &Client<R>, n: usize) -> Figures {
    let begun = Arc::new(AtomicUsize::new(0));
    let low = |begun: Arc<AtomicUsize>| {
        begun.fetch_add(1, Ordering::Relaxed);
        compute();
    };
    let low = client.tasks(low, (0..n).map(|_| Arc::clone(&begun))).priority(-1).submit();
    let (submitted, before) = (Instant::now(), begun.load(Ordering::Relaxed));
    let urgent = |begun: Arc<AtomicUsize>| (begun.load(Ordering::Relaxed), Instant::now());
    let urgent = client.task(urgent, Arc::clone(&begun)).priority(10).submit();
    let (after, started) = urgent.wait().expect("the task finishes");
    client.cancel(&low).wait().expect("cancelling works");
    Figures::from([
        ("low_first".into(), (after - before) as f64),
        ("wait_ns".into(), (started - submitted).as_nanos() as f64),
        ("low_left".into(), (n - after) as f64),
    ])
}
