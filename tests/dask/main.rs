//! Against a real Dask: its scheduler, its workers, and its own client beside ours.
//!
//! The first run installs Dask into `target/python`, and so needs Python and a network.

mod cluster;
mod clusters;
mod dashboard;
mod first;
#[cfg(feature = "array")]
mod python_arrays;
mod python_clients;
mod python_functions;
mod runtimes;
