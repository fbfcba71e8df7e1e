//! What a peer may send: kernels and blocks with some bytes changed, and kernels with blocks that are not theirs. They may give
//! anything, mostly errors; they never panic, and never take memory that has nothing to do with what is sent.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;

use super::{
    Binary, Combine, Comparison, Create, Finish, Fold, Kernel, Operation, Outcome, Piece, Pieces, Program, Quantile,
    Reduction, Scan, Stream, Test, Unary, array_block,
};
use crate::array::npy::{Npy, Region, header_of};
use crate::array::{ArrayError, Block, Complex64, Element, ElementType, Scalar};

use ElementType::{Bool, F32, F64, I64};

fn block<T: Element>(shape: &[usize], element: impl Fn(usize) -> T) -> Block {
    let len = shape.iter().product();
    Block::from_elements(shape, (0..len).map(element).collect()).expect("as many as the shape says")
}

fn blocks() -> Vec<Block> {
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
type Sample = (Kernel, Vec<Block>);

fn program(shape: &[usize], steps: &[(ElementType, Operation)], fold: Option<Fold>) -> Kernel {
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
        (Bool, Operation::Test(Test::IsNan, 4)),
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

fn samples() -> Vec<Sample> {
    let mut samples = programs();
    samples.extend(combinations());
    let piece = |at: usize| Piece { from: vec![0, 1], at: vec![at, 0], shape: vec![2, 2] };
    let pieces = Pieces { shape: vec![4, 2], element: F64, pieces: vec![piece(0), piece(2)] };
    samples.push((Kernel::Pieces(pieces), vec![floats(), floats()]));
    samples.push((Kernel::Scan(Scan { axis: 1 }), vec![floats(), block(&[2, 1], |i| i as f64)]));
    let quantile = Quantile { quantile: 0.3, axis: 0, keepdims: true, element: F64 };
    samples.push((Kernel::Quantile(quantile), vec![floats()]));
    samples.push((Kernel::Given(floats()), Vec::new()));
    samples
}

/// Those that fail, whatever they are given.
fn failing() -> Vec<Sample> {
    let region = Region { offset: vec![1, 0], shape: vec![2, 3] };
    let read = Npy::Read { path: "/nowhere/anydask.npy".into(), header: header_of(I64, vec![4, 3]), region };
    let error = ArrayError::Axis { axis: 3, shape: vec![2, 3] };
    vec![(Kernel::Npy(read), Vec::new()), (Kernel::Fail(error), Vec::new())]
}

fn all() -> Vec<Sample> {
    let mut all = samples();
    all.extend(failing());
    all
}

/// Puts this in the place of a byte.
fn damaged(mut bytes: Vec<u8>, at: usize, with: &[u8]) -> Vec<u8> {
    bytes.splice(at..(at + 1).min(bytes.len()), with.iter().copied());
    bytes
}

/// The smallest numbers and the largest ones, as postcard has them; and nothing.
const OTHERS: [&[u8]; 12] = [
    &[],
    &[0],
    &[1],
    &[2],
    &[3],
    &[4],
    &[0x7f],
    &[0xff, 0x07],
    &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
];

/// Runs a kernel, unless it would write a file.
fn run(kernel: Kernel, inputs: &[Block]) -> Result<Block, ArrayError> {
    match kernel {
        Kernel::Npy(Npy::Create { .. } | Npy::Write { .. } | Npy::Finish { .. }) => Ok(Block::Parts(Vec::new())),
        kernel => array_block(kernel, inputs.iter().cloned().map(Arc::new).collect()),
    }
}

fn sent<T: serde::Serialize>(value: &T) -> Vec<u8> {
    postcard::to_allocvec(value).expect("it can be sent")
}

#[test]
fn a_kernel_with_another_number_in_any_place_never_panics() {
    for (kernel, inputs) in all() {
        let bytes = sent(&kernel);
        for at in 0..bytes.len() {
            for with in OTHERS {
                if let Ok(kernel) = postcard::from_bytes(&damaged(bytes.clone(), at, with)) {
                    let _ = run(kernel, &inputs);
                }
            }
        }
    }
}

#[test]
fn a_block_with_another_number_in_any_place_never_panics() {
    for (kernel, inputs) in all() {
        let bytes = sent(&inputs);
        for at in 0..bytes.len() {
            for with in OTHERS {
                if let Ok(inputs) = postcard::from_bytes::<Vec<Block>>(&damaged(bytes.clone(), at, with)) {
                    let _ = run(kernel.clone(), &inputs);
                }
            }
        }
    }
}

#[test]
fn a_kernel_with_blocks_that_are_not_its_own_never_panics() {
    for (kernel, _) in all() {
        for first in blocks() {
            let _ = run(kernel.clone(), std::slice::from_ref(&first));
            for second in blocks() {
                let _ = run(kernel.clone(), &[first.clone(), second]);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn what_is_damaged_on_its_way_never_panics(
        (kernel, inputs) in prop::sample::select(all()),
        damages in prop::collection::vec((any::<bool>(), any::<Index>(), prop::sample::select(&OTHERS[..])), 2..6),
    ) {
        let mut bytes = [sent(&kernel), sent(&inputs)];
        for (of_kernel, at, with) in damages {
            let bytes = &mut bytes[usize::from(of_kernel)];
            *bytes = damaged(std::mem::take(bytes), at.index(bytes.len().max(1)), with);
        }
        if let (Ok(kernel), Ok(inputs)) = (postcard::from_bytes(&bytes[0]), postcard::from_bytes::<Vec<Block>>(&bytes[1])) {
            let _ = run(kernel, &inputs);
        }
    }
}

#[test]
fn what_is_not_damaged_is_as_it_was() {
    for block in blocks() {
        assert_eq!(postcard::from_bytes::<Block>(&sent(&block)).unwrap(), block);
    }
    for (kernel, inputs) in samples() {
        let came: Kernel = postcard::from_bytes(&sent(&kernel)).unwrap();
        let result = run(kernel.clone(), &inputs);
        assert!(result.is_ok(), "{result:?} of {kernel:?}");
        // NaN is not equal to itself: as text.
        assert_eq!(format!("{:?}", run(came, &inputs)), format!("{result:?}"));
    }
    for (kernel, inputs) in failing() {
        assert!(run(kernel, &inputs).is_err());
    }
}

#[test]
fn parts_of_parts_of_parts_do_not_end_the_stack() {
    // Each level is a variant and a length: a million of them are two megabytes.
    let levels = [1, 1].repeat(1_000_000);
    let (_, rest) = postcard::take_from_bytes::<Block>(&levels).unwrap();
    assert!(rest.len() > 1_999_000);
    let nested = Block::Parts(vec![Block::Parts(Vec::new())]);
    assert!(postcard::to_allocvec(&nested).is_err());
}

#[test]
fn a_small_kernel_cannot_ask_for_all_memory() {
    let large = [1_usize << 45];
    let constant = (F64, Operation::Constant(Scalar::F64(1.0)));
    let fold = Fold { reduction: Reduction::Sum, axes: vec![false], offset: vec![0], whole: large.to_vec() };
    let pieces = Pieces { shape: large.to_vec(), element: F64, pieces: Vec::new() };
    for kernel in [
        program(&large, std::slice::from_ref(&constant), None),
        program(&large, std::slice::from_ref(&constant), Some(fold)),
        Kernel::Pieces(pieces),
    ] {
        assert!(matches!(run(kernel, &[]), Err(ArrayError::TooLarge { .. })));
    }
    // A tile for each constant.
    let many = vec![constant; 100_000];
    assert!(matches!(run(program(&[2000], &many, None), &[]), Err(ArrayError::Kernel { .. })));
}
