//! Bags against iterators.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs};

use anydask::runtime::Smol;
use anydask::{Bag, Client, Delayed, Error, Graph, LinesError, Optimize, bag, fallible, task};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::{AnyOf, Counted, Counts, Setting, on_every_runtime};

/// How many bags are drawn, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 100;

fn client() -> Client<Smol> {
    Client::with_runtime(Smol::new()).threads(2).local().wait().unwrap()
}

#[test]
fn random_bags_give_what_iterators_give() {
    let cases = env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let items = || prop::collection::vec(-20_i64..20, 0..200);
    let client = client();
    let drawn = TestRunner::new(config).run(&(items(), items(), 0_usize..12, 0_usize..30), |drawn| {
        let (items, others, partitions, count) = drawn;
        for optimize in [Optimize::new(), Optimize::none()] {
            check(&client, &items, &others, partitions, count, optimize);
        }
        Ok(())
    });
    if let Err(error) = drawn {
        panic!("{error}");
    }
}

fn check(client: &Client<Smol>, items: &[i64], others: &[i64], partitions: usize, count: usize, optimize: Optimize) {
    let bag = Bag::new(items.to_vec(), partitions);
    let other = Bag::new(others.to_vec(), partitions / 2);
    let all = |bag: &Bag<i64>| client.compute_with(bag, optimize).wait().unwrap();
    let one = |lazy: Delayed<i64>| client.compute_with(&lazy, optimize).wait().unwrap();
    let iter = || items.iter().copied();

    assert_eq!(all(&bag), items);
    assert_eq!(all(&bag.map(|x| 2 * x)), iter().map(|x| 2 * x).collect::<Vec<_>>());
    assert_eq!(all(&bag.filter(|x| x % 3 == 0)), iter().filter(|x| x % 3 == 0).collect::<Vec<_>>());
    assert_eq!(all(&bag.flat_map(|x| 0..x)), iter().flat_map(|x| 0..x).collect::<Vec<_>>());
    assert_eq!(all(&bag.chain(&other)), iter().chain(others.iter().copied()).collect::<Vec<_>>());
    assert_eq!(one(bag.fold(0, |sum, x| sum + x * x, |a, b| a + b)), iter().map(|x| x * x).sum::<i64>());
    // Neither a sum nor a maximum: one that tells in which order it was combined.
    let digits = bag.map(|x| vec![x]).reduce(|mut a, b| {
        a.extend(b);
        a
    });
    assert_eq!(client.compute_with(digits, optimize).wait().unwrap(), (!items.is_empty()).then(|| items.to_vec()));
    assert_eq!(client.compute_with(bag.count(), optimize).wait().unwrap(), items.len());
    let first = client.compute_with(bag.take(count), optimize).wait().unwrap();
    assert_eq!(first, iter().take(count).collect::<Vec<_>>());

    let groups = client.compute_with(&bag.group_by(|x| x % 5), optimize).wait().unwrap();
    let mut expected = BTreeMap::<i64, Vec<i64>>::new();
    iter().for_each(|x| expected.entry(x % 5).or_default().push(x));
    assert_eq!(groups.len(), expected.len(), "a key has two groups");
    assert_eq!(groups.into_iter().collect::<BTreeMap<_, _>>(), expected);

    let mut joined = client.compute_with(&bag.join(&other, |x| x % 7, |y| y % 7), optimize).wait().unwrap();
    let pairs = iter().flat_map(|x| others.iter().filter(move |y| x % 7 == *y % 7).map(move |y| (x, *y)));
    let mut expected: Vec<_> = pairs.collect();
    joined.sort();
    expected.sort();
    assert_eq!(joined, expected);

    // Registered tasks, and whatever else a submit takes, do the same in the same order.
    assert_eq!(all(&bag.filter_task(|x: i64| x % 3 == 0)), all(&bag.filter(|x| x % 3 == 0)));
    assert_eq!(all(&bag.flat_map_task(|x: i64| (0..x).collect::<Vec<_>>())), all(&bag.flat_map(|x| 0..x)));
    let squares = |sum: i64, x: i64| sum + x * x;
    let sums = [bag.fold_task(0, squares, |a: i64, b: i64| a + b), bag.fold(0, squares, |a, b| a + b)];
    assert_eq!(one(sums[0].clone()), one(sums[1].clone()));
    let fifth = |x: i64| x % 5;
    let groups = [bag.group_by_task(fifth), bag.group_by(move |x| fifth(*x))];
    let [of_tasks, of_closures] = groups.map(|groups| client.compute_with(&groups, optimize).wait().unwrap());
    assert_eq!(of_tasks, of_closures);
    let pairs = [bag.join_task(&other, fifth, fifth), bag.join(&other, move |x| fifth(*x), move |x| fifth(*x))];
    let [of_tasks, of_closures] = pairs.map(|pairs| client.compute_with(&pairs, optimize).wait().unwrap());
    assert_eq!(of_tasks, of_closures);

    let mut distinct = all(&bag.distinct());
    distinct.sort();
    assert_eq!(distinct, iter().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>());
    let counts = client.compute_with(&bag.frequencies(), optimize).wait().unwrap();
    let mut expected = BTreeMap::new();
    iter().for_each(|x| *expected.entry(x).or_insert(0_usize) += 1);
    assert_eq!(counts.len(), expected.len());
    assert_eq!(counts.into_iter().collect::<BTreeMap<_, _>>(), expected);
}

