//! What computing and persisting give.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anydask::graph::Collection;
use anydask::{Delayed, Optimize, Options, TaskFuture, asynchronous, delayed, fallible, task};

use crate::support::{AnyOf, Counts, Setting, on_every_runtime};

#[task]
fn inc(x: i64) -> i64 {
    x + 1
}

#[task(name = "halve-if-even")]
fn halve(x: i64) -> Result<i64, String> {
    if x % 2 == 0 { Ok(x / 2) } else { Err(format!("{x} is odd")) }
}

fn add(x: i64, y: i64) -> i64 {
    x + y
}

/// A lazy call that counts how often it is made.
fn counting(calls: &Arc<AtomicUsize>) -> Delayed<i64> {
    let calls = Arc::clone(calls);
    delayed(move || calls.fetch_add(1, Ordering::SeqCst) as i64, ())
}

async fn a_lazy_call_gives_a_future_at_once<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let z = delayed(add, (&delayed(inc, 1), 2));
    let future: TaskFuture<i64> = client.compute(&z);
    assert_eq!(on.take(future).await.unwrap(), 4);
}

async fn arguments_are_values_lazy_calls_futures_and_vectors_of_them<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let (a, b) = (client.submit(inc, 1), delayed(inc, 10));
    let sum = |all: Vec<i64>| all.iter().sum::<i64>();
    let shared = |x: Arc<i64>, all: Vec<Arc<i64>>| *x + all.iter().map(|x| **x).sum::<i64>();
    let lazy = (
        delayed(add, (&a, b.clone())),
        delayed(add, (a.clone(), &b)),
        delayed(sum, vec![1, 2]),
        delayed(sum, vec![&b, &b]),
        delayed(sum, [a.clone(), a.clone()]),
        delayed(shared, (&b, &[a.clone(), a.clone()])),
        delayed(shared, (Arc::new(1), vec![b.clone(), b])),
    );
    let expected = (13, 13, 3, 22, 4, 15, 23);
    for optimize in [Optimize::new(), Optimize::none()] {
        assert_eq!(on.get(client.gather(client.compute_with(&lazy, optimize))).await.unwrap(), expected);
    }
}

async fn several_come_in_the_arrangement_in_which_they_are_given<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let x = delayed(inc, 1);
    let there = client.submit(inc, 5);
    let map = BTreeMap::from([("x", x.clone())]);
    let (one, many, map, future, number, text) =
        client.compute((&x, vec![(&x, [&x, &x])], &map, &there, 7, "as it is"));
    assert_eq!(
        on.get(client.gather((one, many, map))).await.unwrap(),
        (2, vec![(2, [2, 2])], BTreeMap::from([("x", 2)]))
    );
    assert_eq!((future.key(), number, text), (there.key(), 7, "as it is"));
}

async fn what_several_need_is_run_once<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    for optimize in [Optimize::new(), Optimize::none()] {
        let calls = Arc::default();
        let x = counting(&calls);
        let many: Vec<_> = (0..10).map(|i| delayed(add, (&x, delayed(add, (&x, i))))).collect();
        let total = delayed(|all: Vec<i64>| all.iter().sum::<i64>(), &many);
        let (many, total) = client.compute_with((&many, &total), optimize);
        assert_eq!(on.take(total).await.unwrap(), 45);
        assert_eq!(on.get(client.gather(many)).await.unwrap(), (0..10).collect::<Vec<_>>());
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }
}

async fn computing_twice_runs_twice_unless_it_was_persisted<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let calls = Arc::default();
    let x = counting(&calls);
    assert_eq!(on.take(client.compute(&x)).await.unwrap(), 0);
    assert_eq!(on.take(client.compute(&x)).await.unwrap(), 1);

    let kept = client.persist(&x);
    let y = delayed(inc, &kept);
    assert_eq!(on.get(client.gather(client.compute((&kept, &y, &y)))).await.unwrap(), (2, 3, 3));
    assert_eq!(on.take(client.compute(y)).await.unwrap(), 3);
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

async fn persisted_values_go_with_what_holds_them<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let counts = Counts::new();
    let lazy = {
        let counts = counts.clone();
        delayed(move || counts.make(7), ())
    };
    let kept = client.persist(&lazy);
    let value = delayed(|x: Arc<_>| crate::support::Counted::value(&x), &kept);
    assert_eq!(on.take(client.compute(&value)).await.unwrap(), 7);
    drop(kept);
    assert_eq!(counts.alive(), 1);
    drop(value);
    on.until("the value is gone", || counts.alive() == 0).await;
    assert_eq!(counts.cloned(), 0);
}

