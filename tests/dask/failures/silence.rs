//! Peers that vanish without a word: their connections stay open, and nothing comes.

use std::time::Duration;

use anydask::runtime::{Current, Runtime};
use anydask::{Client, task};

use super::graphs::{Graph, Shape};
use super::proxy::{Flow, Proxy};
use super::{LIMIT, eventually};
use crate::cluster::{Cluster, Version};
use crate::everywhere::everywhere;
use crate::rust_worker::{self, RustWorker};

#[task]
fn bytes(nbytes: usize) -> Vec<u8> {
    vec![7; nbytes]
}

#[task]
fn count(all: Vec<u8>) -> usize {
    all.len()
}

/// A client and two workers, of which the second has a proxy before it, and has made bytes.
struct Pair<R: Runtime> {
    cluster: Cluster,
    client: Client<R>,
    proxy: Proxy,
    made: anydask::TaskFuture<Vec<u8>>,
}

impl<R: Current + Runtime> Pair<R> {
    fn start() -> Self {
        let mut cluster = Cluster::start(Version::on::<R>());
        rust_worker::start::<R>(&mut cluster, "one");
        let (proxy, listen) = Proxy::before_port();
        let how = RustWorker { listen: Some(listen), contact_host: Some(proxy.host()), ..RustWorker::default() };
        rust_worker::start_with::<R>(&mut cluster, "two", how);
        let client = Client::<R>::connect(cluster.address()).timeout(LIMIT).wait().unwrap();
        client.wait_for_workers(2).timeout(LIMIT).wait().unwrap();
        let made = client.task(bytes, 10_000).workers(["two"]).allow_other_workers().submit();
        client.wait([&made]).timeout(LIMIT).wait().unwrap();
        let holders = client.who_has(&made).timeout(LIMIT).wait().unwrap();
        assert_eq!(holders.into_values().next().unwrap(), [proxy.address()]);
        Self { cluster, client, proxy, made }
    }

    fn end(self) {
        self.client.close().timeout(LIMIT).wait().unwrap();
    }
}

/// What waits for data of a worker that the scheduler gives up goes on at once.
const SOON: Duration = Duration::from_secs(20);

fn a_task_does_not_wait_for_a_worker_that_has_been_given_up<R: Current + Runtime>() {
    let mut pair = Pair::<R>::start();
    let before = pair.proxy.connections();
    pair.proxy.set(Flow::Swallowed);
    let counted = pair.client.task(count, &pair.made).workers(["one"]).submit();
    eventually("its data is asked for", || pair.proxy.connections() > before);
    // The scheduler sees its end. Who is connected with it does not.
    pair.cluster.kill9("two");
    assert_eq!(counted.timeout(SOON).wait().unwrap(), 10_000);
    pair.end();
}

fn a_value_does_not_wait_for_a_worker_that_has_been_given_up<R: Current + Runtime>() {
    let mut pair = Pair::<R>::start();
    let before = pair.proxy.connections();
    pair.proxy.set(Flow::Swallowed);
    let gathering = std::thread::spawn({
        let made = pair.made.clone();
        move || made.timeout(SOON).wait()
    });
    eventually("it is asked for", || pair.proxy.connections() > before);
    pair.cluster.kill9("two");
    assert_eq!(gathering.join().unwrap().unwrap().len(), 10_000);
    pair.end();
}

/// A worker that shows no life, and then does, is asked again.
fn a_worker_that_says_nothing_for_long_is_asked_again<R: Current + Runtime>() {
    let pair = Pair::<R>::start();
    let before = pair.proxy.connections();
    pair.proxy.set(Flow::Swallowed);
    let counted = pair.client.task(count, &pair.made).workers(["one"]).submit();
    eventually("a second connection is tried", || pair.proxy.connections() > before + 1);
    pair.proxy.set(Flow::Open);
    assert_eq!(counted.timeout(LIMIT).wait().unwrap(), 10_000);
    assert_eq!(pair.made.timeout(LIMIT).wait().unwrap().len(), 10_000);
    pair.end();
}

fn a_scheduler_that_vanishes_without_a_word_is_found_again<R: Current + Runtime>() {
    let mut cluster = Cluster::start(Version::on::<R>());
    let proxy = Proxy::start(cluster.address());
    let silence = Duration::from_secs(15);
    let how = RustWorker { scheduler: Some(proxy.address()), silence_timeout: Some(silence), ..RustWorker::default() };
    rust_worker::start_with::<R>(&mut cluster, "one", how);
    let client = Client::<R>::builder().silence_timeout(silence).connect(proxy.address());
    let client = client.timeout(LIMIT).wait().unwrap();
    let graph = Graph::submit(&client, 21, Shape { tasks: 300, layer: 40, python: 0 });
    graph.wait_for(50, LIMIT);
    let before = proxy.connections();
    // Nothing more comes on these connections, while others are well.
    proxy.swallow_open();
    graph.check(&client);
    assert!(proxy.connections() >= before + 2, "both have connected again");
    client.close().timeout(LIMIT).wait().unwrap();
}

everywhere! {
    a_task_does_not_wait_for_a_worker_that_has_been_given_up,
    a_value_does_not_wait_for_a_worker_that_has_been_given_up,
    a_worker_that_says_nothing_for_long_is_asked_again,
    a_scheduler_that_vanishes_without_a_word_is_found_again,
}