#[test]
fn operations_in_a_row_are_one_task_for_each_partition() {
    let rows = Bag::new(0..100, 10).map(|x| x + 1).filter(|x| x % 2 == 0).flat_map(|x| [x, x]);
    assert_eq!((rows.graph().node_count(), rows.graph().edge_count()), (40, 30));
    let graph = rows.graph().optimized(Optimize::new());
    assert_eq!((graph.node_count(), graph.edge_count()), (10, 0));
    assert_eq!(graph.names()[0], "given+map+filter+flat_map");
}

#[test]
fn each_kind_of_function_maps_items() {
    #[task]
    async fn halved(x: i64) -> Result<i64, String> {
        if x % 2 == 0 { Ok(x / 2) } else { Err(format!("{x} is odd")) }
    }

    let client = client();
    let parsed = bag(["1", "20"]).map_task(fallible(|text: &'static str| text.parse::<i64>()));
    assert_eq!(client.compute(&parsed.map_task(|x: i64| 2 * x).map_task(halved)).wait().unwrap(), [1, 20]);
    // One failure of a partition is enough.
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = {
        let calls = Arc::clone(&calls);
        fallible(move |x: i64| if calls.fetch_add(1, Ordering::SeqCst) < 2 { Ok(x) } else { Err("the third") })
    };
    let failed = client.compute(&Bag::new(0..10, 1).map_task(counted)).wait().unwrap_err();
    assert!(format!("{failed:?}").contains("the third") && calls.load(Ordering::SeqCst) == 3, "{failed:?}");
    let failed = client.compute(&Bag::new([2, 3, 5], 1).map_task(halved)).wait().unwrap_err();
    assert!(matches!(&failed, Error::Failed { key, .. } if key.starts_with("halved-")), "{failed:?}");
    assert!(format!("{failed:?}").contains("3 is odd"), "{failed:?}");
}

#[test]
fn a_reduction_is_a_tree() {
    // 100 partitions, 13 and 2 combined results, and the last.
    let graph = Bag::new(0..100, 100).reduce(|a, b| a + b).graph().optimized(Optimize::new());
    assert_eq!((graph.node_count(), graph.edge_count()), (100 + 13 + 2 + 1, 100 + 13 + 2));
    assert!(graph.peak_value_count() <= 3 * 8 + 1, "{}", graph.peak_value_count());
}

#[test]
fn items_are_moved_along_and_not_cloned() {
    let counts = Counts::new();
    let rows = {
        let counts = counts.clone();
        Bag::new(0..100, 4).map(move |x| counts.make(x)).filter(|x| x.value() % 2 == 0).map(|x| x)
    };
    let client = client();
    // Given away, since what is kept is cloned.
    let all = client.gather(client.compute(&rows)).wait().unwrap();
    assert_eq!(all.iter().map(Counted::value).sum::<i64>(), 2450);
    assert_eq!((counts.alive(), counts.cloned()), (50, 0));
}

#[test]
fn an_empty_bag_is_empty_however_it_is_looked_at() {
    let client = client();
    for bag in [bag(Vec::<i64>::new()), Bag::from_partitions([])] {
        assert_eq!(client.compute(&bag).wait().unwrap(), [0; 0]);
        assert_eq!(client.compute(bag.count()).wait().unwrap(), 0);
        assert_eq!(client.compute(bag.reduce(|a, b| a + b)).wait().unwrap(), None);
        assert_eq!(client.compute(bag.fold(7, |a, b| a + b, |a, b| a + b)).wait().unwrap(), 7);
        assert_eq!(client.compute(bag.take(3)).wait().unwrap(), [0; 0]);
        assert_eq!(client.compute(&bag.group_by(|x| *x)).wait().unwrap(), []);
        assert_eq!(client.compute(&bag.join(&bag, |x| *x, |x| *x)).wait().unwrap(), []);
        assert_eq!(client.compute(&bag.distinct()).wait().unwrap(), [0; 0]);
    }
}

#[test]
fn a_shuffle_puts_groups_in_the_same_places_each_time() {
    let groups = Bag::new(0..1000, 7).group_by(|x| x % 50);
    let run = || {
        let client = client();
        let futures = client.compute(groups.partitions());
        futures.into_iter().map(|future| future.wait().unwrap()).collect::<Vec<_>>()
    };
    let (first, second) = (run(), run());
    assert_eq!(format!("{first:?}"), format!("{second:?}"));
}

async fn a_persisted_bag_keeps_its_partitions<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let calls = Arc::new(AtomicUsize::new(0));
    let rows = {
        let calls = Arc::clone(&calls);
        Bag::new(0..20, 5).map(move |x| {
            calls.fetch_add(1, Ordering::SeqCst);
            x * x
        })
    };
    let kept = client.persist(&rows);
    assert_eq!(on.take(client.compute(kept.count())).await.unwrap(), 20);
    assert_eq!(on.take(client.compute(kept.reduce(i32::max))).await.unwrap(), Some(361));
    assert_eq!(calls.load(Ordering::SeqCst), 20);
    assert_eq!(Graph::of(kept.partitions()).node_count(), 5);
}

async fn what_fails_in_one_partition_fails_what_needs_it<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let numbers = Bag::new(["1", "2", "three", "4"], 2).try_map(|text| text.parse::<i64>());
    let error = on.error(&client.compute(&numbers)).await;
    assert!(matches!(&error, Error::Failed { key, .. } if key.starts_with("try_map-")), "{error:?}");
    assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
    let partitions = client.compute(numbers.partitions());
    assert_eq!(on.get(client.gather_ok(&partitions)).await.unwrap(), [[1, 2]]);
    // As a step of a longer task it says so.
    let error = on.error(&client.compute(&numbers.map(|x| -x))).await;
    assert!(error.to_string().starts_with("task `try_map in map-"), "{error}");
}

