//! The Dask engine: a client and a worker for an unmodified Dask scheduler.
//!
//! `wire` is bytes and values. The state machines of the client's connection and of the worker take events and give
//! actions. Around them, what reads sockets and clocks.

pub(crate) mod call;
pub(crate) mod client;
pub(crate) mod comm;
mod inbox;
mod milestones;
#[cfg(all(test, feature = "smol"))]
mod panicking_log;
mod problem;
mod race;
mod token;
pub(crate) mod tries;
mod values;
pub(crate) mod wire;
pub(crate) mod worker;

pub use client::OnLost;
pub use comm::Security;
pub use problem::ConnectProblem;
pub use worker::{RunningWorker, Worker};
