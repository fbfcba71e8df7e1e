//! A world whose climate is known, since it is made up here.

use anydask::array::{self, Array, Generator};
use ndarray::{Array1, Array2, Array3, Array4, Dimension};

/// Cells of 2.5°.
pub(crate) const LATITUDES: usize = 72;
pub(crate) const LONGITUDES: usize = 144;
const CELL: f64 = 2.5;

pub(crate) const MONTHS: usize = 12;
pub(crate) const FIRST_YEAR: usize = 1960;

/// The seed of the weather.
const SEED: u64 = 1;
/// °C for each year, on most of the globe.
const WARMING: f64 = 0.02;
/// Every how many years the Pacific is warm.
const PACIFIC_PERIOD: f64 = 3.7;

/// So many years of it.
pub(crate) struct World {
    years: usize,
}

impl World {
    pub(crate) fn new(years: usize) -> Self {
        Self { years }
    }

    /// The temperatures, time × latitude × longitude, in chunks of a year. They are sums of what stands in tables,
    /// which are broadcast, and of the weather, which is another number for each month and cell.
    pub(crate) fn temperatures(&self) -> Array<f64> {
        let shape = [self.years, MONTHS, LATITUDES, LONGITUDES];
        let weather = Generator::new(SEED).normal(0.0, 1.0, shape, [1, MONTHS, LATITUDES, LONGITUDES]);
        let season = Array3::from_shape_fn((MONTHS, LATITUDES, 1), |(month, row, _)| {
            let angle = (month as f64 - 6.0) / MONTHS as f64 * std::f64::consts::TAU;
            28.0 - 50.0 * sine(row).powi(2) + 18.0 * sine(row) * angle.cos()
        });
        let slow =
            table(&self.by_year(warm)) * table(&warming()) + table(&self.by_year(pacific)) * table(&in_pacific());
        let temperatures = weather * table(&weather_deviation()) + table(&season) + slow;
        temperatures.reshape([-1, LATITUDES as isize, LONGITUDES as isize]).expect("12 months make a year")
    }

    /// How much each cell counts, so that the mean of all is 1.
    pub(crate) fn cell_weights(&self) -> Array<f64> {
        let weights = cell_areas();
        let mean = weights.sum() / LATITUDES as f64;
        table(&(weights / mean))
    }

    /// How much the globe warms in a year.
    pub(crate) fn warming(&self) -> f64 {
        let areas = cell_areas();
        WARMING * (&areas * &warming()).sum() / areas.sum()
    }

    /// The standard deviations of the anomalies: of the weather, and of what changes from year to year.
    pub(crate) fn expected_deviation(&self) -> Array2<f64> {
        let (weather, warming, in_pacific) = (weather_deviation(), warming(), in_pacific());
        Array2::from_shape_fn((LATITUDES, LONGITUDES), |(row, column)| {
            let year = |year| warm(year) * warming[[row, 0]] + pacific(year) * in_pacific[[row, column]];
            let slow = Array1::from_shape_fn(self.years, year).var(0.0);
            // What the means take of the weather is missing.
            let rest = 1.0 - 1.0 / self.years as f64;
            (weather[[row, column]].powi(2) * rest + slow).sqrt()
        })
    }

    fn by_year(&self, value: fn(usize) -> f64) -> Array4<f64> {
        Array4::from_shape_fn((self.years, 1, 1, 1), |(year, ..)| value(year))
    }
}

/// A table as an array in one chunk.
fn table<D: Dimension>(values: &ndarray::Array<f64, D>) -> Array<f64> {
    array::from_ndarray(values, usize::MAX)
}

fn warm(year: usize) -> f64 {
    WARMING * year as f64
}

fn pacific(year: usize) -> f64 {
    1.5 * (year as f64 / PACIFIC_PERIOD * std::f64::consts::TAU).sin()
}

/// Of the latitude in the middle of a row of cells, from south to north.
fn latitude(row: usize) -> f64 {
    CELL * (row as f64 + 0.5) - 90.0
}

fn sine(row: usize) -> f64 {
    latitude(row).to_radians().sin()
}

fn cell_areas() -> Array2<f64> {
    Array2::from_shape_fn((LATITUDES, 1), |(row, _)| latitude(row).to_radians().cos())
}

/// How much of the warming each latitude has: the far north twice of it.
fn warming() -> Array2<f64> {
    Array2::from_shape_fn((LATITUDES, 1), |(row, _)| if latitude(row) > 60.0 { 2.0 } else { 1.0 })
}

/// How much of the warm years each cell has: those along the equator, in the east of the Pacific.
fn in_pacific() -> Array2<f64> {
    Array2::from_shape_fn((LATITUDES, LONGITUDES), |(row, column)| {
        let (north, east) = (latitude(row) / 8.0, (CELL * column as f64 - 235.0) / 35.0);
        (-north.powi(2) - east.powi(2)).exp()
    })
}

/// How far the weather of a month is from the usual, in °C: more to the poles, and more over land.
fn weather_deviation() -> Array2<f64> {
    Array2::from_shape_fn((LATITUDES, LONGITUDES), |(row, column)| {
        let is_land = (CELL * column as f64 * 3.0).to_radians().sin() + sine(row) > 0.6;
        (0.4 + 1.6 * sine(row).powi(2)) * if is_land { 1.6 } else { 1.0 }
    })
}
