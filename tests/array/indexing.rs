//! Slices and chosen places.

use anydask::array::{self, Array, ArrayError, Complex64, Element};
use anydask::{Graph, Optimize};
use ndarray::{ArrayD, Axis, SliceInfoElem};
use proptest::prelude::*;

use crate::support::{array, float, given, persisted, same, shape, whole};

const WHOLE: SliceInfoElem = range(0, None, 1);

const fn range(start: isize, end: Option<isize>, step: isize) -> SliceInfoElem {
    SliceInfoElem::Slice { start, end, step }
}

/// What one axis is sliced by.
fn index(length: usize) -> impl Strategy<Value = SliceInfoElem> {
    let length = length as isize;
    let step = prop_oneof![4 => 1..4_isize, 4 => -4..0_isize, 1 => Just(isize::MAX), 1 => Just(isize::MIN + 1)];
    let bound = move || (0..=length, any::<bool>());
    // Counted from the end, if it can be.
    let told = move |(at, from_end): (isize, bool)| if from_end && at < length { at - length } else { at };
    // Mostly in order, so that something is left.
    let slice = (bound(), prop::option::of(bound()), step, 0..10_u8).prop_map(move |(start, end, step, turned)| {
        let (start, end) = match end {
            Some(end) if (end.0 < start.0) != (turned == 0) => (end, Some(start)),
            end => (start, end),
        };
        range(told(start), end.map(told), step)
    });
    let place = (0..length.max(1), any::<bool>()).prop_map(move |at| SliceInfoElem::Index(told(at)));
    let places = if length > 0 { 2 } else { 0 };
    prop_oneof![5 => slice, 1 => Just(WHOLE), places => place]
}

type Given = (ArrayD<f64>, Array<f64>);

fn sliced() -> impl Strategy<Value = (Given, Vec<SliceInfoElem>, usize)> {
    shape(4).prop_flat_map(|shape| {
        let indices: Vec<_> = shape.iter().map(|length| index(*length).boxed()).collect();
        let new = prop::collection::vec(0..=shape.len(), 0..=2);
        let indices = (indices, new).prop_map(|(mut indices, new)| {
            new.iter().for_each(|at| indices.insert(*at, SliceInfoElem::NewAxis));
            indices
        });
        (given(shape, float()), indices, 0..3_usize)
    })
}

