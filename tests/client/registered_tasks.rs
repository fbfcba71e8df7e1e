//! `#[task]` in its three forms, each still callable as a function.

use std::num::ParseIntError;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anydask::{Error, TaskFuture, task};

use crate::support::{AnyOf, Setting, on_every_runtime};

on_every_runtime! {
    a_plain_task_runs_and_is_callable;
    a_result_makes_a_task_fallible;
    an_async_task_runs_on_the_runtime_and_is_callable;
    an_async_task_with_a_result_is_fallible;
    a_task_takes_none_to_eight_arguments;
    a_task_can_be_mapped_and_wrapped_in_closures;
    a_task_is_known_by_its_path_or_by_the_name_it_was_given;
    a_task_can_stand_anywhere;
    a_task_takes_what_functions_take;
}

/// Adds one.
#[task]
fn inc(x: i64) -> i64 {
    x + 1
}

#[task]
fn parse(text: String) -> Result<i64, ParseIntError> {
    text.parse()
}

#[task]
async fn length(text: String) -> usize {
    std::future::ready(text.len()).await
}

#[task]
async fn parse_later(text: String) -> Result<i64, ParseIntError> {
    std::future::ready(()).await;
    text.parse()
}

#[task(name = "a name: of its own")]
fn renamed() -> i64 {
    5
}

#[task]
fn nothing() {}

#[task]
#[allow(clippy::too_many_arguments)]
pub(crate) fn eight(a: i64, b: i64, c: i64, d: i64, e: i64, f: i64, g: i64, h: i64) -> i64 {
    a + b + c + d + e + f + g + h
}

#[task]
fn aliased(ok: bool) -> std::io::Result<i64> {
    if ok { Ok(1) } else { Err(std::io::ErrorKind::NotFound.into()) }
}

#[task]
fn patterns((a, b): (i64, i64), [c, .., d]: [i64; 3], mut e: i64, _: ()) -> i64 {
    e += a + b + c + d;
    e
}

async fn a_plain_task_runs_and_is_callable<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    assert_eq!(inc(1), 2);
    let one: TaskFuture<i64> = client.submit(inc, 1);
    let two = client.submit(inc, &one);
    assert_eq!(on.get(client.gather((one, two))).await.unwrap(), (2, 3));
    // It derefs to a function pointer, which is what iterators take.
    assert_eq!((1..4).map(*inc).sum::<i64>(), 9);
    on.take(client.submit(nothing, ())).await.unwrap();
}

async fn a_result_makes_a_task_fallible<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    assert_eq!(parse("1".to_owned()), Ok(1));
    let parsed: TaskFuture<i64> = client.submit(parse, "41".to_owned());
    assert_eq!(on.take(client.submit(inc, parsed)).await.unwrap(), 42);
    let failed = client.submit(parse, "x".to_owned());
    let error = on.error(&failed).await;
    assert!(error.downcast_ref::<ParseIntError>().is_some(), "{error:?}");
    assert_eq!(on.take(client.submit(aliased, true)).await.unwrap(), 1);
    let error = on.error(&client.submit(aliased, false)).await;
    assert!(error.downcast_ref::<std::io::Error>().is_some(), "{error:?}");
}

async fn an_async_task_runs_on_the_runtime_and_is_callable<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    // The only thread is taken.
    let asked: TaskFuture<usize> = client.submit(length, "eleven".to_owned());
    assert_eq!(on.take(asked).await.unwrap(), 6);
    let called = length("four".to_owned());
    assert_eq!(crate::support::spin_on(called), 4);
    release.set();
    on.take(occupant).await.unwrap();
}

async fn an_async_task_with_a_result_is_fallible<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let parsed: TaskFuture<i64> = client.submit(parse_later, "41".to_owned());
    assert_eq!(on.take(parsed).await.unwrap(), 41);
    let error = on.error(&client.submit(parse_later, "x".to_owned())).await;
    assert!(matches!(error, Error::Failed { .. }));
    assert!(error.downcast_ref::<ParseIntError>().is_some(), "{error:?}");
    assert_eq!(crate::support::spin_on(parse_later("7".to_owned())), Ok(7));
}

async fn a_task_takes_none_to_eight_arguments<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let one = client.submit(renamed, ());
    let sum = client.submit(eight, (&one, 1, &one, 1, 1, 1, 1, one.clone()));
    assert_eq!(on.take(sum).await.unwrap(), 20);
    assert_eq!(eight(1, 1, 1, 1, 1, 1, 1, 1), 8);
}

async fn a_task_can_be_mapped_and_wrapped_in_closures<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let incs = client.map(inc, 0..3);
    let again = client.map(inc, &incs);
    assert_eq!(on.get(client.gather(again)).await.unwrap(), [2, 3, 4]);
    let parsed = client.map(parse, ["1", "x"].map(String::from));
    assert_eq!(on.get(client.gather_ok(parsed)).await.unwrap(), [1]);
    let wrapped = client.submit(|x: i64| inc(inc(x)), 1);
    assert_eq!(on.take(wrapped).await.unwrap(), 3);
}

async fn a_task_is_known_by_its_path_or_by_the_name_it_was_given<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let plain = client.submit(inc, 1);
    assert!(plain.key().starts_with("inc-"), "{}", plain.key());
    let named = client.submit(renamed, ());
    assert!(named.key().contains("of its own"), "{}", named.key());
    on.get(client.gather((plain, named))).await.unwrap();
}

async fn a_task_can_stand_anywhere<R: AnyOf>(on: Setting<R>) {
    const FACTOR: i64 = 3;

    #[task]
    fn inside(x: i64) -> i64 {
        helper(x) * FACTOR
    }

    fn helper(x: i64) -> i64 {
        x + 1
    }

    let client = on.client(1).await;
    assert_eq!(inside(1), 6);
    assert_eq!(on.take(client.submit(inside, 1)).await.unwrap(), 6);
    assert_eq!(on.take(client.submit(nested::eight, ())).await.unwrap(), 8);
}

mod nested {
    use anydask::task;

    // Of the same name as one outside: the path tells them apart.
    #[task]
    pub(crate) fn eight() -> i64 {
        8
    }
}

async fn a_task_takes_what_functions_take<R: AnyOf>(on: Setting<R>) {
    #[task]
    fn shared(counter: Arc<AtomicI64>, all: Vec<i64>) -> i64 {
        counter.fetch_add(all.iter().sum(), Ordering::SeqCst)
    }

    let client = on.client(1).await;
    assert_eq!(on.take(client.submit(patterns, ((1, 2), [3, 0, 4], 5, ()))).await.unwrap(), 15);
    let counter = client.submit(|| AtomicI64::new(1), ());
    let all = client.map(inc, 0..3);
    assert_eq!(on.take(client.submit(shared, (&counter, &all))).await.unwrap(), 1);
    assert_eq!(on.get(counter.shared()).await.unwrap().load(Ordering::SeqCst), 7);
}
