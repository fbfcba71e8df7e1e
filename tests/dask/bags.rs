//! Bags on a cluster: they give what they give on the embedded engine, in the same order.

use anydask::{Bag, Delayed, Error, bag, delayed, python, task};
use serde::{Deserialize, Serialize};

use crate::everywhere::says;
use crate::graphs::embedded;
use crate::ground::{AnyOf, Ground, on_clusters};
use crate::tasks::{add, div, double_later, inc, parse, total};

on_clusters! {
    a_bag_gives_what_it_gives_on_the_embedded_engine;
    items_are_kept_flattened_and_folded;
    what_takes_no_function_needs_none;
    items_are_grouped_and_joined;
    pairs_and_groups_go_on;
    a_failing_function_of_a_bag_fails_what_needs_it;
    closures_of_bags_are_refused;
}

/// Numbers of a partition, sorted downwards.
#[task]
fn sorted_down(mut items: Vec<i64>) -> Vec<i64> {
    items.sort_unstable_by(|one, other| other.cmp(one));
    items
}

#[task]
fn up_to(end: i64) -> Vec<i64> {
    (0..end).collect()
}

#[task]
fn total_of_totals(totals: Vec<i64>) -> i64 {
    totals.iter().sum()
}

#[task]
fn is_even(x: i64) -> bool {
    x % 2 == 0
}

#[task]
async fn is_small(x: i64) -> Result<bool, String> {
    if x < 0 { Err(format!("{x} is negative")) } else { Ok(x < 20) }
}

#[task]
fn copies(x: i64) -> Vec<i64> {
    vec![x; x.rem_euclid(4) as usize]
}

#[task]
fn append(text: String, x: i64) -> String {
    format!("{text}({x})")
}

#[task]
fn concatenate(one: String, other: String) -> String {
    one + &other
}

#[task]
async fn append_later(text: String, x: i64) -> Result<String, String> {
    if x == 13 { Err("unlucky".to_owned()) } else { Ok(append(text, x)) }
}

/// Equal to one of other letters.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Letters(String);

impl PartialEq for Letters {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Letters {}

impl std::hash::Hash for Letters {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_ascii_lowercase().hash(state);
    }
}

#[task]
fn letters(text: String) -> Letters {
    Letters(text.chars().take(1).collect())
}

#[task]
fn last_digit(x: i64) -> u8 {
    x.rem_euclid(10) as u8
}

#[task]
async fn later_digit(x: i64) -> u8 {
    last_digit(x)
}

#[task]
fn one_key(_: i64) -> u8 {
    7
}

#[task]
fn no_key(x: i64) -> u8 {
    10 + last_digit(x)
}

#[task]
fn size((digit, items): (u8, Vec<i64>)) -> (u8, usize) {
    (digit, items.len())
}

#[task]
fn is_large((_, items): (u8, Vec<i64>)) -> bool {
    items.len() > 1
}

#[task]
fn sum_of_pair((x, y): (i64, i64)) -> i64 {
    x + y
}

/// Bags of the same numbers: in many partitions, in one, with empty ones, empty ones only, and without any.
fn bags_of_numbers() -> [Bag<i64>; 5] {
    let numbers = [5, 3, 12, 3, 4, 27, 8, 0, 5, 12, 5, 1];
    let empty = || delayed(up_to, 0);
    [
        Bag::new(numbers, 12),
        Bag::new(numbers, 1),
        Bag::from_partitions([empty(), delayed(up_to, 17), empty()]).chain(&Bag::new(numbers, 2)),
        Bag::from_partitions([empty(), empty()]),
        Bag::from_partitions([]),
    ]
}

