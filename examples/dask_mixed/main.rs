//! Rust and Python in one graph: Rust loads and parses what stations have measured, numpy computes, and Rust puts
//! it together. Each step runs where its language is; arrays go from one to the other in one piece.
//!
//! ```text
//! dask scheduler                                                      # pip install "distributed>=2025.4" numpy
//! dask worker tcp://127.0.0.1:8786
//! cargo run --example dask_mixed --features array,dask,tokio -- worker
//! cargo run --example dask_mixed --features array,dask,tokio
//! ```
//!
//! Another scheduler is named by the last argument, or by `DASK_SCHEDULER_ADDRESS`.

use anydask::runtime::Tokio;
use anydask::{Client, Worker, python};
use ndarray::Array2;

use crate::stations::{NAMES, SENSORS, Summary, load, overview, parse, summarize};

mod stations;

#[tokio::main]
async fn main() {
    let mut arguments: Vec<_> = std::env::args().skip(1).collect();
    let is_worker = arguments.first().is_some_and(|first| first == "worker");
    if is_worker {
        arguments.remove(0);
    }
    let scheduler = arguments.pop().or_else(|| std::env::var("DASK_SCHEDULER_ADDRESS").ok());
    let scheduler = scheduler.unwrap_or_else(|| "tcp://127.0.0.1:8786".to_owned());
    let ran = if is_worker { work(scheduler).await } else { compute(scheduler).await };
    if let Err(error) = ran {
        eprintln!("{}", chain(&error));
        std::process::exit(1);
    }
}

/// The same program on the workers: so they have the tasks.
async fn work(scheduler: String) -> Result<(), anydask::Error> {
    let worker = Worker::<Tokio>::connect(scheduler).start().await?;
    println!("a worker at {}", worker.address());
    worker.closed().await
}

async fn compute(scheduler: String) -> Result<(), anydask::Error> {
    let client = Client::<Tokio>::connect(scheduler).await?;
    println!("connected; waiting for a worker in Rust and one in Python");
    client.wait_for_workers(2).await?;

    // All of it is submitted at once, and nothing comes here in between.
    let texts = client.map(load, NAMES.map(str::to_owned));
    let tables = client.map(parse, &texts);
    let summaries: Vec<_> = NAMES
        .iter()
        .zip(&tables)
        .map(|(name, table)| {
            let percentile = python::<Array2<f64>>("numpy:percentile").kwarg("axis", 0);
            let percentiles = client.submit(percentile, (table, [5, 50, 95]));
            let correlate = python::<Array2<f64>>("numpy:corrcoef").kwarg("rowvar", false);
            let correlations = client.submit(correlate, table);
            client.submit(summarize, (name.to_string(), &percentiles, &correlations))
        })
        .collect();

    println!("{:<10}{}", "station", SENSORS.map(|sensor| format!("{sensor:>24}")).concat());
    let mut good = Vec::new();
    for (name, (future, result)) in NAMES.iter().zip(summaries.iter().zip(client.gather_results(&summaries).await?)) {
        match result {
            Ok(Summary { percentiles, .. }) => {
                let column = |[low, middle, high]: [f64; 3]| format!("{middle:>10.2} ({low:.2}, {high:.2})");
                println!("{name:<10}{}", percentiles.map(|sensor| format!("{:>24}", column(sensor))).concat());
                good.push(future.clone());
            }
            Err(error) => println!("{name:<10}{}", chain(&error)),
        }
    }
    let (first, second, correlation) = client.submit(overview, good).await?;
    println!("{first} and {second} go together: {correlation:.3}");
    client.close().await
}

/// All levels of an error in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}
