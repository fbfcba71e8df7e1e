//! What can be given where a task function takes a value.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anydask::TaskFuture;

use crate::support::{AnyOf, Counted, Counts, Setting, on_every_runtime};

on_every_runtime! {
    a_task_takes_up_to_eight_arguments;
    each_of_several_arguments_may_be_a_value_or_a_future;
    a_future_goes_where_a_value_goes;
    vectors_slices_and_arrays_of_futures_go_where_a_vector_goes;
    an_empty_vector_of_futures_is_an_empty_vector;
    an_arc_shares_the_value_of_a_future_without_a_clone;
    a_vector_of_arcs_shares_the_values_of_futures;
    a_value_that_is_no_future_can_be_an_arc;
    the_last_handle_moves_its_value_into_the_task;
    an_input_that_is_still_held_is_cloned_once_for_each_task;
    one_future_may_be_given_twice;
    a_future_of_a_future_is_a_value_like_any_other;
    a_chain_passes_the_value_on;
}

fn add(x: i64, y: i64) -> i64 {
    x + y
}

async fn a_task_takes_up_to_eight_arguments<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let none = client.submit(|| 0, ());
    let one = client.submit(|a: i64| a, 1);
    let two = client.submit(|a: i64, b: i64| a + b, (1, 2));
    let three = client.submit(|a: i64, b: i64, c: i64| a + b + c, (1, 2, 3));
    let four = client.submit(|a: i64, b: i64, c: i64, d: i64| a + b + c + d, (1, 2, 3, 4));
    let five = client.submit(|a: i64, b: i64, c: i64, d: i64, e: i64| a + b + c + d + e, (1, 2, 3, 4, 5));
    let six = client.submit(|a: i64, b: i64, c: i64, d: i64, e: i64, f: i64| a + b + c + d + e + f, (1, 2, 3, 4, 5, 6));
    let seven = client.submit(
        |a: i64, b: i64, c: i64, d: i64, e: i64, f: i64, g: i64| a + b + c + d + e + f + g,
        (1, 2, 3, 4, 5, 6, 7),
    );
    let eight = client.submit(
        |a: i64, b: i64, c: i64, d: i64, e: i64, f: i64, g: i64, h: i64| a + b + c + d + e + f + g + h,
        (1, 2, 3, 4, 5, 6, 7, 8),
    );
    let sums = on.get(client.gather([none, one, two, three, four, five, six, seven, eight])).await.unwrap();
    assert_eq!(sums, [0, 1, 3, 6, 10, 15, 21, 28, 36]);
}

async fn each_of_several_arguments_may_be_a_value_or_a_future<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let (number, text) = (client.submit(|| 7_u8, ()), client.submit(|| "seven".to_owned(), ()));
    let many = client.map(|x: i64| x * x, 0..3);
    let told = client.submit(
        |number: u8, name: &'static str, text: String, many: Vec<i64>, shared: Arc<String>| {
            format!("{number} {name} {text} {many:?} {shared}")
        },
        (&number, "is", text.clone(), &many, text),
    );
    assert_eq!(on.value(&told).await.unwrap(), "7 is seven [0, 1, 4] seven");
}

async fn a_future_goes_where_a_value_goes<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let a: TaskFuture<i64> = client.submit(|x: i64| x + 1, 10);
    let by_reference = client.submit(add, (&a, 5));
    let by_value = client.submit(add, (5, a));
    let both = client.submit(add, (&by_reference, by_value));
    let bare = client.submit(|x: i64| x * 2, &both);
    assert_eq!(on.value(&by_reference).await.unwrap(), 16);
    assert_eq!(on.value(&both).await.unwrap(), 32);
    assert_eq!(on.value(&bare).await.unwrap(), 64);
}

async fn vectors_slices_and_arrays_of_futures_go_where_a_vector_goes<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let digits = |digits: Vec<i64>| digits.into_iter().fold(0, |number, digit| number * 10 + digit);
    let many = client.map(|x: i64| x, 1..4);
    let [a, b, c] = [&many[0], &many[1], &many[2]];
    let given = [
        client.submit(digits, many.clone()),
        client.submit(digits, &many),
        client.submit(digits, &many[1..]),
        client.submit(digits, [a.clone(), b.clone()]),
        client.submit(digits, &[b.clone(), c.clone()]),
        client.submit(digits, vec![c, b, a]),
        client.submit(digits, many.iter().rev().collect::<Vec<_>>()),
        client.submit(digits, vec![4, 5]),
    ];
    assert_eq!(on.get(client.gather(given)).await.unwrap(), [123, 123, 23, 12, 23, 321, 321, 45]);
}

