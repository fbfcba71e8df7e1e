//! How many values are held at once: by the order itself, and by the engine that is given it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anydask::graph::{Hints, delayed_with};
use anydask::runtime::Smol;
use anydask::{Client, Delayed, Error, Graph, Optimize, Options, Status, TaskContext, asynchronous, delayed, fallible};

use crate::support::{DEADLINE, within_deadline};

/// A value that counts how many there are.
struct Value(Arc<Live>);

#[derive(Debug, Default)]
struct Live {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Value {
    fn new(live: &Arc<Live>) -> Self {
        let now = live.now.fetch_add(1, Ordering::SeqCst) + 1;
        live.most.fetch_max(now, Ordering::SeqCst);
        // Long enough that threads fall behind each other now and then.
        std::thread::sleep(Duration::from_micros(20));
        Self(Arc::clone(live))
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

fn source(live: &Arc<Live>) -> Delayed<Value> {
    let live = Arc::clone(live);
    delayed(move || Value::new(&live), ())
}

fn of(live: &Arc<Live>, inputs: Vec<Delayed<Value>>) -> Delayed<Value> {
    let live = Arc::clone(live);
    delayed(move |_: Vec<Arc<Value>>| Value::new(&live), inputs)
}

/// A reduction by pairs, and pairs of pairs.
fn tree(live: &Arc<Live>, mut level: Vec<Delayed<Value>>, width: usize) -> Delayed<Value> {
    while level.len() > 1 {
        level = level.chunks(width).map(|some| of(live, some.to_vec())).collect();
    }
    level.remove(0)
}

/// Only the order: what is fused would not be counted.
fn ordered() -> Optimize {
    Optimize::none().order(true)
}

/// The most values that there are when an engine of so many threads runs it.
fn peak(threads: usize, priority: i32, build: impl Fn(&Arc<Live>) -> Vec<Delayed<Value>> + Send + 'static) -> usize {
    let live = Arc::new(Live::default());
    let client = Client::with_runtime(Smol::new()).threads(threads).local().wait().unwrap();
    let wanted = build(&live);
    let futures = client.with(Options::new().priority(priority)).compute_with(&wanted, ordered());
    client.wait(&futures).wait().unwrap();
    futures.iter().for_each(|future| assert_eq!(future.status(), Status::Finished));
    drop(futures);
    client.close().wait().unwrap();
    assert_eq!(live.now.load(Ordering::SeqCst), 0, "a value is left");
    live.most.load(Ordering::SeqCst)
}

/// The order and the engine hold no more than this; `beside` more for each thread beyond the first.
#[track_caller]
fn holds(most: usize, beside: usize, build: impl Fn(&Arc<Live>) -> Vec<Delayed<Value>> + Clone + Send + 'static) {
    let planned = Graph::of(build(&Arc::default())).optimized(ordered()).peak_value_count();
    assert!(planned <= most, "the order holds {planned} values, not {most}");
    within_deadline("memory", move || {
        for threads in [1, 2, 4] {
            let peak = peak(threads, 0, build.clone());
            let most = most + (threads - 1) * beside;
            assert!(peak <= most, "{threads} threads hold {peak} values, not {most}");
        }
    });
}

#[test]
fn a_tree_reduction_holds_as_many_values_as_it_is_deep() {
    // 256 leaves: 8 levels, a leaf more, and the sum of the last two.
    holds(10, 10, |live| {
        let leaves = (0..256).map(|_| source(live)).collect();
        vec![tree(live, leaves, 2)]
    });
    // In the order in which they were made, all leaves come first.
    let live = Arc::default();
    let graph = tree(&live, (0..256).map(|_| source(&live)).collect(), 2).graph();
    assert_eq!(graph.optimized(Optimize::none()).peak_value_count(), 257);
}

#[test]
fn what_needs_most_on_its_way_comes_first() {
    // At each of 100 joints one more value is taken, which is better made once the rest is there.
    let comb = |live: &_| vec![(0..100).fold(source(live), |rest, _| of(live, vec![source(live), rest]))];
    assert_eq!(Graph::of(comb(&Arc::default())).optimized(ordered()).peak_value_count(), 3);
    // On one thread: others have nothing to do but to run ahead.
    within_deadline("comb", move || assert!(peak(1, 0, comb) <= 4));
}

/// A long chain. Each link takes a large value, which takes from nothing and is made in a fifth of the time.
fn chain(live: &Arc<Live>, failing: Option<usize>) -> Delayed<usize> {
    let large = |number: usize| {
        let live = Arc::clone(live);
        let make = move || match failing {
            Some(failing) if number == failing => Err(std::io::Error::other("it cannot be made")),
            _ => Ok(Value::new(&live)),
        };
        delayed_with(Hints::new().name(format!("large-{number}")).nbytes(1 << 20), fallible(make), ())
    };
    let link = |sum: Delayed<usize>, number: usize| {
        let add = |sum: usize, _: Arc<Value>| {
            std::thread::sleep(Duration::from_micros(500));
            sum + 1
        };
        delayed_with(Hints::new().nbytes(8), add, (sum, large(number)))
    };
    (0..200).fold(delayed(|| 0, ()), link)
}

#[test]
fn large_values_are_not_made_far_ahead_of_what_takes_them() {
    within_deadline("chain", || {
        for threads in [1, 2, 4] {
            let live = Arc::new(Live::default());
            let client = Client::with_runtime(Smol::new()).threads(threads).local().wait().unwrap();
            assert_eq!(client.compute_with(&chain(&live, None), ordered()).wait().unwrap(), 200);
            client.close().wait().unwrap();
            let most = live.most.load(Ordering::SeqCst);
            assert!(most <= 4 * threads + 2, "{threads} threads hold {most} values");
        }
    });
}

#[test]
fn a_value_that_cannot_be_made_is_named_though_others_wait_for_its_end() {
    within_deadline("failing chain", || {
        let client = Client::with_runtime(Smol::new()).threads(2).local().wait().unwrap();
        let error = client.compute_with(&chain(&Arc::default(), Some(100)), ordered()).wait().unwrap_err();
        assert!(error.to_string().contains("large-100"), "{error}");
    });
}

#[test]
fn what_the_last_taker_of_a_value_lacks_comes_for_its_sake_if_it_is_small() {
    let values: Vec<_> = (0..20).map(|_| delayed_with(Hints::new().nbytes(1 << 20), || vec![0_u8; 10], ())).collect();
    let small = || Hints::new().nbytes(8);
    let table = delayed_with(small(), || 2_usize, ());
    let lengths: Vec<_> =
        values.iter().map(|value| delayed_with(small(), |value: Arc<Vec<u8>>| value.len(), value)).collect();
    let scaled: Vec<_> = values
        .iter()
        .map(|value| {
            let factor = delayed_with(small(), |factor: usize| factor + 1, &table);
            delayed_with(small(), |value: Arc<Vec<u8>>, factor: usize| value.len() * factor, (value, factor))
        })
        .collect();
    let sum = |numbers: &Vec<_>| delayed_with(small(), |numbers: Vec<usize>| numbers.len(), numbers);
    // 20 lengths, 20 scaled ones, one value with its factor, and the table: not 20 values.
    let graph = Graph::of((sum(&lengths), sum(&scaled))).optimized(ordered());
    assert!(graph.peak_value_count() <= 43, "{}", graph.peak_value_count());
}

#[test]
fn a_map_and_a_reduction_hold_a_chain_for_each_level() {
    holds(4 * 4 + 2, 4 * 4 + 2, |live| {
        let loaded = (0..256).map(|_| source(live));
        let mapped = loaded.map(|x| of(live, vec![of(live, vec![x])])).collect();
        vec![tree(live, mapped, 4)]
    });
}

#[test]
fn two_reductions_of_one_collection_pass_over_it_once() {
    holds(2 * 10 + 2, 2 * 10 + 2, |live| {
        let chunks: Vec<_> = (0..256).map(|_| source(live)).collect();
        let sums = chunks.iter().map(|x| of(live, vec![x.clone()])).collect();
        let squares = chunks.iter().map(|x| of(live, vec![of(live, vec![x.clone()])])).collect();
        vec![tree(live, sums, 2), tree(live, squares, 2)]
    });
}

#[test]
fn neighbours_that_overlap_are_held_only_while_they_do() {
    // Each is taken by three; what is asked for goes into a reduction.
    holds(4 + 10, 4 + 10, |live| {
        let chunks: Vec<_> = (0..256).map(|_| source(live)).collect();
        let overlapped = chunks.windows(3).map(|some| of(live, some.to_vec())).collect();
        vec![tree(live, overlapped, 2)]
    });
}

#[test]
fn a_shuffle_holds_its_inputs_and_one_output() {
    // All 16 inputs are needed for the first output; the outputs are reduced as they come.
    holds(16 + 6, 5, |live| {
        let inputs: Vec<_> = (0..16).map(|_| source(live)).collect();
        let outputs = (0..16).map(|_| of(live, inputs.clone())).collect();
        vec![tree(live, outputs, 2)]
    });
}

/// The sums of products of a matrix product by blocks.
fn product(live: &Arc<Live>, n: usize) -> Vec<Delayed<Value>> {
    let blocks = || -> Vec<Vec<_>> { (0..n).map(|_| (0..n).map(|_| source(live)).collect()).collect() };
    let (a, b) = (blocks(), blocks());
    let sums = (0..n * n).map(|place| {
        let (i, j) = (place / n, place % n);
        let products = (0..n).map(|k| of(live, vec![a[i][k].clone(), b[k][j].clone()]));
        tree(live, products.collect(), 2)
    });
    vec![tree(live, sums.collect(), 2)]
}

#[test]
fn a_product_by_blocks_holds_its_factors_and_a_row_of_products() {
    // The blocks of both factors, and what is in flight. Other threads begin at other rows.
    holds(2 * 6 * 6 + 6, 2 * 6 * 6, |live| product(live, 6));
}

#[test]
fn with_a_priority_the_order_is_strict() {
    let planned = Graph::of(product(&Arc::default(), 6)).optimized(ordered()).peak_value_count();
    assert!(planned < 2 * 6 * 6, "{planned}");
    // On one thread. Of several, one that the system holds up lets the others go ahead of it.
    within_deadline("strict", move || {
        let peak = peak(1, 1, |live| product(live, 6));
        // The last of those that take a value has ended before the value goes.
        assert!(peak <= planned + 2, "{peak} values are held, not {planned}");
    });
}

/// Also in a graph of which only a part would be submitted at once from outside.
#[test]
fn inside_a_task_what_can_run_from_the_start_begins_in_the_order_of_the_graph() {
    const SOURCES: i32 = 5000;
    let begun = Arc::new(Mutex::new(Vec::new()));
    let source = |i| {
        let begun = Arc::clone(&begun);
        let begin = move |i: i32| {
            begun.lock().unwrap().push(i);
            i
        };
        delayed(begin, i)
    };
    let sum = delayed(|all: Vec<i32>| all.len(), (0..SOURCES).map(source).collect::<Vec<_>>());
    let (blocking, awaiting) = (sum.clone(), sum);
    let compute = |sum: &Delayed<usize>| Ok::<_, Error>(TaskContext::current()?.client()?.compute_with(sum, ordered()));
    let client = Client::with_runtime(Smol::new()).threads(1).local().wait().unwrap();
    let blocking = client.submit(fallible(move || compute(&blocking)?.wait()), ());
    assert_eq!(blocking.timeout(DEADLINE).wait().unwrap(), SOURCES as usize);
    let awaiting = fallible(asynchronous(move || {
        let sum = compute(&awaiting);
        async move { sum?.await }
    }));
    assert_eq!(client.submit(awaiting, ()).timeout(DEADLINE).wait().unwrap(), SOURCES as usize);
    let begun = begun.lock().unwrap();
    assert!(begun.chunks(SOURCES as usize).all(|of_one| of_one.iter().copied().eq(0..SOURCES)), "{begun:?}");
}
