//! Arrays in chunks on a cluster: the same seeds give there what they give on the embedded engine.

use anydask::array::{self, Array, ArrayError, Boundary, Generator};
use anydask::{Client, Error, python, task};
use ndarray::{ArrayD, IxDyn, arr1};

use crate::everywhere::says;
use crate::ground::{AnyOf, Ground, on_clusters};

on_clusters! {
    random_arrays_and_what_is_made_of_them_are_the_same;
    reductions_are_the_same;
    other_chunks_and_running_sums_are_the_same;
    tasks_of_blocks_are_the_same;
    what_is_persisted_stays_on_the_workers;
    python_functions_take_blocks;
    files_are_written_and_read_by_workers;
    a_block_that_fails_is_named_by_one_error;
    closures_are_refused;
}

#[task]
fn ramp(offset: Vec<usize>, shape: Vec<usize>) -> ArrayD<f64> {
    ArrayD::from_shape_fn(IxDyn(&shape), |index| (offset[0] + index[0]) as f64 + 1000.0 * offset[1] as f64)
}

#[task]
fn cubes(mut block: ArrayD<f64>) -> ArrayD<f64> {
    block.mapv_inplace(|element| element * element * element);
    block
}

#[task]
fn sum_and_most(block: ArrayD<f64>) -> ArrayD<f64> {
    let most = block.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    ArrayD::from_shape_vec(IxDyn(&[2, 1]), vec![block.sum(), most]).unwrap()
}

/// Of the elements beside each other along the first axis, how much more the later one is.
#[task]
fn rise(block: ArrayD<f64>) -> ArrayD<f64> {
    ArrayD::from_shape_fn(block.raw_dim(), |index| {
        let mut before = index.clone();
        before[0] = index[0].saturating_sub(1);
        block[&index] - block[&before]
    })
}

#[task]
fn below_nine(block: ArrayD<i64>) -> Result<ArrayD<i64>, String> {
    match block.iter().find(|element| **element >= 9) {
        Some(element) => Err(format!("{element} is not below nine")),
        None => Ok(block),
    }
}

#[task]
fn explodes(block: ArrayD<i64>) -> ArrayD<i64> {
    assert!(!block.iter().any(|element| *element == 7), "there is a seven");
    block
}

async fn embedded<R: AnyOf>(on: &Ground<R>) -> Client<R> {
    on.get(on.builder().threads(2).local()).await.unwrap()
}

/// Computes on both, and holds the one against the other.
macro_rules! same {
    ($on:expr, $client:expr, $embedded:expr, $($array:expr),+ $(,)?) => {{
        let arrays = ($(&$array,)+);
        let expected = $on.get($embedded.gather($embedded.compute(arrays))).await.unwrap();
        let given = $on.get($client.gather($client.compute(arrays))).await.unwrap();
        assert!(given == expected, "a cluster gives others of {}", stringify!($($array),+));
        expected
    }};
}

async fn random_arrays_and_what_is_made_of_them_are_the_same<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let embedded = embedded(&on).await;
    let mut generator = Generator::new(42);
    let (x, y) = (generator.random([30, 20], [7, 20]), generator.normal(1.0, 2.0, [30, 20], [10, 9]));
    let whole = generator.integers(-5, 6, [40], [11]);
    let sums = &x * 2.0 + &y.abs().sqrt() - &y.mean_axes(0, true).unwrap();
    let (first, ..) = same!(on, client, embedded, x, y, whole, sums, whole.gt_scalar(0).unwrap(), whole.cast::<f32>());
    assert_eq!(first[[0, 0]], 0.9369389261528349);
}

