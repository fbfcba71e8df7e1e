//! Works that are timed as a whole.

use std::hint::black_box;

use anydask::runtime::Runtime;
use anydask::{Client, TaskContext, as_completed};

use super::Place;
use crate::work::{Body, STENCIL_WIDTH, Work, compute};

pub(super) fn body<P: Place>(work: Work) -> Option<Body> {
    Some(Body::Timed(match work {
        Work::Independent => |n| P::call(independent, n),
        Work::Map => |n| P::call(map, n),
        Work::Chain => |n| P::call(chain, n),
        Work::Tree => |n| P::call(tree, n),
        Work::Stencil => |n| P::call(stencil, n),
        Work::FanIn => |n| P::call(fan_in, n),
        Work::FanOut => |n| P::call(fan_out, n),
        Work::AsCompleted => |n| P::call(completed, n),
        Work::Busy => |n| P::call(busy, n),
        Work::SubmitAndCancel => |n| P::call(submit_and_cancel, n),
        _ => return None,
    }))
}

fn independent<R: Runtime>(client: &Client<R>, n: usize) {
    let futures: Vec<_> = (0..n).map(|i| client.submit(|i: usize| black_box(i), i)).collect();
    black_box(client.gather(futures).wait().expect("the tasks finish"));
}

fn map<R: Runtime>(client: &Client<R>, n: usize) {
    let futures = client.map(|i: usize| black_box(i), 0..n);
    black_box(client.gather(futures).wait().expect("the tasks finish"));
}

fn chain<R: Runtime>(client: &Client<R>, n: usize) {
    let mut last = client.submit(|| 0_usize, ());
    for _ in 1..n {
        last = client.submit(|x: usize| black_box(x + 1), last);
    }
    assert_eq!(last.wait().expect("the chain finishes"), n - 1);
}

fn tree<R: Runtime>(client: &Client<R>, n: usize) {
    let mut level: Vec<_> = (0..n).map(|i| client.submit(|i: usize| black_box(i), i)).collect();
    while level.len() > 1 {
        let mut nodes = level.into_iter();
        level = std::iter::from_fn(|| match (nodes.next(), nodes.next()) {
            (Some(a), Some(b)) => Some(client.submit(|a: usize, b: usize| a + b, (a, b))),
            (odd, _) => odd,
        })
        .collect();
    }
    assert_eq!(level[0].wait().expect("the tree finishes"), n * (n - 1) / 2);
}

fn stencil<R: Runtime>(client: &Client<R>, n: usize) {
    let sum = |a: usize, b: usize, c: usize| a.wrapping_add(b).wrapping_add(c);
    let width = STENCIL_WIDTH.min(n);
    let mut row: Vec<_> = (0..width).map(|i| client.submit(|i: usize| i, i)).collect();
    for _ in 1..n / width {
        row = (0..width)
            .map(|i| client.submit(sum, (&row[(i + width - 1) % width], &row[i], &row[(i + 1) % width])))
            .collect();
    }
    black_box(client.gather(row).wait().expect("the stencil finishes"));
}

fn fan_in<R: Runtime>(client: &Client<R>, n: usize) {
    let inputs: Vec<_> = (0..n).map(|i| client.submit(|i: usize| black_box(i), i)).collect();
    let sum = client.submit(|all: Vec<usize>| all.iter().sum::<usize>(), inputs);
    assert_eq!(sum.wait().expect("the sum finishes"), n * (n - 1) / 2);
}

fn fan_out<R: Runtime>(client: &Client<R>, n: usize) {
    let input = client.submit(|| black_box(1_usize), ());
    let outputs: Vec<_> = (0..n).map(|i| client.submit(|x: usize, i: usize| x + i, (&input, i))).collect();
    black_box(client.gather(outputs).wait().expect("the tasks finish"));
}

/// From outside as a program awaits it; inside a task it may only block.
fn completed<R: Runtime>(client: &Client<R>, n: usize) {
    let futures: Vec<_> = (0..n).map(|i| client.submit(|i: usize| black_box(i), i)).collect();
    let mut completed = as_completed(futures);
    let sum: usize = if TaskContext::current().is_ok() {
        completed.map(|done| done.wait().expect("the task finishes")).sum()
    } else {
        futures_lite::future::block_on(async {
            let mut sum = 0;
            while let Some(done) = completed.next().await {
                sum += done.await.expect("the task finishes");
            }
            sum
        })
    };
    assert_eq!(sum, n * (n - 1) / 2);
}

fn busy<R: Runtime>(client: &Client<R>, n: usize) {
    let futures: Vec<_> = (0..n).map(|_| client.submit(compute, ())).collect();
    black_box(client.gather(futures).wait().expect("the tasks finish"));
}

fn submit_and_cancel<R: Runtime>(client: &Client<R>, n: usize) {
    for i in 0..n {
        let future = client.submit(|i: usize| black_box(i), i);
        future.cancel();
    }
}
