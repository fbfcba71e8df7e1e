//! Arrays, written as one writes them, from the graph to the result.

use std::hint::black_box;

use anydask::array::{self, Array, ArrayError};
use anydask::runtime::Tokio;

use super::Host;
use crate::measure::{Figures, repeated};
use crate::process::{resident_nbytes, resident_nbytes_max};
use crate::work::{ARRAY_CHUNKS, Body, PRODUCT_CHUNKS, SQUARE_CHUNKS, THREADS, Work};

pub(super) fn body(work: Work) -> Option<Body> {
    Some(Body::Told(match work {
        Work::ArrayMean => |n| repeated(|| mean(n, n)),
        Work::ArrayMeanTall => |n| repeated(|| mean(10 * n, n)),
        Work::ArrayTransposed => |n| repeated(|| transposed(n)),
        Work::ArrayHeld => held,
        Work::ArrayStandardised => |n| repeated(|| standardised(40 * n, n)),
        Work::ArrayProduct => |n| repeated(|| product(n)),
        _ => return None,
    }))
}

fn mean(rows: usize, columns: usize) {
    let x = array::random([rows, columns], [rows, columns.div_ceil(ARRAY_CHUNKS)]);
    black_box(Tokio::client().compute(&x.mean()).wait().expect("the tasks finish"));
}

fn transposed(n: usize) {
    let x = array::random([n, n], n.div_ceil(SQUARE_CHUNKS));
    let sums = (&x + x.t()).sum_axes(0, false).expect("there are two axes");
    black_box(Tokio::client().compute(&sums).wait().expect("the tasks finish"));
}

/// The mean is made of each chunk as its numbers are. For the largest number of chunks that are cut otherwise, chunks must be
/// there.
fn held(n: usize) -> Figures {
    const ROWS: usize = 1 << 15;
    const COLUMNS: usize = 256;
    let x = array::random([ROWS, n * COLUMNS], [ROWS, COLUMNS]);
    let cut = x.rechunk([ROWS / 2, 2 * COLUMNS]).expect("the chunks fit");
    let before = resident_nbytes();
    let chunks = || (resident_nbytes_max() - before) / (ROWS * COLUMNS * size_of::<f64>() * THREADS) as f64;
    black_box(Tokio::client().compute(&x.mean()).wait().expect("the tasks finish"));
    let fused = chunks();
    black_box(Tokio::client().compute(&cut.max().expect("there are numbers")).wait().expect("the tasks finish"));
    Figures::from([("fused_chunks_per_thread".into(), fused), ("chunks_per_thread".into(), chunks())])
}

fn standardised(rows: usize, columns: usize) {
    let x = array::random([rows, columns], [rows.div_ceil(ARRAY_CHUNKS), columns]);
    let standardise = || Ok::<_, ArrayError>((&x - x.mean_axes(0, false)?) / x.std_axes(0, 0.0, false)?);
    persist(&standardise().expect("there are two axes"));
}

fn product(n: usize) {
    let x = array::random([n, n], n.div_ceil(PRODUCT_CHUNKS));
    persist(&x.matmul(&x).expect("it is square"));
}

/// The chunks stay where they are.
fn persist(x: &Array<f64>) {
    let kept = Tokio::client().persist(x);
    for block in kept.blocks() {
        Tokio::client().compute(block).wait().expect("the tasks finish");
    }
    let _ = black_box(kept);
}
