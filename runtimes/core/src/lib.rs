//! What [anydask](https://docs.rs/anydask) asks of an async runtime, and nothing else.
//!
//! A runtime is a *value* that is chosen once and kept: [`Spawner`] starts tasks, [`Timer`] tells and waits for
//! time, [`Transport`] opens streams, and [`Runtime`] is the three together. What not every runtime can do
//! is a capability of its own: [`Current`] finds the runtime around the caller, [`BlockOn`] drives a future from
//! blocking code, [`Shutdown`] ends a runtime. Timeouts and intervals are written once, above the traits
//! ([`TimerExt`]), so that runtimes have nowhere to differ.
//!
//! Deliberately absent: channels, locks, select and randomness. They exist without a runtime.
//!
//! To bring a runtime of your own, implement the traits and run the conformance suite (feature `conformance`)
//! with one line in a test file.

pub mod adapter;
pub mod context;
mod endpoint;
mod erased;
mod error;
mod instant;
mod interval;
mod resolve;
mod runtime;
mod spawner;
mod timeout;
mod timer;
mod transport;

#[cfg(feature = "conformance")]
pub mod conformance;

pub use crate::endpoint::Endpoint;
pub use crate::erased::{AnyListener, AnyRuntime, AnySleep, AnyStream, AnyTask};
pub use crate::error::{JoinError, NestedBlockOn, NoRuntime};
pub use crate::instant::Instant;
pub use crate::interval::{Interval, MissedTick};
pub use crate::resolve::ResolveError;
pub use crate::runtime::{BlockOn, Current, Runtime, Shutdown, ShutdownReport};
pub use crate::spawner::{Spawner, TaskHandle};
pub use crate::timeout::{Elapsed, Timeout};
pub use crate::timer::{Timer, TimerExt};
pub use crate::transport::{ByteStream, Listener, Transport};
