//! Elementwise operations, with NumPy's broadcasting and types.

use anydask::array::{self, Array, Complex64, Element};
use ndarray::{ArrayD, IxDyn, Zip};
use proptest::prelude::*;

use crate::support::{array, float, given, same, shape, whole};

/// An array and the same in chunks.
type Both = (ArrayD<f64>, Array<f64>);

/// Two shapes that broadcast together, with arrays of them.
fn pair() -> impl Strategy<Value = (Both, Both)> {
    shape(4)
        .prop_flat_map(|shape| {
            let axes = shape.len();
            (Just(shape), prop::collection::vec(0..4_u8, axes), 0..=axes, any::<bool>())
        })
        .prop_flat_map(|(shape, ones, dropped, is_left)| {
            let other: Vec<usize> = shape
                .iter()
                .zip(&ones)
                .map(|(length, one)| if *one == 0 { 1 } else { *length })
                .skip(dropped)
                .collect();
            let (left, right) = if is_left { (other, shape) } else { (shape, other) };
            (given(left, float()), given(right, float()))
        })
}

fn zipped<T: Element>(left: &ArrayD<f64>, right: &ArrayD<f64>, f: impl Fn(f64, f64) -> T) -> ArrayD<T> {
    // ndarray's own broadcasting of both, by an addition that does nothing.
    let shape: Vec<usize> = {
        let zeros = |array: &ArrayD<f64>| array.mapv(|_| 0.0);
        (&zeros(left) + &zeros(right)).shape().to_vec()
    };
    let (left, right) = (left.broadcast(IxDyn(&shape)).unwrap(), right.broadcast(IxDyn(&shape)).unwrap());
    Zip::from(&left).and(&right).map_collect(|left, right| f(*left, *right))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn operators_broadcast((left, right) in pair()) {
        let ((a, x), (b, y)) = (left, right);
        prop_assert!(same(&whole(&(&x + &y)), &zipped(&a, &b, |a, b| a + b)));
        prop_assert!(same(&whole(&(&x - &y)), &zipped(&a, &b, |a, b| a - b)));
        prop_assert!(same(&whole(&(&x * &y)), &zipped(&a, &b, |a, b| a * b)));
        prop_assert!(same(&whole(&(&x / &y)), &zipped(&a, &b, |a, b| a / b)));
        let least = |a: f64, b: f64| if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) };
        prop_assert!(same(&whole(&x.minimum(&y).unwrap()), &zipped(&a, &b, least)));
    }

    #[test]
    fn comparisons_broadcast((left, right) in pair()) {
        let ((a, x), (b, y)) = (left, right);
        prop_assert_eq!(whole(&x.eq(&y).unwrap()), zipped(&a, &b, |a, b| a == b));
        prop_assert_eq!(whole(&x.ne(&y).unwrap()), zipped(&a, &b, |a, b| a != b));
        prop_assert_eq!(whole(&x.lt(&y).unwrap()), zipped(&a, &b, |a, b| a < b));
        prop_assert_eq!(whole(&x.le(&y).unwrap()), zipped(&a, &b, |a, b| a <= b));
        prop_assert_eq!(whole(&x.gt(&y).unwrap()), zipped(&a, &b, |a, b| a > b));
        prop_assert_eq!(whole(&x.ge(&y).unwrap()), zipped(&a, &b, |a, b| a >= b));
        let chosen = x.lt(&y).unwrap().choose(&x, &y).unwrap();
        let expected = zipped(&a, &b, |a, b| if a < b { a } else { b });
        prop_assert!(same(&whole(&chosen), &expected));
    }

    #[test]
    fn long_expressions_are_what_their_steps_are((plain, x) in array(4, float)) {
        let y = ((&x * 2.0 + 1.0).square() - &x).abs().sqrt().clip(0.5, 20.0);
        let step = |v: f64| ((v * 2.0 + 1.0).powi(2) - v).abs().sqrt();
        let clip = |v: f64| if v.is_nan() { v } else { v.clamp(0.5, 20.0) };
        prop_assert!(same(&whole(&y), &plain.mapv(|v| clip(step(v)))));
        let expected = plain.mapv(|v| if v.is_nan() { 0.0 } else { v });
        prop_assert!(same(&whole(&x.is_nan().choose(&array::zeros((), ()), &x).unwrap()), &expected));
    }

    #[test]
    fn casts_are_those_of_rust((plain, x) in array(3, float)) {
        let plain = plain.mapv(|v| if v.is_finite() { v } else { 0.0 });
        let x = x.is_finite().choose(&x, &array::zeros((), ())).unwrap();
        prop_assert_eq!(whole(&x.cast::<i64>()), plain.mapv(|v| v as i64));
        prop_assert_eq!(whole(&x.cast::<bool>()), plain.mapv(|v| v != 0.0));
        prop_assert_eq!(whole(&x.cast::<f32>()), plain.mapv(|v| v as f32));
        prop_assert_eq!(whole(&x.cast::<u8>()), plain.mapv(|v| v as i64 as u8));
        prop_assert_eq!(whole(&x.cast::<Complex64>()), plain.mapv(|v| Complex64::new(v, 0.0)));
    }
}

