//! A Dask cluster as a subject: this library's client and workers against Dask's own, on one scheduler of Dask's.
//!
//! The driver starts the scheduler. A measured process is the client, and starts its workers: this program again.

mod scheduler;
mod worker;

use std::env;
use std::hint::black_box;
use std::time::Duration;

use anydask::runtime::Tokio;
use anydask::{Client, task};

pub(crate) use self::scheduler::Scheduler;
use self::worker::Worker;
pub(crate) use self::worker::{WORK, work};
use crate::measure::{Figures, Latencies, Stopwatch};
use crate::process::cpu_time_of;
use crate::work::{Body, Work};

/// The client and the workers that are measured, and Dask's.
pub(crate) const OURS: &str = "anydask-cluster";
pub(crate) const THEIRS: &str = "dask-cluster";

/// How the address and the process of the scheduler come to those who are measured.
const ADDRESS: &str = "DASK_SCHEDULER_ADDRESS";
const PID: &str = "ANYDASK_SCHEDULER_PID";

/// Longest wait for a part of the cluster.
const DEADLINE: Duration = Duration::from_secs(60);

/// Tasks before those that count.
const WARM_UP: u64 = 500;

/// Bytes of one value that is moved: 64 MiB, which Dask does not cut into pieces.
const BLOCK_NBYTES: usize = 64 << 20;

#[task]
fn identity(x: u64) -> u64 {
    x
}

#[task]
fn make_block(nbytes: usize) -> Vec<f64> {
    vec![1.0; nbytes / size_of::<f64>()]
}

#[task]
fn length(block: Vec<f64>) -> usize {
    block.len()
}

pub(crate) fn is_cluster(work: Work) -> bool {
    matches!(
        work,
        Work::ClusterTasks
            | Work::ClusterLatency
            | Work::ClusterLatencyCold
            | Work::ClusterTransfer
            | Work::ClusterGather
    )
}

pub(crate) fn body(work: Work) -> Option<Body> {
    Some(Body::Told(match work {
        Work::ClusterTasks => tasks,
        Work::ClusterLatency => |n| latency(Work::ClusterLatency, n),
        Work::ClusterLatencyCold => |n| latency(Work::ClusterLatencyCold, n),
        Work::ClusterTransfer => transfer,
        Work::ClusterGather => gather,
        _ => return None,
    }))
}

/// `n` tasks that do nothing, until the client knows of all that they are done.
fn tasks(n: usize) -> Figures {
    let cluster = Cluster::start(1);
    let run = |n: u64| {
        let futures = cluster.client.map(identity, 0..n);
        cluster.client.wait(&futures).wait().expect("the tasks end");
        futures
    };
    drop(run(WARM_UP));
    let meter = Meter::start(&cluster);
    let mut futures = None;
    let stopwatch = Stopwatch::time(|| futures = Some(run(n as u64)));
    let mut figures = meter.figures(&cluster, stopwatch.figures("", n), n);
    figures.insert("wall_per_scheduler_cpu".into(), figures["wall_ns"] / figures["scheduler_cpu_ns"]);
    let last = futures.and_then(|futures| futures.last().cloned()).expect("there is a last one");
    assert_eq!(last.wait().expect("it has ended"), n as u64 - 1);
    figures
}

/// `n` times one task, until its value is here.
fn latency(work: Work, n: usize) -> Figures {
    let cluster = Cluster::start(1);
    let mut latencies = Latencies::of(work, n);
    let mut number = 0;
    while let Some(begun) = latencies.next() {
        assert_eq!(cluster.client.submit(identity, number).wait().expect("the task ends"), number);
        latencies.end(begun);
        number += 1;
    }
    latencies.figures()
}

