//! Against a real Dask: its scheduler, its workers, and its own client beside ours.
//!
//! The first run installs Dask into `target/python`, and so needs Python and a network.

#![allow(unreachable_pub, reason = "nobody uses a test program from outside")]

#[cfg(feature = "array")]
mod arrays;
mod at_once;
mod bags;
mod bodies;
mod cluster;
mod clusters;
mod connecting;
mod dashboard;
mod encrypted;
mod everywhere;
mod examples;
mod failures;
mod fake;
mod gathering;
mod graphs;
mod ground;
mod handles;
mod logged;
mod lost;
mod page;
mod placing;
#[path = "../support/program.rs"]
mod programs;
#[cfg(feature = "array")]
mod python_arrays;
mod python_clients;
mod python_functions;
mod rust_worker;
mod scattering;
mod strange_words;
#[path = "../support/mod.rs"]
mod support;
mod tasks;
mod unfit_tasks;
mod working;
