//! Kernels of every kind, with blocks that they take.

use std::sync::Arc;

use super::super::{
    Binary, Bins, Combine, Comparison, Create, Dense, Finish, Fold, Histogram, Kernel, Operation, Order, Outcome,
    Overlap, Piece, Pieces, Product, ProductAxes, Program, Quantile, Range, Reduction, Scan, Stream, Stretch, Take,
    Test, Unary, View, array_block,
};
use crate::array::npy::{Npy, Region, header_of};
use crate::array::{ArrayError, Block, Complex64, Element, ElementType, Scalar};

use ElementType::{Bool, F32, F64, I64};

/// A block whose elements come from their numbers.
fn block<T: Element>(shape: &[usize], element: impl Fn(usize) -> T) -> Block {
    let len = shape.iter().product();
    Block::from_elements(shape, (0..len).map(element).collect()).expect("as many as the shape says")
}

/// Blocks of all kinds.
pub(super) fn blocks() -> Vec<Block> {
    vec![
        block(&[2, 3], |i| i as f64),
        block(&[2, 3], |i| i as f64 - 2.5),
        block(&[2, 1], |i| i as f64),
        block(&[2, 3], |i| i % 2 == 0),
        block(&[2, 3], |i| i as i64),
        block(&[2, 3], |i| Complex64::new(i as f64, 1.0)),
        block(&[2, 3], |i| i as u8),
        block(&[2, 3], |i| i as f32),
        block(&[], |_| i32::MIN),
        block(&[0], |_| 0.0),
        block(&[0, 1 << 50], |_| 0.0),
        block(&[1 << 50, 0], |_| 0.0),
        block(&[1 << 20, 0, 1 << 20], |_| 0_i64),
        block(&[1, 1, 1, 1, 1, 2], |i| i as f64),
        Block::Parts(vec![block(&[2, 3], |i| i as f64), block(&[2, 3], |i| i as f64)]),
        Block::Parts(vec![block(&[2, 3], |i| i as i64), block(&[2, 3], |i| i as i64)]),
        Block::Parts(vec![block(&[1 << 50, 0], |_| 0.0), block(&[0], |_| 0.0)]),
        Block::Parts(Vec::new()),
    ]
}

/// A kernel, and blocks that it takes.
pub(super) type Sample = (Kernel, Vec<Block>);

pub(super) fn program(shape: &[usize], steps: &[(ElementType, Operation)], fold: Option<Fold>) -> Kernel {
    let mut program = Program::new(shape.to_vec());
    for (element, operation) in steps {
        program.push(*element, operation.clone());
    }
    program.fold = fold;
    Kernel::Program(Arc::new(program))
}

fn floats() -> Block {
    block(&[2, 3], |i| i as f64 - 2.5)
}

fn programs() -> Vec<Sample> {
    let input = Operation::Input;
    let elementwise = [
        (F64, input(0)),
        (F64, input(1)),
        (F64, Operation::Constant(Scalar::F64(2.0))),
        (F64, Operation::Binary(Binary::Multiply, 0, 2)),
        (F64, Operation::Unary(Unary::Sqrt, 3)),
        (Bool, Operation::Compare(Comparison::Less, 1, 4)),
        (Bool, Operation::Test(Test::Nan, 4)),
        (F64, Operation::Where(5, 4, 1)),
        (F32, Operation::Cast(7)),
    ];
    let complex = [(ElementType::Complex64, input(0)), (F64, Operation::Magnitude(0)), (F64, Operation::Real(0))];
    let stream = Stream { seed: 7, block: 3 };
    let creations = [
        Create::Random(stream),
        Create::Normal { stream, mean: 0.0, deviation: 1.0 },
        Create::Integers { stream, low: -5, high: 5 },
        Create::Floats { start: 0.0, step: 0.5, first: 3 },
        Create::Integral { start: 0, step: 2, first: 3 },
        Create::Linear { start: 0.0, stop: 1.0, last: 9, first: 3 },
    ];
    let column = block(&[2, 1], |i| i as f64);
    let mut programs = vec![
        (program(&[2, 3], &elementwise, None), vec![floats(), column]),
        (program(&[2, 3], &complex, None), vec![block(&[2, 3], |i| Complex64::new(i as f64, 1.0))]),
    ];
    programs.extend(creations.into_iter().map(|create| {
        let element = create.element();
        (program(&[2, 3], &[(element, Operation::Create(create))], None), Vec::new())
    }));
    for (reduction, axes) in reductions().into_iter().zip([[true, true], [true, false], [false, true]].iter().cycle()) {
        let fold = Fold { reduction, axes: axes.to_vec(), offset: vec![2, 3], whole: vec![4, 6] };
        let steps = [(F64, input(0)), (F64, Operation::Unary(Unary::Negative, 0))];
        programs.push((program(&[2, 3], &steps, Some(fold)), vec![floats()]));
    }
    programs
}

fn reductions() -> [Reduction; 9] {
    use Reduction::{All, Any, ArgMax, ArgMin, Max, Min, Moments, Product, Sum};
    [Sum, Product, Min, Max, Any, All, ArgMin, ArgMax, Moments]
}

