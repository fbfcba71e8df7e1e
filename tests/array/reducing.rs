//! Reductions, of any axes, against plain loops.

use anydask::array::{self, Array, Complex64, Element};
use ndarray::{ArrayD, ArrayViewD, Axis, IxDyn};
use proptest::prelude::*;

use crate::support::{all_close, array, close, finite, float, number, same, whole};

/// Reduces the axes by a function of the elements, in C order.
fn reduced<T: Element, U: Element>(
    plain: &ArrayD<T>,
    axes: &[usize],
    keepdims: bool,
    f: impl Fn(Vec<T>) -> U,
) -> ArrayD<U> {
    let shape: Vec<usize> =
        plain.shape().iter().enumerate().map(|(axis, length)| if axes.contains(&axis) { 1 } else { *length }).collect();
    let kept = ArrayD::from_shape_fn(IxDyn(&shape), |index| {
        let mut view: ArrayViewD<'_, T> = plain.view();
        for axis in (0..plain.ndim()).filter(|axis| !axes.contains(axis)) {
            let at = index[axis];
            view.slice_axis_inplace(Axis(axis), (at..at + 1).into());
        }
        f(view.iter().copied().collect())
    });
    if keepdims {
        return kept;
    }
    let left = (0..plain.ndim()).filter(|axis| !axes.contains(axis)).map(|axis| shape[axis]).collect::<Vec<_>>();
    kept.into_shape_with_order(IxDyn(&left)).unwrap()
}

/// An array, some of its axes, and whether they stay.
fn asked<S: Strategy<Value = f64> + 'static>(
    element: fn() -> S,
) -> impl Strategy<Value = ((ArrayD<f64>, Array<f64>), Vec<usize>, bool)> {
    array(4, element).prop_flat_map(|(plain, chunked)| {
        let axes = prop::sample::subsequence((0..plain.ndim()).collect::<Vec<_>>(), 0..=plain.ndim());
        (Just((plain, chunked)), axes, any::<bool>())
    })
}

fn given(axes: &[usize]) -> Vec<isize> {
    axes.iter().map(|axis| *axis as isize).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64], ddof: f64) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() as f64 - ddof).max(0.0)
}

