//! The CPU work: a picture of the Mandelbrot set, in bands of rows.

use std::ops::Range;

/// Rows of one band: small enough that a request which is given up costs little more, large enough that a task's own
/// cost, about a microsecond, is lost in it.
pub(crate) const BAND_ROWS: usize = 16;

/// Iterations after which a point is taken to belong to the set.
const ITERATIONS_MAX: u32 = 500;

/// The bands of a picture with this number of rows.
pub(crate) fn bands(size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..size).step_by(BAND_ROWS).map(move |start| start..size.min(start + BAND_ROWS))
}

/// The pixels of some rows of a square picture, one byte each.
pub(crate) fn render(size: usize, rows: Range<usize>) -> Vec<u8> {
    rows.flat_map(|row| (0..size).map(move |column| pixel(size, row, column))).collect()
}

/// Puts bands together to a picture in the PGM format.
pub(crate) fn picture(size: usize, bands: &[Vec<u8>]) -> Vec<u8> {
    let mut picture = format!("P5\n{size} {size}\n255\n").into_bytes();
    bands.iter().for_each(|band| picture.extend_from_slice(band));
    picture
}

fn pixel(size: usize, row: usize, column: usize) -> u8 {
    let (x0, y0) = (3.0 * column as f64 / size as f64 - 2.25, 3.0 * row as f64 / size as f64 - 1.5);
    let (mut x, mut y) = (0.0, 0.0);
    for iteration in 0..ITERATIONS_MAX {
        if x * x + y * y > 4.0 {
            return 255 - (iteration % 256) as u8;
        }
        (x, y) = (x * x - y * y + x0, 2.0 * x * y + y0);
    }
    0
}
