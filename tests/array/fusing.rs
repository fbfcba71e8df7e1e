//! What is fused: one pass over the elements of a block.

use anydask::array::{self, Generator};
use anydask::{Graph, Optimize};

use crate::support::{client, number, same, whole};

fn names(graph: Graph) -> Vec<String> {
    graph.optimized(Optimize::new()).names()
}

#[test]
fn creation_operations_and_reduction_of_a_block_are_one_task_of_one_step() {
    let x = Generator::new(1).random([4, 4], [2, 4]);
    let y = ((&x * 2.0 + 1.0).sqrt() - &x).sum();
    let graph = Graph::of(&y);
    assert_eq!(names(graph.clone()), ["random+sum[0, 0]", "random+sum[1, 0]", "combine[0, 0]+element_f64"]);
    assert!(graph.optimized(Optimize::none()).node_count() > 10);
    number(&y);
}

#[test]
fn reductions_are_the_same_bit_by_bit_whatever_is_fused() {
    // Longer than what a program takes at once, of however many steps it is.
    let x = Generator::new(5).normal(0.1, 3.0, [9001, 2], [4999, 2]);
    for y in [x.clone(), &x * 1.7, &x * 1.7 + 0.3, (&x * 1.7 + 0.3).abs().sqrt()] {
        for reduced in [y.sum(), y.mean(), y.var(0.0), y.std(1.0)] {
            let alone = client().compute_with(&reduced, Optimize::none()).wait().unwrap();
            assert_eq!(number(&reduced).to_bits(), alone.to_bits(), "{} and {alone}", number(&reduced));
        }
        let columns = y.sum_axes(0, false).unwrap();
        let alone = client().compute_with(&columns, Optimize::none()).wait().unwrap();
        assert!(same(&whole(&columns), &alone));
    }
}

#[test]
fn nothing_is_made_twice_for_the_sake_of_fusing() {
    let x = Generator::new(1).random(4, 2);
    let y = &x + 1.0;
    // Two reductions need it: it is made once, and they are not fused with it.
    let graph = Graph::of((&y.sum(), &y.max().unwrap())).optimized(Optimize::new());
    assert_eq!(graph.names().iter().filter(|name| name.contains("random")).count(), 2);
    assert_eq!(graph.node_count(), 2 + 4 + 2);
}

#[test]
fn blocks_that_are_read_again_and_again_are_made_before() {
    let row = Generator::new(1).random([1, 3], [1, 3]);
    let column = Generator::new(2).random([4, 1], [4, 1]);
    let table = &row + &column;
    let (row, column) = (whole(&row), whole(&column));
    assert_eq!(whole(&table), &row + &column);
}

#[test]
fn a_fused_chain_with_inputs_of_several_arrays_is_right() {
    let (x, y) = (array::arange(0, 7, 1, 3), array::linspace(0.0, 6.0, 7, 2));
    let z = (&x + &y) * (&y - &x) + (&x * &x) / 2 - &y * &y * 0.5;
    assert_eq!(whole(&z), array_of(|i| (i + i) * (i - i) + i * i / 2.0 - i * i * 0.5));
}

fn array_of(f: impl Fn(f64) -> f64) -> ndarray::ArrayD<f64> {
    ndarray::Array1::from_shape_fn(7, |i| f(i as f64)).into_dyn()
}

#[test]
fn the_parts_that_a_block_is_made_of_are_cut_in_its_own_task() {
    // Columns and rows: both are cut into squares.
    let x = array::from_ndarray(&ndarray::Array2::<f64>::from_shape_fn((4, 4), |(i, j)| (4 * i + j) as f64), [4, 2]);
    let y = (&x + &x.transpose()).sum();
    let names = names(Graph::of(&y));
    // The columns, the rows, the squares, the sum.
    assert_eq!(names.len(), 2 + 2 + 4 + 1, "{names:?}");
    assert_eq!(number(&y), 240.0);
}

#[test]
fn a_long_chain_is_one_pass() {
    let mut x = array::zeros(10, 4);
    for _ in 0..200 {
        x = x + 1.0;
    }
    assert_eq!(names(Graph::of(x.sum())).len(), 4);
    assert_eq!(number(&x.sum()), 2000.0);
}
