//! Arrays of numpy are arrays of `ndarray`, in one piece.

use std::fmt::Debug;
use std::time::Instant;

use anydask::runtime::{Current, Runtime, Smol};
use anydask::{Client, RunningWorker, TaskFuture, Worker, python, task};
use ndarray::{Array1, Array2, ArrayD, Axis, Slice, arr2};
use serde::de::DeserializeOwned;

use crate::cluster::{Cluster, Version};
use crate::everywhere::everywhere;
use crate::python_functions::LIMIT;

#[task]
fn doubled(array: Array2<f64>) -> Array2<f64> {
    array * 2.0
}

#[task]
fn turned(array: Array2<f64>) -> Array2<f64> {
    array.reversed_axes()
}

#[task]
fn every_other(array: Array2<f64>) -> Array2<f64> {
    array.slice_axis(Axis(1), Slice::new(0, None, 2)).to_owned()
}

#[task]
fn sum_of(array: Array1<f64>) -> f64 {
    array.sum()
}

#[task]
fn sums(arrays: Vec<Array2<f64>>) -> Vec<f64> {
    arrays.iter().map(|array| array.sum()).collect()
}

#[task]
fn ramp(count: usize) -> Array1<f64> {
    Array1::from_iter((0..count).map(|index| index as f64))
}

struct Started<R: Runtime> {
    client: Client<R>,
    _worker: RunningWorker,
    cluster: Cluster,
}

fn start<R: Current + Runtime>() -> Started<R> {
    let mut cluster = Cluster::start(Version::on::<R>());
    cluster.python_worker_with("python", |command| {
        command.args(["--memory-limit", "8GiB"]);
    });
    let address = cluster.address().to_owned();
    let worker = Worker::<R>::connect(&address).threads(1).name("rust").start().timeout(LIMIT).wait().unwrap();
    let client = Client::<R>::connect(&address).timeout(LIMIT).wait().unwrap();
    client.wait_for_workers(2).timeout(LIMIT).wait().unwrap();
    Started { client, _worker: worker, cluster }
}

#[track_caller]
fn value<T: Clone + Send + Sync + 'static>(future: TaskFuture<T>) -> T {
    future.timeout(LIMIT).wait().unwrap_or_else(|error| panic!("{error:?}"))
}

const LAYOUTS: [&str; 8] = ["c", "fortran", "big", "big-fortran", "strided", "reversed", "transposed", "read-only"];

fn comes<R: Runtime, T>(client: &Client<R>, kind: &str, expected: [T; 6])
where
    T: Clone + Debug + PartialEq + DeserializeOwned + Send + Sync + 'static,
{
    let expected = Array2::from_shape_vec((2, 3), expected.to_vec()).unwrap();
    for layout in LAYOUTS {
        let array = || (kind.to_owned(), layout);
        let found = value(client.submit(python::<Array2<T>>("functions:array"), array()));
        assert_eq!(found, expected, "{kind} {layout}");
        let found = value(client.submit(python::<ArrayD<T>>("functions:array"), array()));
        assert_eq!(found, expected.clone().into_dyn(), "{kind} {layout}");
        let rows: Vec<Vec<T>> = expected.axis_iter(Axis(0)).map(|row| row.to_vec()).collect();
        assert_eq!(value(client.submit(python::<Vec<Vec<T>>>("functions:array"), array())), rows, "{kind} {layout}");
    }
}

everywhere! {
    arrays_of_every_kind_and_layout_come,
    arrays_go_to_python,
    tasks_in_rust_take_and_give_arrays,
}

fn arrays_of_every_kind_and_layout_come<R: Current + Runtime>() {
    let Started { client, .. } = &start::<R>();
    comes(client, "bool", [false, true, true, true, true, true]);
    comes(client, "i1", [0_i8, 1, 2, 3, 4, 5]);
    comes(client, "i2", [0_i16, 1, 2, 3, 4, 5]);
    comes(client, "i4", [0_i32, 1, 2, 3, 4, 5]);
    comes(client, "i8", [0_i64, 1, 2, 3, 4, 5]);
    comes(client, "u1", [0_u8, 1, 2, 3, 4, 5]);
    comes(client, "u2", [0_u16, 1, 2, 3, 4, 5]);
    comes(client, "u4", [0_u32, 1, 2, 3, 4, 5]);
    comes(client, "u8", [0_u64, 1, 2, 3, 4, 5]);
    comes(client, "f4", [0_f32, 1.0, 2.0, 3.0, 4.0, 5.0]);
    comes(client, "f8", [0_f64, 1.0, 2.0, 3.0, 4.0, 5.0]);
    // Of other elements, what they can be.
    comes(client, "i2", [0_f64, 1.0, 2.0, 3.0, 4.0, 5.0]);
    // One that repeats a row, which numpy does not write out. It says so, instead of growing here.
    let repeated = client.submit(python::<Array2<f64>>("functions:array"), ("f8", "broadcast"));
    let error = repeated.timeout(LIMIT).wait().unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("broadcast_to"), "{source}");
    let found = value(client.submit(python::<Vec<i64>>("numpy:arange"), 4));
    assert_eq!(found, [0, 1, 2, 3]);
    let error = client.submit(python::<Array1<i64>>("functions:array"), ("i8", "c")).timeout(LIMIT).wait().unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("another number of axes") && source.contains("[2, 3]"), "{source}");
}

