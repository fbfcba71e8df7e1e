//! What is wrong is told when it is written down, by an error that says both shapes.

use anydask::array::{self, ArrayError, Complex64, Layout};
use anydask::{Error, graph::Collection};
use ndarray::{ArrayD, IxDyn};

use crate::support::client;

#[test]
fn chunks_that_do_not_fit_are_refused() {
    let refused = |error: ArrayError, parts: &[&str]| {
        let text = error.to_string();
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    };
    refused(Layout::new([4, 5], [2]).unwrap_err(), &["[4, 5]", "1 axes"]);
    refused(Layout::new([4, 5], [0, 1]).unwrap_err(), &["[4, 5]", "axis 0"]);
    refused(Layout::new([4, 5], [vec![2, 2], vec![2, 2]]).unwrap_err(), &["[4, 5]", "axis 1", "4 elements"]);
    refused(Layout::new([4], [vec![usize::MAX, 5]]).unwrap_err(), &["[4]"]);
    refused(Layout::new([0], [Vec::new()]).unwrap_err(), &["[0]"]);
    refused(Layout::new([1; 7], 1).unwrap_err(), &["7 axes"]);
    refused(Layout::new([1_usize << 40], 1).unwrap_err(), &["blocks"]);
    refused(Layout::new([1_usize << 20, 1 << 20], 1).unwrap_err(), &["blocks"]);
    refused(Layout::new([usize::MAX, 2], 1 << 60).unwrap_err(), &["more elements"]);
    refused(Layout::new([usize::MAX, 0], 1 << 60).unwrap_err(), &["more elements"]);
}

#[test]
fn creations_and_operators_carry_what_is_wrong() {
    let bad = array::random([1000, 1000], [1000, 0]);
    let error = bad.clone().check().unwrap_err();
    assert!(matches!(error, ArrayError::ZeroChunk { axis: 1, .. }));
    // Whatever is made of it has the same error.
    let good = array::zeros([2, 2], [2, 2]);
    assert_eq!((&good + &bad * 2.0).sqrt().check().unwrap_err(), error);
    assert_eq!(bad.sum_axes(5, false).unwrap_err(), error);
    assert_eq!(bad.rechunk(7).unwrap_err(), error);
    for future in [client().compute(&bad.mean()).wait().err(), client().compute(&bad).wait().err()] {
        let failed = future.unwrap();
        assert!(matches!(failed, Error::Failed { .. }), "{failed:?}");
        assert_eq!(failed.downcast_ref::<ArrayError>(), Some(&error));
    }
    assert!(client().persist(&bad).check().is_err());
    assert_eq!(bad.parts().len(), 1);
}

#[test]
fn shapes_that_do_not_broadcast_are_both_told() {
    let (x, y) = (array::zeros([2, 3], [2, 2]), array::zeros([2], [1]));
    for error in [(&x + &y).check().unwrap_err(), x.lt(&y).unwrap_err(), x.minimum(&y).unwrap_err()] {
        assert_eq!(error, ArrayError::Broadcast { left: vec![2, 3], right: vec![2] });
    }
    // Large together, small each.
    let (x, y) = (array::zeros([1 << 34, 1], [1 << 30, 1]), array::zeros([1, 1 << 34], [1, 1 << 30]));
    assert!(matches!((x + y).check(), Err(ArrayError::ShapeOverflow { .. })));
}

#[test]
fn an_axis_out_of_range_is_refused_with_the_shape() {
    let x = array::zeros([2, 3], [2, 2]);
    for axis in [2, -3, isize::MIN, isize::MAX] {
        for error in [x.sum_axes(axis, true).err(), x.argmax_axis(axis, true).err(), x.cumsum(axis).err()] {
            assert_eq!(error, Some(ArrayError::Axis { axis, shape: vec![2, 3] }));
        }
    }
    assert!(matches!(x.sum_axes([0, -2], true), Err(ArrayError::RepeatedAxis { axis: 0, .. })));
    assert!(matches!(x.quantile(1.5, 0, true), Err(ArrayError::Parameter { .. })));
    assert!(matches!(x.quantile(f64::NAN, 0, true), Err(ArrayError::Parameter { .. })));
    assert!(array::zeros((), ()).sum_axes(0, true).unwrap_err().to_string().contains("no axes"));
}

#[test]
fn operations_that_have_no_meaning_are_refused() {
    let unsupported =
        |error: Option<ArrayError>| assert!(matches!(error, Some(ArrayError::Unsupported { .. })), "{error:?}");
    let (truth, complex) = (array::full(2, 2, true), array::full(2, 2, Complex64::I));
    unsupported((&truth - &truth).check().err());
    unsupported((-&truth).check().err());
    unsupported((&complex % &complex).check().err());
    unsupported((!array::zeros(2, 2)).check().err());
    unsupported((array::zeros(2, 2) & true).check().err());
    unsupported(complex.floor().check().err());
    unsupported(complex.quantile(0.5, 0, true).err());
    let bytes = array::full(2, 2, 7_u8);
    assert!(matches!((&bytes + 300).check(), Err(ArrayError::OutOfRange { .. })));
    assert!(matches!(bytes.lt_scalar(-1), Err(ArrayError::OutOfRange { .. })));
}

#[test]
fn one_block_of_ten_thousand_that_fails_is_named() {
    let x = array::from_fn([100, 100], [1, 1], |offset, _| {
        ArrayD::<f64>::zeros(IxDyn(&[1, if offset == [37, 42] { 2 } else { 1 }]))
    });
    let error = client().compute(&(&x * 2.0).sum()).wait().unwrap_err();
    let source = error.downcast_ref::<ArrayError>().unwrap();
    assert!(matches!(source, ArrayError::Function { block, .. } if block == &[37, 42]), "{source}");
    assert!(source.to_string().contains("[1, 2]") && source.to_string().contains("[1, 1]"), "{source}");
}
