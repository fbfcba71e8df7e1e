//! Other shapes of the same elements, and several arrays as one.

use anydask::array::{self, Array, ArrayError};
use anydask::{Graph, Optimize};
use ndarray::{ArrayD, Axis, IxDyn};
use proptest::prelude::*;

use crate::support::{array, client, float, given, persisted, same, shape, whole};

type Given = (ArrayD<f64>, Array<f64>);

/// Lengths with a product, by putting factors together at random.
fn factored(len: usize, axes: usize) -> impl Strategy<Value = Vec<usize>> {
    let mut factors = Vec::new();
    let mut rest = len;
    for factor in 2..=len.max(2) {
        while rest > 1 && rest.is_multiple_of(factor) {
            factors.push(factor);
            rest /= factor;
        }
    }
    let count = factors.len();
    (Just(factors).prop_shuffle(), prop::collection::vec(0..axes, count)).prop_map(move |(factors, places)| {
        let mut shape = vec![1; axes];
        factors.iter().zip(places).for_each(|(factor, place)| shape[place] *= factor);
        shape
    })
}

fn reshaped() -> impl Strategy<Value = (Given, Vec<usize>)> {
    let len = prop::sample::select(vec![1_usize, 2, 7, 12, 24, 36, 60, 64, 120, 210, 720]);
    (len, 1..=5_usize, 1..=5_usize)
        .prop_flat_map(|(len, from, to)| (factored(len, from), factored(len, to)))
        .prop_flat_map(|(from, to)| (given(from, float()), Just(to)))
}

fn joined() -> impl Strategy<Value = (Vec<Given>, usize)> {
    (shape(3).prop_filter("an axis", |shape| !shape.is_empty()), prop::collection::vec(0..6_usize, 1..4)).prop_flat_map(
        |(shape, lengths)| {
            (0..shape.len()).prop_flat_map(move |axis| {
                let array = |length: &usize| {
                    let mut shape = shape.clone();
                    shape[axis] = *length;
                    given(shape, float())
                };
                (lengths.iter().map(array).collect::<Vec<_>>(), Just(axis))
            })
        },
    )
}

