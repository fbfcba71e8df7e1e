//! Who is measured.
//!
//! A name that ends in `-out` submits on a thread that is no worker of the subject, `-in` from inside one of its tasks.
//! A process measures one subject, so what a subject needs is a static that starts with its first use.

mod anydask;
mod async_executor;
mod by_hand;
mod dagx;
mod executor;
mod rayon;
mod threads;
mod tokio;

use crate::cluster;
use crate::work::{Body, Work};

/// One that is measured.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// How it does a work; `None` for what it has not, or what says nothing about it.
    pub(crate) body: fn(Work) -> Option<Body>,
}

/// What all others are compared with.
pub(crate) const REFERENCE: &str = "tokio-out";

/// What arrays are compared with.
pub(crate) const BY_HAND: &str = "ndarray";

/// In the order in which a round measures them and a table shows them.
pub(crate) const SUBJECTS: &[Subject] = &[
    Subject { name: REFERENCE, about: "tokio's runtime with several threads, from outside", body: tokio::outside },
    Subject { name: "anydask-out", about: "anydask on tokio, from outside", body: anydask::outside },
    Subject { name: "anydask-map", about: "the same, by `map`", body: anydask::by_map },
    Subject { name: "anydask-awaited", about: "anydask, awaited in a task of tokio", body: anydask::awaited },
    Subject { name: "anydask-in", about: "anydask, from inside a task of its engine", body: anydask::inside },
    Subject { name: "anydask-smol", about: "anydask on smol, from outside", body: anydask::on_smol },
    Subject { name: "anydask-async-std", about: "anydask on async-std, from outside", body: anydask::on_async_std },
    Subject { name: "tokio-in", about: "tokio, from inside a task", body: tokio::inside },
    Subject {
        name: "async-executor-out",
        about: "the executor under smol, from outside",
        body: async_executor::outside,
    },
    Subject { name: "async-executor-in", about: "the executor under smol, from inside", body: async_executor::inside },
    Subject { name: "rayon", about: "rayon; for single results with a channel each", body: rayon::body },
    Subject {
        name: "threads",
        about: "threads and a queue of boxed closures, with a channel each",
        body: threads::body,
    },
    Subject { name: BY_HAND, about: "`ndarray` and rayon, by hand, with the same generator", body: by_hand::body },
    Subject { name: cluster::OURS, about: "anydask's client and workers on Dask's scheduler", body: cluster::body },
    Subject { name: "dagx", about: "a graph that is built first and run then, on tokio", body: dagx::body },
];

/// The peers in Python, which are measured by a script of theirs.
pub(crate) const PYTHON: &[&str] = &["dask-threads", "dask", "ray", cluster::THEIRS];

pub(crate) fn find(name: &str) -> Option<&'static Subject> {
    SUBJECTS.iter().find(|subject| subject.name == name)
}