async fn asynchronous_and_fallible_calls_are_nodes_too<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let length = delayed(asynchronous(|text: String| async move { text.len() as i64 }), "four".to_owned());
    let half = delayed(halve, delayed(inc, delayed(inc, &length)));
    let parsed = delayed(fallible(|text: &str| text.parse::<i64>()), "39");
    assert_eq!(on.take(client.compute(delayed(add, (half, parsed)))).await.unwrap(), 42);
}

async fn options_are_for_the_whole_graph<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let patient = client.with(Options::new().retries(2));
    for optimize in [Optimize::new(), Optimize::none()] {
        let calls = [Arc::new(AtomicUsize::new(0)), Arc::default()];
        // Each fails twice. As one task they fail four times in all.
        let flaky = calls.each_ref().map(|calls| {
            let calls = Arc::clone(calls);
            fallible(move |x: i64| match calls.fetch_add(1, Ordering::SeqCst) {
                0 => Err("not yet"),
                _ => Ok(x + 1),
            })
        });
        let [first, second] = flaky;
        let lazy = delayed(second, delayed(first, 1));
        assert_eq!(on.take(patient.compute_with(&lazy, optimize)).await.unwrap(), 3);
    }
}

async fn registered_tasks_are_submitted_as_such<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let half = client.compute(delayed(halve, 4));
    assert!(half.key().starts_with("halve-if-even-"), "{}", half.key());
    // One task of two nodes has the name of the last.
    let half = client.compute(delayed(halve, delayed(inc, 3)));
    assert!(half.key().starts_with("halve-if-even-"), "{}", half.key());
    assert_eq!(on.take(half).await.unwrap(), 2);
}

/// Two halves of something, of which only the first is needed for the whole.
struct Halves {
    first: Delayed<i64>,
    second: Delayed<String>,
}

impl Collection for Halves {
    type Output = i64;
    type Parts = (Delayed<i64>, Delayed<String>);

    fn parts(&self) -> Self::Parts {
        (self.first.clone(), self.second.clone())
    }

    fn finalize(&self) -> Delayed<i64> {
        delayed(inc, &self.first)
    }

    fn rebuild(&self, (first, second): Self::Parts) -> Self {
        Self { first, second }
    }
}

async fn a_collection_of_the_users_is_computed_and_persisted<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let calls = Arc::default();
    let halves = Halves { first: counting(&calls), second: delayed(|| "two".to_owned(), ()) };
    let kept = client.persist(&halves);
    let futures = client.compute((&kept, [&kept, &kept], &kept.second));
    assert_eq!(on.get(client.gather(futures)).await.unwrap(), (1, [1, 1], "two".to_owned()));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

async fn parts_that_nobody_needs_run_only_without_culling<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let calls = Arc::default();
    let second = {
        let calls: Arc<AtomicUsize> = Arc::clone(&calls);
        delayed(move || format!("{}", calls.fetch_add(1, Ordering::SeqCst)), ())
    };
    let halves = Halves { first: delayed(inc, 1), second };
    assert_eq!(on.take(client.compute(&halves)).await.unwrap(), 3);
    assert_eq!(calls.load(Ordering::SeqCst), 0);

    assert_eq!(on.take(client.compute_with(&halves, Optimize::new().cull(false))).await.unwrap(), 3);
    on.until("the other half has run", || calls.load(Ordering::SeqCst) == 1).await;
}

async fn a_task_computes_a_graph<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let inner = client.clone();
    let body = move || {
        let parts: Vec<_> = (0..20).map(|i| delayed(inc, i)).collect();
        inner.compute(delayed(|parts: Vec<i64>| parts.iter().sum::<i64>(), parts)).wait()
    };
    assert_eq!(on.take(client.submit(fallible(body), ())).await.unwrap(), 210);
}

on_every_runtime! {
    a_lazy_call_gives_a_future_at_once;
    arguments_are_values_lazy_calls_futures_and_vectors_of_them;
    several_come_in_the_arrangement_in_which_they_are_given;
    what_several_need_is_run_once;
    computing_twice_runs_twice_unless_it_was_persisted;
    persisted_values_go_with_what_holds_them;
    asynchronous_and_fallible_calls_are_nodes_too;
    options_are_for_the_whole_graph;
    registered_tasks_are_submitted_as_such;
    a_collection_of_the_users_is_computed_and_persisted;
    parts_that_nobody_needs_run_only_without_culling;
    a_task_computes_a_graph;
}
