//! Products by blocks are those of plain loops, whatever the chunks.

use anydask::array::{self, Array, ArrayError, Complex64, Element};
use ndarray::{ArrayD, Axis, Dimension, IxDyn};
use proptest::prelude::*;

use crate::support::{finite, given, number, persisted, whole};

/// Sums of products over axes that go together, by plain loops; `add` and `multiply` are those of the elements.
fn tensordot<T: Element>(
    left: &ArrayD<T>,
    right: &ArrayD<T>,
    axes: (&[usize], &[usize]),
    add: fn(T, T) -> T,
    multiply: fn(T, T) -> T,
) -> ArrayD<T> {
    let free = |array: &ArrayD<T>, summed: &[usize]| {
        (0..array.ndim()).filter(|axis| !summed.contains(axis)).collect::<Vec<_>>()
    };
    let (rows, columns) = (free(left, axes.0), free(right, axes.1));
    let lengths = |array: &ArrayD<T>, axes: &[usize]| axes.iter().map(|axis| array.shape()[*axis]).collect::<Vec<_>>();
    let shape = [lengths(left, &rows), lengths(right, &columns)].concat();
    let places = ArrayD::<u8>::zeros(IxDyn(&lengths(left, axes.0)));
    ArrayD::from_shape_fn(IxDyn(&shape), |place| {
        places.indexed_iter().fold(T::default(), |sum, (within, _)| {
            let index = |count: usize, free: &[usize], summed: &[usize], first: usize| {
                let mut index = vec![0; count];
                free.iter().enumerate().for_each(|(number, axis)| index[*axis] = place[first + number]);
                summed.iter().enumerate().for_each(|(number, axis)| index[*axis] = within[number]);
                IxDyn(&index)
            };
            let one = left[index(left.ndim(), &rows, axes.0, 0)];
            let other = right[index(right.ndim(), &columns, axes.1, rows.len())];
            add(sum, multiply(one, other))
        })
    })
}

/// Two arrays, each also in chunks, and axes of them that go together.
type Case<T> = ((ArrayD<T>, Array<T>), (ArrayD<T>, Array<T>), (Vec<usize>, Vec<usize>));

fn length() -> impl Strategy<Value = usize> {
    prop_oneof![8 => 1..5_usize, 1 => Just(0_usize), 1 => 5..12_usize]
}

fn case<T: Element, S: Strategy<Value = T> + 'static>(element: fn() -> S) -> impl Strategy<Value = Case<T>> {
    let lengths = |count| prop::collection::vec(length(), 0..=count);
    (lengths(2), lengths(2), lengths(2))
        .prop_flat_map(|(rows, columns, summed)| {
            let (left, right) = ([rows, summed.clone()].concat(), [columns, summed.clone()].concat());
            let order = |count: usize| Just((0..count).collect::<Vec<_>>()).prop_shuffle();
            (order(left.len()), order(right.len()), Just((left, right, summed.len())))
        })
        .prop_flat_map(move |(left_order, right_order, (left, right, summed))| {
            let shuffle = |shape: &[usize], order: &[usize]| order.iter().map(|axis| shape[*axis]).collect::<Vec<_>>();
            // Where the axes that are summed over have come to lie.
            let axes = |count: usize, order: &[usize]| {
                let axes = (count - summed..count).map(|axis| order.iter().position(|other| *other == axis).unwrap());
                axes.collect::<Vec<_>>()
            };
            let summed = (axes(left.len(), &left_order), axes(right.len(), &right_order));
            let (left, right) = (shuffle(&left, &left_order), shuffle(&right, &right_order));
            (given(left, element()), given(right, element()), Just(summed))
        })
}

fn signed(axes: &[usize]) -> Vec<isize> {
    axes.iter().map(|axis| *axis as isize).collect()
}

