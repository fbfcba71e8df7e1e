//! A09 to A16: submission.

use std::collections::BTreeSet;
use std::sync::Arc;

use anydask::{Error, Status, TaskFuture, fallible};

use crate::support::{AnyOf, Event, Setting, on_every_runtime};
use crate::{Counter, DivideByZero, add, div, inc, is_divide_by_zero, sum};

on_every_runtime! {
    a09_submit_gives_a_future_at_once;
    a10_map_over_values_futures_and_several_of_them;
    a11_pure_work_is_one_task;
    a12_a_map_with_retries_counts_for_each_item;
    a13_a_map_over_a_hundred_items;
    a_batch_is_handed_over_before_the_next_is_read;
    a14_a_list_of_futures_arrives_as_a_list_of_values;
    a15_a_map_is_as_long_as_its_shortest_input;
    a16_what_depends_on_a_failure_fails_with_its_error;
}

async fn a09_submit_gives_a_future_at_once<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let x = client.submit(inc, 10);
    assert!(!x.is_done());
    assert_eq!(x.status(), Status::Pending);
    release.set();
    assert_eq!(on.value(&x).await.unwrap(), 11);
    assert!(x.is_done());
    let y = client.submit(inc, 20);
    let z = client.submit(add, (&x, &y));
    assert_eq!(on.value(&z).await.unwrap(), 32);
}

async fn a10_map_over_values_futures_and_several_of_them<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let first = client.map(inc, 0..5);
    assert_eq!(first.iter().map(TaskFuture::key).collect::<BTreeSet<_>>().len(), 5);
    let second = client.map(inc, &first);
    assert_eq!(on.value(&second[1]).await.unwrap(), 3);
    assert_eq!(client.info().tasks, 10);
    let total = client.submit(sum, &second);
    let third = client.map(add, first.iter().zip(&second));
    assert_eq!(on.value(&first[0]).await.unwrap(), 1);
    assert_eq!(on.value(&second[1]).await.unwrap(), 3);
    assert_eq!(on.value(&total).await.unwrap(), 20);
    assert_eq!(on.value(&third[1]).await.unwrap(), 5);
    let fixed = client.map(add, (0..5).map(|x| (x, 5)));
    assert_eq!(on.get(client.gather(&fixed)).await.unwrap(), [5, 6, 7, 8, 9]);
    let twenty = client.submit(|| 20, ());
    let shared = client.map(add, (0..5).map(|x| (x, &twenty)));
    assert_eq!(on.get(client.gather(&shared)).await.unwrap(), [20, 21, 22, 23, 24]);
}

/// Nothing is hashed implicitly: the same work is one task when it is pure, or is given the same key.
async fn a11_pure_work_is_one_task<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let x = client.task(inc, 1).pure().submit();
    let y = client.task(inc, 1).pure().submit();
    assert_eq!((x.key(), x.status()), (y.key(), y.status()));
    let chosen = [(); 2].map(|()| client.task(inc, 1).key("inc-one").submit());
    assert_eq!(chosen[0].key(), chosen[1].key());
    assert_ne!(chosen[0].key(), x.key());
    assert_eq!((client.info().queued, client.info().tasks), (2, 3));
    release.set();
    assert_eq!(on.get(client.gather(&chosen)).await.unwrap(), [2, 2]);
    assert_eq!(on.get(client.gather((&x, &y))).await.unwrap(), (2, 2));
    assert_ne!(client.submit(inc, 1).key(), client.submit(inc, 1).key());
    assert_ne!(client.submit(inc, 1).key(), x.key());
}

