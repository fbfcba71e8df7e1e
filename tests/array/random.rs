//! Random arrays: the same for any number of threads, and distributed as they should be.

use anydask::array::{self, Generator};
use anydask::{Client, runtime::Smol};

use crate::support::{number, whole};

#[test]
fn the_same_seed_gives_the_same_numbers_on_any_number_of_threads() {
    let x = Generator::new(42).random([100, 90], [30, 30]);
    let normal = Generator::new(42).normal(1.0, 2.0, [50], [7]);
    let mut given = Vec::new();
    for threads in [1, 2, 7] {
        let client = Client::<Smol>::builder().threads(threads).local().wait().unwrap();
        given.push(client.gather((client.compute(&x), client.compute(&normal))).wait().unwrap());
    }
    assert!(given.windows(2).all(|pair| pair[0] == pair[1]));
    // Known, so that no other version gives others.
    assert_eq!(given[0].0[[0, 0]], FIRST);
}

/// The first number of seed 42, calculated from the definitions of splitmix64 and xoshiro256++.
const FIRST: f64 = 0.9369389261528349;

#[test]
fn blocks_arrays_and_seeds_are_independent() {
    let mut generator = Generator::new(0);
    let (x, y) = (generator.random([2000], [500]), generator.random([2000], [500]));
    let z = Generator::new(1).random([2000], [500]);
    let (x, y, z) = (whole(&x), whole(&y), whole(&z));
    let correlation =
        |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - 0.5) * (b - 0.5)).sum::<f64>() / a.len() as f64 * 12.0;
    let [a, b, c] = [&x, &y, &z].map(|array| array.as_slice().unwrap());
    for (one, other) in [(a, b), (a, c), (&a[..500], &a[500..1000]), (&a[1000..1500], &a[1500..])] {
        assert!(correlation(one, other).abs() < 0.2, "{}", correlation(one, other));
    }
}

#[test]
fn unseeded_numbers_are_others_each_time() {
    assert_ne!(whole(&array::random(10, 5)), whole(&array::random(10, 5)));
}

#[test]
fn numbers_are_distributed_as_they_should_be() {
    let mut generator = Generator::new(3);
    let x = generator.random([300, 300], [100, 70]);
    assert!((number(&x.mean()) - 0.5).abs() < 0.01);
    assert!((number(&x.var(0.0)) - 1.0 / 12.0).abs() < 0.005);
    assert!(number(&x.min().unwrap()) >= 0.0 && number(&x.max().unwrap()) < 1.0);
    let x = generator.normal(10.0, 3.0, [300, 300], [100, 70]);
    assert!((number(&x.mean()) - 10.0).abs() < 0.1);
    assert!((number(&x.std(0.0)) - 3.0).abs() < 0.1);
    let x = generator.integers(-2, 3, [10_000], [999]);
    assert_eq!((number(&x.min().unwrap()), number(&x.max().unwrap())), (-2, 2));
    assert!(number(&x.mean()).abs() < 0.1);
    let x = generator.integers(i64::MIN, i64::MAX, [1000], [999]);
    assert!(number(&x.lt_scalar(0).unwrap().cast::<f64>().mean()) > 0.4);
}
