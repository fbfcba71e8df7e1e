//! anydask, on each of its runtimes.

mod arrays;
mod special;
mod throughput;

use std::sync::LazyLock;

use anydask::Client;
use anydask::runtime::{AsyncStd, Runtime, Smol, Tokio};

use crate::work::{Body, THREADS, Work};

/// On tokio, from a thread that is no worker.
pub(super) fn outside(work: Work) -> Option<Body> {
    throughput::body::<Outside<Tokio>>(work)
        .or_else(|| special::body::<Outside<Tokio>>(work))
        .or_else(|| arrays::body(work))
}

/// On tokio, from a task of the engine.
pub(super) fn inside(work: Work) -> Option<Body> {
    throughput::body::<Inside>(work).or(match work {
        Work::LatencyHot | Work::LatencyCold => special::body::<Inside>(work),
        _ => None,
    })
}

pub(super) fn on_smol(work: Work) -> Option<Body> {
    on_another_runtime::<Smol>(work)
}

pub(super) fn on_async_std(work: Work) -> Option<Body> {
    on_another_runtime::<AsyncStd>(work)
}

/// What a program meets most.
fn on_another_runtime<R: Host>(work: Work) -> Option<Body> {
    match work {
        Work::LatencyHot | Work::LatencyCold | Work::Asleep => special::body::<Outside<R>>(work),
        Work::Busy => None,
        _ => throughput::body::<Outside<R>>(work),
    }
}

pub(super) use special::{awaited, by_map};

/// A runtime with a client for the whole process.
trait Host: Runtime {
    fn client() -> &'static Client<Self>;
}

fn open<R: Runtime>(runtime: R) -> Client<R> {
    Client::with_runtime(runtime).threads(THREADS).local().wait().expect("a client opens")
}

impl Host for Tokio {
    fn client() -> &'static Client<Self> {
        static CLIENT: LazyLock<Client<Tokio>> =
            LazyLock::new(|| open(Tokio::multi_thread(THREADS).expect("a runtime starts")));
        &CLIENT
    }
}

impl Host for Smol {
    fn client() -> &'static Client<Self> {
        static CLIENT: LazyLock<Client<Smol>> = LazyLock::new(|| open(Smol::new()));
        &CLIENT
    }
}

impl Host for AsyncStd {
    fn client() -> &'static Client<Self> {
        static CLIENT: LazyLock<Client<AsyncStd>> = LazyLock::new(|| open(AsyncStd::new()));
        &CLIENT
    }
}

/// Where a program submits from.
trait Place: 'static {
    type Host: Host;

    /// Calls `body` there.
    fn call<T: Send + Sync + Clone + 'static>(body: fn(&Client<Self::Host>, usize) -> T, n: usize) -> T;
}

struct Outside<R>(std::marker::PhantomData<R>);

impl<R: Host> Place for Outside<R> {
    type Host = R;

    fn call<T: Send + Sync + Clone + 'static>(body: fn(&Client<R>, usize) -> T, n: usize) -> T {
        body(R::client(), n)
    }
}

struct Inside;

impl Place for Inside {
    type Host = Tokio;

    fn call<T: Send + Sync + Clone + 'static>(body: fn(&Client<Tokio>, usize) -> T, n: usize) -> T {
        Tokio::client().submit(move |n: usize| body(Tokio::client(), n), n).wait().expect("the task finishes")
    }
}
