//! Creation, chunks, `compute` and `persist`.

use anydask::array::{self, ArrayError, Layout};
use ndarray::{ArrayD, IxDyn, Slice, arr1};
use proptest::prelude::*;

use crate::support::{array, client, float, persisted, same, whole};

#[test]
fn one_size_for_each_axis_leaves_the_rest_to_the_last_chunk() {
    let layout = Layout::new([10, 4, 0], [4, 4, 7]).unwrap();
    assert_eq!(layout.chunks(), [vec![4, 4, 2], vec![4], vec![0]]);
    assert_eq!(layout.block_count(), 3);
    assert_eq!(Layout::new([3, 5], usize::MAX).unwrap().chunks(), [vec![3], vec![5]]);
    assert_eq!(Layout::new([3, 5], 2).unwrap().chunks(), [vec![2, 1], vec![2, 2, 1]]);
    assert_eq!(Layout::new([3, 5], [[1, 2], [2, 3]]).unwrap().chunks(), [vec![1, 2], vec![2, 3]]);
    assert_eq!(Layout::new((), ()).unwrap().block_count(), 1);
}

#[test]
fn blocks_come_in_c_order_with_their_offsets() {
    let layout = Layout::new([5, 3], [vec![2, 3], vec![1, 2]]).unwrap();
    let blocks: Vec<_> = layout.blocks().collect();
    assert_eq!(blocks, [[0, 0], [0, 1], [1, 0], [1, 1]]);
    assert_eq!(layout.block_offset(&[1, 1]), [2, 1]);
    assert_eq!(layout.block_shape(&[1, 1]), [3, 2]);
    assert_eq!(layout.block_number(&[1, 0]), 2);
}

#[test]
fn constants_fill_all_six_axes() {
    let x = array::full([2, 1, 3, 1, 2, 2], 2, 7_i32);
    assert_eq!(whole(&x), ArrayD::from_elem(IxDyn(&[2, 1, 3, 1, 2, 2]), 7));
    assert_eq!(whole(&array::ones([3], 2)), arr1(&[1.0; 3]).into_dyn());
    assert_eq!(whole(&array::zeros((), ())), ArrayD::<f64>::zeros(IxDyn(&[])));
    assert_eq!(whole(&array::zeros([4, 0, 2], 2)), ArrayD::<f64>::zeros(IxDyn(&[4, 0, 2])));
}

#[test]
fn ranges_are_those_of_numpy() {
    for (start, stop, step, expected) in [
        (0, 10, 3, vec![0, 3, 6, 9]),
        (10, 0, -4, vec![10, 6, 2]),
        (0, -5, 1, vec![]),
        (5, 5, 1, vec![]),
        (-3, 4, 7, vec![-3]),
    ] {
        let x = array::arange(start, stop, step, 2);
        assert_eq!(whole(&x).into_raw_vec_and_offset().0, expected, "{start} {stop} {step}");
        let x = array::arange(start as f64, stop as f64, step as f64, 2);
        let expected: Vec<f64> = expected.into_iter().map(|value| value as f64).collect();
        assert_eq!(whole(&x).into_raw_vec_and_offset().0, expected, "{start} {stop} {step}");
    }
    let x = whole(&array::linspace(1.0, 2.0, 7, 3));
    assert_eq!((x[[0]], x[[6]], x.len()), (1.0, 2.0, 7));
    assert_eq!(whole(&array::linspace(1.0, 2.0, 1, 3)), arr1(&[1.0]).into_dyn());
    assert_eq!(whole(&array::linspace(1.0, 2.0, 0, 3)).len(), 0);
}

#[test]
fn a_range_that_has_no_length_carries_an_error() {
    for failed in [array::arange(0, 1, 0, 1).check().err(), array::arange(0.0, 1.0, 0.0, 1).check().err()] {
        assert!(matches!(failed, Some(ArrayError::Parameter { .. })), "{failed:?}");
    }
    assert!(matches!(array::arange(0.0, 1e300, 1.0, 1).check(), Err(ArrayError::ShapeOverflow { .. })));
}

#[test]
fn a_function_makes_blocks_where_they_are() {
    let x = array::from_fn([5, 4], [[2, 3], [3, 1]], |offset, shape| {
        ArrayD::from_shape_fn(IxDyn(shape), |index| (10 * (offset[0] + index[0]) + offset[1] + index[1]) as i64)
    });
    assert_eq!(whole(&x), ArrayD::from_shape_fn(IxDyn(&[5, 4]), |index| (10 * index[0] + index[1]) as i64));
}

#[test]
fn an_array_that_is_not_in_c_order_is_taken_as_it_is_meant() {
    let plain = ndarray::Array2::from_shape_fn((4, 3), |(i, j)| (10 * i + j) as f32).reversed_axes();
    assert_eq!(whole(&array::from_ndarray(&plain, [2, 3])), plain.clone().into_dyn());
    let view = plain.slice_each_axis(|axis| Slice::new(0, None, if axis.axis.index() == 1 { -2 } else { 1 }));
    assert_eq!(whole(&array::from_ndarray(&view, 1)), view.to_owned().into_dyn());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_array_goes_into_chunks_and_comes_back((plain, chunked) in array(6, float)) {
        prop_assert!(same(&whole(&chunked), &plain));
        prop_assert!(same(&persisted(&chunked), &plain));
    }

    #[test]
    fn other_chunks_are_the_same_array(
        ((plain, chunked), chunks) in crate::support::shape(4).prop_flat_map(|shape| {
            (crate::support::given(shape.clone(), float()), crate::support::chunks(&shape))
        }),
    ) {
        let other = chunked.rechunk(chunks.clone()).unwrap();
        prop_assert_eq!(other.chunks(), chunks);
        prop_assert!(same(&whole(&other), &plain));
    }
}

#[test]
fn what_is_computed_together_is_made_once() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let x = array::from_fn(6, 2, move |offset, shape| {
        counted.fetch_add(1, Ordering::Relaxed);
        ArrayD::from_elem(IxDyn(shape), offset[0] as f64)
    });
    let (sum, max) = client().compute((&x.sum(), &x.max().unwrap()));
    assert_eq!(client().gather((sum, max)).wait().unwrap(), (12.0, 4.0));
    assert_eq!(runs.load(Ordering::Relaxed), 3);
}
