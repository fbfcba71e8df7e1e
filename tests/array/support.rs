//! Random arrays, and how results are compared.

use std::sync::OnceLock;

use anydask::array::{self, Array, Element};
use anydask::graph::Collection;
use anydask::{Delayed, Optimize, runtime::Smol};
use ndarray::{ArrayD, IxDyn};
use proptest::prelude::*;

// What the tests on every runtime take from here.
pub(crate) use crate::every_runtime::{
    AnyOf, Event, Setting, awaited, awaited_on_every_runtime, on_every_runtime, run, run_blocking,
};

/// Threads are shared by all tests: each asks for what it needs, and none counts them.
pub fn client() -> &'static anydask::Client<Smol> {
    static CLIENT: OnceLock<anydask::Client<Smol>> = OnceLock::new();
    CLIENT.get_or_init(|| anydask::Client::local().wait().expect("a client"))
}

/// The whole, optimised and not: both must be the same.
pub fn whole<T: Element>(array: &Array<T>) -> ArrayD<T> {
    let optimized = client().compute(array).wait().expect("it is computed");
    let plain = client().compute_with(array, Optimize::none()).wait().expect("it is computed without optimisation");
    assert_eq!(optimized.shape(), array.shape());
    assert!(same(&optimized, &plain), "{optimized:?} optimised, {plain:?} not");
    optimized
}

/// The number, optimised and not.
pub fn number<T: Element>(number: &Delayed<T>) -> T {
    let optimized = client().compute(number).wait().expect("it is computed");
    let plain = client().compute_with(number, Optimize::none()).wait().expect("it is computed without optimisation");
    assert!(equal(&optimized, &plain), "{optimized:?} optimised, {plain:?} not");
    optimized
}

/// Equal, and NaN where the other is.
pub fn same<T: Element>(one: &ArrayD<T>, other: &ArrayD<T>) -> bool {
    one.shape() == other.shape() && one.iter().zip(other).all(|(one, other)| equal(one, other))
}

#[expect(clippy::eq_op, reason = "NaN is not equal to itself")]
fn equal<T: Element>(one: &T, other: &T) -> bool {
    one == other || one != one && other != other
}

/// Equal up to the rounding of some thousand additions.
pub fn close(one: f64, other: f64) -> bool {
    one == other || one.is_nan() && other.is_nan() || (one - other).abs() <= 1e-12 * one.abs().max(other.abs()).max(1.0)
}

pub fn all_close(one: &ArrayD<f64>, other: &ArrayD<f64>) -> bool {
    one.shape() == other.shape() && one.iter().zip(other).all(|(one, other)| close(*one, *other))
}

/// Checks that a collection can be persisted, and is then the same.
pub fn persisted<T: Element>(array: &Array<T>) -> ArrayD<T> {
    let kept = client().persist(array);
    assert_eq!(kept.layout(), array.layout());
    assert_eq!(kept.parts().len(), array.blocks().len());
    whole(&kept)
}

/// Chunks of an axis, uneven, sometimes with empty ones.
fn cuts(length: usize) -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..=length, 0..4).prop_map(move |mut cuts| {
        cuts.sort_unstable();
        let ends = cuts.iter().copied().chain([length]);
        let starts = [0].into_iter().chain(cuts.iter().copied());
        starts.zip(ends).map(|(start, end)| end - start).collect()
    })
}

pub fn shape(axes: usize) -> impl Strategy<Value = Vec<usize>> {
    let length = prop_oneof![8 => 1..6_usize, 1 => Just(0_usize), 1 => 6..40_usize];
    prop::collection::vec(length, 0..=axes).prop_filter("small", |shape| shape.iter().product::<usize>() < 5000)
}

pub fn chunks(shape: &[usize]) -> impl Strategy<Value = Vec<Vec<usize>>> + use<> {
    shape.iter().map(|length| cuts(*length)).collect::<Vec<_>>()
}

/// Numbers of all kinds.
pub fn float() -> impl Strategy<Value = f64> {
    prop_oneof![
        20 => -100.0..100.0,
        4 => (-3..4_i32).prop_map(f64::from),
        1 => Just(f64::NAN),
        1 => prop::sample::select(vec![f64::INFINITY, f64::NEG_INFINITY, -0.0, 1e-300]),
    ]
}

pub fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![4 => -100.0..100.0, 1 => (-3..4_i32).prop_map(f64::from)]
}

/// An array and the same in chunks.
pub fn given<T, S>(shape: Vec<usize>, element: S) -> impl Strategy<Value = (ArrayD<T>, Array<T>)>
where
    T: Element,
    S: Strategy<Value = T>,
{
    let len = shape.iter().product::<usize>();
    (prop::collection::vec(element, len), chunks(&shape)).prop_map(move |(elements, chunks)| {
        let plain = ArrayD::from_shape_vec(IxDyn(&shape), elements).expect("the elements make the shape");
        let chunked = array::from_ndarray(&plain, chunks);
        (plain, chunked)
    })
}

pub fn array<T, S>(axes: usize, element: fn() -> S) -> impl Strategy<Value = (ArrayD<T>, Array<T>)>
where
    T: Element,
    S: Strategy<Value = T> + 'static,
{
    shape(axes).prop_flat_map(move |shape| given(shape, element()))
}