async fn a_bag_gives_what_it_gives_on_the_embedded_engine<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let embedded = embedded(&on).await;
    let made = Bag::from_partitions((0..4).map(|end| delayed(up_to, end)));
    let numbers = bag(0..100_i64).map_task(inc).chain(&made.map_task(double_later)).map_partitions(sorted_down);
    let totals = |bag: &Bag<i64>| {
        let of_each: Vec<_> = bag.partitions().iter().map(|partition| delayed(total, partition)).collect();
        delayed(total_of_totals, of_each)
    };
    let expected = on.get(embedded.gather(embedded.compute((&numbers, totals(&numbers))))).await.unwrap();
    assert_eq!((expected.0.len(), expected.1), (106, 5050 + 2 * (1 + 1 + 2)));
    assert_eq!(on.get(client.gather(client.compute((&numbers, totals(&numbers))))).await.unwrap(), expected);

    let kept = client.persist(&numbers);
    let functions = "sorted({t.prefix.name for t in s.tasks.values() if t.state == 'memory'})";
    on.until_look(functions, r#"["sorted_down"]"#).await;
    assert_eq!(on.value(&client.compute(&kept)).await.unwrap(), expected.0);
    let empty = Bag::from_partitions([] as [Delayed<Vec<i64>>; 0]);
    assert_eq!(on.value(&client.compute(&empty)).await.unwrap(), [0; 0]);

    let lines = Bag::from_lines(["README.md"]);
    let read = on.value(&client.compute(&lines)).await.unwrap();
    assert_eq!(read, std::fs::read_to_string("README.md").unwrap().lines().collect::<Vec<_>>());

    let partitions = client.compute(bag(["1", "two"].map(str::to_owned)).map_task(parse).partitions());
    assert_eq!(on.value(&partitions[0]).await.unwrap(), [1]);
    let error = on.error(&partitions[1]).await;
    assert!(matches!(&error, Error::Failed { key, .. } if key.starts_with("parse-")), "{error:?}");
    says(&error, &["invalid digit found in string"]);
}

async fn items_are_kept_flattened_and_folded<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let embedded = embedded(&on).await;
    for (numbers, count) in bags_of_numbers().into_iter().zip([5, 5, 14, 0, 0]) {
        let lazy = || {
            let even = numbers.filter_task(is_even);
            let kept = (even.partitions().to_vec(), even.to_vec(), numbers.filter_task(is_small).to_vec());
            let flat = (numbers.flat_map_task(copies).to_vec(), even.flat_map_task(copies).to_vec());
            let texts = numbers.fold_task("-".to_owned(), append, concatenate);
            (
                kept,
                flat,
                (texts, even.fold_task(String::new(), append_later, concatenate), numbers.fold_task(0, add, add)),
            )
        };
        let expected = on.get(embedded.gather(embedded.compute(lazy()))).await.unwrap();
        assert_eq!(expected.0.1.len(), count);
        assert_eq!(on.get(client.gather(client.compute(lazy()))).await.unwrap(), expected);
    }
}

async fn what_takes_no_function_needs_none<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let embedded = embedded(&on).await;
    for numbers in bags_of_numbers() {
        let lazy = || {
            let taken = [0, 1, 7, 1000].map(|count| numbers.take(count)).to_vec();
            let distinct = (numbers.distinct().partitions().to_vec(), numbers.distinct().to_vec());
            (numbers.count(), taken, distinct, numbers.frequencies().to_vec(), numbers.chain(&numbers).to_vec())
        };
        let expected = on.get(embedded.gather(embedded.compute(lazy()))).await.unwrap();
        assert_eq!(on.get(client.gather(client.compute(lazy()))).await.unwrap(), expected);
    }
    let lines = Bag::from_lines_in_blocks(["README.md"], 1 << 12).unwrap();
    let lazy = || (lines.count(), lines.take(3), lines.distinct().to_vec(), lines.frequencies().to_vec());
    let expected = on.get(embedded.gather(embedded.compute(lazy()))).await.unwrap();
    assert!(expected.0 > 100 && expected.1.len() == 3);
    assert_eq!(on.get(client.gather(client.compute(lazy()))).await.unwrap(), expected);
}

