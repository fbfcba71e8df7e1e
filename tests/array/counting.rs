//! Histograms are those of NumPy's rules, by a plain loop over the edges.

use anydask::array::{self, ArrayError, Complex64};
use ndarray::ArrayD;
use proptest::prelude::*;

use crate::support::{array, float, whole};

fn counted(plain: &ArrayD<f64>, edges: &[f64]) -> Vec<i64> {
    let last = edges.len() - 2;
    let is_in = |bin: usize, value: f64| {
        edges[bin] <= value && (value < edges[bin + 1] || bin == last && value == edges[bin + 1])
    };
    (0..=last).map(|bin| plain.iter().filter(|value| is_in(bin, **value)).count() as i64).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn bins_of_one_width(
        (plain, x) in array(3, float),
        bins in 1..50_usize,
        (low, high) in prop_oneof![
            (-50.0..50.0, -50.0..50.0_f64),
            (-3..3_i32, 0..4_i32).prop_map(|(low, width)| (f64::from(low), f64::from(low + width))),
        ],
    ) {
        let range = (low.min(high), low.max(high));
        let (counts, edges) = array::histogram(&x, bins, range).unwrap();
        prop_assert_eq!(edges.len(), bins + 1);
        let expected = if range.0 < range.1 { range } else { (range.0 - 0.5, range.1 + 0.5) };
        prop_assert_eq!((edges[0], edges[bins]), expected);
        prop_assert!(edges.iter().is_sorted());
        let counts = whole(&counts);
        prop_assert_eq!(counts.as_slice().unwrap(), counted(&plain, edges.as_slice().unwrap()));
    }

    #[test]
    fn bins_between_edges(
        (plain, x) in array(3, float),
        mut edges in prop::collection::vec(
            prop_oneof![3 => -100.0..100.0, 3 => (-3..4_i32).prop_map(f64::from), 1 => Just(f64::INFINITY)],
            2..9,
        ),
    ) {
        edges.sort_by(f64::total_cmp);
        let counts = whole(&array::histogram_edges(&x, &edges).unwrap());
        prop_assert_eq!(counts.as_slice().unwrap(), counted(&plain, &edges));
    }
}

#[test]
fn edges_of_bins_are_exact() {
    // 0.3 / 0.1 is a little less than 3, but 0.3 begins the fourth bin, whatever the quotient.
    let (counts, edges) =
        array::histogram(&array::from_ndarray(&ndarray::arr1(&[0.3, 0.7, 1.0]), 2), 10, (0.0, 1.0)).unwrap();
    let counts = whole(&counts);
    for (value, bin) in [(0.3, 0), (0.7, 1)] {
        let place = edges.iter().rposition(|edge| *edge <= value).unwrap();
        assert_eq!(counts[[place]], 1, "{value} is number {bin} in {edges}");
    }
    assert_eq!(counts[[9]], 1);
}

#[test]
fn other_elements_are_counted_as_what_they_are() {
    let counts = |counts: ArrayD<i64>| counts.into_raw_vec_and_offset().0;
    let bytes = array::histogram(&array::full([5], 2, 200_u8), 2, (0.0, 255.0)).unwrap().0;
    assert_eq!(counts(whole(&bytes)), [0, 5]);
    let truth = array::histogram_edges(&array::arange(0, 4, 1, 3).lt_scalar(1).unwrap(), &[0.0, 1.0, 2.0]).unwrap();
    assert_eq!(counts(whole(&truth)), [3, 1]);
    let many = array::histogram(&array::arange(0, 1000, 1, 3), 10, (0.0, 1000.0)).unwrap().0;
    assert_eq!(counts(whole(&many)), [100; 10]);
    assert_eq!(counts(whole(&array::histogram(&array::zeros([0, 2], 1), 2, (0.0, 1.0)).unwrap().0)), [0, 0]);
}

#[test]
fn ranges_and_edges_that_make_no_bins_are_refused() {
    let x = array::zeros([3], 1);
    let refused = |error: Option<ArrayError>| assert!(matches!(error, Some(ArrayError::Parameter { .. })), "{error:?}");
    for range in [(1.0, 0.0), (f64::NAN, 1.0), (0.0, f64::INFINITY), (f64::MIN, f64::MAX)] {
        refused(array::histogram(&x, 3, range).err());
    }
    refused(array::histogram(&x, 0, (0.0, 1.0)).err());
    refused(array::histogram(&x, usize::MAX, (0.0, 1.0)).err());
    for edges in [&[][..], &[1.0], &[1.0, 0.0], &[0.0, f64::NAN], &[f64::NAN, 0.0]] {
        refused(array::histogram_edges(&x, edges).err());
    }
    let complex = array::full([3], 1, Complex64::I);
    assert!(matches!(array::histogram(&complex, 3, (0.0, 1.0)), Err(ArrayError::Unsupported { .. })));
    assert!(array::histogram(&array::zeros([3], 0), 3, (0.0, 1.0)).is_err());
}