async fn reductions_are_the_same<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let embedded = embedded(&on).await;
    let x = Generator::new(7).normal(3.0, 0.5, [60, 50], [9, 16]);
    let (mean, deviation, ..) =
        same!(on, client, embedded, x.mean(), x.std(1.0), x.sum(), x.min().unwrap(), x.argmax().unwrap(), x.any());
    assert!((mean - 3.0).abs() < 0.05 && (deviation - 0.5).abs() < 0.05, "{mean} {deviation}");
    let max = x.max_axes([0, 1], true).unwrap();
    let (columns, places) = (x.var_axes(0, 0.0, false).unwrap(), x.argmin_axis(1, false).unwrap());
    same!(
        on,
        client,
        embedded,
        max,
        columns,
        places,
        x.prod_axes(-1, true).unwrap(),
        x.quantile(0.3, 0, false).unwrap()
    );
}

async fn other_chunks_and_running_sums_are_the_same<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let embedded = embedded(&on).await;
    let x = Generator::new(1).random([24, 36], [5, 36]);
    let other = x.rechunk([24, 7]).unwrap();
    let (plain, rechunked, _) = same!(on, client, embedded, x, other, other.cumsum(0).unwrap());
    assert_eq!(plain, rechunked);
    same!(on, client, embedded, array::linspace(0.0, 1.0, 11, 4), array::from_ndarray(&arr1(&[true, false]), 1));
}

async fn tasks_of_blocks_are_the_same<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let embedded = embedded(&on).await;
    let x = array::from_fn_task([10, 6], [3, 2], ramp);
    let of_each = x.map_blocks_to_task([2, 1], sum_and_most).unwrap();
    let steps = x.map_overlap_task([(1, 0), (0, 0)], Boundary::Nearest, rise).unwrap();
    let cubed = (&x + 1.0).map_blocks_task(cubes);
    let (_, _, steps, sum) = same!(on, client, embedded, cubed, of_each, steps, cubed.sum());
    assert!(steps.iter().enumerate().all(|(place, step)| *step == if place < 6 { 0.0 } else { 1.0 }), "{steps}");
    assert!(sum > 0.0);
}

async fn what_is_persisted_stays_on_the_workers<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let x = Generator::new(3).random([40, 10], [10, 10]);
    let kept = client.persist(&x);
    on.until_look("len([t for t in s.tasks.values() if t.state == 'memory'])", "4").await;
    let futures = client.compute((&kept, (&kept * 2.0).sum()));
    let (all, sum): (ArrayD<f64>, f64) = on.get(client.gather(futures)).await.unwrap();
    assert!((all.sum() * 2.0 - sum).abs() < 1e-9);
    on.until_look("len(s.tasks)", "4").await;
    drop((x, kept));
    on.until_look("len(s.tasks)", "0").await;
}

async fn python_functions_take_blocks<R: AnyOf>(mut on: Ground<R>) {
    on.cluster.python_worker("py");
    let worker = on.worker("a", 1).await;
    let client = on.client().await;
    let x = array::arange(0.0, 10.0, 1.0, 4);
    let roots = x.map_blocks_task(python::<ArrayD<f64>>("numpy:sqrt"));
    let sum = on.value(&client.compute(&(&roots * &roots).sum())).await.unwrap();
    assert!((sum - 45.0).abs() < 1e-12, "{sum}");
    let windows = x.map_overlap_task(1, Boundary::Constant(0.0), python::<ArrayD<f64>>("numpy:cumsum"));
    let windows = on.value(&client.compute(&windows.unwrap())).await.unwrap();
    assert_eq!(windows.as_slice().unwrap()[..6], [0.0, 1.0, 3.0, 6.0, 3.0 + 4.0, 3.0 + 4.0 + 5.0]);
    drop((x, roots, client));
    on.get(worker.stop()).await.unwrap();
    on.cluster.stop("py");
}

