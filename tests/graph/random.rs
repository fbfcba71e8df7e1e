//! Random graphs: they give what their calls give when they are made directly, whatever is done to them before.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anydask::graph::{Hints, delayed_with};
use anydask::runtime::Smol;
use anydask::{Client, Delayed, Graph, Optimize, Options, asynchronous};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::{Counted, Counts};

/// How many graphs are drawn, unless `PROPTEST_CASES` says otherwise. Each is computed in 16 ways.
const CASES: u32 = 150;

#[derive(Clone, Debug)]
struct Node {
    /// Of the nodes before, as shares of their number.
    inputs: Vec<prop::sample::Index>,
    kind: Kind,
    is_blockwise: bool,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Moved,
    Shared,
    Asynchronous,
    /// There already, since it was persisted.
    Persisted,
}

fn graphs() -> impl Strategy<Value = (Vec<Node>, Vec<prop::sample::Index>)> {
    let kind = prop_oneof![
        5 => Just(Kind::Moved),
        3 => Just(Kind::Shared),
        1 => Just(Kind::Asynchronous),
        1 => Just(Kind::Persisted),
    ];
    let inputs = prop::collection::vec(any::<prop::sample::Index>(), 0..4);
    let node = (inputs, kind, any::<bool>());
    let node = node.prop_map(|(inputs, kind, is_blockwise)| Node { inputs, kind, is_blockwise });
    (prop::collection::vec(node, 1..40), prop::collection::vec(any::<prop::sample::Index>(), 1..6))
}

fn value_of(place: usize, inputs: impl IntoIterator<Item = i64>) -> i64 {
    inputs.into_iter().fold(place as i64 + 1, |value, input| value.wrapping_mul(31).wrapping_add(input))
}

fn all_optimizations() -> impl Iterator<Item = Optimize> {
    (0..16).map(|bits| {
        let has = |bit: u32| bits & 1 << bit != 0;
        Optimize::new().cull(has(0)).fuse(has(1)).blockwise(has(2)).order(has(3))
    })
}

fn check(client: &Client<Smol>, nodes: &[Node], wanted: &[prop::sample::Index], optimize: Optimize) {
    let counts = Counts::new();
    let calls: Arc<Vec<AtomicUsize>> = Arc::new(nodes.iter().map(|_| AtomicUsize::new(0)).collect());
    let (mut lazy, mut values, mut sources) = (Vec::<Delayed<Counted>>::new(), Vec::new(), Vec::new());
    for (place, node) in nodes.iter().enumerate() {
        let inputs: Vec<usize> =
            if place == 0 { Vec::new() } else { node.inputs.iter().map(|i| i.index(place)).collect() };
        values.push(value_of(place, inputs.iter().map(|input| values[*input])));
        let hints = if node.is_blockwise { Hints::new().blockwise() } else { Hints::new() };
        let given: Vec<_> = inputs.iter().map(|input| &lazy[*input]).collect();
        let (calls, counts) = (Arc::clone(&calls), counts.clone());
        let call = move |inputs: &mut dyn Iterator<Item = i64>| {
            calls[place].fetch_add(1, Ordering::SeqCst);
            counts.make(value_of(place, inputs))
        };
        let made = match node.kind {
            Kind::Moved | Kind::Persisted => {
                delayed_with(hints, move |inputs: Vec<Counted>| call(&mut inputs.iter().map(Counted::value)), given)
            }
            Kind::Shared => delayed_with(
                hints,
                move |inputs: Vec<Arc<Counted>>| call(&mut inputs.iter().map(|input| input.value())),
                given,
            ),
            Kind::Asynchronous => delayed_with(
                hints,
                asynchronous(move |inputs: Vec<Counted>| {
                    let value = call(&mut inputs.iter().map(Counted::value));
                    async move { value }
                }),
                given,
            ),
        };
        lazy.push(if matches!(node.kind, Kind::Persisted) { client.persist(made) } else { made });
        sources.push(inputs);
    }
    let wanted: Vec<usize> = wanted.iter().map(|index| index.index(nodes.len())).collect();
    let asked: Vec<_> = wanted.iter().map(|place| &lazy[*place]).collect();

    let is_persisted = |place: usize| matches!(nodes[place].kind, Kind::Persisted);
    // What a computation needs: nothing beyond what was persisted.
    let reached = |roots: &[usize]| {
        let mut reached: BTreeSet<usize> = roots.iter().copied().collect();
        let mut path: Vec<usize> = reached.iter().copied().collect();
        while let Some(place) = path.pop() {
            if !is_persisted(place) {
                path.extend(sources[place].iter().filter(|input| reached.insert(**input)));
            }
        }
        reached
    };
    let mut expected = vec![0_usize; nodes.len()];
    let needed = reached(&wanted);
    let persisted: Vec<usize> = (0..nodes.len()).filter(|place| is_persisted(*place)).collect();
    needed.iter().filter(|place| !is_persisted(**place)).for_each(|place| expected[*place] += 1);
    for place in &persisted {
        expected[*place] += 1;
        let reached = reached(&sources[*place]);
        reached.iter().filter(|place| !is_persisted(**place)).for_each(|place| expected[*place] += 1);
    }

    let graph = Graph::of(asked.clone());
    assert_eq!(graph.optimized(Optimize::none()).node_count(), needed.len());
    let optimized = graph.optimized(optimize);
    // Each node is in exactly one task.
    let mut names: Vec<_> = optimized.names().iter().flat_map(|name| name.split('+').map(str::to_owned)).collect();
    let mut before = graph.names();
    names.sort();
    before.sort();
    assert_eq!(names, before);

    let futures = client.compute_with(asked, optimize);
    let shared: Vec<_> = futures.iter().map(|future| future.shared().wait().unwrap().value()).collect();
    assert_eq!(shared, wanted.iter().map(|place| values[*place]).collect::<Vec<_>>());
    let persisted: Vec<_> = persisted.iter().map(|place| client.compute(&lazy[*place])).collect();
    client.wait(&persisted).wait().unwrap();
    drop((futures, persisted, lazy, graph, optimized));
    let calls: Vec<_> = calls.iter().map(|calls| calls.load(Ordering::SeqCst)).collect();
    assert_eq!(calls, expected, "how often each node ran");
    client.close().wait().unwrap();
    assert_eq!(counts.alive(), 0, "a value is left");
}

#[test]
fn random_graphs_give_what_their_calls_give() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let drawn = TestRunner::new(config).run(&(graphs(), 1_usize..3, -1..2), |((nodes, wanted), threads, priority)| {
        for optimize in all_optimizations() {
            let client = Client::with_runtime(Smol::new()).threads(threads).local().wait().unwrap();
            check(&client.with(Options::new().priority(priority)), &nodes, &wanted, optimize);
        }
        Ok(())
    });
    if let Err(error) = drawn {
        panic!("{error}");
    }
}
