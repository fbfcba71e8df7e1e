//! A climate: temperatures on a grid, month by month, in a file that is larger than the memory that the program may take.
//!
//! ```text
//! cargo run --release --example climate --features array,smol,progress [years [picture]]
//! ```
//!
//! The file is one as they come from weather services: time × latitude × longitude, here of a world that is made up, so
//! that what is found can be compared with what was put in. What is wanted are the *anomalies*: what each month deviates from
//! the mean of all Januaries, Februaries and so on in its cell. Their standard deviation becomes a map, their mean over the
//! globe a trend.
//!
//! A chunk is a circle of latitude with all of its time. So what is calculated of a chunk, the means first, needs
//! nothing of others: it is read, goes through everything, and makes room for the next. Chunks of a year each would all have to
//! be there until the means are known.
//!
//! The first argument is the number of years, the second where the map goes.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs, process, thread};

use anydask::runtime::Smol;
use anydask::{Client, array};
use ndarray::{Array1, Array2, ArrayD, Ix1, Ix2};
use peak_alloc::PeakAlloc;

mod map;
mod world;

use world::{LATITUDES, LONGITUDES, MONTHS, World};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Years, without an argument: 64 MB.
const YEARS: usize = 64;
/// What the program may take, in bytes.
const MEMORY_LIMIT: usize = 32 << 20;
/// How many chunks a thread may hold: some are read ahead, some are on their way through the operations.
const CHUNKS_PER_THREAD: usize = 8;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let years = arguments.next().map_or(Ok(YEARS), |years| years.parse())?;
    let picture = arguments.next().map_or_else(|| env::temp_dir().join("anydask-climate.png"), PathBuf::from);
    let file = env::temp_dir().join(format!("anydask-climate-{}.npy", process::id()));
    let done = smol::block_on(climate(years, &file, &picture));
    // It is large: it goes also when something went wrong.
    fs::remove_file(&file).or_else(|error| if done.is_ok() { Err(error) } else { Ok(()) })?;
    done
}

async fn climate(years: usize, file: &Path, picture: &Path) -> Result<(), Box<dyn Error>> {
    // As many threads as there is room for.
    let chunk_nbytes = years * MONTHS * LONGITUDES * size_of::<f64>();
    let room = MEMORY_LIMIT / (CHUNKS_PER_THREAD * chunk_nbytes).max(1);
    let threads = thread::available_parallelism()?.get().min(room).max(1);
    let client = Client::<Smol>::builder().threads(threads).local().await?;

    let world = World::new(years);
    let (written, progress) = client.compute_with_progress(&world.temperatures().store_npy(file)?);
    progress.bar().await?;
    written.await?;
    println!(
        "{years} years of months on {LATITUDES} × {LONGITUDES} cells: {} in a file, and {} may be used",
        megabytes(fs::metadata(file)?.len() as usize),
        megabytes(MEMORY_LIMIT)
    );

    let temperatures = array::from_npy::<f64>(file, [years * MONTHS, 1, LONGITUDES])?;
    let by_month = temperatures.reshape([years, MONTHS, LATITUDES, LONGITUDES])?;
    let anomalies = (&by_month - by_month.mean_axes(0, true)?).check()?;
    let deviation = anomalies.std_axes([0, 1], 0.0, false)?;
    // Cells near the poles are small.
    let of_years = (&anomalies * world.cell_weights()).mean_axes([1, 2, 3], false)?;
    let ((deviation, of_years), progress) = client.compute_with_progress((&deviation, &of_years));
    progress.bar().await?;
    let deviation: Array2<f64> = ArrayD::into_dimensionality::<Ix2>(deviation.await?)?;
    let of_years: Array1<f64> = ArrayD::into_dimensionality::<Ix1>(of_years.await?)?;

    report(&world, &deviation, &of_years);
    map::draw(picture, &deviation)?;
    println!("the map of the deviations is {}", picture.display());
    client.close().await?;

    let used = HEAP.peak_usage();
    println!("at most {} were used at once, by {threads} threads", megabytes(used));
    if used > MEMORY_LIMIT {
        return Err(format!("{} are more than the limit of {}", megabytes(used), megabytes(MEMORY_LIMIT)).into());
    }
    Ok(())
}

/// What was found, beside what was put in.
fn report(world: &World, deviation: &Array2<f64>, of_years: &Array1<f64>) {
    println!();
    println!("anomaly of each decade, in °C:");
    for (decade, years) in of_years.as_slice().unwrap_or_default().chunks(10).enumerate() {
        let mean = years.iter().sum::<f64>() / years.len() as f64;
        println!("  {}  {mean:>6.2}  {}", world::FIRST_YEAR + 10 * decade, "#".repeat(((mean + 1.0) * 20.0) as usize));
    }
    println!();
    println!("                                  put in   found");
    println!("warming in °C for 100 years      {:>7.2} {:>7.2}", 100.0 * world.warming(), 100.0 * slope(of_years));
    let expected = world.expected_deviation();
    let rows = [("at sea, 1° N 1° E", 36, 0), ("in the Pacific", 36, 96), ("far in the north", 70, 40)];
    for (place, row, column) in rows {
        let cell = [row, column];
        println!("deviation {place:<23}{:>7.2} {:>7.2}", expected[cell], deviation[cell]);
    }
    let off = (deviation - &expected).mapv(f64::abs) / &expected;
    println!("deviations are off by {:.1} % on average", 100.0 * off.mean().unwrap_or(f64::NAN));
    println!();
}

/// How much a series rises at each step: least squares.
fn slope(series: &Array1<f64>) -> f64 {
    let middle = (series.len() as f64 - 1.0) / 2.0;
    let at = |(place, value): (usize, &f64)| ((place as f64 - middle) * value, (place as f64 - middle).powi(2));
    let (above, below) = series.iter().enumerate().map(at).fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    above / below
}

fn megabytes(nbytes: usize) -> String {
    format!("{:.1} MB", nbytes as f64 / 1e6)
}
