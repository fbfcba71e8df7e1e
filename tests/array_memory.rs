//! What arrays hold at once: reductions of far more than there is room for.

use std::sync::{Mutex, OnceLock};

use anydask::array::{self, Array};
use anydask::graph::Compute;
use anydask::{Client, runtime::Smol};
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const THREADS: usize = 2;
/// Elements of a chunk along each axis: 128 KiB.
const CHUNK: usize = 128;
/// Chunks along each axis of a square array: 18 MiB in all.
const GRID: usize = 12;
const CHUNK_NBYTES: usize = CHUNK * CHUNK * size_of::<f64>();
/// What threads may hold each: the gate.
const CHUNKS_PER_THREAD_MAX: usize = 10;

fn square() -> Array<f64> {
    array::Generator::new(1).random([GRID * CHUNK, GRID * CHUNK], [CHUNK, CHUNK])
}

/// How many chunks are there at most while it is computed. What else is allocated, the graph first of all, counts too.
fn chunks_held<C: Compute>(lazy: C, wait: impl FnOnce(C::Futures)) -> f64 {
    static ALONE: Mutex<()> = Mutex::new(());
    static CLIENT: OnceLock<Client<Smol>> = OnceLock::new();
    let _alone = ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let client = CLIENT.get_or_init(|| Client::with_runtime(Smol::new()).threads(THREADS).local().wait().unwrap());
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    wait(client.compute(lazy));
    let held = HEAP.peak_usage().saturating_sub(before) as f64 / CHUNK_NBYTES as f64;
    println!("{held:.1} of {} chunks", GRID * GRID);
    held
}

macro_rules! holds {
    ($($name:ident: at most $most:expr, $lazy:expr;)*) => {$(
        #[test]
        fn $name() {
            let lazy = $lazy;
            let held = chunks_held(&lazy, |future| { future.wait().unwrap(); });
            assert!(held <= $most as f64, "{held:.1} chunks were held, and {} may be", $most);
        }
    )*};
}

const MOST: usize = CHUNKS_PER_THREAD_MAX * THREADS;

holds! {
    a_mean_of_random_numbers_holds_no_chunks: at most 4, square().mean();
    columns_that_are_summed_hold_no_chunks: at most 4, square().sum_axes(0, false).unwrap();
    a_reduction_of_larger_chunks_holds_some: at most MOST, square().rechunk([2 * CHUNK, 2 * CHUNK]).unwrap().mean();
    a_reduction_of_smaller_chunks_holds_some: at most MOST, square().rechunk([CHUNK / 2, CHUNK / 4]).unwrap().mean();
    a_reduction_of_longer_chunks_holds_some: at most MOST * 3 / 2, square().rechunk([CHUNK * 3 / 2, CHUNK]).unwrap().mean();
    a_reduction_of_wider_chunks_holds_some: at most MOST, square().rechunk([CHUNK, CHUNK * 3 / 2]).unwrap().mean();
    a_reduction_of_running_sums_down_holds_some: at most MOST, square().cumsum(0).unwrap().max().unwrap();
    a_reduction_of_running_sums_across_holds_some: at most MOST, square().cumsum(1).unwrap().max().unwrap();
    // A column of chunks, cut and whole, and no more than one for each thread.
    quantiles_hold_columns: at most 2 * GRID * THREADS + 8, square().quantile(0.5, 0, false).unwrap().mean();
}

#[test]
fn two_reductions_of_one_array_hold_some() {
    let x = square() + 1.0;
    let held = chunks_held((&x.mean(), &x.max().unwrap()), |(mean, max)| {
        mean.wait().unwrap();
        max.wait().unwrap();
    });
    assert!(held <= MOST as f64, "{held:.1} chunks were held, and {MOST} may be");
}
