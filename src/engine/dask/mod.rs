//! The Dask engine: a client and a worker for an unmodified Dask scheduler.
//!
//! `wire` is bytes and values. The state machines of the client's connection and of the worker take events and give
//! actions. Around them, what reads sockets and clocks.

#![allow(dead_code, unreachable_pub)] // Until all of it is used: each part is built beside the others.

pub(crate) mod call;
pub(crate) mod python_value;
pub(crate) mod wire;
