//! What stations have measured, and the tasks in Rust.

use anydask::task;
use ndarray::{Array2, ArrayView1};
use serde::{Deserialize, Serialize};

pub(crate) const NAMES: [&str; 4] = ["north", "east", "harbour", "south"];

pub(crate) const SENSORS: [&str; 3] = ["power", "heat", "noise"];

const HOURS: usize = 24 * 365;

/// What is known of one station.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) name: String,
    /// The 5th, the 50th and the 95th of each sensor.
    pub(crate) percentiles: [[f64; 3]; 3],
    /// How much each sensor goes with each.
    pub(crate) correlations: Array2<f64>,
}

/// The file of a station. Here, it is made up: a day's course, a year's course, and something of chance.
#[task]
pub(crate) fn load(name: String) -> String {
    let seed = name.bytes().fold(7_u64, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    let mut random = seed;
    let mut chance = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 40) as f64 / (1_u64 << 24) as f64 - 0.5
    };
    let mut text = SENSORS.join(",");
    for hour in 0..HOURS {
        let day = (hour as f64 / 24.0 * std::f64::consts::TAU).sin();
        let year = (hour as f64 / HOURS as f64 * std::f64::consts::TAU).cos();
        let power = 40.0 + 12.0 * day + 6.0 * year + 4.0 * chance();
        let heat = 15.0 + 0.4 * power + 2.0 * chance();
        let noise = 50.0 + 8.0 * chance();
        if name == "harbour" && hour == 116 {
            text.push_str(&format!("\n{power:.2},offline,{noise:.2}"));
        } else {
            text.push_str(&format!("\n{power:.2},{heat:.2},{noise:.2}"));
        }
    }
    text
}

/// A row an hour, a column a sensor.
#[task]
pub(crate) fn parse(text: String) -> Result<Array2<f64>, String> {
    let mut numbers = Vec::new();
    for (index, line) in text.lines().enumerate().skip(1) {
        let before = numbers.len();
        for field in line.split(',') {
            let number = field.parse::<f64>().map_err(|error| format!("line {}: `{field}`: {error}", index + 1))?;
            numbers.push(number);
        }
        if numbers.len() != before + SENSORS.len() {
            return Err(format!("line {}: {} numbers", index + 1, numbers.len() - before));
        }
    }
    let rows = numbers.len() / SENSORS.len();
    Array2::from_shape_vec((rows, SENSORS.len()), numbers).map_err(|error| error.to_string())
}

#[task]
pub(crate) fn summarize(name: String, percentiles: Array2<f64>, correlations: Array2<f64>) -> Summary {
    let three = |column: ArrayView1<'_, f64>| [column[0], column[1], column[2]];
    let percentiles = [0, 1, 2].map(|sensor| three(percentiles.column(sensor)));
    Summary { name, percentiles, correlations }
}

/// The two sensors that go together the most, over all stations.
#[task]
pub(crate) fn overview(summaries: Vec<Summary>) -> (String, String, f64) {
    let count = summaries.len().max(1) as f64;
    let mean = summaries
        .iter()
        .fold(Array2::<f64>::zeros((SENSORS.len(), SENSORS.len())), |sum, summary| sum + &summary.correlations)
        / count;
    let pairs = (0..SENSORS.len()).flat_map(|first| (first + 1..SENSORS.len()).map(move |second| (first, second)));
    let best = pairs.max_by(|a, b| mean[[a.0, a.1]].abs().total_cmp(&mean[[b.0, b.1]].abs()));
    best.map_or_else(Default::default, |(first, second)| {
        (SENSORS[first].to_owned(), SENSORS[second].to_owned(), mean[[first, second]])
    })
}
