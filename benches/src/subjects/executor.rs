//! Executors: what spawns a future and gives a handle that is awaited. Written once for all of them.

use std::hint::black_box;
use std::sync::Arc;

use futures::future::{FutureExt, Shared};
use futures::stream::{FuturesUnordered, StreamExt};

use crate::measure::{Figures, Latencies, Stopwatch, queueing};
use crate::occupation::{Dormitory, Occupation};
use crate::process::resident_nbytes;
use crate::work::{Body, STENCIL_WIDTH, Work, compute};

pub(super) trait Executor: Sized + 'static {
    /// Awaited once.
    type Handle<T: Send + 'static>: Future<Output = T> + Send + Unpin + 'static;

    fn spawn<F: Future<Output: Send> + Send + 'static>(future: F) -> Self::Handle<F::Output>;
    /// Runs a future on a thread that is no worker.
    fn block_on<F: Future>(future: F) -> F::Output;
    fn cancel<T: Send + 'static>(handle: Self::Handle<T>);
    /// `n` results by what there is for many tasks at once.
    fn map(n: usize) -> impl Future<Output = ()> + Send + 'static;
    /// `n` results as they come.
    fn completed(n: usize) -> impl Future<Output = ()> + Send + 'static {
        async move {
            let mut completed: FuturesUnordered<_> = (0..n).map(|i| Self::spawn(async move { black_box(i) })).collect();
            let mut sum = 0;
            while let Some(i) = completed.next().await {
                sum += i;
            }
            assert_eq!(sum, n * (n - 1) / 2);
        }
    }
}

/// How an executor does a work; `INSIDE` a task of its own, or from a thread that is no worker.
pub(super) fn body<E: Executor, const INSIDE: bool>(work: Work) -> Option<Body> {
    if INSIDE && matches!(work, Work::Queued | Work::Cancel | Work::DeepChain | Work::Asleep) {
        return None;
    }
    Some(match work {
        Work::Independent => Body::Timed(|n| call::<E, INSIDE, _>(independent::<E>(n))),
        Work::Map => Body::Timed(|n| call::<E, INSIDE, _>(E::map(n))),
        Work::Chain => Body::Timed(|n| call::<E, INSIDE, _>(chain::<E>(n))),
        Work::Tree => Body::Timed(|n| call::<E, INSIDE, _>(tree::<E>(n))),
        Work::Stencil => Body::Timed(|n| call::<E, INSIDE, _>(stencil::<E>(n))),
        Work::FanIn => Body::Timed(|n| call::<E, INSIDE, _>(fan_in::<E>(n))),
        Work::FanOut => Body::Timed(|n| call::<E, INSIDE, _>(fan_out::<E>(n))),
        Work::AsCompleted => Body::Timed(|n| call::<E, INSIDE, _>(E::completed(n))),
        Work::Busy => Body::Timed(|n| call::<E, INSIDE, _>(busy::<E>(n))),
        Work::SubmitAndCancel => Body::Timed(|n| call::<E, INSIDE, _>(submit_and_cancel::<E>(n))),
        Work::LatencyHot => Body::Told(|n| call::<E, INSIDE, _>(await_each::<E>(Latencies::of(Work::LatencyHot, n)))),
        Work::LatencyCold => Body::Told(|n| call::<E, INSIDE, _>(await_each::<E>(Latencies::of(Work::LatencyCold, n)))),
        Work::Queued => Body::Told(queued::<E>),
        Work::Cancel => Body::Told(cancel::<E>),
        Work::DeepChain => Body::Told(deep_chain::<E>),
        Work::Asleep => Body::Told(asleep::<E>),
        // No executor has priorities, arrays, or a cluster.
        Work::Priority
        | Work::ArrayMean
        | Work::ArrayMeanTall
        | Work::ArrayTransposed
        | Work::ArrayStandardised
        | Work::ArrayProduct
        | Work::ArrayHeld
        | Work::ClusterTasks
        | Work::ClusterLatency
        | Work::ClusterLatencyCold
        | Work::ClusterTransfer
        | Work::ClusterGather => {
            return None;
        }
    })
}

fn call<E: Executor, const INSIDE: bool, F>(future: F) -> F::Output
where
    F: Future<Output: Send> + Send + 'static,
{
    if INSIDE { E::block_on(E::spawn(future)) } else { E::block_on(future) }
}

async fn independent<E: Executor>(n: usize) {
    let handles: Vec<_> = (0..n).map(|i| E::spawn(async move { black_box(i) })).collect();
    for handle in handles {
        black_box(handle.await);
    }
}

fn link<E: Executor>(before: Option<E::Handle<usize>>) -> E::Handle<usize> {
    E::spawn(async move {
        match before {
            Some(before) => black_box(before.await + 1),
            None => 0,
        }
    })
}

