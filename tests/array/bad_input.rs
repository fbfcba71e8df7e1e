//! What is wrong is told when it is written down, by an error that says both shapes.

use anydask::array::{self, ArrayError, Complex64, Layout};
use anydask::{Error, graph::Collection};
use ndarray::{ArrayD, IxDyn};

use crate::support::{client, number, whole};

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

#[test]
fn what_does_not_fit_into_memory_is_told_before_anything_is_made() {
    let too_large = |error: Error| {
        let source = error.downcast_ref::<ArrayError>();
        assert!(matches!(source, Some(ArrayError::TooLarge { .. })), "{error:?}");
        assert!(source.unwrap().to_string().contains("make the chunks smaller"));
    };
    // One block, of 256 TiB.
    let block = array::zeros(1 << 45, usize::MAX);
    too_large(client().compute(&block).wait().unwrap_err());
    too_large(client().compute(&block.sum()).wait().unwrap_err());
    too_large(client().compute(&block.rechunk(1 << 44).unwrap().max().unwrap()).wait().unwrap_err());
    // Blocks that fit, but not all of them together: none is made.
    let many = array::from_fn([1 << 20, 1 << 25], [1 << 10, 1 << 25], |_, _| -> ArrayD<f64> { panic!("it is made") });
    too_large(client().compute(&many).wait().unwrap_err());
    // Rows of no elements have as many sums as there are rows.
    let rows = array::zeros([1 << 45, 0], usize::MAX);
    too_large(client().compute(&rows.sum_axes(1, false).unwrap().max().unwrap()).wait().unwrap_err());
    assert_eq!(client().compute(&rows.cumsum(1).unwrap().sum()).wait().unwrap(), 0.0);
}

#[test]
fn parameters_that_are_no_numbers_are_refused() {
    let x = array::zeros([2, 3], [2, 2]);
    let refused = |error: Option<ArrayError>| assert!(matches!(error, Some(ArrayError::Parameter { .. })), "{error:?}");
    refused(x.var_axes(0, f64::NAN, false).err());
    refused(x.std_axes(0, f64::NAN, false).err());
    assert!(client().compute(&x.var(f64::NAN)).wait().is_err());
    for (start, stop, step) in [(f64::NAN, 1.0, 1.0), (0.0, f64::INFINITY, 1.0), (0.0, 1.0, f64::NAN), (0.0, 1.0, 0.0)]
    {
        refused(array::arange(start, stop, step, 1).check().err());
    }
    refused(array::normal(f64::NAN, 1.0, 2, 2).check().err());
    refused(array::normal(0.0, f64::INFINITY, 2, 2).check().err());
    refused(array::normal(0.0, -1.0, 2, 2).check().err());
    // Where NumPy goes on with them, we do.
    assert!(whole(&array::linspace(f64::NAN, 1.0, 3, 2)).iter().take(2).all(|value| value.is_nan()));
    assert!(whole(&x.clip(f64::NAN, 1.0)).iter().all(|value| value.is_nan()));
    assert_eq!(number(&x.var(7.0)).to_string(), "NaN");
    assert_eq!(number(&array::linspace(0.0, 1.0, 3, 2).var(7.0)), f64::INFINITY);
}

#[test]
fn ranges_go_to_the_ends_of_their_types() {
    let ends = array::arange(i64::MIN, i64::MAX, i64::MAX, 2);
    assert_eq!(whole(&ends).into_raw_vec_and_offset().0, [i64::MIN, -1, i64::MAX - 1]);
    let down = array::arange(i64::MAX, i64::MIN, i64::MIN, 2);
    assert_eq!(whole(&down).into_raw_vec_and_offset().0, [i64::MAX, -1]);
    assert!(array::arange(i64::MAX, i64::MIN, i64::MAX, 2).is_empty());
    let failed = array::arange(i64::MIN, i64::MAX, 1, usize::MAX).check().err();
    assert!(matches!(failed, Some(ArrayError::ShapeOverflow { .. })), "{failed:?}");
    // More than an `f64` can count.
    let count = (1_i64 << 54) + 1;
    assert_eq!(array::arange(0, count, 1, usize::MAX).shape(), [count as usize]);
    assert!(matches!(array::linspace(0.0, 1.0, usize::MAX, 1).check(), Err(ArrayError::ShapeOverflow { .. })));
    assert!(matches!(array::arange(0.0, 1e17, 1.0, 1).check(), Err(ArrayError::TooManyBlocks { .. })));
}

#[test]
fn an_array_without_axes_is_one_element() {
    let x = array::full((), (), 2.5);
    assert_eq!((x.ndim(), x.len(), x.blocks().len()), (0, 1, 1));
    assert_eq!((number(&x.sum()), number(&x.var(0.0)), number(&x.argmax().unwrap())), (2.5, 0.0, 0));
    assert_eq!(whole(&x.rechunk(7).unwrap()).into_raw_vec_and_offset().0, [2.5]);
    assert_eq!(whole(&x.sum_axes([0_isize; 0], true).unwrap()).shape(), [0_usize; 0]);
    for error in [x.cumsum(0).err(), x.quantile(0.5, -1, true).err(), x.argmin_axis(0, true).err()] {
        assert!(matches!(error, Some(ArrayError::Axis { .. })), "{error:?}");
    }
    assert!(matches!(x.rechunk([1]), Err(ArrayError::ChunkAxes { axes: 1, .. })));
}

#[test]
fn seven_axes_are_refused_wherever_they_come_from() {
    let seven = ArrayD::<f64>::zeros(IxDyn(&[1; 7]));
    assert!(matches!(array::from_ndarray(&seven, 1).check(), Err(ArrayError::TooManyAxes { .. })));
    assert!(matches!(
        array::from_fn([1; 7], 1, |_, _| ArrayD::<u8>::zeros(IxDyn(&[]))).check(),
        Err(ArrayError::TooManyAxes { .. })
    ));
    // A view of one element, as if it were more than there is.
    let one = ndarray::arr0(1.0);
    let view = one.broadcast(IxDyn(&[1 << 50])).unwrap();
    assert!(matches!(array::from_ndarray(&view, 1 << 49).check(), Err(ArrayError::TooLarge { .. })));
}

#[test]
fn an_array_of_many_blocks_knows_where_each_is() {
    let layout = Layout::new(1 << 18, 1).unwrap();
    assert!(layout.blocks().enumerate().all(|(number, place)| layout.block_offset(&place) == [number]));
}

#[test]
fn a_chain_that_is_longer_than_a_program_is_right() {
    let mut x = array::arange(0.0, 3.0, 1.0, 2);
    for _ in 0..1500 {
        x = x * 1.0 + 1.0;
    }
    assert_eq!(whole(&x).into_raw_vec_and_offset().0, [1500.0, 1501.0, 1502.0]);
}