fn one<T: Element>(array: Array<T>) -> Vec<T> {
    whole(&array).into_raw_vec_and_offset().0
}

#[test]
fn the_type_of_two_is_that_of_numpy() {
    let (bytes, ints) = (array::full(2, 1, 200_u8), array::full(2, 2, 100_i32));
    let (long, single) = (array::full(2, 2, 1_i64), array::full(2, 2, 0.5_f32));
    let sum: Array<i32> = &bytes + &ints;
    assert_eq!(one(sum), [300, 300]);
    let sum: Array<f64> = &ints + &single;
    assert_eq!(one(sum), [100.5, 100.5]);
    let sum: Array<f32> = &bytes + &single;
    assert_eq!(one(sum), [200.5, 200.5]);
    let sum: Array<i64> = &ints + &long;
    assert_eq!(one(sum), [101, 101]);
    let quotient: Array<f64> = &bytes / &ints;
    assert_eq!(one(quotient), [2.0, 2.0]);
    let wrapped: Array<u8> = &bytes + &bytes;
    assert_eq!(one(wrapped), [144, 144]);
    let complex: Array<Complex64> = &long * Complex64::I;
    assert_eq!(one(complex.abs()), [1.0, 1.0]);
}

#[test]
fn a_number_takes_the_type_of_the_array_if_it_can() {
    let single = array::full(2, 2, 0.5_f32);
    let kept: Array<f32> = 2.0 * &single - 1;
    assert_eq!(one(kept), [0.0, 0.0]);
    let ints = array::full(2, 2, 7_i64);
    let kept: Array<i64> = &ints * 2;
    assert_eq!(one(kept), [14, 14]);
    let real: Array<f64> = &ints * 0.5;
    assert_eq!(one(real), [3.5, 3.5]);
    let quotient: Array<f64> = 1 / &ints;
    assert_eq!(one(quotient), [1.0 / 7.0; 2]);
}

#[test]
fn whole_numbers_divide_as_in_numpy() {
    let x = array::arange(-4_i64, 5, 4, 2);
    assert_eq!(one(x.floor_divide_scalar(3).unwrap()), [-2_i64, 0, 1]);
    assert_eq!(one(&x % 3), [2_i64, 0, 1]);
    assert_eq!(one(&x % -3), [-1_i64, 0, -2]);
    assert_eq!(one(x.floor_divide_scalar(0).unwrap()), [0_i64, 0, 0]);
    assert_eq!(one(x.power_scalar(3).unwrap()), [-64_i64, 0, 64]);
    let x = array::linspace(-1.0, 1.0, 2, 2);
    assert_eq!(one(x.floor_divide_scalar(0.1).unwrap()), [-10.0, 9.0]);
    assert_eq!(one(&x % 0.75), [0.5, 0.25]);
    assert_eq!(one(array::full(1, 1, i32::MIN).floor_divide_scalar(-1).unwrap()), [i32::MIN]);
    assert_eq!(one(array::full(1, 1, i64::MIN).abs()), [i64::MIN]);
}

#[test]
fn truth_values_have_their_own_operators() {
    let x = array::arange(0, 6, 1, 4);
    let (low, even) = (x.lt_scalar(3).unwrap(), (&x % 2).eq_scalar(0).unwrap());
    assert_eq!(one(&low & &even), [true, false, true, false, false, false]);
    assert_eq!(one(&low | &even), [true, true, true, false, true, false]);
    assert_eq!(one(&low ^ &even), [false, true, false, false, true, false]);
    assert_eq!(one(!&low), [false, false, false, true, true, true]);
    assert_eq!(one(!&x), [-1, -2, -3, -4, -5, -6]);
}

#[test]
fn complex_numbers_have_parts() {
    let x = &array::arange(0, 3, 1, 2) * Complex64::new(3.0, 4.0);
    assert_eq!(one(x.abs()), [0.0, 5.0, 10.0]);
    assert_eq!(one(x.real()), [0.0, 3.0, 6.0]);
    assert_eq!(one(x.conj().imag()), [0.0, -4.0, -8.0]);
}

#[test]
fn a_block_that_nobody_else_needs_is_changed_in_place() {
    // The same block is an input twice, and held by `x`: neither may be seen to change.
    let x = super::support::client().persist(&array::arange(0.0, 4.0, 1.0, 2));
    let y = &x + &x;
    assert_eq!(one(&y * &y), [0.0, 4.0, 16.0, 36.0]);
    assert_eq!(one(x), [0.0, 1.0, 2.0, 3.0]);
}