async fn items_are_grouped_and_joined<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let embedded = embedded(&on).await;
    let others = Bag::new([13, 25, 3, 92, 3], 3);
    for numbers in bags_of_numbers() {
        let lazy = || {
            let groups = numbers.group_by_task(last_digit);
            let groups = (groups.partitions().to_vec(), groups.to_vec(), numbers.group_by_task(one_key).to_vec());
            let joined = numbers.join_task(&others, last_digit, later_digit);
            let all = numbers.join_task(&others, one_key, one_key).to_vec();
            let none = numbers.join_task(&others, last_digit, no_key).to_vec();
            (groups, (joined.partitions().to_vec(), joined.to_vec()), all, none)
        };
        let expected = on.get(embedded.gather(embedded.compute(lazy()))).await.unwrap();
        assert_eq!((expected.2.len() % 5, expected.3.len()), (0, 0));
        assert_eq!(on.get(client.gather(client.compute(lazy()))).await.unwrap(), expected);
        // Closures do it in the same order.
        let closures =
            (numbers.group_by(|x| last_digit(*x)), numbers.join(&others, |x| last_digit(*x), |x| last_digit(*x)));
        let of_closures = on.get(embedded.gather(embedded.compute((&closures.0, &closures.1)))).await.unwrap();
        assert_eq!(of_closures, (expected.0.1, expected.1.1));
    }

    // Keys are what their type says, not what their bytes are.
    let words = Bag::new(["ant", "Bee", "Ape", "bug", "cow"].map(str::to_owned), 5);
    let groups = words.group_by_task(letters);
    let expected = on.value(&embedded.compute(&groups)).await.unwrap();
    assert_eq!(expected.len(), 3);
    let written = |groups| format!("{groups:?}");
    assert_eq!(written(on.value(&client.compute(&groups)).await.unwrap()), written(expected));
}

async fn pairs_and_groups_go_on<R: AnyOf>(mut on: Ground<R>) {
    on.cluster.python_worker("py");
    let (client, _a, _b) = on.two_workers().await;
    let embedded = embedded(&on).await;
    let [numbers, ..] = bags_of_numbers();
    let groups = numbers.group_by_task(last_digit);
    let pairs = numbers.join_task(&numbers, last_digit, last_digit);
    let lazy = || {
        let sizes = groups.map_task(size).to_vec();
        let large = groups.filter_task(is_large);
        let counts = (groups.count(), pairs.count(), large.count(), numbers.frequencies().count());
        let sums = pairs.map_task(sum_of_pair).group_by_task(last_digit).map_task(size).to_vec();
        (sizes, large.to_vec(), counts, sums, groups.take(2), pairs.chain(&pairs).to_vec())
    };
    let expected = on.get(embedded.gather(embedded.compute(lazy()))).await.unwrap();
    assert_eq!(on.get(client.gather(client.compute(lazy()))).await.unwrap(), expected);
    let kept = client.persist(&pairs);
    assert_eq!(on.value(&client.compute(kept.chain(&kept).to_vec())).await.unwrap(), expected.5);

    // Nothing else has this type, so one who must know it does not.
    let unknown = numbers.join_task(&groups, last_digit, digit_of);
    assert!(!on.value(&client.compute(&unknown)).await.unwrap().is_empty());
    let error = on.error(&client.compute(unknown.take(1))).await;
    says(&error, &["take", "write a `#[task]` that takes or gives a `alloc::vec::Vec<(i64, (u8,"]);
    let length = delayed(python::<usize>("builtins:len"), &unknown.partitions()[0]);
    says(&on.error(&client.compute(&length)).await, &["no registered task has the type of what Python is to have"]);

    // What Python makes has the type that a task has.
    let made =
        (0..2).map(|_| delayed(python::<Vec<i64>>("builtins:list"), delayed(python::<Vec<i64>>("builtins:range"), 5)));
    let made = Bag::from_partitions(made);
    let lazy = (made.count(), made.take(7), made.filter_task(is_even).to_vec(), made.group_by_task(one_key).to_vec());
    let (count, taken, even, grouped) = on.get(client.gather(client.compute(lazy))).await.unwrap();
    assert_eq!((count, taken, even), (10, vec![0, 1, 2, 3, 4, 0, 1], vec![0, 2, 4, 0, 2, 4]));
    assert_eq!(grouped, [(7, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4].to_vec())]);
    drop((made, client));
    on.cluster.stop("py");
}