fn combinations() -> Vec<Sample> {
    let combination = |reduction, result| {
        let finish = Finish { shape: vec![2, 3], element: F64, result };
        let partial = match reduction {
            Reduction::ArgMin | Reduction::ArgMax => Block::Parts(vec![floats(), block(&[2, 3], |i| i as i64)]),
            Reduction::Moments => Block::Parts(vec![floats(), floats()]),
            _ => floats(),
        };
        let combine = Combine { reduction, counts: vec![2, 5], finish: Some(finish) };
        (Kernel::Combine(combine), vec![partial.clone(), partial])
    };
    let mut combinations: Vec<Sample> =
        reductions().map(|reduction| combination(reduction, Outcome::Value)).into_iter().collect();
    combinations.push(combination(Reduction::Sum, Outcome::Mean));
    combinations.push(combination(Reduction::Moments, Outcome::Variance { ddof: 1.0 }));
    combinations.push(combination(Reduction::Moments, Outcome::Deviation { ddof: 0.0 }));
    combinations
}

/// Kernels of every kind, that give a block.
pub(super) fn samples() -> Vec<Sample> {
    let mut samples = programs();
    samples.extend(combinations());
    let piece = |at: usize| Piece { from: vec![0, 1], at: vec![at, 0], shape: vec![2, 2] };
    let pieces = Pieces { shape: vec![4, 2], element: F64, pieces: vec![piece(0), piece(2)] };
    samples.push((Kernel::Pieces(pieces), vec![floats(), floats()]));
    samples.push((Kernel::Scan(Scan { axis: 1 }), vec![floats(), block(&[2, 1], |i| i as f64)]));
    let quantile = Quantile { quantile: 0.3, axis: 0, keepdims: true, element: F64 };
    samples.push((Kernel::Quantile(quantile), vec![floats()]));
    samples.push((Kernel::Given(floats()), Vec::new()));
    samples.extend(parts());
    samples.extend(matrices());
    samples
}

fn parts() -> Vec<Sample> {
    let picks = |picks: &[(usize, usize)]| Arc::new(picks.to_vec());
    let picks = vec![picks(&[(2, 0), (0, 3)]), picks(&[(1, 1), (1, 2)])];
    let take = Take { shape: vec![2, 4], element: F64, axis: 1, picks };
    let ranges = vec![Range { first: 1, step: -1, length: 2 }, Range { first: 0, step: 2, length: 2 }];
    let view = View { ranges, order: vec![1, 0], shape: vec![4] };
    let turned = View { order: vec![1, 0], shape: vec![3, 2], ..View::whole(&[2, 3]) };
    let even = Histogram { bins: Bins::Even { start: -3.0, stop: 3.0, count: 4 } };
    let between = Histogram { bins: Bins::Between(Arc::from([-3.0, 0.0, 1.0])) };
    let stretch = |from, at, length, order| Stretch { from, at, length, order };
    let overlap = Overlap {
        shape: vec![2, 5],
        fill: Scalar::F64(7.0),
        pieces: vec![
            vec![stretch(0, 0, 2, Order::Backward), stretch(0, 0, 3, Order::Forward)],
            vec![stretch(1, 0, 1, Order::Forward), stretch(2, 3, 2, Order::Repeated)],
        ],
    };
    vec![
        (Kernel::Overlap(overlap), vec![floats(), floats()]),
        (Kernel::Take(take), vec![floats(), floats()]),
        (Kernel::View(view), vec![floats()]),
        (Kernel::View(turned), vec![floats()]),
        (Kernel::Histogram(even), vec![floats()]),
        (Kernel::Histogram(between), vec![floats()]),
    ]
}

fn matrices() -> Vec<Sample> {
    let square = |rows: usize| block(&[rows, rows], |i| (i * i % 7) as f64);
    let axes = ProductAxes { left_batch: 0, right_batch: 0, left: vec![1], right: vec![0] };
    let product = Product { element: F64, shape: vec![2, 2], partials: 1, axes: axes.into() };
    let axes = ProductAxes { left_batch: 1, right_batch: 1, left: vec![2], right: vec![1] };
    let batch = Product { element: F64, shape: vec![2, 1, 1], partials: 0, axes: axes.into() };
    let lu = array_block(Kernel::Dense(Dense::Lu), vec![Arc::new(square(3))]).expect("a matrix of full rank");
    vec![
        (Kernel::Product(product), vec![square(2), floats(), block(&[3, 2], |i| i as f64)]),
        (Kernel::Product(batch), vec![block(&[2, 1, 3], |i| i as f64), block(&[1, 3, 1], |i| i as f64)]),
        (Kernel::Dense(Dense::Qr), vec![floats(), square(3)]),
        (Kernel::Dense(Dense::Svd), vec![square(3)]),
        (Kernel::Dense(Dense::Lu), vec![square(3)]),
        (Kernel::Dense(Dense::Solve), vec![lu.clone(), block(&[3, 2], |i| i as f64)]),
        (Kernel::Dense(Dense::Part(1)), vec![lu]),
    ]
}

/// Those that fail, whatever they are given.
pub(super) fn failing() -> Vec<Sample> {
    let region = Region { offset: vec![1, 0], shape: vec![2, 3] };
    let read = Npy::Read { path: "/nowhere/anydask.npy".into(), header: header_of(I64, vec![4, 3]), region };
    let error = ArrayError::Axis { axis: 3, shape: vec![2, 3] };
    vec![(Kernel::Npy(read), Vec::new()), (Kernel::Fail(error), Vec::new())]
}

pub(super) fn all() -> Vec<Sample> {
    let mut all = samples();
    all.extend(failing());
    all
}
