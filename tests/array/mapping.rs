//! Functions of blocks: where they are called, with what, and how they fail.

use std::sync::{Arc, Mutex};

use anydask::array::{self, Array, ArrayError};
use anydask::{Error, TaskContext, asynchronous, fallible, task};
use ndarray::{ArrayD, Axis, IxDyn, arr1};
use proptest::prelude::*;

use crate::support::{all_close, array, client, finite, float, same, whole};

#[task]
fn halved(block: ArrayD<f64>) -> ArrayD<f64> {
    block / 2.0
}

#[task]
fn signs(block: ArrayD<f64>) -> Result<ArrayD<i32>, String> {
    match block.iter().find(|element| element.is_nan()) {
        None => Ok(block.mapv(|element| element.signum() as i32)),
        Some(element) => Err(format!("{element} has no sign")),
    }
}

/// All elements of a block as one, which is their sum.
#[task]
fn total(block: ArrayD<f64>) -> ArrayD<f64> {
    ArrayD::from_elem(IxDyn(&vec![1; block.ndim()]), block.sum())
}

#[task]
fn numbered(offset: Vec<usize>, shape: Vec<usize>) -> ArrayD<i64> {
    ArrayD::from_shape_fn(IxDyn(&shape), |index| (0..shape.len()).fold(0, |n, axis| 10 * n + at(&offset, &index, axis)))
}

fn at(offset: &[usize], index: &IxDyn, axis: usize) -> i64 {
    (offset[axis] + index[axis]) as i64
}

