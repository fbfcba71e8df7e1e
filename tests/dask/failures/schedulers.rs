//! Schedulers that are killed, stopped, started again, or never come back.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::task::{Context, Wake, Waker};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anydask::runtime::{Current, Runtime};
use anydask::{Client, ClientStatus, Error, OnLost, Worker, task};

use super::graphs::{Graph, Shape};
use super::proxy::{Flow, Proxy};
use super::{LIMIT, eventually};
use crate::cluster::{Cluster, Signal, Version};
use crate::everywhere::everywhere;
use crate::ground::Gate;
use crate::rust_worker::{self, RustWorker};
use crate::tasks::Slow;

const SHAPE: Shape = Shape { tasks: 500, layer: 40, python: 4 };
const RUST: Shape = Shape { python: 0, ..SHAPE };

/// What takes no waiting at all takes no longer than this, on a machine that builds at the same time.
const SOON: Duration = Duration::from_secs(10);

#[task]
fn twice(number: i64) -> i64 {
    2 * number
}

#[task]
fn after(number: i64, millis: u64) -> i64 {
    std::thread::sleep(Duration::from_millis(millis));
    number
}

/// Fails where a process runs it for the first time.
#[task]
fn second_time(number: i64) -> Result<i64, &'static str> {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    if RUNS.fetch_add(1, Ordering::SeqCst) == 0 { Err("it is the first time") } else { Ok(number) }
}

fn connect<R: Current + Runtime>(cluster: &Cluster, workers: usize) -> Client<R> {
    let client = Client::<R>::connect(cluster.address()).timeout(LIMIT).wait().unwrap();
    client.wait_for_workers(workers).timeout(LIMIT).wait().unwrap();
    client
}

fn a_graph_is_submitted_again_to_a_scheduler_that_comes_back<R: Current + Runtime>() {
    let mut cluster = Cluster::start(Version::on::<R>());
    rust_worker::start::<R>(&mut cluster, "one");
    rust_worker::start::<R>(&mut cluster, "two");
    cluster.python_worker("python");
    let client = connect::<R>(&cluster, 3);
    let graph = Graph::submit(&client, 11, SHAPE);
    graph.wait_for(100, LIMIT);
    cluster.kill_scheduler();
    cluster.start_scheduler_again();
    // Rust workers join again by themselves; Dask's end with their scheduler.
    cluster.python_worker("another python");
    graph.check(&client);
    client.close().timeout(LIMIT).wait().unwrap();
}

fn a_scheduler_that_comes_back_twice_is_found_twice<R: Current + Runtime>() {
    let mut cluster = Cluster::start(Version::on::<R>());
    rust_worker::start::<R>(&mut cluster, "one");
    let client = connect::<R>(&cluster, 1);
    let graph = Graph::submit(&client, 12, RUST);
    for done in [50, 150] {
        graph.wait_for(done, LIMIT);
        cluster.kill_scheduler();
        cluster.start_scheduler_again();
    }
    graph.check(&client);
    client.close().timeout(LIMIT).wait().unwrap();
}

/// Dask's `Scheduler.close` closes the workers, and says nothing to the clients.
fn a_scheduler_that_is_ended_in_order_ends_its_workers_and_not_its_clients<R: Current + Runtime>() {
    let mut cluster = Cluster::start(Version::on::<R>());
    let start = |cluster: &Cluster| {
        let worker = Worker::<R>::connect(cluster.address()).threads(2);
        worker.start().timeout(LIMIT).wait().unwrap()
    };
    let mut worker = start(&cluster);
    let client = connect::<R>(&cluster, 1);
    let graph = Graph::submit(&client, 17, RUST);
    for done in [50, 150] {
        graph.wait_for(done, LIMIT);
        cluster.stop_scheduler();
        worker.closed().timeout(SOON).wait().unwrap();
        cluster.start_scheduler_again();
        worker = start(&cluster);
    }
    graph.check(&client);
    client.close().timeout(LIMIT).wait().unwrap();
}

