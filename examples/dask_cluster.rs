//! A client of a Dask cluster: the program is the one that would run on the embedded engine, but for how it begins.
//!
//! It starts nothing itself. Three terminals:
//!
//! ```text
//! dask scheduler                                                                # pip install "distributed>=2025.4"
//! cargo run --example dask_worker --features dask,tokio
//! cargo run --example dask_cluster --features dask,tokio
//! ```
//!
//! `DASK_SCHEDULER_ADDRESS` names a scheduler that is not at `tcp://127.0.0.1:8786`.

use std::time::Duration;

use anydask::runtime::Tokio;
use anydask::{Client, ConnectProblem, Error};

#[path = "common/weather.rs"]
mod weather;

use weather::{Year, extremes, measure, summarize};

#[tokio::main]
async fn main() {
    if let Err(error) = run().await {
        eprintln!("{}", chain(&error));
        if error.connect_problem() == Some(ConnectProblem::Unreachable) {
            eprintln!("start a scheduler with `dask scheduler`, which `pip install distributed` brings");
        }
        std::process::exit(1);
    }
}

async fn run() -> Result<(), Error> {
    let scheduler = std::env::var("DASK_SCHEDULER_ADDRESS").unwrap_or_else(|_| "tcp://127.0.0.1:8786".to_owned());
    // Not as long as by default: somebody sits in front of it.
    let client = Client::<Tokio>::builder().connect_timeout(Duration::from_secs(5)).connect(scheduler).await?;
    println!("connected; waiting for a worker");
    client.wait_for_workers(1).timeout(Duration::from_secs(60)).await?;
    for worker in client.workers().await? {
        println!("  {} with {} threads", worker.address, worker.threads);
    }

    // Years are measured, summarised and compared on the workers. Only the comparison comes here.
    let years = client.map(measure, 1961..2021);
    let summaries = client.map(summarize, &years);
    if let Some((coldest, warmest)) = client.submit(extremes, &summaries).await? {
        println!("coldest: {}, with a mean of {:.2} degrees", coldest.year, coldest.mean / 10.0);
        println!("warmest: {}, with a mean of {:.2} degrees", warmest.year, warmest.mean / 10.0);
    }

    // What a task errs with on a worker arrives as the error of its future.
    if let Err(error) = client.submit(summarize, Year { year: 1960, days: Vec::new() }).await {
        println!("1960: {}", chain(&error));
    }

    client.close().await
}

/// All levels of an error in one line.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}