fn extreme(values: &[f64], is_more: impl Fn(f64, f64) -> bool) -> (usize, f64) {
    let mut best = (0, values[0]);
    for (place, value) in values.iter().enumerate() {
        if !best.1.is_nan() && (value.is_nan() || is_more(*value, best.1)) {
            best = (place, *value);
        }
    }
    best
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn sums_and_products(((plain, x), axes, keepdims) in asked(float)) {
        let sum = whole(&x.sum_axes(given(&axes), keepdims).unwrap());
        prop_assert!(all_close(&sum, &reduced(&plain, &axes, keepdims, |v| v.iter().sum())));
        let mean_of = whole(&x.mean_axes(given(&axes), keepdims).unwrap());
        prop_assert!(all_close(&mean_of, &reduced(&plain, &axes, keepdims, |v| mean(&v))));
        let small = x.clip(-2.0, 2.0);
        let product = whole(&small.prod_axes(given(&axes), keepdims).unwrap());
        let clip = |v: f64| if v.is_nan() { v } else { v.clamp(-2.0, 2.0) };
        let expected = reduced(&plain, &axes, keepdims, |v| v.into_iter().map(clip).product::<f64>());
        let close = |(a, b): (&f64, &f64)| a == b || a.is_nan() && b.is_nan() || (a / b - 1.0).abs() < 1e-10;
        prop_assert!(product.iter().zip(&expected).all(close) && product.shape() == expected.shape());
    }

    #[test]
    fn variances(((plain, x), axes, keepdims) in asked(finite)) {
        for ddof in [0.0, 1.0] {
            let var = whole(&x.var_axes(given(&axes), ddof, keepdims).unwrap());
            let expected = reduced(&plain, &axes, keepdims, |v| variance(&v, ddof));
            prop_assert!(all_close(&var.mapv(|v| v / 1e4), &expected.mapv(|v| v / 1e4)), "{var:?} {expected:?}");
            let std = whole(&x.std_axes(given(&axes), ddof, keepdims).unwrap());
            prop_assert!(all_close(&std, &var.mapv(f64::sqrt)));
        }
    }

    #[test]
    fn extremes(((plain, x), axes, keepdims) in asked(float)) {
        let is_defined = axes.iter().all(|axis| plain.shape()[*axis] > 0)
            || plain.shape().iter().enumerate().any(|(axis, length)| *length == 0 && !axes.contains(&axis));
        prop_assert_eq!(x.min_axes(given(&axes), keepdims).is_ok(), is_defined);
        prop_assume!(is_defined);
        let min = whole(&x.min_axes(given(&axes), keepdims).unwrap());
        prop_assert!(same(&min, &reduced(&plain, &axes, keepdims, |v| extreme(&v, |a, b| a < b).1)));
        let max = whole(&x.max_axes(given(&axes), keepdims).unwrap());
        prop_assert!(same(&max, &reduced(&plain, &axes, keepdims, |v| extreme(&v, |a, b| a > b).1)));
        if let [axis] = axes[..] {
            let argmin = whole(&x.argmin_axis(axis as isize, keepdims).unwrap());
            prop_assert_eq!(argmin, reduced(&plain, &axes, keepdims, |v| extreme(&v, |a, b| a < b).0 as i64));
            let argmax = whole(&x.argmax_axis(axis as isize, keepdims).unwrap());
            prop_assert_eq!(argmax, reduced(&plain, &axes, keepdims, |v| extreme(&v, |a, b| a > b).0 as i64));
        }
    }

    #[test]
    fn questions(((plain, x), axes, keepdims) in asked(float)) {
        let x = x.gt_scalar(0.0).unwrap();
        let plain = plain.mapv(|v| v > 0.0);
        let any = whole(&x.any_axes(given(&axes), keepdims).unwrap());
        prop_assert_eq!(any, reduced(&plain, &axes, keepdims, |v| v.contains(&true)));
        let all = whole(&x.all_axes(given(&axes), keepdims).unwrap());
        prop_assert_eq!(all, reduced(&plain, &axes, keepdims, |v| !v.contains(&false)));
        let count = whole(&x.sum_axes(given(&axes), keepdims).unwrap());
        prop_assert_eq!(count, reduced(&plain, &axes, keepdims, |v| v.iter().filter(|v| **v).count() as i64));
    }

    #[test]
    fn numbers_of_all_elements((plain, x) in array(5, float)) {
        let values: Vec<f64> = plain.iter().copied().collect();
        prop_assert!(close(number(&x.sum()), values.iter().sum()));
        prop_assert!(close(number(&x.mean()), mean(&values)));
        prop_assert_eq!(number(&x.any()), values.iter().any(|v| *v != 0.0));
        prop_assert_eq!(number(&x.all()), values.iter().all(|v| *v != 0.0));
        prop_assert_eq!(x.min().is_ok(), !values.is_empty());
        prop_assume!(!values.is_empty());
        prop_assert_eq!(number(&x.argmin().unwrap()), extreme(&values, |a, b| a < b).0 as i64);
        prop_assert_eq!(number(&x.argmax().unwrap()), extreme(&values, |a, b| a > b).0 as i64);
        let (least, expected) = (number(&x.min().unwrap()), extreme(&values, |a, b| a < b).1);
        prop_assert!(least == expected || least.is_nan() && expected.is_nan());
    }

    #[test]
    fn running_sums((plain, x) in array(3, finite), axis in 0..3_usize) {
        prop_assume!(axis < plain.ndim());
        let mut expected = plain.clone();
        expected.accumulate_axis_inplace(Axis(axis), |before, this| *this += before);
        prop_assert!(all_close(&whole(&x.cumsum(axis as isize).unwrap()), &expected));
    }

    #[test]
    fn quantiles((plain, x) in array(3, float), axis in 0..3_usize, q in 0.0..=1.0, keepdims: bool) {
        prop_assume!(axis < plain.ndim());
        let Ok(quantile) = x.quantile(q, axis as isize, keepdims) else {
            prop_assert_eq!(plain.shape()[axis], 0);
            return Ok(());
        };
        let expected = reduced(&plain, &[axis], keepdims, |mut v| {
            if v.iter().any(|v| v.is_nan()) {
                return f64::NAN;
            }
            v.sort_by(f64::total_cmp);
            let place = q * (v.len() - 1) as f64;
            let (low, high) = (v[place.floor() as usize], v[place.ceil() as usize]);
            low + (high - low) * place.fract()
        });
        let quantile = whole(&quantile);
        // Between infinities there is no number; where exactly none is, depends on the side that one comes from.
        let close = |(a, b): (&f64, &f64)| close(*a, *b) || b.is_nan() || a.is_nan() && b.is_infinite() || a.is_infinite() && a == b;
        prop_assert!(quantile.iter().zip(&expected).all(close) && quantile.shape() == expected.shape());
    }
}

