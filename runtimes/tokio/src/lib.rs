//! anydask on [tokio].
//!
//! [`Tokio`] is a tokio runtime as a value: the one around the caller ([`Tokio::current`]), one that the program has
//! already ([`Tokio::from_handle`]), or one of its own ([`Tokio::multi_thread`], [`Tokio::current_thread`]). Its tasks,
//! timers and sockets belong to that runtime wherever they are made or polled, also on threads that
//! tokio knows nothing of.
//!
//! # Examples
//!
//! ```
//! use anydask_runtime::{BlockOn, Spawner};
//! use anydask_tokio::Tokio;
//!
//! let runtime = Tokio::multi_thread(2)?;
//! let task = runtime.spawn(async { 6 * 7 });
//! assert_eq!(runtime.block_on(task)??, 42);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod context;
mod liveness;
mod owner;
mod runtime;
mod spawner;
mod timer;
mod transport;

pub use crate::runtime::Tokio;
pub use crate::spawner::Task;
pub use crate::timer::Sleep;
pub use crate::transport::{Listener, Stream};
