//! dagx: a typed graph that is built first and run then. Its tasks run on tokio; running is awaited from outside.

use std::hint::black_box;

use dagx::{DagRunner, Task, TaskHandle, task};

use super::tokio::RUNTIME;
use crate::work::{Body, STENCIL_WIDTH, Work};

pub(super) fn body(work: Work) -> Option<Body> {
    Some(Body::Timed(match work {
        Work::Independent => independent,
        Work::Chain => chain,
        Work::Tree => tree,
        Work::Stencil => stencil,
        Work::FanOut => fan_out,
        _ => return None,
    }))
}

struct Value(usize);

#[task]
impl Value {
    async fn run(&self) -> usize {
        black_box(self.0)
    }
}

struct Add(usize);

#[task]
impl Add {
    async fn run(&self, x: &usize) -> usize {
        black_box(x + self.0)
    }
}

struct AddTwo;

#[task]
impl AddTwo {
    async fn run(a: &usize, b: &usize) -> usize {
        a.wrapping_add(*b)
    }
}

struct AddThree;

#[task]
impl AddThree {
    async fn run(a: &usize, b: &usize, c: &usize) -> usize {
        a.wrapping_add(*b).wrapping_add(*c)
    }
}

fn run(dag: &DagRunner) {
    let ran = RUNTIME.block_on(dag.run(|future| {
        RUNTIME.spawn(future);
    }));
    ran.expect("the graph runs");
}

fn results(dag: &DagRunner, handles: impl IntoIterator<Item = TaskHandle<usize>>) {
    run(dag);
    for handle in handles {
        black_box(dag.get(handle).expect("the task has run"));
    }
}

fn independent(n: usize) {
    let dag = DagRunner::new();
    let handles: Vec<TaskHandle<usize>> = (0..n).map(|i| dag.add_task(Value(i)).into()).collect();
    results(&dag, handles);
}

fn chain(n: usize) {
    let dag = DagRunner::new();
    let mut last: TaskHandle<usize> = dag.add_task(Value(0)).into();
    for _ in 1..n {
        last = dag.add_task(Add(1)).depends_on(last);
    }
    results(&dag, [last]);
}

fn tree(n: usize) {
    let dag = DagRunner::new();
    let mut level: Vec<TaskHandle<usize>> = (0..n).map(|i| dag.add_task(Value(i)).into()).collect();
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|nodes| match nodes {
                [a, b] => dag.add_task(AddTwo).depends_on((a, b)),
                odd => odd[0],
            })
            .collect();
    }
    results(&dag, level);
}

fn stencil(n: usize) {
    let dag = DagRunner::new();
    let width = STENCIL_WIDTH.min(n);
    let mut row: Vec<TaskHandle<usize>> = (0..width).map(|i| dag.add_task(Value(i)).into()).collect();
    for _ in 1..n / width {
        let inputs = |i: usize| (&row[(i + width - 1) % width], &row[i], &row[(i + 1) % width]);
        row = (0..width).map(|i| dag.add_task(AddThree).depends_on(inputs(i))).collect();
    }
    results(&dag, row);
}

fn fan_out(n: usize) {
    let dag = DagRunner::new();
    let input: TaskHandle<usize> = dag.add_task(Value(1)).into();
    let outputs: Vec<_> = (0..n).map(|i| dag.add_task(Add(i)).depends_on(input)).collect();
    results(&dag, outputs);
}
