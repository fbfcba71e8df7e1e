//! anydask on [smol].
//!
//! smol has one executor for the whole process, which starts with the first task and never ends. [`Smol`] stands for
//! it and is nothing in itself.
//!
//! The executor has **one thread** unless the environment variable `SMOL_THREADS` says otherwise: a task that
//! blocks its thread stalls every other. What blocks belongs in
//! [`spawn_blocking`](anydask_runtime::Spawner::spawn_blocking).
//!
//! # Examples
//!
//! ```
//! use anydask_runtime::{BlockOn, Spawner};
//! use anydask_smol::Smol;
//!
//! let runtime = Smol::new();
//! let task = runtime.spawn(async { 6 * 7 });
//! assert_eq!(runtime.block_on(task)??, 42);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod context;
mod runtime;
mod spawner;
mod timer;
mod transport;

pub use crate::runtime::Smol;
pub use crate::spawner::{Native, Task};
pub use crate::timer::Sleep;
pub use crate::transport::{Listener, Stream};