async fn files_are_written_and_read_by_workers<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let path = crate::cluster::target().join(format!("arrays-{}.npy", on.cluster.port()));
    let x = Generator::new(9).normal(0.0, 1.0, [20, 30], [6, 11]);
    on.value(&client.compute(&x.store_npy(&path).unwrap())).await.unwrap();
    // What NumPy finds in it, and writes in its own way.
    let script = format!(
        "import numpy as np\nx = np.load({path:?})\nprint(x.shape, x.dtype, x.flags.c_contiguous)\n\
         np.save({path:?}, np.asfortranarray(x).astype('>f8'))"
    );
    assert_eq!(on.cluster.run_python(&script).trim(), "(20, 30) float64 True");
    let read = array::from_npy::<f64>(&path, [7, 8]).unwrap();
    let (expected, found) = on.get(client.gather(client.compute((&x, &read)))).await.unwrap();
    assert_eq!(found, expected);
    // One that is gone by the time that it is read.
    std::fs::remove_file(&path).unwrap();
    let error = on.error(&client.compute(&read.sum())).await;
    says(&error, &[path.to_str().unwrap(), "it cannot be read"]);
}

async fn a_block_that_fails_is_named_by_one_error<R: AnyOf>(on: Ground<R>) {
    let (client, _a, _b) = on.two_workers().await;
    let x = array::arange(0, 12, 1, 2);
    let sum = |array: Array<i64>| client.compute(&(&array * 2).sum());
    // What depends on it says which one it was, and so does the block itself.
    let error = on.error(&sum(x.map_blocks_task(below_nine))).await;
    assert!(matches!(&error, Error::Failed { .. }), "{error:?}");
    says(&error, &["block [", "]: ", " is not below nine"]);
    let error = on.error(&sum(x.map_blocks_task(explodes))).await;
    assert!(matches!(&error, Error::Panicked { .. }), "{error:?}");
    says(&error, &["block [3]: panicked at ", "there is a seven"]);
    // A key that a user has chosen says nothing of blocks.
    let chosen = client.task(explodes, ArrayD::from_elem(IxDyn(&[1]), 7_i64)).key("explodes[3]-mine").submit();
    let error = on.error(&chosen).await;
    assert!(matches!(&error, Error::Panicked { message, .. } if message.starts_with("panicked at ")), "{error:?}");
    let longer = array::arange(0, 6, 1, 2).map_blocks_to_task(3, below_nine).unwrap();
    let error = on.error(&client.compute(&longer)).await;
    says(&error, &["block [", "the function gave shape [2] where [3] is needed"]);
    // What is wrong with the array itself.
    let error = on.error(&client.compute(&(&x + &array::arange(0, 11, 1, 2)).sum())).await;
    says(&error, &["shapes [12] and [11] do not broadcast together"]);
    assert_eq!(on.value(&sum(x)).await.unwrap(), 132_i64);
}

async fn closures_are_refused<R: AnyOf>(on: Ground<R>) {
    let _a = on.worker("a", 1).await;
    let client = on.client().await;
    let x = array::ones([4, 4], 2);
    let refused = |error: Error, fix: &str| {
        assert!(matches!(error, Error::NotPortable { .. }), "{error:?}");
        says(&error, &[fix]);
    };
    let made = array::from_fn(4, 2, |_, shape| ArrayD::<f64>::zeros(IxDyn(shape)));
    refused(on.error(&client.compute(&made)).await, "give `array::from_fn_task` a `#[task]` function");
    let error = on.error(&client.compute(&x.map_blocks(|block| block).sum())).await;
    refused(error, "give `Array::map_blocks_task` a `#[task]` function");
    let to = x.map_blocks_to(1, |block| block).unwrap();
    refused(on.error(&client.compute(&to)).await, "give `Array::map_blocks_to_task` a `#[task]` function");
    let around = x.map_overlap(1, Boundary::None, |block| block).unwrap();
    refused(on.error(&client.compute(&around)).await, "give `Array::map_overlap_task` a `#[task]` function");
    let error = on.error(&client.compute(&x.map_blocks_task(|block: ArrayD<f64>| block))).await;
    refused(error, "make it a `#[task]` function");
    // It is known before anything runs.
    assert!(matches!(x.map_blocks_to(vec![vec![1; 3]; 2], |block| block), Err(ArrayError::Parameter { .. })));
}