async fn an_empty_vector_of_futures_is_an_empty_vector<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let none = Vec::<TaskFuture<i64>>::new();
    let count = client.submit(|values: Vec<i64>| values.len(), &none);
    assert_eq!(on.value(&count).await.unwrap(), 0);
}

async fn an_arc_shares_the_value_of_a_future_without_a_clone<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let counts = Counts::new();
    let source = counts.clone();
    let big = client.submit(move || source.make(5), ());
    let read = client.map(|big: Arc<Counted>, x: i64| big.value() * x, (0..10).map(|x| (&big, x)));
    let read = on.get(client.gather(read)).await.unwrap();
    assert_eq!(read, (0..10).map(|x| 5 * x).collect::<Vec<_>>());
    assert_eq!(counts.cloned(), 0);

    // Of a type that cannot be cloned at all.
    let counter = client.submit(|| AtomicI64::new(1), ());
    let add = |counter: Arc<AtomicI64>, x: i64| counter.fetch_add(x, Ordering::SeqCst);
    let adds = client.map(add, (1..=4).map(|x| (&counter, x)));
    on.get(client.gather(adds)).await.unwrap();
    assert_eq!(on.get(counter.shared()).await.unwrap().load(Ordering::SeqCst), 11);
}

async fn a_vector_of_arcs_shares_the_values_of_futures<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let counters = client.map(AtomicI64::new, 0..4);
    let sum = |counters: Vec<Arc<AtomicI64>>| counters.iter().map(|n| n.load(Ordering::SeqCst)).sum::<i64>();
    assert_eq!(on.take(client.submit(sum, &counters)).await.unwrap(), 6);
    assert_eq!(on.take(client.submit(sum, counters)).await.unwrap(), 6);
}

async fn a_value_that_is_no_future_can_be_an_arc<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let values = Arc::new(vec![1, 2, 3]);
    let sum = client.submit(|values: Arc<Vec<i64>>| values.iter().sum::<i64>(), Arc::clone(&values));
    assert_eq!(on.value(&sum).await.unwrap(), 6);
}

async fn the_last_handle_moves_its_value_into_the_task<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let counts = Counts::new();
    let source = counts.clone();
    let made = client.submit(move || source.make(3), ());
    let passed = client.submit(|counted: Counted| counted, made);
    let taken = client.submit(|counted: Counted| counted.value(), passed);
    assert_eq!(on.value(&taken).await.unwrap(), 3);
    assert_eq!((counts.cloned(), counts.alive()), (0, 0));
}

async fn an_input_that_is_still_held_is_cloned_once_for_each_task<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let counts = Counts::new();
    let source = counts.clone();
    let made = client.submit(move || source.make(3), ());
    let read = client.map(|counted: Counted| counted.value(), vec![&made; 5]);
    assert_eq!(on.get(client.gather(&read)).await.unwrap(), [3; 5]);
    assert_eq!((counts.cloned(), counts.alive()), (5, 1));
    assert_eq!(on.get(made.shared()).await.unwrap().value(), 3);
}

async fn one_future_may_be_given_twice<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let (occupant, release) = on.occupy(&client).await;
    let a = client.submit(|| 21, ());
    let b = client.submit(add, (&a, a.clone()));
    let c = client.submit(|xs: Vec<i64>| xs.iter().sum::<i64>(), vec![&a; 100]);
    drop(a);
    release.set();
    assert_eq!(on.take(b).await.unwrap(), 42);
    assert_eq!(on.take(c).await.unwrap(), 2100);
    on.take(occupant).await.unwrap();
}

async fn a_future_of_a_future_is_a_value_like_any_other<R: AnyOf>(on: Setting<R>) {
    let client = on.client(1).await;
    let inner_client = client.clone();
    let outer = client.submit(move |x: i64| inner_client.submit(|x: i64| x + 1, x), 10);
    let inner: TaskFuture<i64> = on.take(outer).await.unwrap();
    assert_eq!(on.value(&inner).await.unwrap(), 11);
}

async fn a_chain_passes_the_value_on<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let mut last = client.submit(|| 0, ());
    for _ in 0..5_000 {
        last = client.submit(|x: i64| x + 1, last);
    }
    assert_eq!(on.take(last).await.unwrap(), 5_000);
}
