//! Nothing but threads, a queue of boxed closures, and a channel for each result: what a program writes that wants no
//! library.

use std::hint::black_box;
use std::sync::LazyLock;
use std::thread;

use crossbeam_channel::Sender;
use tokio::sync::oneshot::{self, Receiver};

use crate::measure::{Figures, Latencies, queueing};
use crate::occupation::Occupation;
use crate::work::{Body, THREADS, Work, compute};

pub(super) fn body(work: Work) -> Option<Body> {
    Some(match work {
        Work::Independent => Body::Timed(independent),
        Work::Chain => Body::Timed(chain),
        Work::AsCompleted => Body::Timed(completed),
        Work::Busy => Body::Timed(busy),
        Work::LatencyHot => Body::Told(|n| wait_for_each(Latencies::of(Work::LatencyHot, n))),
        Work::LatencyCold => Body::Told(|n| wait_for_each(Latencies::of(Work::LatencyCold, n))),
        Work::Queued => Body::Told(queued),
        _ => return None,
    })
}

type Job = Box<dyn FnOnce() + Send>;

static QUEUE: LazyLock<Sender<Job>> = LazyLock::new(|| {
    let (sender, receiver) = crossbeam_channel::unbounded::<Job>();
    for _ in 0..THREADS {
        let receiver = receiver.clone();
        thread::spawn(move || receiver.iter().for_each(|job| job()));
    }
    sender
});

fn push(job: impl FnOnce() + Send + 'static) {
    QUEUE.send(Box::new(job)).expect("the threads take jobs for ever");
}

fn spawn<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
    let (sender, receiver) = oneshot::channel();
    push(move || {
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

fn chain(n: usize) {
    fn link(left: usize, value: usize, sender: oneshot::Sender<usize>) {
        match left {
            1 => sender.send(value).expect("somebody waits"),
            _ => push(move || link(left - 1, black_box(value + 1), sender)),
        }
    }
    let (sender, receiver) = oneshot::channel();
    push(move || link(n, 0, sender));
    assert_eq!(receiver.blocking_recv().expect("the chain finishes"), n - 1);
}

fn completed(n: usize) {
    let (sender, receiver) = crossbeam_channel::unbounded();
    for i in 0..n {
        let sender = sender.clone();
        push(move || sender.send(black_box(i)).expect("somebody waits"));
    }
    drop(sender);
    assert_eq!(receiver.iter().sum::<usize>(), n * (n - 1) / 2);
}

fn busy(n: usize) {
    let receivers: Vec<_> = (0..n).map(|_| spawn(compute)).collect();
    for receiver in receivers {
        receiver.blocking_recv().expect("the task finishes");
    }
}

fn wait_for_each(mut latencies: Latencies) -> Figures {
    while let Some(begun) = latencies.next() {
        black_box(spawn(|| black_box(1)).blocking_recv().expect("the task finishes"));
        latencies.end(begun);
    }
    latencies.figures()
}

fn queued(n: usize) -> Figures {
    let _occupation = Occupation::begin(push);
    queueing(n, |n| (0..n).map(|i| spawn(move || black_box(i))).collect::<Vec<_>>()).1
}
