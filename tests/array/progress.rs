//! How far a long computation has come.

use anydask::array;

use crate::support::client;

#[test]
fn every_task_of_a_graph_counts() {
    let x = array::random([100, 100], [10, 100]);
    let (mean, progress) = client().compute_with_progress(&x.mean());
    let last = progress.last().unwrap();
    assert_eq!((last.total, last.finished, last.pending), (11, 11, 0));
    assert!((mean.wait().unwrap() - 0.5).abs() < 0.1);
}

#[test]
fn what_fails_counts_as_failed_and_is_an_end() {
    let x = array::random([100, 100], [10, 0]);
    let (sum, progress) = client().compute_with_progress(&x.sum());
    let last = progress.last().unwrap();
    assert_eq!((last.failed, last.pending), (last.total, 0));
    assert!(sum.wait().is_err());
}

#[test]
fn persisted_blocks_count_one_by_one() {
    let (kept, progress) = client().persist_with_progress(&array::ones(10, 2));
    assert_eq!(progress.last().unwrap().finished, 5);
    assert_eq!(client().compute(&kept.sum()).wait().unwrap(), 10.0);
}