#[task]
fn digit_of((digit, _): (u8, Vec<i64>)) -> u8 {
    digit
}

#[task]
fn inverse(x: i64) -> Result<u8, String> {
    div(100, x).map(|x| x as u8)
}

async fn a_failing_function_of_a_bag_fails_what_needs_it<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let numbers = Bag::new([13, 1, -2, 0], 2);
    let error = on.error(&client.compute(&numbers.filter_task(is_small))).await;
    assert!(matches!(&error, Error::Failed { .. }), "{error:?}");
    says(&error, &["-2 is negative"]);
    let error = on.error(&client.compute(numbers.fold_task(String::new(), append_later, concatenate))).await;
    says(&error, &["unlucky"]);
    for error in [
        on.error(&client.compute(&numbers.group_by_task(inverse))).await,
        on.error(&client.compute(&numbers.join_task(&numbers, one_key, inverse))).await,
    ] {
        says(&error, &["division by zero"]);
    }
    let missing = Bag::from_lines(["no-such-file"]);
    says(&on.error(&client.compute(missing.count())).await, &["the lines of `no-such-file` could not be read"]);
}

async fn closures_of_bags_are_refused<R: AnyOf>(on: Ground<R>) {
    let _a = on.worker("a", 1).await;
    let client = on.client().await;
    let numbers = bag(0..10_i64);
    let refused = [
        (on.error(&client.compute(&numbers.map(|x| x + 1))).await, "give `Bag::map_task` a `#[task]` of one item, or"),
        (on.error(&client.compute(&numbers.try_map(Ok::<_, String>))).await, "give `Bag::map_task` a `#[task]`"),
        (on.error(&client.compute(&numbers.filter(|x| *x > 1))).await, "give `Bag::filter_task` a `#[task]`"),
        (on.error(&client.compute(&numbers.flat_map(|x| 0..x))).await, "give `Bag::flat_map_task` a `#[task]`"),
        (
            on.error(&client.compute(numbers.fold(0, |a, x| a + x, |a, b| a + b))).await,
            "give `Bag::fold_task` two `#[task]`s",
        ),
        (on.error(&client.compute(numbers.reduce(|a, b| a + b))).await, "give `Bag::fold_task` two `#[task]`s"),
        (on.error(&client.compute(&numbers.group_by(|x| *x))).await, "give `Bag::group_by_task` a `#[task]`"),
        (
            on.error(&client.compute(&numbers.join(&numbers, |x| *x, |x| *x))).await,
            "give `Bag::join_task` two `#[task]`s",
        ),
        (on.error(&client.compute(&numbers.map_task(|x: i64| x))).await, "make it a `#[task]` function"),
        (on.error(&client.compute(&numbers.filter_task(|x: i64| x > 1))).await, "make it a `#[task]` function"),
        (on.error(&client.compute(&numbers.group_by_task(|x: i64| x))).await, "make it a `#[task]` function"),
        (
            on.error(&client.compute(numbers.fold_task(0, |a: i64, x: i64| a + x, add))).await,
            "make it a `#[task]` function",
        ),
    ];
    for (error, fix) in refused {
        assert!(matches!(error, Error::NotPortable { .. }), "{error:?}");
        says(&error, &[fix]);
    }

    // Workers know a type by the tasks that have it.
    #[derive(Clone, Debug, PartialEq)]
    struct Unknown(u8);
    let error = on.error(&client.compute(&bag([Unknown(1)]))).await;
    says(&error, &["write a `#[task]` that takes or gives a `alloc::vec::Vec<", "Unknown>`"]);
}
