//! Dask's array example, and what comes after it: the mean of random numbers in chunks, an array that is kept, a function
//! of blocks and their neighbours, and a file. The same on each runtime.
//!
//! ```text
//! cargo run --example random_array --features array,tokio,async-std,smol [-- tokio|async-std|smol]
//! ```

use std::error::Error;

use anydask::array::{self, ArrayError, Boundary, Generator};
use anydask::runtime::{AsyncStd, BlockOn, Current, Runtime, Smol, Tokio};
use anydask::{Client, Graph, Optimize};
use ndarray::ArrayD;

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1).as_deref().unwrap_or("tokio") {
        "tokio" => tokio::runtime::Runtime::new()?.block_on(run::<Tokio>()),
        "async-std" => AsyncStd::new().block_on(run::<AsyncStd>())?,
        "smol" => smol::block_on(run::<Smol>()),
        other => Err(format!("`{other}` is none of tokio, async-std and smol").into()),
    }
}

async fn run<R: Current + Runtime>() -> Result<(), Box<dyn Error>> {
    let client = Client::<R>::local().await?;

    // A shape, and how it is cut. Nothing is made yet.
    let arr = array::random([1000, 1000], [1000, 100]);
    let mean: f64 = client.compute(&arr.mean()).await?;
    println!("the mean of a million random numbers is {mean:.2}");

    // The same numbers in each run. What goes through a block is one task: made, scaled and summed up in one pass.
    let x = Generator::new(42).normal(20.0, 5.0, [3000, 400], [500, 400]);
    let spread = (&x * 1.8 + 32.0).std(0.0);
    let graph = Graph::of(&spread);
    println!("{} tasks, {} when optimised", graph.node_count(), graph.optimized(Optimize::new()).node_count());
    let spread: f64 = client.compute(&spread).await?;
    println!("their standard deviation, in Fahrenheit, is {spread:.2}");

    // Kept in memory, for what is asked more than once.
    let x = client.persist(&x);
    let columns = (&x - &x.mean_axes(0, true)?) / &x.std_axes(0, 0.0, true)?;
    let largest = client.compute(&columns.abs().max()?).await?;
    println!("the furthest is {largest:.1} deviations from the mean of its column");

    // A function of ndarray's, with a row before and a row after each block.
    let smooth = columns.map_overlap([1, 0], Boundary::Reflect, mean_of_three)?;
    let (rough, smooth) = client.gather(client.compute((&columns.std(0.0), &smooth.std(0.0)))).await?;
    println!("smoothing takes the deviation from {rough:.2} to {smooth:.2}");

    // By chunk into a file, and out of it in other chunks.
    let path = std::env::temp_dir().join(format!("anydask-random-array-{}.npy", std::process::id()));
    client.compute(&x.store_npy(&path)?).await?;
    let read = array::from_npy::<f64>(&path, [1000, 100])?;
    let is_same = client.compute(&read.eq(&x)?.all()).await?;
    println!("the file has {} blocks of the same numbers: {is_same}", read.blocks().len());
    std::fs::remove_file(&path)?;

    // What does not fit is known before anything runs, and what fails then names the block.
    let error = x.lt(&array::zeros([3000, 300], [500, 300])).unwrap_err();
    println!("{error}");
    let checked = x.try_map_blocks(|block| match block.iter().find(|element| **element > 43.5) {
        Some(element) => Err(format!("{element:.2} is too warm")),
        None => Ok(block),
    });
    if let Err(error) = client.compute(&checked.sum()).await {
        println!("{}", error.downcast_ref::<ArrayError>().map_or(error.to_string(), ArrayError::to_string));
    }

    client.close().await?;
    Ok(())
}

/// Each element with its neighbours along the first axis. The first and the last row are not in the block itself.
fn mean_of_three(block: ArrayD<f64>) -> ArrayD<f64> {
    let rows = block.shape()[0];
    ArrayD::from_shape_fn(block.raw_dim(), |index| {
        let row = |row: usize| block[[row, index[1]]];
        (row(index[0].saturating_sub(1)) + row(index[0]) + row((index[0] + 1).min(rows - 1))) / 3.0
    })
}
