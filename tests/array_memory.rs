//! What arrays hold at once: reductions of far more than there is room for.

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
fn chunks_held<C: Compute>(client: &Client<Smol>, lazy: C, wait: impl FnOnce(C::Futures)) -> f64 {
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    wait(client.compute(lazy));
    HEAP.peak_usage().saturating_sub(before) as f64 / CHUNK_NBYTES as f64
}

// One test: what others allocate at the same time would count, the backtrace of one that fails first of all.
#[test]
fn reductions_hold_few_chunks() {
    let client = Client::with_runtime(Smol::new()).threads(THREADS).local().wait().unwrap();
    let mut held = Vec::new();
    let mut check = |name: &'static str, most: usize, lazy: &dyn Fn(&Client<Smol>) -> f64| {
        let chunks = lazy(&client);
        held.push((name, chunks, most, chunks <= most as f64));
    };
    macro_rules! check {
        ($name:literal, $most:expr, $lazy:expr) => {
            check($name, $most, &|client| {
                let lazy = $lazy;
                chunks_held(client, &lazy, |future| {
                    future.wait().unwrap();
                })
            });
        };
    }
    let most = CHUNKS_PER_THREAD_MAX * THREADS;
    // Chunks that are reduced as they are made are never there.
    check!("mean", 4, square().mean());
    check!("sums of columns", 4, square().sum_axes(0, false).unwrap());
    // What is made of them is four times as large, and needs four of them.
    check!("larger chunks", 2 * most, square().rechunk([2 * CHUNK, 2 * CHUNK]).unwrap().mean());
    check!("smaller chunks", most, square().rechunk([CHUNK / 2, CHUNK / 4]).unwrap().mean());
    check!("longer chunks", most * 3 / 2, square().rechunk([CHUNK * 3 / 2, CHUNK]).unwrap().mean());
    check!("wider chunks", most * 3 / 2, square().rechunk([CHUNK, CHUNK * 3 / 2]).unwrap().mean());
    check!("running sums down", most, square().cumsum(0).unwrap().max().unwrap());
    check!("running sums across", most, square().cumsum(1).unwrap().max().unwrap());
    // A column of chunks for each thread, cut and whole.
    check!("quantiles", 2 * GRID * THREADS + 8, square().quantile(0.5, 0, false).unwrap().mean());
    check("two reductions", most, &|client| {
        let x = square() + 1.0;
        chunks_held(client, (&x.mean(), &x.max().unwrap()), |(mean, max)| {
            mean.wait().unwrap();
            max.wait().unwrap();
        })
    });
    println!("{held:#?}");
    assert!(held.iter().all(|(.., fits)| *fits), "chunks that were held, and those that may be: {held:#?}");
}