fn futures_are_lost_with_their_scheduler_where_that_is_asked_for<R: Current + Runtime>() {
    let mut cluster = Cluster::start(Version::on::<R>());
    rust_worker::start::<R>(&mut cluster, "one");
    let client = Client::<R>::builder().on_lost(OnLost::Fail).connect(cluster.address()).timeout(LIMIT).wait().unwrap();
    let graph = Graph::submit(&client, 13, RUST);
    graph.wait_for(100, LIMIT);
    cluster.kill_scheduler();
    let errors = graph.errors();
    assert_eq!(errors.len(), graph.len());
    assert!(errors.iter().all(|error| matches!(error, Error::Lost { .. })), "{:?}", errors.first());
    cluster.start_scheduler_again();
    assert_eq!(client.submit(twice, 21).timeout(LIMIT).wait().unwrap(), 42);
    client.close().timeout(LIMIT).wait().unwrap();
}

fn a_wait_for_workers_goes_on_with_a_scheduler_that_comes_back<R: Current + Runtime>() {
    let mut cluster = Cluster::start(Version::on::<R>());
    rust_worker::start::<R>(&mut cluster, "one");
    let client = connect::<R>(&cluster, 1);
    let asked = waits_for_workers(&client, 2);
    cluster.kill_scheduler();
    cluster.start_scheduler_again();
    rust_worker::start::<R>(&mut cluster, "two");
    asked.join().unwrap().unwrap();
    client.close().timeout(LIMIT).wait().unwrap();
}

/// Waits for workers on a thread of its own: it has heard that there are not as many yet.
fn waits_for_workers<R: Runtime>(client: &Client<R>, count: usize) -> JoinHandle<Result<(), Error>> {
    let mut waiting = client.wait_for_workers(count);
    let (wake, woken) = mpsc::channel();
    let waker = Waker::from(Arc::new(Wakes(wake)));
    let mut cx = Context::from_waker(&waker);
    assert!(Pin::new(&mut waiting).poll(&mut cx).is_pending());
    // By the answer. From now on it waits for a change.
    woken.recv_timeout(LIMIT).unwrap();
    assert!(Pin::new(&mut waiting).poll(&mut cx).is_pending());
    std::thread::spawn(move || waiting.timeout(LIMIT).wait())
}

/// Says that it was woken.
struct Wakes(Sender<()>);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        // Nobody listens any more when it goes on elsewhere.
        let _ = self.0.send(());
    }
}

fn nothing_hangs_when_the_scheduler_never_comes_back<R: Current + Runtime>() {
    let mut cluster = Cluster::start(Version::on::<R>());
    rust_worker::start::<R>(&mut cluster, "one");
    let client = Client::<R>::builder().reconnect_timeout(Duration::from_secs(3)).connect(cluster.address());
    let client = client.timeout(LIMIT).wait().unwrap();
    let there = client.submit(twice, 1);
    there.timeout(LIMIT).wait().unwrap();
    let unread = client.submit(twice, 2);
    client.wait([&unread]).timeout(LIMIT).wait().unwrap();
    let slow = client.submit(after, (1, 600_000));
    let waiting = client.submit(twice, &slow);
    let detached = client.submit(after, (2, 600_000));
    detached.detach();
    let blocked = std::thread::spawn({
        let waiting = waiting.clone();
        move || waiting.timeout(LIMIT).wait()
    });
    let asked = waits_for_workers(&client, 7);
    let gate = Gate::new();
    let scattering = std::thread::spawn({
        let (client, slow) = (client.clone(), Slow { gate: gate.name.clone() });
        move || client.scatter(slow).timeout(LIMIT).wait().map(drop)
    });
    gate.began().wait();
    cluster.kill_scheduler();
    // Meanwhile it takes on more.
    let late = client.submit(twice, 3);
    let dropped = client.submit(twice, 4);
    drop(dropped);
    let workers = client.workers();
    for lost in [blocked.join().unwrap(), slow.timeout(LIMIT).wait(), late.timeout(LIMIT).wait()] {
        assert!(matches!(lost, Err(Error::Lost { .. })), "{lost:?}");
    }
    assert!(matches!(unread.timeout(LIMIT).wait(), Err(Error::Lost { .. })));
    assert!(asked.join().unwrap().is_err_and(|error| !error.is_timeout()));
    assert!(workers.timeout(LIMIT).wait().is_err_and(|error| !error.is_timeout()));
    eventually("the client refuses work", || {
        let refused = client.submit(twice, 5).timeout(SOON).wait().unwrap_err();
        assert!(!refused.is_timeout(), "{refused:?}");
        matches!(refused, Error::ClientClosed { .. })
    });
    gate.open();
    let late = scattering.join().unwrap();
    assert!(late.as_ref().is_err_and(|error| !error.is_timeout()), "{late:?}");
    let refused = client.workers().timeout(SOON).wait();
    assert!(matches!(refused, Err(Error::ClientClosed { .. })), "{refused:?}");
    client.close().timeout(SOON).wait().unwrap();
    assert_eq!(client.status(), ClientStatus::Closed);
}

