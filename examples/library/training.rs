//! A library: it fits lines to points, and names no runtime. Its callers choose.

#![allow(unreachable_pub, reason = "a library would be a crate of its own")]

use std::sync::Arc;

use anydask::runtime::Runtime;
use anydask::{Client, Error, TaskFuture};

/// A line, `y = slope * x + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    pub slope: f64,
    pub offset: f64,
}

/// Points as columns.
#[derive(Clone, Debug, Default)]
pub struct Points {
    pub x: Vec<f64>,
    pub y: Vec<f64>,
}

/// Fits a line by gradient descent, one task for each chunk of the points and each step.
///
/// The steps are submitted all at once: each takes the future of the line that the step before it gives.
///
/// # Errors
///
/// What the engine fails with.
pub async fn train<R: Runtime>(
    client: &Client<R>,
    chunks: Vec<Points>,
    steps: usize,
    rate: f64,
) -> Result<Line, Error> {
    // The points stay where they are. Tasks share them.
    let mut points: Vec<TaskFuture<Points>> = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        points.push(client.scatter(chunk).await?);
    }
    let mut line = client.submit(|| Line { slope: 0.0, offset: 0.0 }, ());
    for _ in 0..steps {
        let gradients = client.map(gradient, points.iter().map(|points| (&line, points)));
        let step = move |line: Line, gradients: Vec<Gradient>| descend(line, &gradients, rate);
        line = client.submit(step, (&line, gradients));
    }
    line.await
}

/// The sums of the squared error's derivatives over some points.
#[derive(Clone, Copy)]
struct Gradient {
    slope: f64,
    offset: f64,
    points: usize,
}

fn gradient(line: Line, points: Arc<Points>) -> Gradient {
    let mut gradient = Gradient { slope: 0.0, offset: 0.0, points: points.x.len() };
    for (x, y) in points.x.iter().zip(&points.y) {
        let error = line.slope * x + line.offset - y;
        gradient.slope += error * x;
        gradient.offset += error;
    }
    gradient
}

fn descend(line: Line, gradients: &[Gradient], rate: f64) -> Line {
    let points: usize = gradients.iter().map(|gradient| gradient.points).sum();
    let rate = rate / points.max(1) as f64;
    let slope = line.slope - rate * gradients.iter().map(|gradient| gradient.slope).sum::<f64>();
    let offset = line.offset - rate * gradients.iter().map(|gradient| gradient.offset).sum::<f64>();
    Line { slope, offset }
}
