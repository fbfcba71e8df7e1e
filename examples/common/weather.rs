//! The tasks that `dask_cluster` submits and `dask_worker` runs: both programs are built with them.
//!
//! A task goes to a cluster as its name and its arguments, never as code, so a worker runs what its own program has. The name is
//! the path of the function with that of its crate, which is the same for a library that both programs use. This file is a
//! module of either, so its tasks have names of their own.

use anydask::task;
use serde::{Deserialize, Serialize};

/// A year of a station's temperatures, in tenths of a degree.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Year {
    pub(crate) year: u32,
    pub(crate) days: Vec<i32>,
}

/// What is kept of a year.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) year: u32,
    pub(crate) coldest: i32,
    pub(crate) warmest: i32,
    pub(crate) mean: f64,
}

/// A year as a station would have measured it: a season, and weather that depends on the day alone.
#[task(name = "weather::measure")]
pub(crate) fn measure(year: u32) -> Year {
    let temperature = |day: u32| {
        let season = 90.0 - 110.0 * (f64::from(day) * std::f64::consts::TAU / 365.0).cos();
        let weather = year.wrapping_mul(31).wrapping_add(day).wrapping_mul(2_654_435_761) >> 24;
        season as i32 + weather as i32 / 4 - 32
    };
    Year { year, days: (0..365).map(temperature).collect() }
}

/// Errs if nothing was measured.
#[task(name = "weather::summarize")]
pub(crate) fn summarize(year: Year) -> Result<Summary, String> {
    let (Some(coldest), Some(warmest)) = (year.days.iter().min(), year.days.iter().max()) else {
        return Err(format!("nothing was measured in {}", year.year));
    };
    let mean = year.days.iter().map(|day| f64::from(*day)).sum::<f64>() / year.days.len() as f64;
    Ok(Summary { year: year.year, coldest: *coldest, warmest: *warmest, mean })
}

/// The two summaries with the lowest and the highest mean.
#[task(name = "weather::extremes")]
pub(crate) fn extremes(all: Vec<Summary>) -> Option<(Summary, Summary)> {
    let by_mean = |one: &&Summary, other: &&Summary| one.mean.total_cmp(&other.mean);
    Some((all.iter().min_by(by_mean)?.clone(), all.iter().max_by(by_mean)?.clone()))
}
