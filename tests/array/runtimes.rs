//! Arrays on every runtime, and in blocking code.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anydask::array::{self, Generator};
use anydask::{Error, Status};
use ndarray::{ArrayD, IxDyn};

use crate::support::{AnyOf, Event, Setting, on_every_runtime};

async fn a_mean_is_computed_and_chunks_are_kept<R: AnyOf>(on: Setting<R>) {
    let client = on.client(2).await;
    let x = array::random([1000, 1000], [1000, 100]);
    let mean: f64 = on.take(client.compute(&x.mean())).await.unwrap();
    assert!((mean - 0.5).abs() < 0.01, "{mean}");

    let kept = client.persist(&Generator::new(1).normal(5.0, 2.0, [100, 40], [30, 40]));
    let columns = (&kept - &kept.mean_axes(0, true).unwrap()) / &kept.std_axes(0, 0.0, true).unwrap();
    let squares = columns.map_blocks(|block| block.mapv(|element| element * element)).mean();
    let (columns, squares) = on.get(client.gather(client.compute((&columns, &squares)))).await.unwrap();
    assert_eq!(columns.shape(), [100, 40]);
    assert!((squares - 1.0).abs() < 1e-12, "{squares}");
}

async fn a_cancelled_computation_gives_its_memory_back<R: AnyOf>(on: Setting<R>) {
    const BEFORE: usize = 60;
    let client = on.client(2).await;
    let (calls, reached, release) = (Arc::new(AtomicUsize::new(0)), Event::new(), Event::new());
    let x = {
        let (calls, reached, release) = (Arc::clone(&calls), reached.clone(), release.clone());
        array::from_fn([500, 1000], [1, 1000], move |_, shape| {
            if calls.fetch_add(1, Ordering::SeqCst) >= BEFORE {
                reached.set();
                release.wait();
            }
            ArrayD::from_elem(IxDyn(shape), 1.0)
        })
    };
    let y = x.map_overlap([1, 0], array::Boundary::Nearest, |block| block * 2.0).unwrap();
    let whole = client.compute(&y);
    on.passed(&reached).await;
    // In the middle: there are blocks, and two are being made.
    on.until("both threads wait", || calls.load(Ordering::SeqCst) == BEFORE + 2).await;
    let info = client.info();
    assert!(info.memory.len() >= BEFORE / 2, "{} blocks are there", info.memory.len());

    whole.cancel();
    assert_eq!(whole.status(), Status::Cancelled);
    release.set();
    on.until("all is given back", || {
        let info = client.info();
        info.tasks == 0 && info.memory.is_empty() && info.running == 0
    })
    .await;
    assert_eq!(calls.load(Ordering::SeqCst), BEFORE + 2, "what nobody wants is not made");
    let error = on.error(&whole).await;
    assert!(matches!(error, Error::Cancelled { .. }), "{error:?}");
    // The client goes on, and so does the array.
    assert_eq!(on.take(client.compute(&x.sum())).await.unwrap(), 500_000.0);
    drop((x, y));
    on.until("nobody has the function", || Arc::strong_count(&calls) == 1).await;
}

on_every_runtime! {
    a_mean_is_computed_and_chunks_are_kept;
    a_cancelled_computation_gives_its_memory_back;
}
