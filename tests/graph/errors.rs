//! What goes wrong, and under whose name.

use std::sync::Arc;

use anydask::graph::{Hints, delayed_with};
use anydask::{Error, Optimize, delayed, fallible, task};

use crate::support::{AnyOf, Counts, Event, Setting, on_every_runtime};

#[task]
fn parse(text: String) -> Result<i64, std::num::ParseIntError> {
    text.parse()
}

#[task]
fn negate(x: i64) -> i64 {
    if x > 100 { panic!("{x} is too large") } else { -x }
}

#[task]
fn double(x: i64) -> i64 {
    2 * x
}

async fn a_failure_has_the_name_of_its_own_node<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    for (optimize, expected) in [(Optimize::none(), "parse-"), (Optimize::new(), "parse in double-")] {
        let lazy = delayed(double, delayed(negate, delayed(parse, "ten".to_owned())));
        let error = on.error(&client.compute_with(&lazy, optimize)).await;
        assert!(matches!(&error, Error::Failed { key, .. } if key.starts_with(expected)), "{error:?}");
        assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
    }
}

async fn a_panic_has_the_name_of_its_own_node<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    for (optimize, expected) in [(Optimize::none(), "negate-"), (Optimize::new(), "negate in double-")] {
        let lazy = delayed(double, delayed(negate, delayed(parse, "101".to_owned())));
        let error = on.error(&client.compute_with(&lazy, optimize)).await;
        let Error::Panicked { key, message, location } = &error else { panic!("{error:?}") };
        assert!(key.starts_with(expected), "{key}");
        assert_eq!(&**message, "101 is too large");
        assert!(location.as_deref().is_some_and(|location| location.contains("errors.rs")), "{location:?}");
    }
}

async fn a_node_that_was_given_a_name_fails_under_it<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let chunk = delayed_with(Hints::new().name("chunk(3, 1)"), fallible(|| Err::<i64, _>("no")), ());
    let error = on.error(&client.compute(&chunk)).await;
    assert!(error.to_string().starts_with("task `chunk(3, 1)-"), "{error}");
    let error = on.error(&client.compute(delayed(double, &chunk))).await;
    assert!(error.to_string().starts_with("task `chunk(3, 1) in double-"), "{error}");
}

async fn one_failure_leaves_the_rest_of_the_graph<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let numbers = ["1", "two", "3"].map(|text| delayed(parse, text.to_owned()));
    let doubled = client.compute(numbers.each_ref().map(|number| delayed(double, number)));
    assert_eq!(on.get(client.gather_ok(&doubled)).await.unwrap(), [2, 6]);
}

async fn a_foreign_future_is_refused<R: AnyOf>(on: Setting<R>) {
    let (client, other) = (on.client(1).await, on.client(1).await);
    let foreign = other.submit(double, 2);
    let kept = other.persist(delayed(double, 2));
    let lazy = [delayed(double, &foreign), delayed(double, delayed(double, &foreign)), delayed(double, &kept), kept];
    for future in client.compute(&lazy) {
        let error = on.error(&future).await;
        assert!(matches!(error, Error::ForeignFuture { .. }), "{error:?}");
    }
    assert_eq!(on.take(other.compute(&lazy[1])).await.unwrap(), 16);
}

async fn a_closed_client_refuses<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    on.get(client.close()).await.unwrap();
    let error = on.error(&client.compute(delayed(double, delayed(double, 1)))).await;
    assert!(matches!(error, Error::ClientClosed { operation: "compute" }), "{error:?}");
}

async fn a_graph_that_nobody_wants_any_more_is_given_up<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let counts = Counts::new();
    let make = {
        let counts = counts.clone();
        move |i: i64| counts.make(i)
    };
    let chunks: Vec<_> = (0..50).map(|i| delayed(make.clone(), i)).collect();
    let count = delayed(|chunks: Vec<Arc<crate::support::Counted>>| chunks.len(), &chunks);
    drop(client.compute(&count));
    release.set();
    assert_eq!(on.take(client.submit(double, 1)).await.unwrap(), 2);
    assert_eq!((counts.alive(), counts.cloned()), (0, 0));
}

async fn a_fused_task_that_is_cancelled_runs_no_further_step<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (begun, go_on, late) = (Event::new(), Event::new(), Event::new());
    let first = {
        let (begun, go_on) = (begun.clone(), go_on.clone());
        move || {
            begun.set();
            go_on.wait();
            1
        }
    };
    let second = {
        let late = late.clone();
        move |x: i64| {
            late.set();
            x
        }
    };
    let future = client.compute(delayed(second, delayed(first, ())));
    on.passed(&begun).await;
    drop(future);
    go_on.set();
    assert_eq!(on.take(client.submit(double, 1)).await.unwrap(), 2);
    assert!(!late.is_set());
}

on_every_runtime! {
    a_failure_has_the_name_of_its_own_node;
    a_panic_has_the_name_of_its_own_node;
    a_node_that_was_given_a_name_fails_under_it;
    one_failure_leaves_the_rest_of_the_graph;
    a_foreign_future_is_refused;
    a_closed_client_refuses;
    a_graph_that_nobody_wants_any_more_is_given_up;
    a_fused_task_that_is_cancelled_runs_no_further_step;
}