fn reshaped_plain(plain: &ArrayD<f64>, shape: &[usize]) -> ArrayD<f64> {
    plain.to_shape(shape).unwrap().to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn elements_keep_their_order_in_another_shape(((plain, x), shape) in reshaped()) {
        let y = x.reshape(&shape[..]).unwrap();
        prop_assert!(same(&whole(&y), &reshaped_plain(&plain, &shape)));
        let back = (y * 2.0).reshape(x.shape()).unwrap();
        prop_assert!(same(&whole(&back), &(&plain * 2.0)));
        prop_assert!(same(&whole(&x.ravel()), &reshaped_plain(&plain, &[plain.len()])));
    }

    #[test]
    fn no_block_becomes_larger_than_the_largest_was(((_, x), shape) in reshaped()) {
        let largest = |x: &Array<f64>| x.chunks().iter().filter_map(|list| list.iter().max()).product::<usize>();
        prop_assert!(largest(&x.reshape(&shape[..]).unwrap()) <= largest(&x));
    }

    #[test]
    fn axes_are_put_in_another_order(
        ((plain, x), order) in array(4, float).prop_flat_map(|given: Given| {
            let order: Vec<usize> = (0..given.0.ndim()).collect();
            (Just(given), Just(order).prop_shuffle())
        }),
        (one, other) in (0..5_usize, 0..5_usize),
    ) {
        let axes: Vec<isize> = order.iter().enumerate().map(|(number, axis)| match number % 2 {
            0 => *axis as isize,
            _ => *axis as isize - order.len() as isize,
        }).collect();
        let permuted = x.permute_axes(&axes).unwrap();
        prop_assert!(same(&persisted(&permuted), &plain.clone().permuted_axes(&order[..])));
        prop_assert!(same(&whole(&x.t()), &plain.clone().reversed_axes()));
        if let (Some(one), Some(other)) = (one.checked_rem(order.len()), other.checked_rem(order.len())) {
            let mut swapped = plain.clone();
            swapped.swap_axes(one, other);
            prop_assert!(same(&whole(&x.swap_axes(one as isize, other as isize).unwrap()), &swapped));
        }
    }

    #[test]
    fn axes_of_length_one_come_and_go((plain, x) in array(4, float), at in 0..5_usize) {
        let at = at.min(plain.ndim());
        let expanded = plain.clone().insert_axis(Axis(at));
        let y = x.expand_dims(at as isize).unwrap();
        prop_assert!(same(&whole(&y), &expanded));
        prop_assert!(same(&whole(&x.expand_dims(at as isize - expanded.ndim() as isize).unwrap()), &expanded));
        prop_assert!(same(&whole(&y.squeeze_axis(at as isize).unwrap()), &plain));
        let shape: Vec<usize> = plain.shape().iter().copied().filter(|length| *length != 1).collect();
        prop_assert!(same(&whole(&x.squeeze()), &reshaped_plain(&plain, &shape)));
    }

    #[test]
    fn an_array_is_repeated_along_axes_of_length_one(
        (first, shape, ones) in (prop::collection::vec(0..4_usize, 0..3), shape(3), prop::collection::vec(any::<bool>(), 3)),
        seed in 0..u64::MAX,
    ) {
        let own: Vec<usize> = shape.iter().zip(&ones).map(|(length, is_one)| if *is_one { 1 } else { *length }).collect();
        let len = own.iter().product::<usize>();
        let plain = ArrayD::from_shape_vec(IxDyn(&own), (0..len).map(|i| i as f64).collect()).unwrap();
        // Uneven chunks, some of them empty.
        let cut = |length: &usize| {
            let at = seed as usize % (length + 1);
            vec![at, length - at]
        };
        let x = array::from_ndarray(&plain, own.iter().map(cut).collect::<Vec<_>>());
        let to: Vec<usize> = first.iter().chain(&shape).copied().collect();
        let expected = plain.broadcast(IxDyn(&to)).unwrap().to_owned();
        prop_assert!(same(&whole(&x.broadcast_to(&to[..]).unwrap()), &expected));
        prop_assert!(same(&whole(&(x.broadcast_to(&to[..]).unwrap() + &x)), &(&expected + &plain)));
    }

    #[test]
    fn arrays_follow_one_another_along_an_axis((arrays, axis) in joined()) {
        let views: Vec<_> = arrays.iter().map(|(plain, _)| plain.view()).collect();
        let chunked: Vec<&Array<f64>> = arrays.iter().map(|(_, x)| x).collect();
        let expected = ndarray::concatenate(Axis(axis), &views).unwrap();
        prop_assert!(same(&whole(&array::concatenate(&chunked, axis as isize).unwrap()), &expected));
    }

    #[test]
    fn an_array_follows_itself((plain, x) in array(3, float), counts in prop::collection::vec(0..4_usize, 0..5)) {
        let axes = plain.ndim().max(counts.len());
        let (mut expected, missing) = (plain, axes - counts.len());
        while expected.ndim() < axes {
            expected.insert_axis_inplace(Axis(0));
        }
        for (axis, count) in counts.iter().enumerate() {
            let places: Vec<usize> = (0..*count).flat_map(|_| 0..expected.shape()[missing + axis]).collect();
            expected = expected.select(Axis(missing + axis), &places);
        }
        prop_assert!(same(&whole(&x.tile(counts).unwrap()), &expected));
    }

    #[test]
    fn an_array_has_margins(
        ((plain, x), margins) in array(3, float).prop_flat_map(|given: Given| {
            let margins = prop::collection::vec((0..4_usize, 0..4_usize), given.0.ndim());
            (Just(given), margins)
        }),
        value in float(),
    ) {
        let lengths = plain.shape().iter().zip(&margins).map(|(length, (before, after))| before + length + after);
        let mut expected = ArrayD::from_elem(lengths.collect::<Vec<_>>(), value);
        let within = |axis: usize| ndarray::Slice::from(margins[axis].0..margins[axis].0 + plain.shape()[axis]);
        expected.slice_each_axis_mut(|axis| within(axis.axis.index())).assign(&plain);
        prop_assert!(same(&whole(&x.pad(&margins, value).unwrap()), &expected));
    }

    #[test]
    fn arrays_lie_side_by_side_along_a_new_axis(
        (arrays, at) in (shape(3), 1..4_usize).prop_flat_map(|(shape, count)| {
            let at = 0..=shape.len();
            (prop::collection::vec(given(shape, float()), count), at)
        }),
    ) {
        let views: Vec<_> = arrays.iter().map(|(plain, _): &Given| plain.view()).collect();
        let chunked: Vec<Array<f64>> = arrays.iter().map(|(_, x)| x.clone()).collect();
        let expected = ndarray::stack(Axis(at), &views).unwrap();
        prop_assert!(same(&whole(&array::stack(&chunked, at as isize).unwrap()), &expected));
        let from_end = at as isize - expected.ndim() as isize;
        prop_assert!(same(&whole(&array::stack(&chunked, from_end).unwrap()), &expected));
    }
}