/// What a function did wrong, and with which block.
#[track_caller]
fn failure(error: Error) -> (Vec<usize>, String) {
    assert!(matches!(error, Error::Failed { .. }), "{error:?}");
    match error.downcast_ref() {
        Some(ArrayError::Function { block, message }) => (block.clone(), message.clone()),
        _ => panic!("{error:?} does not name the block"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_element_is_given_once((plain, x) in array(4, float)) {
        prop_assert!(same(&whole(&x.map_blocks(|block| block.mapv(|v| v * 3.0))), &plain.mapv(|v| v * 3.0)));
        let kinds = x.map_blocks(|block| block.mapv(f64::is_nan));
        prop_assert_eq!(whole(&kinds), plain.mapv(f64::is_nan));
        let tried = x.try_map_blocks(|block| Ok::<_, String>(block.mapv(f64::abs))).map_blocks_task(halved);
        prop_assert!(same(&whole(&tried), &plain.mapv(|v| v.abs() / 2.0)));
    }

    #[test]
    fn a_function_is_told_where_the_block_is((plain, x) in array(4, float)) {
        let layout = x.layout().clone();
        let numbers = x.map_blocks_at(move |place, block| {
            assert_eq!(place.shape, block.shape());
            assert_eq!(place.offset, layout.block_offset(&place.block));
            numbered(place.offset.clone(), place.shape.clone())
        });
        let expected = numbered(vec![0; plain.ndim()], plain.shape().to_vec());
        prop_assert_eq!(&whole(&numbers), &expected);
        prop_assert_eq!(whole(&array::from_fn_task(x.shape(), x.chunks(), numbered)), expected);
    }

    #[test]
    fn blocks_get_other_shapes((plain, x) in array(3, finite)) {
        let sums = x.map_blocks_to(1, *total).unwrap();
        prop_assert_eq!(sums.shape(), x.layout().grid());
        let sum = |place: Vec<usize>| {
            let (offset, shape) = (x.layout().block_offset(&place), x.layout().block_shape(&place));
            let axes = 0..plain.ndim();
            let block = axes.fold(plain.view(), |view, axis| {
                let range = offset[axis]..offset[axis] + shape[axis];
                view.slice_axis_move(Axis(axis), range.into())
            });
            block.sum()
        };
        let expected = x.layout().blocks().map(sum).collect();
        let expected = ArrayD::from_shape_vec(IxDyn(&x.layout().grid()), expected).unwrap();
        prop_assert!(all_close(&whole(&sums), &expected));
        prop_assert!(all_close(&whole(&x.map_blocks_to_task(1, total).unwrap()), &expected));
    }
}

#[test]
fn axes_that_are_one_block_come_and_go() {
    let x = array::arange(0.0, 12.0, 1.0, 4)
        .map_blocks_to([vec![2; 3], vec![2]], |block| block.into_shape_with_order(IxDyn(&[2, 2])).unwrap());
    let x = x.unwrap();
    assert_eq!(x.shape(), [6, 2]);
    assert_eq!(whole(&x)[[4, 1]], 9.0);
    let rows = x.map_blocks_to([vec![2, 2, 2]], |block| block.sum_axis(Axis(1))).unwrap();
    assert_eq!(whole(&rows), arr1(&[1.0, 5.0, 9.0, 13.0, 17.0, 21.0]).into_dyn());
    let sum = array::ones([2, 2], 2)
        .map_blocks_to(Vec::<Vec<usize>>::new(), |block| block.sum_axis(Axis(0)).sum_axis(Axis(0)));
    assert_eq!(whole(&sum.unwrap()), ArrayD::from_elem(IxDyn(&[]), 4.0));
}

#[test]
fn chunks_for_another_grid_are_refused() {
    let x = array::ones([4, 6], 2);
    let refused = |chunks: Vec<Vec<usize>>| {
        let error = x.map_blocks_to(chunks, |block| block).unwrap_err();
        assert!(matches!(error, ArrayError::Parameter { .. }), "{error:?}");
        error.to_string()
    };
    let text = refused(vec![vec![2, 2], vec![2, 2]]);
    assert!(text.contains("[4, 6]") && text.contains("[2, 3]") && text.contains("[2, 2]"), "{text}");
    refused(vec![vec![1; 3], vec![1; 2]]);
    refused(vec![vec![1; 6]]);
    refused(vec![vec![], vec![2; 3]]);
    assert!(x.map_blocks_to([2], |block| block).is_err());
    assert!(matches!(x.map_blocks_to(usize::MAX, |block| block), Err(ArrayError::ShapeOverflow { .. })));
    let x = array::ones(1, 1);
    assert!(matches!(x.map_blocks_to(vec![vec![1]; 7], |block| block), Err(ArrayError::TooManyAxes { .. })));
}

#[test]
fn a_block_that_nobody_else_needs_is_changed_in_place() {
    let places = || Arc::new(Mutex::new(Vec::new()));
    let (made, given) = (places(), places());
    let (seen, passed) = (Arc::clone(&made), Arc::clone(&given));
    let x = array::from_fn([6, 2], [2, 2], move |_, shape| {
        let block = ArrayD::from_elem(IxDyn(shape), 1.0);
        seen.lock().unwrap().push(block.as_ptr() as usize);
        block
    });
    let add = move |mut block: ArrayD<f64>| {
        passed.lock().unwrap().push(block.as_ptr() as usize);
        block += 1.0;
        block
    };
    let y = x.map_blocks(add.clone());
    assert_eq!(client().compute(&y).wait().unwrap(), ArrayD::from_elem(IxDyn(&[6, 2]), 2.0));
    let sorted = |places: &Mutex<Vec<usize>>| {
        let mut places = std::mem::take(&mut *places.lock().unwrap());
        places.sort_unstable();
        places
    };
    assert_eq!(sorted(&made), sorted(&given));
    // What is kept is not touched.
    let kept = client().persist(&x);
    assert_eq!(whole(&kept.map_blocks(add)), ArrayD::from_elem(IxDyn(&[6, 2]), 2.0));
    assert_eq!(whole(&kept), ArrayD::from_elem(IxDyn(&[6, 2]), 1.0));
    let (made, given) = (sorted(&made), sorted(&given));
    assert!(given.iter().all(|place| !made.contains(place)));
}

#[test]
fn functions_of_all_kinds_are_taken() {
    let x = array::arange(-2.0, 3.0, 1.0, 2);
    let expected = arr1(&[-1, -1, 1, 1, 1]).into_dyn();
    assert_eq!(whole(&x.map_blocks_task(signs)), expected);
    assert_eq!(whole(&x.map_blocks_task(|block: ArrayD<f64>| block.mapv(|v| v.signum() as i32))), expected);
    let later = asynchronous(|block: ArrayD<f64>| async move { block.mapv(|v| v.signum() as i32) });
    assert_eq!(whole(&x.map_blocks_task(later)), expected);
}

#[test]
fn what_goes_wrong_names_the_block() {
    let x = array::arange(0.0, 10.0, 1.0, 2);
    let bad = &x * &x - 16.0;
    let error = |array: &Array<f64>| failure(client().compute(&array.sum()).wait().unwrap_err());
    let check = |block: ArrayD<f64>| match block[0] {
        0.0 => Err(std::io::Error::other("no zeros".parse::<i64>().unwrap_err())),
        _ => Ok(block),
    };
    let invalid = "invalid digit found in string".to_owned();
    assert_eq!(error(&bad.try_map_blocks(check)), (vec![2], invalid.clone()));
    assert_eq!(error(&bad.map_blocks_task(fallible(check))), (vec![2], invalid.clone()));
    assert_eq!(error(&bad.try_map_overlap(0, array::Boundary::None, check).unwrap()), (vec![2], invalid));
    let later = fallible(asynchronous(|block: ArrayD<f64>| async move {
        if block[0] == 0.0 { Err("later".to_owned()) } else { Ok(block) }
    }));
    assert_eq!(error(&bad.map_blocks_task(later)), (vec![2], "later".to_owned()));

    let boom = |block: ArrayD<f64>| if block[0] == 0.0 { panic!("boom of {}", block.len()) } else { block };
    for array in [bad.map_blocks(boom), bad.map_blocks_task(boom)] {
        let (block, message) = error(&array);
        assert_eq!(block, [2]);
        assert!(message.starts_with("the function panicked at tests/array/mapping.rs:"), "{message}");
        assert!(message.ends_with(": boom of 2"), "{message}");
    }
    let shorter = |block: ArrayD<f64>| if block[0] == 0.0 { ArrayD::zeros(IxDyn(&[1])) } else { block };
    for array in [
        bad.map_blocks(shorter),
        bad.map_blocks_task(shorter),
        bad.map_blocks_to(2, shorter).unwrap(),
        bad.map_overlap(0, array::Boundary::None, shorter).unwrap(),
        bad.map_overlap_task(0, array::Boundary::None, shorter).unwrap(),
    ] {
        assert_eq!(error(&array), (vec![2], "the function gave shape [1] where [2] is needed".to_owned()));
    }
    let panics = array::from_fn([2, 2], [2, 1], |offset, shape| {
        assert!(offset[1] == 0, "not there");
        ArrayD::<f64>::zeros(IxDyn(shape))
    });
    let (block, message) = error(&panics);
    assert!(block == [0, 1] && message.ends_with("not there"), "{block:?} {message}");
}

#[test]
fn what_a_client_says_inside_stays_what_it_is() {
    let x = array::ones(2, 2).try_map_blocks(|block| match TaskContext::current() {
        Ok(context) => Err(Error::Cancelled { key: context.key().clone(), reason: "by itself".into() }),
        Err(_) => Ok(block),
    });
    let error = client().compute(&x).wait().unwrap_err();
    assert!(!matches!(error.downcast_ref(), Some(ArrayError::Function { .. })), "{error:?}");
}

#[test]
fn an_array_that_carries_an_error_carries_it_on() {
    let bad = array::ones([2, 2], 0);
    let error = bad.clone().check().unwrap_err();
    assert_eq!(bad.map_blocks(|block| block).check().unwrap_err(), error);
    assert_eq!(bad.map_blocks_task(halved).check().unwrap_err(), error);
    assert_eq!(bad.map_blocks_to(1, |block| block).unwrap_err(), error);
    assert_eq!(bad.map_overlap(1, array::Boundary::None, |block| block).unwrap_err(), error);
    assert_eq!(array::from_fn_task([2, 2], 0, numbered).check().unwrap_err(), error);
}
