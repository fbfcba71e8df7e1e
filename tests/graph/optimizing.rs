//! The graphs that each optimisation gives.

use anydask::graph::{Collection, Hints, Lazy, Merge, delayed_with};
use anydask::runtime::Smol;
use anydask::{Client, Delayed, Graph, Optimize, asynchronous};

use crate::support::Event;

/// Only one of them.
const CULL: Optimize = Optimize::none().cull(true);
const FUSE: Optimize = Optimize::none().fuse(true);
const BLOCKWISE: Optimize = Optimize::none().blockwise(true);

fn named(name: &str) -> Delayed<i64> {
    delayed_with(Hints::new().name(name), || 1, ())
}

fn of_one(name: &str, x: &Delayed<i64>) -> Delayed<i64> {
    delayed_with(Hints::new().name(name), |x: i64| x, x)
}

fn of_two(name: &str, x: &Delayed<i64>, y: &Delayed<i64>) -> Delayed<i64> {
    delayed_with(Hints::new().name(name), |x: i64, y: i64| x + y, (x, y))
}

/// The same as blockwise nodes.
fn block(name: &str) -> Delayed<i64> {
    delayed_with(Hints::new().name(name).blockwise(), || 1, ())
}

fn block_of_one(name: &str, x: &Delayed<i64>) -> Delayed<i64> {
    delayed_with(Hints::new().name(name).blockwise(), |x: i64| x, x)
}

fn block_of_two(name: &str, x: &Delayed<i64>, y: &Delayed<i64>) -> Delayed<i64> {
    delayed_with(Hints::new().name(name).blockwise(), |x: i64, y: i64| x + y, (x, y))
}

/// A collection whose whole needs one of its parts.
struct FirstOf(Vec<Delayed<i64>>);

impl Collection for FirstOf {
    type Output = i64;
    type Parts = Vec<Delayed<i64>>;

    fn parts(&self) -> Self::Parts {
        self.0.clone()
    }

    fn finalize(&self) -> Delayed<i64> {
        self.0[0].clone()
    }

    fn rebuild(&self, parts: Self::Parts) -> Self {
        Self(parts)
    }
}

#[test]
fn a_graph_tells_its_nodes_and_edges() {
    let x = named("x");
    let (y, z) = (of_one("y", &x), of_one("z", &x));
    let graph = of_two("sum", &y, &z).graph();
    assert_eq!((graph.node_count(), graph.edge_count()), (4, 4));
    assert_eq!(graph.names(), ["x", "y", "z", "sum"]);
    // Taking something twice is one edge.
    assert_eq!(of_two("twice", &x, &x).graph().edge_count(), 1);
}

#[test]
fn culling_leaves_out_what_nobody_asked_for() {
    let parts = ["a", "b", "c"].map(|name| of_one(&format!("{name}2"), &named(name)));
    let graph = Graph::of(&FirstOf(parts.into()));
    assert_eq!((graph.node_count(), graph.edge_count()), (6, 3));
    assert_eq!(graph.optimized(Optimize::none()).node_count(), 6);
    assert_eq!(graph.optimized(CULL).names(), ["a", "a2"]);
}

#[test]
fn a_chain_is_one_task() {
    let end = (0..9).fold(named("0"), |x, i| of_one(&format!("{}", i + 1), &x));
    let graph = end.graph();
    assert_eq!(graph.optimized(FUSE).names(), ["0+1+2+3+4+5+6+7+8+9"]);
    assert_eq!(graph.optimized(Optimize::new().fuse(false)).node_count(), 10);
}

#[test]
fn what_was_asked_for_stays_a_task_of_its_own() {
    let x = named("x");
    let y = of_one("y", &x);
    let z = of_one("z", &y);
    assert_eq!(Graph::of((&y, &z)).optimized(FUSE).names(), ["x+y", "z"]);
}

#[test]
fn what_several_take_stays_a_task_of_its_own() {
    let x = of_one("x", &named("w"));
    let (y, z) = (of_one("y", &x), of_one("z", &x));
    let sum = of_two("sum", &of_one("y2", &y), &z);
    assert_eq!(sum.graph().optimized(FUSE).names(), ["w+x", "z", "y+y2", "sum"]);
}

#[test]
fn what_could_run_at_once_is_not_fused() {
    let sum = of_two("sum", &named("x"), &named("y"));
    assert_eq!(sum.graph().optimized(FUSE).node_count(), 3);
}

#[test]
fn what_could_run_while_a_future_is_awaited_is_not_fused() {
    let client = Client::with_runtime(Smol::new()).threads(1).local().wait().unwrap();
    let gate = Event::default();
    let slow = client.submit(
        {
            let gate = gate.clone();
            move || {
                gate.wait();
                1
            }
        },
        (),
    );
    let graph = of_two("b", &named("a"), &slow.clone().into()).graph();
    assert_eq!(graph.optimized(FUSE).names(), ["a", "future", "b"]);
    gate.set();
    slow.wait().unwrap();
    assert_eq!(graph.optimized(FUSE).names(), ["future", "a+b"]);
}