/// An array with an axis, and places along it.
fn taken() -> impl Strategy<Value = (Given, usize, Vec<usize>)> {
    shape(4).prop_filter("an axis", |shape| !shape.is_empty()).prop_flat_map(|shape| {
        (0..shape.len()).prop_flat_map(move |axis| {
            let length = shape[axis];
            let count = if length == 0 { 0..=0 } else { 0..=12_usize };
            let places = prop::collection::vec(0..length.max(1), count);
            (given(shape.clone(), float()), Just(axis), (places, any::<bool>())).prop_map(
                |(given, axis, (mut places, is_sorted))| {
                    if is_sorted {
                        places.sort_unstable();
                    }
                    (given, axis, places)
                },
            )
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn slices_are_those_of_ndarray(((plain, x), indices, left_out) in sliced()) {
        let sliced = x.slice(&indices).unwrap();
        prop_assert!(same(&whole(&sliced), &plain.slice(&indices[..]).to_owned()));
        // An axis of length 0 has one chunk, and others have no empty ones.
        for (length, chunks) in sliced.shape().iter().zip(sliced.chunks()) {
            prop_assert!(indices.contains(&WHOLE) || *length == 0 && chunks == &[0] || !chunks.contains(&0));
        }
        // Axes at the end that are whole need not be named.
        let mut rest = indices.clone();
        let keep = rest.len().saturating_sub(left_out);
        rest[keep..].iter_mut().filter(|index| !index.is_new_axis()).for_each(|index| *index = WHOLE);
        let named = rest.iter().rposition(|index| *index != WHOLE).map_or(0, |last| last + 1);
        let short = x.slice(&rest[..named]).unwrap();
        prop_assert!(same(&whole(&short), &plain.slice(&rest[..]).to_owned()));
    }

    #[test]
    fn slices_of_slices_of_what_is_not_made_yet((plain, x) in array(3, float)) {
        let (mut y, mut expected) = (&x * 2.0, &plain * 2.0);
        for axis in 0..plain.ndim() {
            y = y.flip(axis as isize - plain.ndim() as isize).unwrap() + 1.0;
            expected.invert_axis(Axis(axis));
            expected += 1.0;
        }
        prop_assert!(same(&persisted(&y), &expected));
    }

    #[test]
    fn axes_begin_elsewhere(((plain, x), axis, _) in taken(), places in prop_oneof![-50..50_isize, any::<isize>()]) {
        let length = plain.shape()[axis] as i128;
        let from = |at: i128| (at - places as i128).rem_euclid(length) as usize;
        let order: Vec<usize> = (0..length).map(from).collect();
        prop_assert!(same(&whole(&x.roll(places, axis as isize).unwrap()), &plain.select(Axis(axis), &order)));
    }

    #[test]
    fn places_are_taken_in_any_order(((plain, x), axis, places) in taken()) {
        let length = plain.shape()[axis] as isize;
        let told: Vec<isize> = places.iter().enumerate().map(|(number, place)| match number % 2 {
            0 => *place as isize,
            _ => *place as isize - length,
        }).collect();
        let taken = x.take(&told, axis as isize).unwrap();
        prop_assert!(same(&whole(&taken), &plain.select(Axis(axis), &places)));
        if let Some(place) = places.first() {
            let expected = plain.index_axis(Axis(axis), *place).to_owned();
            prop_assert!(same(&whole(&x.select(told[0], axis as isize).unwrap()), &expected));
        }
        // The same, told by what is true; each once and in order.
        let mask: Vec<bool> = (0..length as usize).map(|place| places.contains(&place)).collect();
        let places: Vec<usize> = (0..length as usize).filter(|place| mask[*place]).collect();
        let kept = x.compress(&mask, axis as isize).unwrap();
        prop_assert!(same(&whole(&kept), &plain.select(Axis(axis), &places)));
    }
}

#[test]
fn every_type_of_element_is_sliced_taken_and_turned() {
    fn turned<T: Element>(x: &Array<T>) -> Vec<T> {
        let y = x.reshape([2, 3]).unwrap().slice([WHOLE, range(0, None, -2)]).unwrap().t().take(&[1, 0, 1], 0).unwrap();
        assert_eq!(y.shape(), [3, 2]);
        whole(&y).into_raw_vec_and_offset().0
    }
    let x = array::arange(0, 6, 1, 4);
    assert_eq!(turned(&x), [0, 3, 2, 5, 0, 3]);
    assert_eq!(turned(&x.cast::<bool>()), [false, true, true, true, false, true]);
    assert_eq!(turned(&x.cast::<u8>()), [0, 3, 2, 5, 0, 3]);
    assert_eq!(turned(&x.cast::<i32>()), [0, 3, 2, 5, 0, 3]);
    assert_eq!(turned(&x.cast::<f32>()), [0.0, 3.0, 2.0, 5.0, 0.0, 3.0]);
    let complex = turned(&(&x * Complex64::I));
    assert_eq!(complex.iter().map(|value| value.im).collect::<Vec<_>>(), [0.0, 3.0, 2.0, 5.0, 0.0, 3.0]);
}

#[test]
fn the_chunks_of_a_slice_are_what_is_left_of_each() {
    let x = array::arange(0, 20, 1, 6);
    let chunks = |start, end, step| x.slice([range(start, end, step)]).unwrap().chunks().to_vec();
    assert_eq!(chunks(0, None, 1), [vec![6, 6, 6, 2]]);
    assert_eq!(chunks(5, Some(13), 1), [vec![1, 6, 1]]);
    assert_eq!(chunks(0, None, -4), [vec![1, 1, 2, 1]]);
    assert_eq!(chunks(0, None, 7), [vec![1, 1, 1]]);
    assert_eq!(chunks(7, Some(7), 1), [vec![0]]);
    assert_eq!(chunks(9, Some(7), 1), [vec![0]]);
}

#[test]
fn blocks_that_stay_whole_are_not_made_again() {
    let x = array::from_ndarray(&ndarray::Array2::<f64>::zeros((4, 4)), [2, 4]);
    let nodes = |x: &Array<f64>| Graph::of(&x.blocks()[0]).optimized(Optimize::none()).node_count();
    assert_eq!(nodes(&x), 1);
    assert_eq!(nodes(&x.slice([range(0, Some(2), 1)]).unwrap()), 1);
    assert_eq!(nodes(&x.take(&[2, 3, 0, 1], 0).unwrap().rechunk([2, 4]).unwrap()), 1);
    assert_eq!(nodes(&x.rechunk([vec![2, 1, 1], vec![4]]).unwrap()), 1);
    assert_eq!(nodes(&x.slice([range(0, Some(1), 1)]).unwrap()), 2);
}

#[test]
fn only_the_blocks_that_a_slice_touches_are_made() {
    let x = array::from_fn([100, 100], 10, |offset, shape| {
        assert_eq!(offset, [30, 40], "no other block is needed");
        ArrayD::<f64>::zeros(ndarray::IxDyn(shape))
    });
    assert_eq!(whole(&x.slice([range(31, Some(39), 3), range(40, Some(50), -1)]).unwrap()).shape(), [3, 10]);
    assert_eq!(whole(&x.take(&[35, 30], 0).unwrap().select(-57, 1).unwrap()).shape(), [2]);
}

#[test]
fn what_is_taken_of_many_blocks_does_not_need_them_at_once() {
    // Places that go to and fro, a few of each of a hundred blocks.
    let x = array::from_fn([1000, 8], [10, 8], |_, shape| ArrayD::<f64>::zeros(ndarray::IxDyn(shape)));
    let places: Vec<isize> = (0..100).map(|place| place * 370 % 1000).collect();
    let graph = Graph::of(x.take(&places, 0).unwrap().sum()).optimized(Optimize::new());
    // Nobody else needs a block: it is made where a part of it is taken, and never held.
    let held = graph.names().iter().filter(|name| name.starts_with("from_fn") && !name.contains("take")).count();
    assert_eq!(held, 0, "{:?}", graph.names());
}

#[test]
fn what_lies_outside_is_refused_with_the_axis_and_the_shape() {
    let x = array::zeros([4, 6], 2);
    let outside = |index, axis| Some(ArrayError::Index { index, axis, shape: vec![4, 6] });
    for (bad, axis, index) in [
        (range(0, Some(7), 1), 1, 7),
        (range(5, None, 1), 0, 5),
        (range(-5, None, -1), 0, -5),
        (range(0, Some(isize::MIN), 1), 1, isize::MIN),
        (SliceInfoElem::Index(6), 1, 6),
        (SliceInfoElem::Index(isize::MAX), 0, isize::MAX),
        (SliceInfoElem::Index(-7), 1, -7),
    ] {
        let mut indices = vec![WHOLE; axis];
        indices.push(bad);
        assert_eq!(x.slice(indices).err(), outside(index, axis));
    }
    assert_eq!(x.select(4, 0).err(), outside(4, 0));
    assert_eq!(x.take(&[0, -7], 1).err(), outside(-7, 1));
    assert_eq!(x.slice([WHOLE; 3]).err(), Some(ArrayError::Axis { axis: 2, shape: vec![4, 6] }));
    assert!(matches!(x.slice([range(0, None, 0)]), Err(ArrayError::Parameter { .. })));
    assert!(matches!(x.slice([SliceInfoElem::NewAxis; 5]), Err(ArrayError::TooManyAxes { .. })));
    assert_eq!(x.flip(2).err(), Some(ArrayError::Axis { axis: 2, shape: vec![4, 6] }));
    assert_eq!(x.roll(1, 2).err(), Some(ArrayError::Axis { axis: 2, shape: vec![4, 6] }));
    assert_eq!(x.select(9, -3).err(), Some(ArrayError::Axis { axis: -3, shape: vec![4, 6] }));
    let text = x.compress(&[true; 5], 0).unwrap_err().to_string();
    assert!(text.contains("[4, 6]") && text.contains("[5]") && text.contains("4 values"), "{text}");
    assert!(array::zeros(0, 1).take(&[0], 0).is_err());
    assert!(array::zeros((), ()).select(0, 0).is_err());
}

#[test]
fn an_array_that_could_not_be_made_is_not_sliced() {
    let bad = array::zeros([2, 2], 0);
    let error = bad.clone().check().err();
    assert!(error.is_some());
    assert_eq!(bad.slice([WHOLE]).err(), error);
    assert_eq!(bad.flip(7).err(), error);
    assert_eq!(bad.roll(1, 7).err(), error);
    assert_eq!(bad.take(&[7], 7).err(), error);
    assert_eq!(bad.compress(&[], 7).err(), error);
}