async fn chain<E: Executor>(n: usize) {
    let mut last = link::<E>(None);
    for _ in 1..n {
        last = link::<E>(Some(last));
    }
    assert_eq!(last.await, n - 1);
}

async fn tree<E: Executor>(n: usize) {
    let mut level: Vec<_> = (0..n).map(|i| E::spawn(async move { black_box(i) })).collect();
    while level.len() > 1 {
        let mut nodes = level.into_iter();
        level = std::iter::from_fn(|| match (nodes.next(), nodes.next()) {
            (Some(a), Some(b)) => Some(E::spawn(async move { a.await + b.await })),
            (odd, _) => odd,
        })
        .collect();
    }
    let root = level.pop().expect("a tree has a root");
    assert_eq!(root.await, n * (n - 1) / 2);
}

async fn stencil<E: Executor>(n: usize) {
    let width = STENCIL_WIDTH.min(n);
    let mut row: Vec<Shared<E::Handle<usize>>> = (0..width).map(|i| E::spawn(async move { i }).shared()).collect();
    for _ in 1..n / width {
        row = (0..width)
            .map(|i| {
                let inputs = [(i + width - 1) % width, i, (i + 1) % width].map(|input| row[input].clone());
                E::spawn(async move {
                    let [a, b, c] = inputs;
                    a.await.wrapping_add(b.await).wrapping_add(c.await)
                })
                .shared()
            })
            .collect();
    }
    for cell in row {
        black_box(cell.await);
    }
}

async fn fan_in<E: Executor>(n: usize) {
    let inputs: Vec<_> = (0..n).map(|i| E::spawn(async move { black_box(i) })).collect();
    let sum = E::spawn(async move {
        let mut sum = 0;
        for input in inputs {
            sum += input.await;
        }
        sum
    });
    assert_eq!(sum.await, n * (n - 1) / 2);
}

async fn fan_out<E: Executor>(n: usize) {
    let input = E::spawn(async { black_box(1_usize) }).shared();
    let outputs: Vec<_> = (0..n)
        .map(|i| {
            let input = input.clone();
            E::spawn(async move { input.await + i })
        })
        .collect();
    for output in outputs {
        black_box(output.await);
    }
}

async fn busy<E: Executor>(n: usize) {
    let handles: Vec<_> = (0..n).map(|_| E::spawn(async { compute() })).collect();
    for handle in handles {
        handle.await;
    }
}

async fn submit_and_cancel<E: Executor>(n: usize) {
    for i in 0..n {
        E::cancel(E::spawn(async move { black_box(i) }));
    }
}

async fn await_each<E: Executor>(mut latencies: Latencies) -> Figures {
    while let Some(begun) = latencies.next() {
        black_box(E::spawn(async { black_box(1) }).await);
        latencies.end(begun);
    }
    latencies.figures()
}

fn occupy<E: Executor>() -> Occupation {
    let mut tasks = Vec::new();
    let occupation = Occupation::begin(|task| tasks.push(E::spawn(async move { task() })));
    // They must run to their ends, whatever dropping a handle means.
    std::mem::forget(tasks);
    occupation
}

fn spawn_all<E: Executor>(n: usize) -> Vec<E::Handle<usize>> {
    (0..n).map(|i| E::spawn(async move { black_box(i) })).collect()
}

fn queued<E: Executor>(n: usize) -> Figures {
    let _occupation = occupy::<E>();
    queueing(n, spawn_all::<E>).1
}

fn cancel<E: Executor>(n: usize) -> Figures {
    let _occupation = occupy::<E>();
    let handles = spawn_all::<E>(n);
    Stopwatch::time(|| handles.into_iter().for_each(E::cancel)).figures("", n)
}

fn deep_chain<E: Executor>(n: usize) -> Figures {
    let occupation = occupy::<E>();
    let mut last = None;
    let build = Stopwatch::time(|| {
        for _ in 0..n {
            last = Some(link::<E>(last.take()));
        }
    });
    let mut figures = build.figures("build_", n);
    drop(occupation);
    let last = last.expect("a chain has links");
    let run = Stopwatch::time(|| assert_eq!(E::block_on(last), n - 1));
    figures.extend(run.figures("run_", n));
    figures
}

fn asleep<E: Executor>(n: usize) -> Figures {
    let dormitory = Dormitory::new(n);
    let resident = resident_nbytes();
    let mut handles = Vec::new();
    let start = Stopwatch::time(|| {
        handles.extend((0..n).map(|_| E::spawn(Arc::clone(&dormitory).sleep())));
        dormitory.wait_until_all_sleep();
    });
    let mut figures = start.figures("start_", n);
    figures.insert("resident_nbytes".into(), (resident_nbytes() - resident) / n as f64);
    figures.extend(Stopwatch::time(|| dormitory.wake_all()).figures("wake_", n));
    E::block_on(async {
        for handle in handles {
            handle.await;
        }
    });
    figures
}
