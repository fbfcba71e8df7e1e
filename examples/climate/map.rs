//! A map of the world, as a picture.

use std::error::Error;
use std::path::Path;

use ndarray::Array2;
use plotters::prelude::{BitMapBackend, Color, IntoDrawingArea, RGBColor, Rectangle, WHITE};

/// Pixels along the side of a cell.
const CELL: i32 = 5;
/// Pixels between the map, the scale and the edges.
const MARGIN: i32 = 10;
/// Pixels that the scale is wide.
const SCALE: i32 = 20;

/// From the smallest to the largest number.
const COLORS: [RGBColor; 5] =
    [RGBColor(68, 1, 84), RGBColor(59, 82, 139), RGBColor(33, 145, 140), RGBColor(94, 201, 98), RGBColor(253, 231, 37)];

/// Draws the cells, from the south below to the north above, and beside them the scale from the smallest to the largest.
pub(crate) fn draw(path: &Path, cells: &Array2<f64>) -> Result<(), Box<dyn Error>> {
    let (rows, columns) = cells.dim();
    let (height, width) = (rows as i32 * CELL, columns as i32 * CELL);
    let size = (width + SCALE + 3 * MARGIN, height + 2 * MARGIN);
    let (low, high) = cells.iter().fold((f64::MAX, f64::MIN), |(low, high), cell| (low.min(*cell), high.max(*cell)));
    println!("its colours go from {low:.2} °C, dark, to {high:.2} °C, bright");

    let area = BitMapBackend::new(path, (size.0.unsigned_abs(), size.1.unsigned_abs())).into_drawing_area();
    area.fill(&WHITE)?;
    for ((row, column), cell) in cells.indexed_iter() {
        let (left, below) = (MARGIN + column as i32 * CELL, MARGIN + height - row as i32 * CELL);
        let color = color((cell - low) / (high - low));
        area.draw(&Rectangle::new([(left, below - CELL), (left + CELL, below)], color.filled()))?;
    }
    for y in 0..height {
        let (left, below) = (width + 2 * MARGIN, MARGIN + height - y);
        let color = color(f64::from(y) / f64::from(height));
        area.draw(&Rectangle::new([(left, below - 1), (left + SCALE, below)], color.filled()))?;
    }
    area.present()?;
    Ok(())
}

/// The colour of a number from 0 to 1.
fn color(part: f64) -> RGBColor {
    let place = part.clamp(0.0, 1.0) * (COLORS.len() - 1) as f64;
    let below = (place as usize).min(COLORS.len() - 2);
    let between =
        |one: u8, other: u8| (f64::from(one) + (place - below as f64) * (f64::from(other) - f64::from(one))) as u8;
    let (one, other) = (COLORS[below], COLORS[below + 1]);
    RGBColor(between(one.0, other.0), between(one.1, other.1), between(one.2, other.2))
}
