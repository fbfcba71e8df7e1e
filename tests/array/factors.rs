//! Factors of matrices make the matrix again, and solutions solve their equations.

use anydask::Error;
use anydask::array::{self, Array, ArrayError, Complex64, linalg};
use ndarray::{Array2, ArrayD, Ix2, IxDyn, arr1, arr2};
use proptest::prelude::*;

use crate::support::{client, finite, given, whole};

fn matrix(array: &Array<f64>) -> Array2<f64> {
    whole(array).into_dimensionality::<Ix2>().unwrap()
}

fn near(one: &ArrayD<f64>, other: &ArrayD<f64>) -> bool {
    let scale = other.iter().fold(1.0_f64, |scale, value| scale.max(value.abs()));
    one.shape() == other.shape() && one.iter().zip(other).all(|(one, other)| (one - other).abs() <= 1e-12 * scale)
}

fn is_identity(matrix: &Array2<f64>) -> bool {
    near(&matrix.clone().into_dyn(), &Array2::eye(matrix.nrows()).into_dyn())
}

/// Matrices of all shapes, some with columns that say nothing new, some of zeros.
fn any_matrix() -> impl Strategy<Value = (ArrayD<f64>, Array<f64>)> {
    let shape =
        (prop_oneof![4 => 1..40_usize, 1 => Just(0)], prop_oneof![6 => 1..7_usize, 1 => Just(0), 1 => 7..20_usize]);
    let matrix = shape.prop_flat_map(|(rows, columns)| given(vec![rows, columns], finite()));
    (matrix, 0..6_u8, any::<prop::sample::Index>()).prop_map(|((mut plain, chunked), kind, column)| {
        let columns = plain.shape()[1];
        match kind {
            0 if columns > 1 => {
                let (from, to) = (column.index(columns), (column.index(columns) + 1) % columns);
                let same = plain.index_axis(ndarray::Axis(1), from).to_owned();
                plain.index_axis_mut(ndarray::Axis(1), to).assign(&(same * 2.0));
            }
            1 if columns > 0 => plain.index_axis_mut(ndarray::Axis(1), column.index(columns)).fill(0.0),
            2 => plain.fill(0.0),
            _ => {}
        }
        let chunks = chunked.chunks().to_vec();
        let chunked = array::from_ndarray(&plain, chunks);
        (plain, chunked)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn q_times_r_is_the_matrix((plain, x) in any_matrix()) {
        let (q, r) = linalg::qr(&x).unwrap();
        let rank = plain.shape()[0].min(plain.shape()[1]);
        prop_assert_eq!((q.shape(), r.shape()), (&[plain.shape()[0], rank][..], &[rank, plain.shape()[1]][..]));
        let (q, r) = (matrix(&q), matrix(&r));
        prop_assert!(is_identity(&q.t().dot(&q)), "{q}");
        prop_assert!(r.indexed_iter().all(|((row, column), value)| row <= column || *value == 0.0), "{r}");
        prop_assert!(near(&q.dot(&r).into_dyn(), &plain), "{q} {r}");
    }

    #[test]
    fn singular_values_make_the_matrix((plain, x) in any_matrix()) {
        let (u, s, v) = linalg::svd(&x).unwrap();
        let rank = plain.shape()[0].min(plain.shape()[1]);
        prop_assert_eq!((u.shape(), s.shape()), (&[plain.shape()[0], rank][..], &[rank][..]));
        prop_assert_eq!(v.shape(), [rank, plain.shape()[1]]);
        let (u, s, v) = (matrix(&u), whole(&s), matrix(&v));
        prop_assert!(is_identity(&u.t().dot(&u)), "{u}");
        prop_assert!(is_identity(&v.dot(&v.t())), "{v}");
        prop_assert!(s.iter().all(|value| *value >= 0.0) && s.iter().is_sorted_by(|one, next| one >= next), "{s}");
        let scaled = &u * &s.into_dimensionality::<ndarray::Ix1>().unwrap();
        prop_assert!(near(&scaled.dot(&v).into_dyn(), &plain), "{scaled} {v}");
    }

    #[test]
    fn solutions_solve_their_equations(
        ((a, x), (b, y)) in (1..9_usize, prop_oneof![Just(None), (0..5_usize).prop_map(Some)])
            .prop_flat_map(|(length, width)| {
                (given(vec![length, length], finite()), given([length].into_iter().chain(width).collect(), finite()))
            }),
    ) {
        // Far from singular.
        let more = 1000.0 * Array2::<f64>::eye(a.shape()[0]);
        let (a, x) = (&a + &more, x + array::from_ndarray(&more, usize::MAX));
        let solution = linalg::solve(&x, &y).unwrap();
        prop_assert_eq!(solution.shape(), y.shape());
        let again = whole(&x.dot(&solution).unwrap());
        prop_assert!(near(&again, &b), "{a} {b}");
    }
}

#[test]
fn complex_and_short_numbers_have_factors() {
    let x = (array::random([30, 4], [7, 3]) + array::random([30, 4], 30) * Complex64::I).check().unwrap();
    let (q, r) = linalg::qr(&x).unwrap();
    let far = |one: &Array<Complex64>, other: &Array<Complex64>| {
        client().compute(&(one - other).abs().max().unwrap()).wait().unwrap()
    };
    assert!(far(&q.matmul(&r).unwrap(), &x) < 1e-12);
    let (u, s, v) = linalg::svd(&x).unwrap();
    assert!(far(&(&u * &s).matmul(&v).unwrap(), &x) < 1e-12);
    let a = array::tensordot(&x.conj(), &x, (0, 0)).unwrap();
    let sides = array::ones([4, 2], [4, 1]).cast::<Complex64>();
    assert!(far(&a.matmul(&linalg::solve(&a, &sides).unwrap()).unwrap(), &sides) < 1e-9);

    let x = array::random([30, 4], [7, 3]).cast::<f32>();
    let (q, r) = linalg::qr(&x).unwrap();
    assert!(client().compute(&(q.matmul(&r).unwrap() - &x).abs().max().unwrap()).wait().unwrap() < 1e-5);
    let (u, s, v) = linalg::svd(&x).unwrap();
    assert!(client().compute(&((&u * &s).matmul(&v).unwrap() - &x).abs().max().unwrap()).wait().unwrap() < 1e-5);
}

#[test]
fn a_matrix_of_many_blocks_is_factored_in_layers() {
    let x = array::random([900, 3], [4, 3]);
    let (q, r) = linalg::qr(&x).unwrap();
    assert!(client().compute(&(q.matmul(&r).unwrap() - &x).abs().max().unwrap()).wait().unwrap() < 1e-12);
    assert!(is_identity(&matrix(&array::tensordot(&q, &q, (0, 0)).unwrap())));
    // R by itself, without Q.
    let (whole_r, parts_r) = (matrix(&linalg::qr(&x.rechunk(1000).unwrap()).unwrap().1), matrix(&r));
    assert!(near(&whole_r.mapv(f64::abs).into_dyn(), &parts_r.mapv(f64::abs).into_dyn()));
}

#[test]
fn singular_values_of_all_sizes_are_found() {
    // Of twenty magnitudes, and of none.
    for power in [0, 1, 2, 5] {
        let values: Vec<f64> = (0..8).map(|number| 10_f64.powi(-power * number)).collect();
        let q = linalg::qr(&array::random([64, 8], [10, 8])).unwrap().0;
        let p = linalg::qr(&array::normal(0.0, 1.0, [8, 8], 8)).unwrap().0;
        let x = (&q * array::from_ndarray(&arr1(&values), 8)).matmul(&p).unwrap();
        let found = whole(&linalg::svd(&x).unwrap().1);
        let far = found.iter().zip(&values).map(|(found, value)| (found - value).abs()).fold(0.0, f64::max);
        assert!(far < 1e-14, "{found} {values:?}");
    }
}

#[test]
fn large_systems_are_solved_panel_by_panel() {
    let a = array::normal(0.0, 1.0, [130, 130], [50, 70]);
    let b = array::random([130, 5], [33, 2]);
    let x = linalg::solve(&a, &b).unwrap();
    assert_eq!(x.chunks(), [vec![130], vec![2, 2, 1]]);
    assert!(client().compute(&(a.matmul(&x).unwrap() - &b).abs().max().unwrap()).wait().unwrap() < 1e-9);
    // The rows in another order, which exchanges them back.
    let plain = matrix(&a);
    let turned = Array2::from_shape_fn((130, 130), |(row, column)| plain[[129 - row, column]]);
    let sides = matrix(&b);
    let sides = Array2::from_shape_fn((130, 5), |(row, column)| sides[[129 - row, column]]);
    let again = linalg::solve(&array::from_ndarray(&turned, 40), &array::from_ndarray(&sides, 40)).unwrap();
    assert!(client().compute(&(again - &x).abs().max().unwrap()).wait().unwrap() < 1e-9);
}

#[test]
fn a_singular_matrix_is_one_clear_error() {
    for (a, b) in [
        (arr2(&[[1.0, 2.0], [2.0, 4.0]]), array::zeros([2, 3], [1, 1])),
        (arr2(&[[0.0, 0.0], [0.0, 0.0]]), array::zeros([2], 1)),
    ] {
        let solution = linalg::solve(&array::from_ndarray(&a, 1), &b).unwrap();
        let error = client().compute(&solution).wait().unwrap_err();
        let source = error.downcast_ref::<ArrayError>().unwrap();
        assert!(matches!(source, ArrayError::NoResult { .. }), "{source}");
        assert!(source.to_string().contains("singular") && source.to_string().contains("[2, 2]"), "{source}");
    }
}

#[test]
fn what_is_not_finite_has_no_singular_values() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let x = array::full([7, 2], 3, value);
        let error = client().compute(&linalg::svd(&x).unwrap().1).wait().unwrap_err();
        assert!(matches!(error, Error::Failed { .. }));
        assert!(matches!(error.downcast_ref(), Some(ArrayError::NoResult { .. })), "{error:?}");
    }
    // As NumPy: NaN where there is one.
    let (_, r) = linalg::qr(&array::full([7, 2], 3, f64::NAN)).unwrap();
    assert!(client().compute(&r).wait().unwrap().iter().any(|value| value.is_nan()));
}