fn a_scheduler_that_is_stopped_for_seconds_goes_on_where_it_was<R: Current + Runtime>() {
    let mut cluster = Cluster::start(Version::on::<R>());
    rust_worker::start::<R>(&mut cluster, "one");
    rust_worker::start::<R>(&mut cluster, "two");
    let client = connect::<R>(&cluster, 2);
    let graph = Graph::submit(&client, 14, RUST);
    graph.wait_for(100, LIMIT);
    cluster.scheduler().signal(Signal::Stop);
    let meanwhile = Graph::submit(&client, 15, RUST);
    // More than the buffers of a connection take.
    let large: Vec<_> = (0..50).map(|index| client.submit(last, vec![index; 400_000])).collect();
    graph.wait_for(graph.len(), Duration::from_secs(5));
    cluster.scheduler().signal(Signal::Continue);
    graph.check(&client);
    meanwhile.check(&client);
    assert_eq!(client.gather(&large).timeout(LIMIT).wait().unwrap(), (0..50).collect::<Vec<_>>());
    client.close().timeout(LIMIT).wait().unwrap();
}

#[task]
fn last(bytes: Vec<u8>) -> u8 {
    bytes.last().copied().unwrap_or_default()
}

fn a_client_closes_soon_although_its_scheduler_takes_nothing<R: Current + Runtime>() {
    let mut cluster = Cluster::start(Version::on::<R>());
    let client = connect::<R>(&cluster, 0);
    client.workers().timeout(LIMIT).wait().unwrap();
    cluster.scheduler().signal(Signal::Stop);
    let large: Vec<_> = (0..50).map(|index| client.submit(last, vec![index; 400_000])).collect();
    let begun = Instant::now();
    client.close().timeout(SOON).wait().unwrap();
    assert!(begun.elapsed() < SOON);
    assert!(large.iter().all(|future| future.timeout(SOON).wait().is_err_and(|error| !error.is_timeout())));
}

fn a_worker_ends_at_once_although_its_scheduler_is_away<R: Current + Runtime>() {
    let mut cluster = Cluster::start(Version::on::<R>());
    let start = || Worker::<R>::connect(cluster.address()).threads(1).start().timeout(LIMIT).wait().unwrap();
    let (stopped, left) = (start(), start());
    cluster.kill_scheduler();
    stopped.stop().timeout(SOON).wait().unwrap();
    left.leave().timeout(SOON).wait().unwrap();
}

fn a_worker_gives_up_a_scheduler_that_never_comes_back<R: Current + Runtime>() {
    let mut cluster = Cluster::start(Version::on::<R>());
    let worker = Worker::<R>::connect(cluster.address()).threads(1).reconnect_timeout(Duration::from_secs(1));
    let worker = worker.start().timeout(LIMIT).wait().unwrap();
    cluster.kill_scheduler();
    let error = worker.closed().timeout(SOON).wait().unwrap_err();
    assert!(matches!(error, Error::NotConnected { .. }), "{error:?}");
}

fn a_balancer_without_a_scheduler_behind_is_tried_again<R: Current + Runtime>() {
    let mut cluster = Cluster::start(Version::on::<R>());
    let proxy = Proxy::start(cluster.address());
    let how = || RustWorker { scheduler: Some(proxy.address()), ..RustWorker::default() };
    rust_worker::start_with::<R>(&mut cluster, "one", how());
    let client = Client::<R>::connect(proxy.address()).timeout(LIMIT).wait().unwrap();
    let graph = Graph::submit(&client, 16, RUST);
    graph.wait_for(50, LIMIT);
    let refused = proxy.refusals();
    proxy.refuse(true);
    proxy.reset();
    eventually("both have been refused some times", || proxy.refusals() >= refused + 10);
    proxy.refuse(false);
    graph.check(&client);
    client.close().timeout(LIMIT).wait().unwrap();
}

