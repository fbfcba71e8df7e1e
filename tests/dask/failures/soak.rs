//! A live cluster, and a client that does what comes to its mind: whatever happens, values are right, nothing hangs, and in
//! the end nothing is left. By hand, for longer and with other seeds:
//!
//! ```text
//! ANYDASK_SOAK_SECONDS=180 ANYDASK_SOAK_SEED=7 cargo test --all-features --test dask soak::tokio
//! ```

use std::time::{Duration, Instant};

use anydask::runtime::{Current, Runtime};
use anydask::{Client, Error, RunningWorker, TaskFuture, Worker, task};

use super::graphs::{Graph, Random, Shape};
use super::proxy::{Flow, Proxy};
use super::{LIMIT, eventually};
use crate::cluster::{Cluster, Signal, Version};
use crate::everywhere::everywhere;
use crate::rust_worker::{self, RustWorker};

#[task]
fn refuse(number: i64) -> Result<i64, std::num::ParseIntError> {
    std::thread::sleep(Duration::from_millis(1));
    format!("{number} is no number").parse()
}

#[task]
async fn slowly(number: i64) -> i64 {
    std::thread::sleep(Duration::from_millis(20));
    number
}

struct Soak<R: Runtime> {
    cluster: Cluster,
    client: Client<R>,
    random: Random,
    /// To the scheduler, from the client and from the worker `far`.
    client_proxy: Proxy,
    worker_proxy: Proxy,
    /// In this process.
    joined: Vec<RunningWorker>,
    killed: usize,
    graphs: Vec<Graph>,
    failed: Vec<TaskFuture<i64>>,
}

impl<R: Current + Runtime> Soak<R> {
    fn start(seed: u64) -> Self {
        let mut cluster = Cluster::start(Version::on::<R>());
        cluster.python_worker("python");
        let (client_proxy, worker_proxy) = (Proxy::start(cluster.address()), Proxy::start(cluster.address()));
        rust_worker::start::<R>(&mut cluster, "victim-0");
        let how = RustWorker { scheduler: Some(worker_proxy.address()), ..RustWorker::default() };
        rust_worker::start_with::<R>(&mut cluster, "far", how);
        let client = Client::<R>::connect(client_proxy.address()).timeout(LIMIT).wait().unwrap();
        client.wait_for_workers(3).timeout(LIMIT).wait().unwrap();
        Self {
            cluster,
            client,
            random: Random::new(seed),
            client_proxy,
            worker_proxy,
            joined: Vec::new(),
            killed: 0,
            graphs: Vec::new(),
            failed: Vec::new(),
        }
    }

    fn step(&mut self) -> &'static str {
        match self.random.below(100) {
            0..30 => {
                let shape = Shape { tasks: 20 + self.random.below(150), layer: 20, python: 4 };
                let seed = self.random.below(1 << 30) as u64;
                self.graphs.push(Graph::submit(&self.client, seed, shape));
                "submit"
            }
            30..50 => {
                if let Some(graph) = self.take_graph() {
                    graph.check(&self.client);
                }
                "check"
            }
            50..60 => {
                drop(self.take_graph());
                "drop"
            }
            60..68 => {
                if let Some(graph) = self.take_graph() {
                    graph.wait_for(self.random.below(graph.len()), Duration::from_millis(200));
                    graph.cancel_some(&self.client, &mut self.random);
                }
                "cancel"
            }
            68..76 => {
                self.failed.push(self.client.submit(refuse, 1));
                "fail"
            }
            76..82 => {
                if let Some(failed) = self.failed.pop() {
                    let error = failed.timeout(LIMIT).wait().unwrap_err();
                    assert!(matches!(error, Error::Failed { .. }), "{error:?}");
                    failed.retry().timeout(LIMIT).wait().unwrap();
                    let error = failed.timeout(LIMIT).wait().unwrap_err();
                    assert!(matches!(error, Error::Failed { .. }), "{error:?}");
                }
                "retry"
            }
            82..86 => {
                if self.joined.len() < 3 {
                    let worker = Worker::<R>::connect(self.cluster.address()).threads(2);
                    self.joined.push(worker.start().timeout(LIMIT).wait().unwrap());
                }
                "join"
            }
            86..89 => {
                if let Some(worker) = self.joined.pop() {
                    worker.leave().timeout(LIMIT).wait().unwrap();
                }
                "leave"
            }
            89..91 => {
                if let Some(worker) = self.joined.pop() {
                    worker.stop().timeout(LIMIT).wait().unwrap();
                }
                "stop"
            }
            91..93 => {
                self.cluster.kill9(&format!("victim-{}", self.killed));
                self.killed += 1;
                rust_worker::start::<R>(&mut self.cluster, &format!("victim-{}", self.killed));
                "kill"
            }
            93..95 => {
                self.worker_proxy.reset();
                "reset a worker"
            }
            95..97 => {
                self.client_proxy.reset();
                "reset the client"
            }
            97..98 => {
                self.cluster.scheduler().signal(Signal::Stop);
                std::thread::sleep(Duration::from_millis(500));
                self.cluster.scheduler().signal(Signal::Continue);
                "stop the scheduler"
            }
            _ => {
                self.client_proxy.set(Flow::Stalled);
                std::thread::sleep(Duration::from_millis(500));
                self.client_proxy.set(Flow::Open);
                "stall the client"
            }
        }
    }

    fn take_graph(&mut self) -> Option<Graph> {
        let index = self.random.below(self.graphs.len().max(1));
        (index < self.graphs.len()).then(|| self.graphs.swap_remove(index))
    }

    /// Everything that is there ends well, and then nothing is there.
    fn end(mut self) {
        self.graphs.drain(..).for_each(|graph| graph.check(&self.client));
        self.failed.clear();
        eventually("the client knows of nothing", || {
            format!("{:?}", self.client).contains("tasks: 0, keys: 0, is_idle: true")
        });
        for worker in &self.joined {
            eventually("a worker knows of nothing", || {
                format!("{worker:?}").contains("keys: 0, bodies: 0, transfers: 0, running: 0")
            });
        }
        let left = self.cluster.run_python(LEFT);
        assert_eq!(left.lines().last(), Some("nothing"), "{left}");
        self.client.close().timeout(LIMIT).wait().unwrap();
        for worker in self.joined.drain(..) {
            worker.leave().timeout(LIMIT).wait().unwrap();
        }
    }
}

/// What the scheduler knows of, after a while at most.
const LEFT: &str = "
from distributed import Client
import time
def left(dask_scheduler=None):
    return [(ts.key, ts.state, str(ts.who_wants), str(ts.dependents)) for ts in dask_scheduler.tasks.values()]
with Client() as client:
    deadline = time.monotonic() + 20
    while client.run_on_scheduler(left) and time.monotonic() < deadline:
        time.sleep(0.05)
    print(client.run_on_scheduler(left) or 'nothing')
";

fn whatever_a_client_does_comes_to_a_good_end<R: Current + Runtime>() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let length = Duration::from_secs(number("ANYDASK_SOAK_SECONDS").unwrap_or(10));
    let seed = number("ANYDASK_SOAK_SEED").unwrap_or(1);
    let mut soak = Soak::<R>::start(seed);
    let begun = Instant::now();
    while begun.elapsed() < length {
        let step = soak.step();
        println!("{:?} {step}", begun.elapsed());
    }
    soak.end();
}

everywhere! {
    whatever_a_client_does_comes_to_a_good_end,
}
