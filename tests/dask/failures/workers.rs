//! Workers that are killed, stopped, or cut off in the middle of a graph.

use std::time::Duration;

use anydask::Client;
use anydask::runtime::{Current, Runtime};

use super::graphs::{Graph, Shape};
use super::proxy::{Flow, Proxy};
use super::{LIMIT, eventually};
use crate::cluster::{Cluster, Version};
use crate::everywhere::everywhere;
use crate::rust_worker::{self, RustWorker};

const SHAPE: Shape = Shape { tasks: 1000, layer: 40, python: 4 };

/// Two Rust workers and one of Python. The second Rust worker has a proxy before it and one to the scheduler.
struct Mixed<R: Runtime> {
    cluster: Cluster,
    client: Client<R>,
    to_scheduler: Proxy,
    to_worker: Proxy,
}

impl<R: Current + Runtime> Mixed<R> {
    fn start() -> Self {
        let mut cluster = Cluster::start(Version::on::<R>());
        cluster.python_worker("python");
        rust_worker::start::<R>(&mut cluster, "one");
        let to_scheduler = Proxy::start(cluster.address());
        let (to_worker, listen) = Proxy::before_port();
        let how = RustWorker {
            scheduler: Some(to_scheduler.address()),
            listen: Some(listen),
            contact_host: Some(to_worker.host()),
            ..RustWorker::default()
        };
        rust_worker::start_with::<R>(&mut cluster, "two", how);
        let client = Client::<R>::connect(cluster.address()).timeout(LIMIT).wait().unwrap();
        client.wait_for_workers(3).timeout(LIMIT).wait().unwrap();
        Self { cluster, client, to_scheduler, to_worker }
    }

    fn end(self) {
        self.client.close().timeout(LIMIT).wait().unwrap();
    }
}

fn a_graph_survives_a_kill_a_stop_and_a_reset<R: Current + Runtime>() {
    let mut mixed = Mixed::<R>::start();
    let graph = Graph::submit(&mixed.client, 1, SHAPE);
    assert!(graph.wait_for(150, LIMIT) < graph.len(), "there is nothing left to disturb");
    // What comes of it is done elsewhere.
    mixed.cluster.kill9("one");
    rust_worker::start::<R>(&mut mixed.cluster, "three");
    graph.wait_for(350, LIMIT);
    mixed.cluster.sigstop("two");
    // What the stopped one has, others wait for; for a while.
    graph.wait_for(550, Duration::from_secs(5));
    mixed.cluster.sigcont("two");
    graph.wait_for(600, LIMIT);
    mixed.to_worker.reset();
    mixed.to_scheduler.reset();
    graph.check(&mixed.client);
    mixed.end();
}

fn a_graph_survives_transfers_that_are_cut_half_way<R: Current + Runtime>() {
    let mixed = Mixed::<R>::start();
    let graph = Graph::submit(&mixed.client, 2, SHAPE);
    for done in [50, 150, 250, 350, 450, 550, 650] {
        assert!(graph.wait_for(done, LIMIT) >= done);
        mixed.to_worker.cut_after(10_000 + 77 * done);
        eventually("the cut has been made", || mixed.to_worker.has_cut());
    }
    graph.check(&mixed.client);
    mixed.end();
}

fn a_graph_goes_on_after_a_network_that_stalls<R: Current + Runtime>() {
    let mixed = Mixed::<R>::start();
    let graph = Graph::submit(&mixed.client, 3, SHAPE);
    graph.wait_for(100, LIMIT);
    mixed.to_worker.set(Flow::Stalled);
    graph.wait_for(300, Duration::from_secs(3));
    mixed.to_worker.set(Flow::Delayed(Duration::from_millis(1)));
    graph.wait_for(500, LIMIT);
    mixed.to_scheduler.set(Flow::Stalled);
    graph.wait_for(800, Duration::from_secs(3));
    mixed.to_scheduler.set(Flow::Open);
    graph.check(&mixed.client);
    mixed.end();
}

fn the_only_python_worker_is_killed_and_another_comes<R: Current + Runtime>() {
    let mut mixed = Mixed::<R>::start();
    let graph = Graph::submit(&mixed.client, 4, SHAPE);
    graph.wait_for(200, LIMIT);
    mixed.cluster.kill9("python");
    graph.wait_for(400, Duration::from_secs(3));
    mixed.cluster.python_worker("python again");
    graph.check(&mixed.client);
    mixed.end();
}

everywhere! {
    a_graph_survives_a_kill_a_stop_and_a_reset,
    a_graph_survives_transfers_that_are_cut_half_way,
    a_graph_goes_on_after_a_network_that_stalls,
    the_only_python_worker_is_killed_and_another_comes,
}
