//! A worker of a Dask cluster that runs the tasks of `examples/common/weather.rs`. It leaves in order on Ctrl-C.
//!
//! ```text
//! dask scheduler                                                                # pip install "distributed>=2025.4"
//! cargo run --example dask_worker --features dask,tokio
//! cargo run --example dask_cluster --features dask,tokio
//! ```
//!
//! `DASK_SCHEDULER_ADDRESS` names a scheduler that is not at `tcp://127.0.0.1:8786`.

use anydask::Worker;
use anydask::runtime::Tokio;

// The tasks are registered by being part of the program.
#[path = "common/weather.rs"]
#[allow(dead_code, reason = "nothing here calls them")]
mod weather;

#[tokio::main]
async fn main() {
    if let Err(error) = run().await {
        eprintln!("{}", chain(&*error));
        std::process::exit(1);
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let scheduler = std::env::var("DASK_SCHEDULER_ADDRESS").unwrap_or_else(|_| "tcp://127.0.0.1:8786".to_owned());
    let worker = Worker::<Tokio>::connect(scheduler).threads(2).start().await?;
    println!("a worker at {}", worker.address());

    tokio::select! {
        // The scheduler has closed it, or is gone for good.
        closed = worker.closed() => closed?,
        asked = told_to_end() => {
            asked?;
            println!("leaving: what runs ends, and what only this worker has goes to others");
            worker.leave().await?;
        }
    }
    println!("left");
    Ok(())
}

/// Waits for Ctrl-C, or for what a service manager sends.
async fn told_to_end() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            asked = tokio::signal::ctrl_c() => asked,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
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