on_every_runtime! {
    a_persisted_bag_keeps_its_partitions;
    what_fails_in_one_partition_fails_what_needs_it;
}

/// A file of this test's, gone with it.
struct TextFile(PathBuf);

impl TextFile {
    fn new(name: &str, text: impl AsRef<[u8]>) -> Self {
        let path = env::temp_dir().join(format!("anydask-{}-{name}", std::process::id()));
        fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for TextFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn lines_are_read_file_by_file_or_block_by_block() {
    let client = client();
    let text = "first\r\n\nthird is longer\näöü\nthe last has no end";
    let (file, empty) = (TextFile::new("lines.txt", text), TextFile::new("empty.txt", ""));
    let paths = || [&file.0, &empty.0, &file.0];
    let expected: Vec<String> = [text, text].iter().flat_map(|text| text.lines()).map(str::to_owned).collect();

    let lines = Bag::from_lines(paths());
    assert_eq!(lines.partition_count(), 3);
    assert_eq!(client.compute(&lines).wait().unwrap(), expected);
    for nbytes in 0..60 {
        let lines = Bag::from_lines_in_blocks(paths(), nbytes).unwrap();
        assert_eq!(client.compute(&lines).wait().unwrap(), expected, "in blocks of {nbytes}");
    }
    assert_eq!(Bag::from_lines_in_blocks(paths(), 10).unwrap().partition_count(), 2 * text.len().div_ceil(10) + 1);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = client().compute(&Bag::from_lines(["no-such-file"])).wait().unwrap_err();
    let lines = error.downcast_ref::<LinesError>().unwrap();
    assert_eq!(lines.path().to_str(), Some("no-such-file"));
    assert!(Bag::from_lines_in_blocks(["no-such-file"], 10).unwrap_err().to_string().contains("no-such-file"));

    let file = TextFile::new("latin1.txt", b"caf\xe9\n");
    let error = client().compute(&Bag::from_lines([&file.0])).wait().unwrap_err();
    assert!(error.downcast_ref::<LinesError>().unwrap().to_string().contains("not UTF-8"), "{error:?}");
}