#[test]
fn asynchronous_calls_and_those_that_say_so_are_not_fused() {
    let slow = delayed_with(Hints::new().name("slow"), asynchronous(|x: i64| async move { x }), named("x"));
    let own = delayed_with(Hints::new().name("own").fuse(false), |x: i64| x, of_one("y", &slow));
    let end = of_one("end", &own);
    assert_eq!(end.graph().optimized(Optimize::new()).names(), ["x", "slow", "y", "own", "end"]);
}

#[test]
fn elementwise_operations_are_one_task_for_each_chunk() {
    let ends: Vec<_> = (0..4)
        .map(|i| {
            // (x + 1) * (x + y)
            let (x, y) = (block(&format!("x{i}")), block(&format!("y{i}")));
            block_of_two("mul", &block_of_one("inc", &x), &block_of_two("add", &x, &y))
        })
        .collect();
    let graph = Graph::of(&ends);
    assert_eq!((graph.node_count(), graph.edge_count()), (20, 20));
    let blockwise = graph.optimized(BLOCKWISE);
    assert_eq!((blockwise.node_count(), blockwise.edge_count()), (4, 0));
    assert_eq!(blockwise.names()[0], "x0+y0+inc+add+mul");
    // There are no chains: each `mul` and each `add` takes from two, and each `x` goes to two.
    assert_eq!(graph.optimized(FUSE).node_count(), 20);
}

#[test]
fn a_value_for_all_chunks_is_not_fused_into_one_of_them() {
    let mean = block("mean");
    let ends = [0, 1].map(|i| block_of_two("sub", &block(&format!("x{i}")), &mean));
    let graph = Graph::of(&ends).optimized(BLOCKWISE);
    assert_eq!(graph.names(), ["mean", "x0+sub", "x1+sub"]);
    assert_eq!(graph.edge_count(), 2);
}

#[test]
fn a_chunk_that_goes_into_a_reduction_as_well_is_not_fused() {
    let chunks: Vec<_> = (0..3).map(|i| block(&format!("x{i}"))).collect();
    let sums: Vec<_> = chunks.iter().map(|x| block_of_one("sum", &block_of_one("square", x))).collect();
    let total = delayed_with(Hints::new().name("total"), |sums: Vec<i64>| sums.iter().sum::<i64>(), &sums);
    let scaled: Vec<_> = chunks.iter().map(|x| block_of_two("scale", x, &total)).collect();
    let graph = Graph::of(&scaled).optimized(BLOCKWISE);
    // Three chunks, three of their sums, the total, and what it scales.
    assert_eq!((graph.node_count(), graph.edge_count()), (10, 3 + 3 + 6));
    // Without the second use, each chunk is part of its sum.
    assert_eq!(
        total.graph().optimized(BLOCKWISE).names(),
        vec!["x0+square+sum", "x1+square+sum", "x2+square+sum", "total"]
    );
}

#[test]
fn optimising_twice_is_optimising_once() {
    let chunks: Vec<_> = (0..6).map(|i| block_of_one("inc", &block(&format!("x{i}")))).collect();
    let pairs: Vec<_> = chunks.chunks(2).map(|pair| of_two("pair", &pair[0], &pair[1])).collect();
    let end = delayed_with(Hints::new().name("end"), |pairs: Vec<i64>| pairs.len(), &pairs);
    let once = end.graph().optimized(Optimize::new());
    assert_eq!(once.optimized(Optimize::new()).to_dot(), once.to_dot());
    // In two steps it comes to the same.
    let steps = end.graph().optimized(BLOCKWISE).optimized(FUSE).optimized(Optimize::none().order(true));
    assert_eq!(steps.to_dot(), once.to_dot());
}

/// Merges wrongly: what it gives takes from something that neither of the two took from.
#[derive(Debug)]
struct Stray {
    takes_from_input: bool,
}

impl Merge for Stray {
    fn merge(&self, _: &Lazy, input: &Lazy) -> Option<Lazy> {
        let elsewhere = if self.takes_from_input { input.downcast()? } else { named("elsewhere") };
        Some(of_one("merged", &elsewhere).into())
    }
}

#[test]
fn what_takes_from_elsewhere_is_not_merged() {
    let client = Client::<Smol>::local().wait().unwrap();
    for takes_from_input in [false, true] {
        let hints = Hints::new().name("three times").merge(Stray { takes_from_input });
        let x = delayed_with(hints, |x: i64| 3 * x, of_one("input", &named("one")));
        assert_eq!(Graph::of(&x).optimized(Optimize::new()).names(), ["one+input+three times"]);
        assert_eq!(client.compute(&x).wait().unwrap(), 3);
    }
    client.close().wait().unwrap();
}
