//! Rust workers as processes of their own, which can be killed and stopped. The program is this test program: one of its
//! tests is the worker, if the environment says so.

use std::env;
use std::net::SocketAddr;
use std::time::Duration;

use anydask::Worker;
use anydask::runtime::{AsyncStd, Current, Runtime, Smol, Tokio};

use crate::cluster::Cluster;

/// The variables that make a process a worker: the first has its runtime.
const RUNTIME: &str = "ANYDASK_TEST_WORKER";
const SCHEDULER: &str = "ANYDASK_TEST_WORKER_SCHEDULER";
const NAME: &str = "ANYDASK_TEST_WORKER_NAME";
const LISTEN: &str = "ANYDASK_TEST_WORKER_LISTEN";
const SILENCE: &str = "ANYDASK_TEST_WORKER_SILENCE";
const CONTACT: &str = "ANYDASK_TEST_WORKER_CONTACT";

/// What such a process says once the scheduler has taken it.
const JOINED: &str = "the worker has joined at ";

/// How a Rust worker is started, where that is not as usual.
#[derive(Clone, Debug, Default)]
pub struct RustWorker {
    /// In place of the scheduler's own address: that of a proxy before it.
    pub scheduler: Option<String>,
    pub listen: Option<SocketAddr>,
    /// The host of a proxy before the worker, which has the port that it listens at.
    pub contact_host: Option<String>,
    pub silence_timeout: Option<Duration>,
}

/// Starts a worker of two threads on runtime `R`, and gives its address once it is registered.
pub fn start<R: Runtime>(cluster: &mut Cluster, name: &str) -> String {
    start_with::<R>(cluster, name, RustWorker::default())
}

pub fn start_with<R: Runtime>(cluster: &mut Cluster, name: &str, how: RustWorker) -> String {
    let scheduler = how.scheduler.unwrap_or_else(|| cluster.address().to_owned());
    let worker = cluster.worker_program(name, |command| {
        command.args(["--exact", "rust_worker::a_worker_in_a_process_of_its_own", "--nocapture"]);
        command.env(RUNTIME, short_name::<R>()).env(NAME, name).env(SCHEDULER, scheduler);
        if let Some(listen) = how.listen {
            command.env(LISTEN, listen.to_string());
        }
        if let Some(host) = &how.contact_host {
            command.env(CONTACT, host);
        }
        if let Some(limit) = how.silence_timeout {
            command.env(SILENCE, limit.as_secs().to_string());
        }
    });
    let line = worker.wait_for_line(JOINED);
    line.split_whitespace().last().unwrap_or_default().to_owned()
}

fn short_name<R: Runtime>() -> &'static str {
    std::any::type_name::<R>().rsplit("::").next().unwrap_or_default()
}

/// Nothing in the test program itself; a worker in the processes that [`start`] starts.
#[test]
fn a_worker_in_a_process_of_its_own() {
    match env::var(RUNTIME).as_deref() {
        Err(_) => {}
        Ok("Tokio") => serve::<Tokio>(),
        Ok("AsyncStd") => serve::<AsyncStd>(),
        Ok("Smol") => serve::<Smol>(),
        Ok(other) => panic!("no runtime `{other}`"),
    }
}

fn serve<R: Current + Runtime>() {
    let mut worker = Worker::<R>::connect(env::var(SCHEDULER).unwrap()).threads(2).name(env::var(NAME).unwrap());
    if let Ok(listen) = env::var(LISTEN) {
        worker = worker.listen(listen.parse().unwrap());
    }
    if let Ok(host) = env::var(CONTACT) {
        worker = worker.contact_host(host);
    }
    if let Ok(seconds) = env::var(SILENCE) {
        worker = worker.silence_timeout(Duration::from_secs(seconds.parse().unwrap()));
    }
    let running = worker.start().timeout(Duration::from_secs(60)).wait().unwrap();
    println!("{JOINED}{}", running.address());
    println!("the worker has ended: {:?}", running.closed().wait());
}
