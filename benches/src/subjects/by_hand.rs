//! Arrays by hand: chunks of `ndarray`, each worked on by one task of rayon, as somebody writes it who knows what is to be
//! calculated.

use std::hint::black_box;
use std::sync::LazyLock;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2};
use rand_distr::{Distribution, StandardUniform};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::measure::repeated;
use crate::work::{ARRAY_CHUNKS, Body, PRODUCT_CHUNKS, SQUARE_CHUNKS, THREADS, Work};

pub(super) fn body(work: Work) -> Option<Body> {
    Some(Body::Told(match work {
        Work::ArrayMean => |n| repeated(|| mean(n, n)),
        Work::ArrayMeanTall => |n| repeated(|| mean(10 * n, n)),
        Work::ArrayTransposed => |n| repeated(|| transposed(n)),
        Work::ArrayStandardised => |n| repeated(|| standardised(40 * n, n)),
        Work::ArrayProduct => |n| repeated(|| product(n)),
        _ => return None,
    }))
}

static POOL: LazyLock<ThreadPool> =
    LazyLock::new(|| ThreadPoolBuilder::new().num_threads(THREADS).build().expect("a pool starts"));

/// A chunk of random numbers, of a generator of its own.
fn random(rows: usize, columns: usize, number: usize) -> Array2<f64> {
    let mut generator = Xoshiro256PlusPlus::seed_from_u64(number as u64);
    Array2::from_shape_simple_fn((rows, columns), || StandardUniform.sample(&mut generator))
}

/// The lengths of the chunks of an axis.
fn chunks(length: usize, count: usize) -> Vec<usize> {
    let chunk = length.div_ceil(count);
    (0..length).step_by(chunk).map(|start| chunk.min(length - start)).collect()
}

/// The places of the chunks of a square array.
fn grid(count: usize) -> Vec<(usize, usize)> {
    (0..count).flat_map(|i| (0..count).map(move |j| (i, j))).collect()
}

fn mean(rows: usize, columns: usize) {
    let chunks = chunks(columns, ARRAY_CHUNKS);
    let sum: f64 = POOL.install(|| {
        let sums = chunks.par_iter().enumerate().with_max_len(1);
        sums.map(|(number, columns)| random(rows, *columns, number).sum()).sum()
    });
    black_box(sum / (rows * columns) as f64);
}

fn transposed(n: usize) {
    let chunks = chunks(n, SQUARE_CHUNKS);
    let grid = grid(chunks.len());
    let sums: Vec<Array1<f64>> = POOL.install(|| {
        let made = grid.par_iter().with_max_len(1);
        let x: Vec<_> = made.map(|(i, j)| random(chunks[*i], chunks[*j], i * chunks.len() + j)).collect();
        let columns = (0..chunks.len()).into_par_iter().with_max_len(1);
        let sum = |j: usize| {
            let blocks = (0..chunks.len())
                .map(|i| (&x[i * chunks.len() + j] + &x[j * chunks.len() + i].t()).sum_axis(ndarray::Axis(0)));
            blocks.reduce(|sum, block| sum + block).unwrap_or_default()
        };
        columns.map(sum).collect()
    });
    black_box(sums);
}

fn standardised(rows: usize, columns: usize) {
    let chunks = chunks(rows, ARRAY_CHUNKS);
    let axis = ndarray::Axis(0);
    let x: Vec<Array2<f64>> = POOL.install(|| {
        let made = chunks.par_iter().enumerate().with_max_len(1);
        let mut x: Vec<_> = made.map(|(number, rows)| random(*rows, columns, number)).collect();
        let add = |one: Array1<f64>, other: Array1<f64>| one + other;
        let zeros = || Array1::zeros(columns);
        let mean = x.par_iter().with_max_len(1).map(|x| x.sum_axis(axis)).reduce(zeros, add) / rows as f64;
        let squares = x.par_iter().with_max_len(1).map(|x| (x - &mean).mapv_into(|x| x * x).sum_axis(axis));
        let deviation = (squares.reduce(zeros, add) / rows as f64).mapv_into(f64::sqrt);
        x.par_iter_mut().with_max_len(1).for_each(|x| {
            *x -= &mean;
            *x /= &deviation;
        });
        x
    });
    black_box(x);
}

fn product(n: usize) {
    let chunks = chunks(n, PRODUCT_CHUNKS);
    let grid = grid(chunks.len());
    let blocks: Vec<Array2<f64>> = POOL.install(|| {
        let made = grid.par_iter().with_max_len(1);
        let x: Vec<_> = made.map(|(i, j)| random(chunks[*i], chunks[*j], i * chunks.len() + j)).collect();
        let multiplied = grid.par_iter().with_max_len(1).map(|(i, j)| {
            let mut block = Array2::zeros((chunks[*i], chunks[*j]));
            for k in 0..chunks.len() {
                general_mat_mul(1.0, &x[i * chunks.len() + k], &x[k * chunks.len() + j], 1.0, &mut block);
            }
            block
        });
        multiplied.collect()
    });
    black_box(blocks);
}