#[test]
fn axes_that_stay_keep_their_chunks() {
    let x = array::zeros([6, 4, 10], [vec![1, 5], vec![4], vec![3, 7]]);
    assert_eq!(x.reshape([24, 10]).unwrap().chunks(), [vec![4, 20], vec![3, 7]]);
    assert_eq!(x.reshape([6, 2, 2, 10]).unwrap().chunks(), [vec![1, 5], vec![2], vec![2], vec![3, 7]]);
    assert_eq!(x.reshape([6, 1, 4, 10, 1]).unwrap().chunks(), [vec![1, 5], vec![1], vec![4], vec![3, 7], vec![1]]);
    let days = array::zeros([3650, 18], [365, 9]).reshape([10, 365, 18]).unwrap();
    assert_eq!(days.chunks(), [vec![1; 10], vec![365], vec![9, 9]]);
    assert_eq!(days.reshape([3650, 18]).unwrap().chunks(), [vec![365; 10], vec![9, 9]]);
}

#[test]
fn another_shape_of_rows_reads_each_block_once() {
    let x = array::from_ndarray(&ndarray::Array2::<f64>::zeros((6, 4)), [3, 4]);
    let y = x.reshape([2, 3, 2, 2]).unwrap().ravel();
    assert_eq!(y.chunks(), [vec![12; 2]]);
    let graph = Graph::of(y.sum()).optimized(Optimize::new());
    assert_eq!(graph.node_count(), 3, "{:?}", graph.names());
}

#[test]
fn no_elements_have_every_shape_of_none() {
    let x = array::zeros([4, 0, 3], 2);
    assert_eq!(whole(&x.reshape([0, 7]).unwrap()).shape(), [0, 7]);
    assert_eq!(whole(&x.ravel()).shape(), [0]);
    assert_eq!(x.reshape([4, -1, 3]).unwrap().shape(), [4, 0, 3]);
    assert!(x.reshape([3, 1]).is_err());
    assert!(x.reshape([0, -1]).is_err());
}

#[test]
fn an_array_plus_its_transpose_is_symmetric() {
    let x = array::random([300, 300], [100, 70]);
    let (sum, plain) = client().compute((&(&x + &x.transpose()).sum_axes(0, false).unwrap(), &x));
    let (sum, plain) = client().gather((sum, plain)).wait().unwrap();
    let expected = (&plain + &plain.t()).sum_axis(Axis(0));
    assert!(crate::support::all_close(&sum, &expected));
}

#[test]
fn what_is_repeated_is_cut_into_blocks_that_fit() {
    let x = array::zeros([1, 1000], [1, 500]).broadcast_to([16, 1 << 14, 1000]).unwrap();
    let largest = x.layout().block_shape(&[0, 0, 0]).iter().product::<usize>();
    assert!(largest <= 2 << 20 && largest > 1 << 20, "{:?}", x.layout().block_shape(&[0, 0, 0]));
}