fn arrays_go_to_python<R: Current + Runtime>() {
    let Started { client, .. } = &start::<R>();
    let array = arr2(&[[1.0, 2.0], [3.0, 4.0]]);
    let described = || python::<String>("functions:described");
    assert_eq!(value(client.submit(described(), &array)), "ndarray float64 (2, 2) True [1.0, 2.0, 3.0, 4.0]");
    assert_eq!(value(client.submit(described(), array.t())), "ndarray float64 (2, 2) True [1.0, 3.0, 2.0, 4.0]");
    assert_eq!(
        value(client.submit(described(), Array1::from(vec![true, false]))),
        "ndarray bool (2,) True [True, False]"
    );
    assert_eq!(value(client.submit(described(), Array1::<u16>::zeros(0))).split(' ').next(), Some("ndarray"));
    assert_eq!(value(client.submit(python::<f64>("numpy:dot"), (&Array1::from(vec![1.0, 2.0]), vec![3.0, 4.0]))), 11.0);
    let power = python::<Array2<f64>>("numpy:power").kwarg("dtype", "f8");
    assert_eq!(
        value(client.submit(power, (&array, Array2::from_elem((1, 1), 2_i32)))),
        arr2(&[[1.0, 4.0], [9.0, 16.0]])
    );
    // One that was scattered, and one that a Rust task gave.
    let scattered = client.scatter(array.clone()).timeout(LIMIT).wait().unwrap();
    assert_eq!(value(client.submit(described(), &scattered)), "ndarray float64 (2, 2) True [1.0, 2.0, 3.0, 4.0]");
    let given = client.submit(doubled, array);
    assert_eq!(value(client.submit(described(), &given)), "ndarray float64 (2, 2) True [2.0, 4.0, 6.0, 8.0]");
}

fn tasks_in_rust_take_and_give_arrays<R: Current + Runtime>() {
    let Started { client, cluster, .. } = &start::<R>();
    let expected = arr2(&[[0.0, 2.0, 4.0], [6.0, 8.0, 10.0]]);
    for layout in LAYOUTS {
        let array = client.submit(python::<Array2<f64>>("functions:array"), ("f8", layout));
        assert_eq!(value(client.submit(doubled, &array)), expected, "{layout}");
        assert_eq!(value(client.submit(sums, vec![array.clone(), array])), [15.0, 15.0], "{layout}");
    }
    let array = client.submit(python::<Array2<f64>>("functions:array"), ("f8", "c"));
    let described = || python::<String>("functions:described");
    let transposed = client.submit(turned, &array);
    assert_eq!(
        value(client.submit(described(), &transposed)),
        "ndarray float64 (3, 2) False [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]"
    );
    assert_eq!(value(client.submit(turned, &transposed)), expected / 2.0);
    assert_eq!(
        value(client.submit(described(), client.submit(every_other, &array))),
        "ndarray float64 (2, 2) True [0.0, 2.0, 3.0, 5.0]"
    );
    assert_eq!(value(client.submit(sum_of, client.submit(ramp, 1000))), 499_500.0);
    // A Python client of the same cluster sees it as an array, too.
    let kept = client.submit(ramp, 4);
    kept.timeout(LIMIT).wait().unwrap();
    let script = format!(
        "from distributed import Client, Future\nwith Client() as client: print(repr(client.submit(lambda data: data, Future('{}', client)).result(timeout=30)))",
        kept.key()
    );
    assert_eq!(cluster.run_python(&script).trim(), "array([0., 1., 2., 3.])");
}

/// Figures for whoever runs it with `--release --nocapture`; and that an array of 256 MiB goes through at all.
#[test]
fn a_quarter_of_a_gibibyte_comes_and_goes() {
    const COUNT: usize = 32 << 20;
    let Started { client, .. } = &start::<Smol>();
    let rate = |what: &str, start: Instant| {
        let seconds = start.elapsed().as_secs_f64();
        eprintln!("{what}: {seconds:.3} s, {:.2} GB/s", (COUNT * 8) as f64 / seconds / 1e9);
    };
    let array = client.submit(python::<Array1<f64>>("functions:filled"), COUNT);
    client.wait([&array]).timeout(LIMIT).wait().unwrap();
    let start = Instant::now();
    let found = value(array.clone());
    rate("from a Python worker to a Rust client", start);
    assert_eq!((found.len(), found[COUNT - 1]), (COUNT, (COUNT - 1) as f64));
    drop(found);
    let start = Instant::now();
    assert_eq!(value(client.submit(sum_of, &array)), (COUNT - 1) as f64 * COUNT as f64 / 2.0);
    rate("from a Python worker to a Rust worker, and its sum", start);
    let start = Instant::now();
    let made = client.submit(ramp, COUNT);
    client.wait([&made]).timeout(LIMIT).wait().unwrap();
    rate("made by a Rust worker", start);
    let start = Instant::now();
    assert_eq!(value(client.submit(python::<f64>("numpy:max"), &made)), (COUNT - 1) as f64);
    rate("from a Rust worker to a Python worker, and its maximum", start);
}
