//! Graphs that are deep: nothing recurses over them.

use std::sync::Arc;

use anydask::runtime::Smol;
use anydask::{Client, Delayed, Graph, Optimize, delayed};

use crate::support::within_deadline;

/// A stack holds some ten thousand frames. The longest takes some 5 s where nothing is optimised.
const DEPTH: i64 = 1_000_000;

fn inc(x: i64) -> i64 {
    x + 1
}

fn chain(depth: i64) -> Delayed<i64> {
    (1..depth).fold(delayed(inc, 0), |x, _| delayed(inc, x))
}

#[test]
fn a_chain_of_a_million_nodes_is_built_computed_and_dropped() {
    within_deadline("a_chain_of_a_million_nodes", || {
        let client = Client::with_runtime(Smol::new()).threads(1).local().wait().unwrap();
        let end = chain(DEPTH);
        assert_eq!(client.compute(&end).wait().unwrap(), DEPTH);
    });
}

#[test]
fn a_chain_that_is_not_fused_is_as_many_tasks() {
    within_deadline("a_chain_of_tasks", || {
        let client = Client::with_runtime(Smol::new()).threads(1).local().wait().unwrap();
        let end = chain(DEPTH / 5);
        assert_eq!(client.compute_with(&end, Optimize::new().fuse(false)).wait().unwrap(), DEPTH / 5);
    });
}

#[test]
fn a_deep_graph_is_dropped_by_two_at_once() {
    within_deadline("a_deep_graph_is_dropped", || {
        let trunk = chain(DEPTH / 2);
        let branches: Vec<_> = (0..2).map(|_| (0..DEPTH / 4).fold(trunk.clone(), |x, _| delayed(inc, x))).collect();
        drop(trunk);
        std::thread::scope(|scope| branches.into_iter().for_each(|branch| _ = scope.spawn(|| drop(branch))));
    });
}

#[test]
fn a_deep_graph_of_pairs_is_ordered() {
    within_deadline("a_deep_graph_of_pairs", || {
        let add = |x: Arc<i64>, y: Arc<i64>| x.wrapping_add(*y);
        let mut pair = [delayed(|| 1, ()), delayed(|| 1, ())];
        for _ in 0..DEPTH / 10 {
            let [x, y] = &pair;
            pair = [delayed(add, (x, y)), delayed(add, (y, x))];
        }
        let client = Client::with_runtime(Smol::new()).threads(1).local().wait().unwrap();
        let graph = Graph::of(&pair).optimized(Optimize::new());
        assert!(graph.peak_value_count() <= 4, "{}", graph.peak_value_count());
        let [x, y] = client.gather(client.compute(&pair)).wait().unwrap();
        assert_eq!(x, y);
    });
}