#[test]
fn shapes_that_do_not_fit_are_both_told() {
    let x = array::zeros([4, 6], 2);
    let told = |error: ArrayError, parts: &[&str]| {
        let text = error.to_string();
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    };
    told(x.reshape([5, 5]).unwrap_err(), &["[4, 6]", "[5, 5]", "24 elements"]);
    told(x.reshape([5, -1]).unwrap_err(), &["[4, 6]", "[5, -1]"]);
    told(x.reshape([-1, -1]).unwrap_err(), &["[4, 6]", "[-1, -1]", "at most one"]);
    told(x.reshape([-4, -6]).unwrap_err(), &["[4, 6]", "[-4, -6]", "below 0"]);
    assert!(matches!(x.reshape([24, 1, 1, 1, 1, 1, 1]), Err(ArrayError::TooManyAxes { .. })));
    assert!(matches!(x.reshape([usize::MAX, 2]), Err(ArrayError::ShapeOverflow { .. })));
    let broadcast = |right: &[usize]| Some(ArrayError::Broadcast { left: vec![4, 6], right: right.to_vec() });
    for right in [&[6][..], &[4, 1], &[2, 4], &[]] {
        assert_eq!(x.broadcast_to(right).err(), broadcast(right));
    }
    let y = array::zeros([4, 5], 2);
    told(array::concatenate(&[&x, &y], 0).unwrap_err(), &["[4, 6]", "[4, 5]", "axis 0"]);
    told(array::concatenate(&[x.clone(), array::zeros(4, 2)], 1).unwrap_err(), &["[4, 6]", "[4]"]);
    told(array::stack(&[&x, &y], 0).unwrap_err(), &["[4, 6]", "[4, 5]"]);
    told(array::concatenate(&[&x], 2).unwrap_err(), &["axis 2", "[4, 6]"]);
    told(array::stack(&[&x], -4).unwrap_err(), &["axis -4", "[4, 6, 1]"]);
    told(array::stack::<f64, &Array<f64>>(&[], 0).unwrap_err(), &["no arrays"]);
    told(array::concatenate::<f64, Array<f64>>(&[], 0).unwrap_err(), &["no arrays"]);
    told(x.permute_axes(&[0]).unwrap_err(), &["[0]", "[4, 6]"]);
    told(x.permute_axes(&[0, -2]).unwrap_err(), &["axis 0", "[4, 6]", "twice"]);
    told(x.permute_axes(&[0, 2]).unwrap_err(), &["axis 2", "[4, 6]"]);
    told(x.swap_axes(0, -3).unwrap_err(), &["axis -3", "[4, 6]"]);
    told(x.squeeze_axis(0).unwrap_err(), &["axis 0", "[4, 6]"]);
    told(x.pad(&[(1, 1)], 0.0).unwrap_err(), &["1 margins", "[4, 6]"]);
    assert!(matches!(x.pad(&[(usize::MAX, 1), (0, 0)], 0.0), Err(ArrayError::ShapeOverflow { .. })));
    assert!(matches!(x.tile([1 << 40, 1]), Err(ArrayError::TooManyBlocks { .. })));
    assert!(matches!(x.tile([1; 7]), Err(ArrayError::TooManyAxes { .. })));
    assert!(matches!(array::zeros([1; 6], 1).expand_dims(0), Err(ArrayError::TooManyAxes { .. })));
}

#[test]
fn an_array_that_could_not_be_made_stays_so() {
    let (good, bad) = (array::zeros([2, 2], 1), array::zeros([2, 2], 0));
    let error = bad.clone().check().err();
    assert!(error.is_some());
    assert_eq!(bad.t().check().err(), error);
    assert_eq!(bad.squeeze().check().err(), error);
    assert_eq!(bad.ravel().check().err(), error);
    assert_eq!(bad.reshape([7]).err(), error);
    assert_eq!(bad.broadcast_to(7).err(), error);
    assert_eq!(bad.permute_axes(&[7]).err(), error);
    assert_eq!(bad.tile(7).err(), error);
    assert_eq!(bad.pad(&[], 0.0).err(), error);
    assert_eq!(array::concatenate(&[&good, &bad], 7).err(), error);
    assert_eq!(array::stack(&[&good, &bad], 7).err(), error);
}