async fn a12_a_map_with_retries_counts_for_each_item<R: AnyOf>(on: Setting<R>) {
    type Script = Arc<(Counter, [Result<i64, &'static str>; 3])>;

    fn varying(script: Script) -> Result<i64, &'static str> {
        script.1[script.0.add()]
    }

    let scripts = || -> Vec<Script> {
        let scripts = [[Err("1"), Ok(2), Ok(3)], [Ok(4), Ok(5), Ok(6)], [Err("7"), Err("8"), Ok(9)]];
        scripts.map(|script| Arc::new((Counter::new(), script))).into()
    };
    let client = on.client(2).await;
    let text = |error: &Error| std::error::Error::source(error).unwrap().to_string();
    for (retries, expected) in [
        (2, [Ok(2), Ok(4), Ok(9)]),
        (1, [Ok(2), Ok(4), Err("8".to_owned())]),
        (0, [Err("1".to_owned()), Ok(4), Err("7".to_owned())]),
    ] {
        let futures = client.tasks(fallible(varying), scripts()).retries(retries).submit();
        let results = on.get(client.gather_results(&futures)).await.unwrap();
        let results: Vec<_> = results.into_iter().map(|result| result.map_err(|error| text(&error))).collect();
        assert_eq!(results, expected, "{retries} retries");
    }
}

async fn a13_a_map_over_a_hundred_items<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let all = on.get(client.gather(client.tasks(inc, 0..100).batch(10).submit())).await.unwrap();
    assert_eq!(all, (1..=100).collect::<Vec<_>>());
    let all = on.get(client.gather(client.tasks(add, (0..100).zip(0..100)).batch(10).submit())).await.unwrap();
    assert_eq!(all, (0..100).map(|x| 2 * x).collect::<Vec<_>>());
    let all = on.get(client.gather(client.tasks(add, (100..200).zip(0..10)).batch(2).submit())).await.unwrap();
    assert_eq!(all, (0..10).map(|x| 100 + 2 * x).collect::<Vec<_>>());
    for batch in [0, 1, 7, 1000, usize::MAX] {
        let futures = client.tasks(inc, 0..100).batch(batch).key("many").submit();
        assert_eq!(futures[99].key(), "many-99");
        assert_eq!(on.get(client.gather(futures)).await.unwrap(), (1..=100).collect::<Vec<_>>());
    }
}

async fn a_batch_is_handed_over_before_the_next_is_read<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let ran = Event::new();
    let body = {
        let ran = ran.clone();
        move |x: i64| {
            if x == 2 {
                ran.set();
            }
            x
        }
    };
    // The iterator is at its fourth item, and what came before runs; the first three are read before any runs.
    let items = (0..6).inspect(|&x| match x {
        0..3 => assert_eq!(client.info().tasks, 0),
        3 => ran.wait(),
        _ => assert_eq!(client.info().tasks, 3),
    });
    let futures = client.tasks(body, items).batch(3).submit();
    assert_eq!(on.get(client.gather(futures)).await.unwrap(), (0..6).collect::<Vec<_>>());
    // Also from a task, and where the iterator panics: what was submitted before it did runs.
    let (inner, last) = (client.clone(), Event::new());
    let set = last.clone();
    let panics = client.submit(
        move || {
            let set = set.clone();
            let body = move |x: i64| {
                if x == 5 {
                    set.set();
                }
            };
            let submit = |x: i64| inner.submit(body.clone(), x).detach();
            let items = (0..9).inspect(|&x| if x < 8 { submit(x) } else { panic!("no ninth item") });
            inner.tasks(inc, items).batch(4).submit().len()
        },
        (),
    );
    assert!(matches!(on.error(&panics).await, Error::Panicked { .. }));
    on.passed(&last).await;
}

async fn a14_a_list_of_futures_arrives_as_a_list_of_values<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let mut scattered = Vec::new();
    for value in 1..=3 {
        scattered.push(on.get(client.scatter(value)).await.unwrap());
    }
    assert_eq!(on.take(client.submit(sum, &scattered)).await.unwrap(), 6);
    assert_eq!(on.take(client.submit(sum, scattered)).await.unwrap(), 6);
    let unchanged = client.submit(|list: Vec<i64>| list, vec![3, 1, 2]);
    assert_eq!(on.take(unchanged).await.unwrap(), [3, 1, 2]);
}

async fn a15_a_map_is_as_long_as_its_shortest_input<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let none = client.map(inc, Vec::<i64>::new());
    assert!(none.is_empty());
    assert!(on.get(client.gather(none)).await.unwrap().is_empty());
    assert!(client.tasks(inc, Vec::<i64>::new()).key("none").retries(1).submit().is_empty());
    let two = client.map(add, [1, 2].into_iter().zip([3, 4, 5]));
    assert_eq!(on.get(client.gather(two)).await.unwrap(), [4, 6]);
}

async fn a16_what_depends_on_a_failure_fails_with_its_error<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let runs = Counter::new();
    let counted = {
        let runs = runs.clone();
        move |x: i64| {
            runs.add();
            x + 1
        }
    };
    let (_occupant, release) = on.occupy(&client).await;
    let x = client.submit(fallible(div), (1, 0));
    let y = client.submit(counted.clone(), &x);
    let z = client.submit(counted.clone(), &y);
    release.set();
    for future in [&z, &y] {
        let error = on.error(future).await;
        assert!(is_divide_by_zero(&error), "{error:?}");
        assert_eq!(error.key(), Some(&x.key()));
    }
    // The same when the failure is there first.
    let late = client.submit(counted, &z);
    assert!(on.error(&late).await.downcast_ref::<DivideByZero>().is_some());
    assert_eq!(runs.get(), 0);
}