fn near(one: Complex64, other: Complex64) -> bool {
    (one - other).norm() <= 1e-9
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn floats_are_summed_over_any_axes(((left, x), (right, y), axes) in case(finite)) {
        let expected = tensordot(&left, &right, (&axes.0, &axes.1), |a, b| a + b, |a, b| a * b);
        let product = whole(&array::tensordot(&x, &y, (signed(&axes.0), signed(&axes.1))).unwrap());
        prop_assert_eq!(product.shape(), expected.shape());
        prop_assert!(product.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= 1e-9), "{product} {expected}");
    }

    #[test]
    fn whole_numbers_wrap(((left, x), (right, y), axes) in case(any::<i32>)) {
        let expected = tensordot(&left, &right, (&axes.0, &axes.1), i32::wrapping_add, i32::wrapping_mul);
        prop_assert_eq!(whole(&array::tensordot(&x, &y, (signed(&axes.0), signed(&axes.1))).unwrap()), expected);
    }

    #[test]
    fn truth_is_any_of_both(((left, x), (right, y), axes) in case(any::<bool>)) {
        let expected = tensordot(&left, &right, (&axes.0, &axes.1), |a, b| a | b, |a, b| a & b);
        prop_assert_eq!(whole(&array::tensordot(&x, &y, (signed(&axes.0), signed(&axes.1))).unwrap()), expected);
    }

    #[test]
    fn complex_numbers_are_not_conjugated(
        ((left, x), (right, y), axes) in case(|| (finite(), finite()).prop_map(|(re, im)| Complex64::new(re, im))),
    ) {
        let expected = tensordot(&left, &right, (&axes.0, &axes.1), |a, b| a + b, |a, b| a * b);
        let product = whole(&array::tensordot(&x, &y, (signed(&axes.0), signed(&axes.1))).unwrap());
        prop_assert!(product.iter().zip(&expected).all(|(a, b)| near(*a, *b)), "{product} {expected}");
    }

    #[test]
    fn stacks_of_matrices_are_broadcast(
        ((left, x), (right, y)) in (
            prop::collection::vec((1..4_usize, any::<bool>(), any::<bool>()), 0..3),
            (0..2_usize, 0..2_usize),
            (0..4_usize, 1..5_usize, 0..4_usize),
        )
            .prop_flat_map(|(batch, (left_less, right_less), (m, k, n))| {
                let shape = |own: fn(&(usize, bool, bool)) -> bool, less: usize, matrix: [usize; 2]| {
                    let batch = batch.iter().map(|axis| if own(axis) { axis.0 } else { 1 }).skip(less);
                    batch.chain(matrix).collect::<Vec<_>>()
                };
                let left = shape(|axis| axis.1, left_less, [m, k]);
                let right = shape(|axis| axis.2 || !axis.1, right_less, [k, n]);
                (given(left, -9..10_i64), given(right, -9..10_i64))
            }),
    ) {
        let product = whole(&x.matmul(&y).unwrap());
        let batch = product.shape()[..product.ndim() - 2].to_vec();
        for place in ArrayD::<u8>::zeros(IxDyn(&batch)).indexed_iter().map(|(place, _)| place) {
            let matrix = |array: &ArrayD<i64>| {
                let mut view = array.view();
                for axis in (0..array.ndim() - 2).rev() {
                    let own = place[batch.len() - (array.ndim() - 2) + axis];
                    view.collapse_axis(Axis(axis), own.min(array.shape()[axis] - 1));
                    view = view.index_axis_move(Axis(axis), 0);
                }
                view.to_owned()
            };
            let mut part = product.view();
            for at in place.slice() {
                part = part.index_axis_move(Axis(0), *at);
            }
            let expected = tensordot(&matrix(&left), &matrix(&right), (&[1], &[0]), |a, b| a + b, |a, b| a * b);
            prop_assert_eq!(part, expected);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn matrices_of_many_chunks(
        ((left, x), (right, y)) in (1..9_usize, 100..150_usize, 1..6_usize)
            .prop_flat_map(|(m, k, n)| (given(vec![m, k], -9..10_i64), given(vec![k, n], -9..10_i64))),
        size in 1..4_usize,
    ) {
        let expected = tensordot(&left, &right, (&[1], &[0]), |a, b| a + b, |a, b| a * b);
        prop_assert_eq!(&whole(&x.matmul(&y).unwrap()), &expected);
        // So many along the summed axis that there are chains and trees of them.
        let (x, y) = (x.rechunk([64, size]).unwrap(), y.rechunk([size, 7]).unwrap());
        prop_assert_eq!(&persisted(&x.dot(&y).unwrap()), &expected);
        let floats = whole(&x.cast::<f32>().matmul(&y).unwrap());
        prop_assert_eq!(floats, expected.mapv(|value| value as f64));
    }

    #[test]
    fn vectors_on_either_side(
        ((a, x), (v, y), (w, z)) in (0..9_usize, 1..9_usize).prop_flat_map(|(m, k)| {
            (given(vec![m, k], -9..10_i64), given(vec![k], -9..10_i64), given(vec![m], -9..10_i64))
        }),
    ) {
        let (add, multiply) = (|a, b| a + b, |a, b| a * b);
        for (column, row, dot) in [
            (x.matmul(&y), z.matmul(&x), y.matmul(&y)),
            (x.dot(&y), z.dot(&x), y.dot(&y)),
        ] {
            prop_assert_eq!(whole(&column.unwrap()), tensordot(&a, &v, (&[1], &[0]), add, multiply));
            prop_assert_eq!(whole(&row.unwrap()), tensordot(&w, &a, (&[0], &[0]), add, multiply));
            prop_assert_eq!(whole(&dot.unwrap()), tensordot(&v, &v, (&[0], &[0]), add, multiply));
        }
        // The same by the kernels of floating point numbers, in which these are exact.
        let floats = |array: &Array<i64>| array.cast::<f64>();
        let (x, y, z) = (floats(&x), floats(&y), floats(&z));
        let expected = tensordot(&w, &a, (&[0], &[0]), add, multiply).mapv(|value| value as f64);
        prop_assert_eq!(whole(&z.matmul(&x).unwrap()), expected);
        prop_assert_eq!(whole(&x.matmul(&y).unwrap()), tensordot(&a, &v, (&[1], &[0]), add, multiply).mapv(|v| v as f64));
    }
}

#[test]
fn dot_with_a_number_multiplies_each_element() {
    let x = array::arange(0, 5, 1, 2);
    let two = array::full((), (), 2_u8);
    assert_eq!(whole(&x.dot(&two).unwrap()), whole(&(&x * 2)));
    assert_eq!(number(&two.dot(&two).unwrap().max().unwrap()), 4);
}

#[test]
fn dot_of_many_axes_sums_over_the_last_but_one() {
    let (x, y) = (array::ones([2, 3, 4], 2), array::full([5, 4, 6], 3, 2.0));
    let product = x.dot(&y).unwrap();
    assert_eq!(product.shape(), [2, 3, 5, 6]);
    assert_eq!(number(&product.sum()), 8.0 * 180.0);
}

#[test]
fn what_is_not_a_number_goes_through() {
    let x = array::full([3, 3], 2, f64::NAN);
    assert!(whole(&x.matmul(&array::zeros([3, 3], 1)).unwrap()).iter().all(|value| value.is_nan()));
}

#[test]
fn shapes_that_do_not_go_together_are_both_told() {
    let (x, y) = (array::zeros([2, 3], 2), array::zeros([4, 2], 2));
    for error in [x.dot(&y), x.matmul(&y), array::tensordot(&x, &y, 1), array::tensordot(&x, &y, (-1, 0))] {
        let error = error.unwrap_err();
        assert!(matches!(&error, ArrayError::Shapes { left, right, .. } if left == &[2, 3] && right == &[4, 2]));
        assert!(error.to_string().contains("length 3") && error.to_string().contains("4"), "{error}");
    }
    let error = array::zeros([2, 2, 3], 2).matmul(&array::zeros([3, 3, 2], 2)).unwrap_err();
    assert_eq!(error, ArrayError::Broadcast { left: vec![2, 2, 3], right: vec![3, 3, 2] });
    let nothing = array::zeros((), ());
    assert!(matches!(x.matmul(&nothing), Err(ArrayError::Shapes { .. })));
    assert!(matches!(nothing.matmul(&x), Err(ArrayError::Shapes { .. })));
    let many = array::zeros([1; 4], 1);
    assert!(matches!(many.dot(&many), Ok(product) if product.ndim() == 6));
    assert!(matches!(array::tensordot(&many, &many, 0), Err(ArrayError::TooManyAxes { .. })));
}

#[test]
fn axes_that_are_not_there_are_refused() {
    let x = array::zeros([2, 2], 2);
    assert!(matches!(array::tensordot(&x, &x, 3), Err(ArrayError::Parameter { .. })));
    assert!(matches!(array::tensordot(&x, &x, usize::MAX), Err(ArrayError::Parameter { .. })));
    assert!(matches!(array::tensordot(&x, &x, (vec![0], vec![0, 1])), Err(ArrayError::Parameter { .. })));
    assert!(matches!(array::tensordot(&x, &x, (0, 2)), Err(ArrayError::Axis { axis: 2, .. })));
    assert!(matches!(array::tensordot(&x, &x, ([0, -2], [0, 1])), Err(ArrayError::RepeatedAxis { axis: 0, .. })));
}

#[test]
fn products_that_are_too_large_are_refused_before_they_are_made() {
    let (x, y) = (array::zeros([1 << 31, 1], 1 << 30), array::zeros([1, 1 << 31], 1 << 30));
    assert!(matches!(x.matmul(&y), Err(ArrayError::ShapeOverflow { .. })));
    // As many blocks as there can be, of two products each.
    let (x, y) = (array::zeros([1 << 12, 2], 1), array::zeros([2, 1 << 12], 1));
    assert!(matches!(x.matmul(&y), Err(ArrayError::TooManyBlocks { .. })));
}

#[test]
fn what_one_of_both_carries_is_told() {
    let (good, bad) = (array::zeros([2, 2], 2), array::zeros([2, 2], 0));
    let error = bad.clone().check().unwrap_err();
    assert_eq!(good.matmul(&bad).unwrap_err(), error);
    assert_eq!(bad.dot(&good).unwrap_err(), error);
    assert_eq!(array::tensordot(&good, &bad, 1).unwrap_err(), error);
}
