//! Measures anydask beside its peers.
//!
//! ```text
//! cargo run --release --package anydask-benches -- --help
//! ```
//!
//! [`main`] is the driver. It measures every (scenario, subject) in a process of its own: the driver starts the same
//! program again, which then is the measured one. What is measured is in `scenarios.rs`, who does it in `subjects`, how
//! in `measure.rs`, and what becomes of the figures in `report`.

mod cluster;
mod command_line;
mod driver;
mod goals;
mod measure;
mod occupation;
mod process;
mod python;
mod report;
mod runners;
mod scenarios;
mod statistics;
mod subjects;
mod work;

use std::process::ExitCode;

/// The name of the allocator of a program that chooses none.
pub const SYSTEM: &str = "system";

/// Runs the driver, or one measurement if the driver has started this process for one. `allocator` is what the program
/// allocates with: a program has one allocator, so there is a program for each.
pub fn main(allocator: &'static str) -> ExitCode {
    let result = match driver::Order::from_arguments() {
        Some(order) => measure::carry_out(&order),
        None if std::env::args().nth(1).is_some_and(|first| first == cluster::WORK) => cluster::work(),
        None => driver::main(allocator),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