#[test]
fn what_has_no_factors_is_refused() {
    let (vector, cube) = (array::zeros([3], 1), array::zeros([2, 2, 2], 1));
    for x in [&vector, &cube] {
        for error in [linalg::qr(x).err(), linalg::svd(x).err(), linalg::solve(x, x).err()] {
            let error = error.unwrap();
            assert!(matches!(error, ArrayError::Parameter { .. }), "{error}");
            assert!(error.to_string().contains(&format!("{:?}", x.shape())), "{error}");
        }
    }
    let square = array::zeros([3, 3], 2);
    assert!(matches!(linalg::solve(&array::zeros([3, 2], 2), &vector), Err(ArrayError::Parameter { .. })));
    for b in [array::zeros([2], 1), array::zeros((), ()), array::zeros([3, 3, 3], 1)] {
        let error = linalg::solve(&square, &b).unwrap_err();
        assert!(matches!(&error, ArrayError::Shapes { left, right, .. } if left == &[3, 3] && right == b.shape()));
    }
    let whole_numbers = array::full([3, 3], 2, 1_i64);
    for error in [linalg::qr(&whole_numbers).err(), linalg::svd(&whole_numbers).err()] {
        assert!(matches!(error, Some(ArrayError::Unsupported { .. })), "{error:?}");
    }
    let bad = array::zeros([3, 3], 0);
    let error = bad.clone().check().unwrap_err();
    assert_eq!(linalg::qr(&bad).err(), Some(error.clone()));
    assert_eq!(linalg::solve(&square, &bad).err(), Some(error));
}

#[test]
fn no_elements_have_factors_without_elements() {
    for shape in [[0, 1 << 30], [1 << 30, 0], [0, 0]] {
        let x = array::zeros(shape, 1 << 30);
        let (q, r) = linalg::qr(&x).unwrap();
        assert_eq!((whole(&q).shape(), whole(&r).shape()), (&[shape[0], 0][..], &[0, shape[1]][..]));
        let (u, s, v) = linalg::svd(&x).unwrap();
        assert_eq!((whole(&u).shape(), whole(&s).shape(), whole(&v).shape()), (q.shape(), &[0][..], r.shape()));
    }
}

#[test]
fn no_equations_have_no_solution() {
    let x = linalg::solve(&array::zeros([0, 0], 1), &array::zeros([0, 3], 1)).unwrap();
    assert_eq!(whole(&x), ArrayD::<f64>::zeros(IxDyn(&[0, 3])));
}
