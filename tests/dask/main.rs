//! Against a real Dask: its scheduler, its workers, and its own client beside ours.
//!
//! The first run installs Dask into `target/python`, and so needs Python and a network.

mod cluster;
mod clusters;
mod connecting;
mod encrypted;
mod everywhere;
mod examples;
mod fake;
mod first;
mod gathering;
mod ground;
mod handles;
mod lost;
mod page;
mod placing;
mod scattering;
#[path = "../support/mod.rs"]
mod support;
mod tasks;
mod working;
#[path = "../support/program.rs"]
mod programs;
mod strange_words;
mod unfit_tasks;
