//! anydask on [async-std](async_std).
//!
//! **async-std is discontinued upstream**, and there are security advisories that say so; its authors point to smol. This
//! package is for programs that have it already, and is kept apart so that no other builds it.
//!
//! async-std has one executor for the whole process, which starts with the first task and never ends. [`AsyncStd`]
//! stands for it and is nothing in itself. Its threads are as many as the cores; the environment variable
//! `ASYNC_STD_THREAD_COUNT` says otherwise.
//!
//! # Examples
//!
//! ```
//! use anydask_async_std::AsyncStd;
//! use anydask_runtime::{BlockOn, Spawner};
//!
//! let runtime = AsyncStd::new();
//! let task = runtime.spawn(async { 6 * 7 });
//! assert_eq!(runtime.block_on(task)??, 42);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod runtime;
mod spawner;
mod timer;
mod transport;

pub use crate::runtime::AsyncStd;
pub use crate::spawner::{Native, Task};
pub use crate::timer::Sleep;
pub use crate::transport::{Listener, Stream};