fn a_retry_is_not_lost_with_its_connection<R: Current + Runtime>() {
    let mut cluster = Cluster::start(Version::on::<R>());
    let proxy = Proxy::start(cluster.address());
    rust_worker::start::<R>(&mut cluster, "one");
    let client = Client::<R>::connect(proxy.address()).timeout(LIMIT).wait().unwrap();
    let future = client.submit(second_time, 21);
    let next = client.submit(twice, &future);
    for future in [&future, &next] {
        assert!(matches!(future.timeout(LIMIT).wait(), Err(Error::Failed { .. })));
    }
    // Whatever the scheduler says of it does not come.
    proxy.set(Flow::Stalled);
    client.retry(&next).timeout(LIMIT).wait().unwrap();
    proxy.refuse(true);
    proxy.reset();
    proxy.set(Flow::Open);
    // Until then the scheduler has the error, and would say it again.
    cluster.scheduler().wait_for_line("Remove client");
    proxy.refuse(false);
    assert_eq!(next.timeout(LIMIT).wait().unwrap(), 42);
    client.close().timeout(LIMIT).wait().unwrap();
}

fn a_wait_for_workers_goes_on_over_lost_connections<R: Current + Runtime>() {
    let mut cluster = Cluster::start(Version::on::<R>());
    let proxy = Proxy::start(cluster.address());
    let client = Client::<R>::connect(proxy.address()).timeout(LIMIT).wait().unwrap();
    let waiting = std::thread::spawn({
        let client = client.clone();
        move || {
            loop {
                match client.wait_for_workers(1).timeout(LIMIT).wait() {
                    // It was asking at that moment.
                    Err(Error::NotConnected { .. }) => {}
                    ended => return ended,
                }
            }
        }
    });
    for _ in 0..3 {
        // More than a connection takes to begin.
        let nbytes = proxy.nbytes() + 8000;
        eventually("it has asked some times", || proxy.nbytes() > nbytes);
        proxy.reset();
    }
    rust_worker::start::<R>(&mut cluster, "one");
    waiting.join().unwrap().unwrap();
    client.close().timeout(LIMIT).wait().unwrap();
}

/// Wherever the first messages of a connection are cut, there is another.
fn a_connection_that_is_cut_while_it_begins_is_made_again<R: Current + Runtime>() {
    let mut cluster = Cluster::start(Version::on::<R>());
    let proxy = Proxy::start(cluster.address());
    let how = || RustWorker { scheduler: Some(proxy.address()), ..RustWorker::default() };
    rust_worker::start_with::<R>(&mut cluster, "one", how());
    let client = Client::<R>::connect(proxy.address()).timeout(LIMIT).wait().unwrap();
    for nbytes in [0, 30, 70, 150, 200, 400, 1000, 1500, 2000, 3000, 5000] {
        proxy.cut_after(nbytes);
        proxy.reset();
        eventually("the cut has been made", || proxy.has_cut());
        assert_eq!(client.submit(twice, nbytes as i64).timeout(LIMIT).wait().unwrap(), 2 * nbytes as i64);
    }
    client.close().timeout(LIMIT).wait().unwrap();
}

everywhere! {
    a_graph_is_submitted_again_to_a_scheduler_that_comes_back,
    a_scheduler_that_comes_back_twice_is_found_twice,
    a_scheduler_that_is_ended_in_order_ends_its_workers_and_not_its_clients,
    futures_are_lost_with_their_scheduler_where_that_is_asked_for,
    a_wait_for_workers_goes_on_with_a_scheduler_that_comes_back,
    nothing_hangs_when_the_scheduler_never_comes_back,
    a_scheduler_that_is_stopped_for_seconds_goes_on_where_it_was,
    a_client_closes_soon_although_its_scheduler_takes_nothing,
    a_worker_ends_at_once_although_its_scheduler_is_away,
    a_worker_gives_up_a_scheduler_that_never_comes_back,
    a_balancer_without_a_scheduler_behind_is_tried_again,
    a_retry_is_not_lost_with_its_connection,
    a_wait_for_workers_goes_on_over_lost_connections,
    a_connection_that_is_cut_while_it_begins_is_made_again,
}
