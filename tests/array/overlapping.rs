//! Functions of blocks and what lies around them.

use anydask::array::{self, ArrayError, Boundary};
use anydask::task;
use ndarray::{ArrayD, IxDyn, Slice, arr1};
use proptest::prelude::*;

use crate::support::{array, client, finite, same, whole};

/// Sums of so many elements before, so many after, and the element: fewer at the ends.
fn sums(block: &ArrayD<f64>, depths: &[(usize, usize)]) -> ArrayD<f64> {
    ArrayD::from_shape_fn(block.raw_dim(), |index| {
        let window = block.slice_each_axis(|axis| {
            let axis = axis.axis.index();
            let (before, after) = depths[axis];
            let end = index[axis] + after + 1;
            Slice::from(index[axis].saturating_sub(before)..end.min(block.shape()[axis]))
        });
        window.iter().sum()
    })
}

/// The whole with what lies around it, by its definition: where each element comes from.
fn padded(plain: &ArrayD<f64>, depths: &[(usize, usize)], boundary: Boundary<f64>) -> ArrayD<f64> {
    if boundary == Boundary::None {
        return plain.clone();
    }
    let lengths = plain.shape().iter().zip(depths).map(|(length, (before, after))| before + length + after);
    ArrayD::from_shape_fn(IxDyn(&lengths.collect::<Vec<_>>()), |index| {
        let source = |axis: usize| {
            let (at, length) = (index[axis] as isize - depths[axis].0 as isize, plain.shape()[axis] as isize);
            match boundary {
                _ if (0..length).contains(&at) => Some(at),
                Boundary::Reflect if at < 0 => Some(-1 - at),
                Boundary::Reflect => Some(2 * length - 1 - at),
                Boundary::Periodic => Some(at.rem_euclid(length)),
                Boundary::Nearest => Some(at.clamp(0, length - 1)),
                _ => None,
            }
        };
        let place: Option<Vec<usize>> = (0..plain.ndim()).map(|axis| Some(source(axis)? as usize)).collect();
        match (place, boundary) {
            (Some(place), _) => plain[IxDyn(&place)],
            (None, Boundary::Constant(value)) => value,
            (None, _) => unreachable!(),
        }
    })
}

#[task]
fn sums_of_five(block: ArrayD<f64>) -> ArrayD<f64> {
    sums(&block, &vec![(2, 2); block.ndim()])
}

fn boundary() -> impl Strategy<Value = Boundary<f64>> {
    prop_oneof![
        Just(Boundary::None),
        Just(Boundary::Reflect),
        Just(Boundary::Periodic),
        Just(Boundary::Nearest),
        (-9.0..9.0).prop_map(Boundary::Constant),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn blocks_are_as_they_would_be_in_the_whole(
        ((plain, x), depths) in array(3, finite).prop_flat_map(|(plain, x)| {
            let depth = |length: &usize| (0..=4.min(*length), 0..=4.min(*length));
            let depths = plain.shape().iter().map(depth).collect::<Vec<_>>();
            (Just((plain, x)), depths)
        }),
        boundary in boundary(),
    ) {
        let of_windows = depths.clone();
        let y = x.map_overlap(depths.clone(), boundary, move |block| sums(&block, &of_windows)).unwrap();
        prop_assert_eq!(y.chunks(), x.chunks());
        let around = sums(&padded(&plain, &depths, boundary), &depths);
        let start = |axis: usize| if boundary == Boundary::None { 0 } else { depths[axis].0 };
        let expected = around.slice_each_axis(|axis| {
            let axis = axis.axis.index();
            Slice::from(start(axis)..start(axis) + plain.shape()[axis])
        });
        prop_assert!(same(&whole(&y), &expected.to_owned()));
    }
}

#[test]
fn each_boundary_is_what_its_table_says() {
    let x = array::arange(1, 5, 1, 4);
    let around = |boundary| {
        // What the function is given is what an error of it can tell.
        let y = x.try_map_overlap(2, boundary, |block| match block.len() {
            0 => Ok(block),
            _ => Err(format!("{:?}", block.into_raw_vec_and_offset().0)),
        });
        let error = client().compute(&y.unwrap()).wait().unwrap_err();
        let Some(ArrayError::Function { message, .. }) = error.downcast_ref() else { panic!("{error:?}") };
        message.clone()
    };
    assert_eq!(around(Boundary::None), "[1, 2, 3, 4]");
    assert_eq!(around(Boundary::Reflect), "[2, 1, 1, 2, 3, 4, 4, 3]");
    assert_eq!(around(Boundary::Periodic), "[3, 4, 1, 2, 3, 4, 1, 2]");
    assert_eq!(around(Boundary::Nearest), "[1, 1, 1, 2, 3, 4, 4, 4]");
    assert_eq!(around(Boundary::Constant(0)), "[0, 0, 1, 2, 3, 4, 0, 0]");
}

#[test]
fn chunks_that_are_shorter_than_the_depth_reach_beyond_their_neighbours() {
    let x = array::arange(0.0, 7.0, 1.0, 1);
    let y = x.map_overlap(2, Boundary::Constant(0.0), |block| sums(&block, &[(2, 2)])).unwrap();
    assert_eq!(y.chunks(), [vec![1; 7]]);
    assert_eq!(whole(&y), arr1(&[3.0, 6.0, 10.0, 15.0, 20.0, 18.0, 15.0]).into_dyn());
}

#[test]
fn a_task_gives_what_a_closure_gives() {
    let x = array::Generator::new(5).random([9, 11], [4, 3]);
    for boundary in [Boundary::None, Boundary::Reflect, Boundary::Periodic, Boundary::Nearest, Boundary::Constant(7.0)]
    {
        let closure = x.map_overlap(2, boundary, *sums_of_five).unwrap();
        let task = x.map_overlap_task(2, boundary, sums_of_five).unwrap();
        assert_eq!(whole(&task), whole(&closure));
    }
}

#[test]
fn depths_that_do_not_fit_are_refused() {
    let x = array::ones([3, 8], 2);
    let refused = |depth: Vec<usize>, parts: &[&str]| {
        let error = x.map_overlap(depth, Boundary::Reflect, |block| block).unwrap_err();
        assert!(matches!(error, ArrayError::Parameter { .. }), "{error:?}");
        let text = error.to_string();
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    };
    refused(vec![4, 0], &["depth of 4", "axis 0", "[3, 8]", "at most 3"]);
    refused(vec![0, usize::MAX], &["axis 1", "at most 8"]);
    refused(vec![1], &["1 depths", "2 axes", "[3, 8]"]);
    assert!(x.map_overlap([(0, 4), (0, 0)], Boundary::None, |block| block).is_err());
    assert!(x.map_overlap_task([0, 9], Boundary::None, sums_of_five).is_err());
    assert!(x.map_overlap([3, 8], Boundary::Reflect, |block| block).is_ok());
}