/// `n` bytes from one worker to another, where tasks take them.
fn transfer(n: usize) -> Figures {
    let cluster = Cluster::start(2);
    let [from, to] = [0, 1].map(|index| cluster.workers[index].name.clone());
    let move_all = |nbytes: usize| {
        let count = nbytes.div_ceil(BLOCK_NBYTES);
        let blocks: Vec<_> = (0..count)
            .map(|_| cluster.client.task(make_block, nbytes / count).workers([from.clone()]).submit())
            .collect();
        cluster.client.wait(&blocks).wait().expect("the blocks are made");
        let meter = Meter::start(&cluster);
        let stopwatch = Stopwatch::time(|| {
            let taken: Vec<_> =
                blocks.iter().map(|block| cluster.client.task(length, block).workers([to.clone()]).submit()).collect();
            let lengths = cluster.client.gather(&taken).wait().expect("the blocks are taken");
            assert_eq!(lengths.iter().sum::<usize>(), nbytes / size_of::<f64>());
        });
        meter.figures(&cluster, in_milliseconds(stopwatch.figures("", 1)), 1)
    };
    // Connections are made.
    move_all(1 << 20);
    move_all(n)
}

/// One value of `n` bytes from a worker to the client: the median of five.
fn gather(n: usize) -> Figures {
    let cluster = Cluster::start(1);
    let fetch = |nbytes: usize| {
        let block = cluster.client.submit(make_block, nbytes);
        cluster.client.wait([&block]).wait().expect("the block is made");
        let meter = Meter::start(&cluster);
        let stopwatch = Stopwatch::time(|| {
            // As Python has it: the value itself, not a copy.
            let block = block.shared().wait().expect("the block comes");
            assert_eq!(black_box(block).len(), nbytes / size_of::<f64>());
        });
        meter.figures(&cluster, in_milliseconds(stopwatch.figures("", 1)), 1)
    };
    fetch(1 << 20);
    let mut runs: Vec<_> = (0..5).map(|_| fetch(n)).collect();
    runs.sort_by(|one, other| one["wall_ms"].total_cmp(&other["wall_ms"]));
    runs.swap_remove(2)
}

fn in_milliseconds(figures: Figures) -> Figures {
    figures.into_iter().map(|(name, value)| (name.replace("_ns", "_ms"), value / 1e6)).collect()
}

/// A client, and workers of its own.
struct Cluster {
    client: Client<Tokio>,
    workers: Vec<Worker>,
    scheduler_pid: u32,
}

impl Cluster {
    fn start(workers: usize) -> Self {
        let address = env::var(ADDRESS).expect("the driver says where the scheduler is");
        let scheduler_pid = env::var(PID).ok().and_then(|pid| pid.parse().ok()).expect("the driver says which it is");
        let workers: Vec<_> = (0..workers).map(|_| Worker::start(&address)).collect();
        let client = Client::<Tokio>::connect(&address).timeout(DEADLINE).wait().expect("the scheduler is there");
        client.wait_for_workers(workers.len()).timeout(DEADLINE).wait().expect("the workers come");
        Self { client, workers, scheduler_pid }
    }

    fn worker_cpu(&self) -> Duration {
        self.workers.iter().map(|worker| cpu_time_of(worker.pid())).sum()
    }
}

/// The CPU time of the others.
struct Meter {
    worker: Duration,
    scheduler: Duration,
}

impl Meter {
    fn start(cluster: &Cluster) -> Self {
        Self { worker: cluster.worker_cpu(), scheduler: cpu_time_of(cluster.scheduler_pid) }
    }

    /// Adds it to the client's figures, in their unit, for each of `tasks`.
    fn figures(self, cluster: &Cluster, mut figures: Figures, tasks: usize) -> Figures {
        let (unit, per_second) = if figures.contains_key("wall_ms") { ("ms", 1e3) } else { ("ns", 1e9) };
        let each = |time: Duration| time.as_secs_f64() * per_second / tasks as f64;
        figures.insert(format!("worker_cpu_{unit}"), each(cluster.worker_cpu() - self.worker));
        figures.insert(format!("scheduler_cpu_{unit}"), each(cpu_time_of(cluster.scheduler_pid) - self.scheduler));
        figures
    }
}
