//! Dask's asynchronous client, in Rust, on any async runtime.

mod client;
mod engine;
mod error;
mod task;

pub use anydask_macros::task;
pub use client::{Builder, Client, ClientStatus, Gather, Operation, Scope, Shape, TaskBuilder, Waited};
pub use error::Error;
pub use task::{
    Asynchronous, Awaiting, Fallible, IntoArg, IntoArgs, Key, Status, TaskFn, TaskFuture, asynchronous, fallible,
};

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
    pub use crate::task::{Call, Failure, Fallibility, Registration};
    pub use inventory;
}
