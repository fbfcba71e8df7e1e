//! Dask's asynchronous client, on any async runtime.
//!
//! A program submits work, gets typed futures at once, passes futures as arguments to further tasks, and awaits the
//! results, from tokio, async-std, smol, a runtime of its own, or from blocking code. The engine is embedded
//! in the process, or a Dask cluster.
//!
//! ```
//! # #[cfg(feature = "smol")] {
//! use anydask::{Client, Error, runtime::Smol};
//!
//! smol::block_on(async {
//!     let client = Client::<Smol>::local().await?;
//!     let a = client.submit(|x: i64| x + 1, 10);
//!     let b = client.submit(|x: i64, y: i64| x * y, (&a, 3));
//!     let many = client.map(|x: i64| x * x, 0..4);
//!     assert_eq!(client.gather((&a, &b, &many)).await?, (11, 33, vec![0, 1, 4, 9]));
//!     client.close().await
//! })?;
//! # }
//! # Ok::<(), anydask::Error>(())
//! ```
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `tokio` | [`runtime::Tokio`](crate::runtime) and [`tokio::Client`](crate::Client) |
//! | `async-std` | `runtime::AsyncStd` and `async_std::Client` |
//! | `smol` | `runtime::Smol` and `smol::Client` |
//! | `array` | `array`: chunked arrays; and arrays of `ndarray` that are numpy's on a cluster |
//! | `progress` | `Progress::bar`, which draws on a terminal |
//! | `dask` | `Client::connect` to a Dask cluster, `Worker`, and `python` for functions of Python |
//!
//! None is on by default, any set of them works, and none changes what another does. A runtime that is none of them
//! implements the traits in [`runtime`].
//!
//! # Where to look
//!
//! [`Client`] starts and submits, [`TaskFuture`] says what a handle means, [`Operation`] is whatever waits, [`Error`]
//! what can go wrong, [`graph`] what is lazy, and [`architecture`] how it is built.

// `#[task]` writes paths that begin with the name of the crate.
extern crate self as anydask;

#[cfg(feature = "array")]
pub mod array;
mod bag;
mod client;
mod engine;
mod error;
pub mod graph;
mod task;

#[doc = include_str!("architecture.md")]
pub mod architecture {}

// The tour of the README is compiled and run as a test.
#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../README.md")]
mod readme {}

///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, TaskFuture, runtime::Smol, task};
///
/// #[task]
/// fn inc(x: i64) -> i64 {
///     x + 1
/// }
///
/// #[task(name = "parse-number")]
/// fn parse(text: String) -> Result<i64, std::num::ParseIntError> {
///     text.parse()
/// }
///
/// #[task]
/// async fn length(text: String) -> usize {
///     text.len()
/// }
///
/// assert_eq!(inc(1), 2);
/// let client = Client::<Smol>::local().wait()?;
/// let parsed: TaskFuture<i64> = client.submit(parse, "41".to_string());
/// assert_eq!(client.submit(inc, &parsed).wait()?, 42);
/// assert_eq!(client.submit(length, "four".to_string()).wait()?, 4);
/// # }
/// # Ok::<(), anydask::Error>(())
/// ```
pub use anydask_macros::task;
pub use bag::{Bag, LinesError, bag};
pub use client::{
    AsCompleted, Batch, Buffered, BufferedUnordered, Builder, Client, ClientStatus, Counts, Dump, Engine, Entered,
    Gather, Given, InClient, Info, Many, MapStream, Next, NextWithin, One, Operation, Progress, ResourceInfo, Results,
    Scatter, Scope, Shape, TaskBuilder, Waited, as_completed,
};
#[cfg(feature = "dask")]
pub use client::{Scattering, WorkerInfo};
#[cfg(feature = "dask")]
pub use engine::dask::{ConnectProblem, OnLost, RunningWorker, Security, Worker};
pub use error::Error;
pub use graph::{Collection, Delayed, Graph, Optimize, delayed};
/// The library that [`Progress::bar_on`] takes bars of.
#[cfg(feature = "progress")]
pub use indicatif;
pub use task::{
    Asynchronous, Awaiting, Fallible, IntoArg, IntoArgs, Key, Options, Status, TaskContext, TaskFn, TaskFuture,
    TaskInfo, TaskState, Transition, asynchronous, fallible,
};

#[cfg(feature = "dask")]
pub use task::{PyArgs, Python, python};

/// The runtimes, and the traits that make one.
pub mod runtime {
    pub use anydask_runtime::*;

    #[cfg(feature = "async-std")]
    pub use anydask_async_std::AsyncStd;
    #[cfg(feature = "smol")]
    pub use anydask_smol::Smol;
    #[cfg(feature = "tokio")]
    pub use anydask_tokio::Tokio;
}

/// A client on tokio.
#[cfg(feature = "tokio")]
pub mod tokio {
    pub use anydask_tokio::Tokio;

    /// A client on tokio.
    pub type Client = crate::Client<Tokio>;
}

/// A client on async-std.
#[cfg(feature = "async-std")]
pub mod async_std {
    pub use anydask_async_std::AsyncStd;

    /// A client on async-std.
    pub type Client = crate::Client<AsyncStd>;
}

/// A client on smol.
#[cfg(feature = "smol")]
pub mod smol {
    pub use anydask_smol::Smol;

    /// A client on smol.
    pub type Client = crate::Client<Smol>;
}

/// What `#[task]` writes into the user's crate. Not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use crate::task::{Call, EachItem, Failure, Fallibility, Registration};
    pub use inventory;

    #[cfg(feature = "dask")]
    pub use crate::task::portable::{
        Export, Parts, Travelling, call, each_codec, export as export_call, probe, to_python, vector,
    };
    pub use crate::{
        __anydask_export as export, __anydask_export_fold as export_fold, __anydask_export_items as export_items,
        __anydask_register as register, __anydask_register_fold as register_fold,
        __anydask_register_items as register_items,
    };
}
