//! Tasks that are named after their contents.

use anydask::{Error, Status, asynchronous};

use crate::several_clients::two;
use crate::support::{AnyOf, Setting, on_every_runtime};
use crate::{Counter, add, double, inc, sum};

on_every_runtime! {
    equal_work_is_done_once;
    other_work_has_another_key;
    a_graph_of_pure_tasks_is_one_graph;
    pure_maps_are_compared_item_by_item;
    what_can_not_be_compared_is_refused;
    a_chosen_key_is_the_beginning;
    it_is_shared_by_clients;
    it_is_done_anew_once_nobody_holds_it;
}

async fn equal_work_is_done_once<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (_occupant, release) = on.occupy(&client).await;
    let all: Vec<_> = (0..10).map(|_| client.task(inc, 1).pure().submit()).collect();
    assert!(all.iter().all(|future| future.key() == all[0].key() && future.key().starts_with("inc-")));
    assert_eq!((client.info().queued, client.info().tasks), (1, 2));
    release.set();
    assert_eq!(on.get(client.gather(&all)).await.unwrap(), [2; 10]);
    // Late comers have the value at once.
    assert_eq!(client.task(inc, 1).pure().submit().status(), Status::Finished);
}

async fn other_work_has_another_key<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let input = client.submit(inc, 1);
    let futures = [
        client.task(inc, 1).pure().submit(),
        client.task(inc, 2).pure().submit(),
        client.task(double, 1).pure().submit(),
        client.task(add, (1, 2)).pure().submit(),
        client.task(add, (2, 1)).pure().submit(),
        client.task(add, (12, 0)).pure().submit(),
        client.task(inc, &input).pure().submit(),
        client.task(add, (&input, 1)).pure().submit(),
        client.task(add, (1, &input)).pure().submit(),
        client.task(sum, vec![1, 2]).pure().submit(),
        client.task(sum, vec![12]).pure().submit(),
        client.task(sum, vec![&input, &input]).pure().submit(),
        client.task(sum, vec![&input]).pure().submit(),
        client.submit(inc, 1),
    ];
    let keys: std::collections::BTreeSet<_> = futures.iter().map(|future| future.key()).collect();
    assert_eq!(keys.len(), futures.len());
    let values = on.get(client.gather(&futures)).await.unwrap();
    assert_eq!(values, [2, 3, 2, 3, 3, 12, 3, 3, 3, 3, 12, 4, 2, 2]);
}

async fn a_graph_of_pure_tasks_is_one_graph<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    // An input that has been used up is another task when it is submitted again.
    let (_occupant, release) = on.occupy(&client).await;
    let graph = || {
        let a = client.task(inc, 1).pure().submit();
        let b = client.task(double, &a).pure().submit();
        client.task(add, (a, &b)).pure().submit()
    };
    let (first, second) = (graph(), graph());
    assert_eq!(first.key(), second.key());
    assert_eq!(client.info().tasks, 4);
    release.set();
    assert_eq!(on.get(client.gather((&first, &second))).await.unwrap(), (6, 6));
}

async fn pure_maps_are_compared_item_by_item<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let first = client.tasks(inc, [1, 2, 1]).pure().submit();
    assert_eq!(first[0].key(), first[2].key());
    assert_ne!(first[0].key(), first[1].key());
    assert_eq!(on.get(client.gather(&first)).await.unwrap(), [2, 3, 2]);
    assert_eq!(client.info().tasks, 2);
}

async fn what_can_not_be_compared_is_refused<R: AnyOf>(on: Setting<R>) {
    struct Unknown;

    let client = on.client(1).await;
    let captured = 1;
    let counter = Counter::new();
    let refused = [
        client.task(move |x: i64| x + captured, 1).pure().submit(),
        client.task(|_: Unknown| 1, Unknown).pure().submit(),
        client.task(|_: i64, _: Unknown| 1, (1, Unknown)).pure().submit(),
        client.task(asynchronous(move |_: i64| std::future::ready(counter.add() as i64)), 1).pure().submit(),
    ];
    for future in &refused {
        assert_eq!(future.status(), Status::Error, "at once");
        let error = on.error(future).await;
        assert!(matches!(error, Error::NotPure { .. }) && error.to_string().contains("key"), "{error:?}");
    }
    assert_eq!(client.info().tasks, 0);
    let pure = client.task(|x: f64| x.abs(), f64::NAN).pure().submit();
    assert!(on.value(&pure).await.unwrap().is_nan());
}

async fn a_chosen_key_is_the_beginning<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let [a, b] = [1, 2].map(|x| client.task(inc, x).key("chosen").pure().submit());
    assert!(a.key().starts_with("chosen-") && b.key().starts_with("chosen-") && a.key() != b.key());
    assert_eq!(on.get(client.gather((&a, &b))).await.unwrap(), (2, 3));
    // A number at the end of a key that somebody else has chosen may make it too long.
    let long = client.task(inc, 1).key("k".repeat(512)).pure().submit();
    assert!(on.value(&long).await.is_ok() || matches!(on.error(&long).await, Error::InvalidKey { .. }));
}

async fn it_is_shared_by_clients<R: AnyOf>(on: Setting<R>) {
    let (c, f) = two(&on, 1).await;
    let (_occupant, release) = on.occupy(&c).await;
    let [a, b] = [&c, &f].map(|client| client.task(inc, 1).pure().submit());
    assert_eq!((a.key() == b.key(), c.info().queued), (true, 1));
    a.cancel();
    release.set();
    assert_eq!(on.value(&b).await.unwrap(), 2);
}

async fn it_is_done_anew_once_nobody_holds_it<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let first = client.task(inc, 1).pure().submit();
    let key = first.key();
    on.take(first).await.unwrap();
    on.until("it is gone", || client.info().tasks == 0).await;
    let (_occupant, release) = on.occupy(&client).await;
    let again = client.task(inc, 1).pure().submit();
    assert_eq!((again.key(), again.status()), (key, Status::Pending));
    release.set();
    assert_eq!(on.value(&again).await.unwrap(), 2);
}
