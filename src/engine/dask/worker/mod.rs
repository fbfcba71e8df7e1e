//! The worker: what it decides, apart from the sockets and threads that carry it out.

mod arrivals;
mod bodies;
mod builder;
mod conversation;
mod driver;
mod ending;
mod errands;
mod fetch;
mod ops;
mod registration;
mod server;
mod shared;
mod shell;
mod state;
mod transfers;

pub use builder::{RunningWorker, Worker};