#[test]
fn whole_numbers_are_widened() {
    assert_eq!(number(&array::full(1000, 7, 255_u8).sum()), 255_000_i64);
    assert_eq!(number(&array::full(10, 3, i32::MAX).sum()), 10 * i64::from(i32::MAX));
    assert_eq!(number(&array::full(10, 3, i32::MAX).mean()), f64::from(i32::MAX));
    assert_eq!(number(&array::full(3, 2, true).sum()), 3_i64);
    assert_eq!(number(&array::full(3, 2, 0.1_f32).mean()), 0.1_f32);
}

#[test]
fn sums_do_not_lose_what_is_small() {
    // One large number, then a million that each are lost when they are added to it.
    let small = array::full([1000, 1000], [100, 100], 1e-10);
    let large = array::from_ndarray(&ndarray::arr2(&[[1e6]]), 1);
    let sum = number(&(&small + &(&large * 0.0)).sum());
    assert!(close(sum, 1e-4), "{sum}");
    let x = array::from_fn(1_000_001, 1 << 16, |offset, shape| {
        ArrayD::from_shape_fn(IxDyn(shape), |index| if offset[0] + index[0] == 0 { 1e6 } else { 1e-10 })
    });
    let sum: f64 = number(&x.sum());
    assert!((sum - (1e6 + 1e-4)).abs() <= 1e-8, "{sum}");
}

#[test]
fn variances_do_not_lose_what_is_far_from_zero() {
    let x = &array::arange(0, 1000, 1, 64).cast::<f64>() + 1e9;
    let var: f64 = number(&x.var(0.0));
    assert!((var / 83_333.25 - 1.0).abs() < 1e-9, "{var}");
}

#[test]
fn complex_numbers_are_reduced() {
    let x = &array::arange(0, 5, 1, 2) * Complex64::new(1.0, 2.0);
    assert_eq!(number(&x.sum()), Complex64::new(10.0, 20.0));
    assert_eq!(number(&x.mean()), Complex64::new(2.0, 4.0));
    assert!(close(number(&x.var(0.0)), 10.0));
    assert_eq!(number(&x.argmax().unwrap()), 4);
}

#[test]
fn no_elements_have_a_sum_and_a_mean_that_is_no_number() {
    let x = array::zeros([0, 3], [1, 2]);
    assert_eq!(number(&x.sum()), 0.0);
    assert_eq!(number(&x.prod()), 1.0);
    assert!(number(&x.mean()).is_nan());
    assert!(number(&x.var(0.0)).is_nan());
    assert_eq!((number(&x.any()), number(&x.all())), (false, true));
    assert_eq!(whole(&x.sum_axes(0, false).unwrap()), ArrayD::<f64>::zeros(IxDyn(&[3])));
    assert_eq!(whole(&x.max_axes(1, false).unwrap()).shape(), [0]);
}

#[test]
fn a_tree_of_many_blocks_is_reduced_in_layers() {
    let x = array::arange(0, 5000, 1, 3);
    assert_eq!(number(&x.sum()), 4999 * 2500);
    assert_eq!(number(&x.argmax().unwrap()), 4999);
    assert!(close(number(&x.var(1.0)), 5000.0 * 5001.0 / 12.0));
}
