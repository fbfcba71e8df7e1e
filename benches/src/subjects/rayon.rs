//! rayon. It has no futures: what must give a single result sends it over a channel, and what depends on a task is
//! spawned by it.

use std::hint::black_box;
use std::sync::LazyLock;

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::sync::oneshot::{self, Receiver};

use crate::measure::{Figures, Latencies, queueing};
use crate::occupation::Occupation;
use crate::work::{Body, THREADS, Work, compute};

pub(super) fn body(work: Work) -> Option<Body> {
    Some(match work {
        Work::Independent => Body::Timed(independent),
        Work::Map => Body::Timed(map),
        Work::Chain => Body::Timed(chain),
        Work::Tree => Body::Timed(tree),
        Work::Busy => Body::Timed(busy),
        Work::LatencyHot => Body::Told(|n| wait_for_each(Latencies::of(Work::LatencyHot, n))),
        Work::LatencyCold => Body::Told(|n| wait_for_each(Latencies::of(Work::LatencyCold, n))),
        Work::Queued => Body::Told(queued),
        _ => return None,
    })
}

static POOL: LazyLock<ThreadPool> =
    LazyLock::new(|| ThreadPoolBuilder::new().num_threads(THREADS).build().expect("a pool starts"));

fn spawn<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
    let (sender, receiver) = oneshot::channel();
    POOL.spawn(move || {
        // Nobody waits for what is dropped.
        let _ = sender.send(body());
    });
    receiver
}

fn independent(n: usize) {
    let receivers: Vec<_> = (0..n).map(|i| spawn(move || black_box(i))).collect();
    for receiver in receivers {
        black_box(receiver.blocking_recv().expect("the task finishes"));
    }
}

fn map(n: usize) {
    let values: Vec<_> = POOL.install(|| (0..n).into_par_iter().with_max_len(1).map(black_box).collect());
    black_box(values);
}

fn chain(n: usize) {
    fn link(left: usize, value: usize, sender: oneshot::Sender<usize>) {
        match left {
            1 => sender.send(value).expect("somebody waits"),
            _ => POOL.spawn(move || link(left - 1, black_box(value + 1), sender)),
        }
    }
    let (sender, receiver) = oneshot::channel();
    POOL.spawn(move || link(n, 0, sender));
    assert_eq!(receiver.blocking_recv().expect("the chain finishes"), n - 1);
}

fn tree(n: usize) {
    fn sum(begin: usize, end: usize) -> usize {
        if end - begin == 1 {
            return black_box(begin);
        }
        let middle = begin.midpoint(end);
        let (a, b) = rayon::join(|| sum(begin, middle), || sum(middle, end));
        a + b
    }
    assert_eq!(POOL.install(|| sum(0, n)), n * (n - 1) / 2);
}

fn busy(n: usize) {
    POOL.install(|| (0..n).into_par_iter().with_max_len(1).for_each(|_| compute()));
}

fn wait_for_each(mut latencies: Latencies) -> Figures {
    while let Some(begun) = latencies.next() {
        black_box(spawn(|| black_box(1)).blocking_recv().expect("the task finishes"));
        latencies.end(begun);
    }
    latencies.figures()
}

fn queued(n: usize) -> Figures {
    let _occupation = Occupation::begin(|task| POOL.spawn(task));
    queueing(n, |n| (0..n).map(|i| spawn(move || black_box(i))).collect::<Vec<_>>()).1
}
