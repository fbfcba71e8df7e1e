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

fn program(shape: &[usize], steps: &[(ElementType, Operation)], fold: Option<Fold>) -> Kernel {
    let mut program = Program::new(shape.to_vec());
    for (element, operation) in steps {
        program.push(*element, operation.clone());
    }
    program.fold = fold;
    Kernel::Program(Arc::new(program))
}

fn programs() -> Vec<Kernel> {
    let input = |number| Operation::Input(number);
    let constant = |value| Operation::Constant(Scalar::F64(value));
    let elementwise = [
        (F64, input(0)),
        (F64, input(1)),
        (F64, constant(2.0)),
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
    let mut programs = vec![program(&[2, 3], &elementwise, None), program(&[2, 3], &complex, None)];
    programs.extend(creations.into_iter().map(|create| {
        let element = create.element();
        program(&[2, 3], &[(element, Operation::Create(create))], None)
    }));
    for (reduction, axes) in reductions().into_iter().zip([[true, true], [true, false], [false, true]].iter().cycle()) {
        let fold = Fold { reduction, axes: axes.to_vec(), offset: vec![2, 3], whole: vec![4, 6] };
        programs.push(program(&[2, 3], &[(F64, input(0)), (F64, Operation::Unary(Unary::Negative, 0))], Some(fold)));
    }
    programs
}

fn reductions() -> [Reduction; 9] {
    use Reduction::{All, Any, ArgMax, ArgMin, Max, Min, Moments, Product, Sum};
    [Sum, Product, Min, Max, Any, All, ArgMin, ArgMax, Moments]
}

fn kernels() -> Vec<Kernel> {
    let mut kernels = programs();
    let outcomes = [Outcome::Value, Outcome::Mean, Outcome::Variance { ddof: 1.0 }, Outcome::Deviation { ddof: 0.0 }];
    for (reduction, result) in reductions().into_iter().zip(outcomes.into_iter().cycle()) {
        let finish = Finish { shape: vec![2, 3], element: F64, result };
        kernels.push(Kernel::Combine(Combine { reduction, counts: vec![2, 5], finish: Some(finish) }));
    }
    let piece = |at: usize| Piece { from: vec![0, 1], at: vec![at, 0], shape: vec![2, 2] };
    kernels.push(Kernel::Pieces(Pieces { shape: vec![4, 2], element: F64, pieces: vec![piece(0), piece(2)] }));
    kernels.push(Kernel::Scan(Scan { axis: 1 }));
    kernels.push(Kernel::Quantile(Quantile { quantile: 0.3, axis: 0, keepdims: true, element: F64 }));
    kernels.push(Kernel::Given(block(&[2, 3], |i| i as f64)));
    kernels.push(Kernel::Fail(ArrayError::Axis { axis: 3, shape: vec![2, 3] }));
    let region = Region { offset: vec![1, 0], shape: vec![2, 3] };
    let header = header_of(I64, vec![4, 3]);
    kernels.push(Kernel::Npy(Npy::Read { path: "/nowhere/anydask.npy".into(), header, region }));
    kernels
}

/// What happens to some bytes on their way.
#[derive(Clone, Debug)]
enum Damage {
    Set(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    /// The largest number that there is, in the place of a byte.
    Large(Index),
    Cut(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let small = prop_oneof![0..32_u8, any::<u8>()];
    prop_oneof![
        6 => (any::<Index>(), small.clone()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        2 => (any::<Index>(), small).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        2 => any::<Index>().prop_map(Damage::Remove),
        4 => any::<Index>().prop_map(Damage::Large),
        1 => any::<Index>().prop_map(Damage::Cut),
    ]
}

fn damaged(mut bytes: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        if bytes.is_empty() {
            break;
        }
        let len = bytes.len();
        match damage {
            Damage::Set(at, byte) => bytes[at.index(len)] = *byte,
            Damage::Insert(at, byte) => bytes.insert(at.index(len), *byte),
            Damage::Remove(at) => drop(bytes.remove(at.index(len))),
            Damage::Large(at) => {
                let at = at.index(len);
                bytes.splice(at..=at, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
            }
            Damage::Cut(at) => bytes.truncate(at.index(len)),
        }
    }
    bytes
}

/// Runs a kernel, unless it would write a file.
fn run(kernel: Kernel, inputs: Vec<Arc<Block>>) -> Result<Block, ArrayError> {
    match kernel {
        Kernel::Npy(Npy::Create { .. } | Npy::Write { .. } | Npy::Finish { .. }) => Ok(Block::Parts(Vec::new())),
        kernel => array_block(kernel, inputs),
    }
}

fn sent<T: serde::Serialize>(value: &T) -> Vec<u8> {
    postcard::to_allocvec(value).expect("it can be sent")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn kernels_that_are_damaged_on_their_way_never_panic(
        kernel in prop::sample::select(kernels()),
        inputs in prop::collection::vec(prop::sample::select(blocks()), 0..4),
        damages in prop::collection::vec(damage(), 0..4),
    ) {
        if let Ok(kernel) = postcard::from_bytes(&damaged(sent(&kernel), &damages)) {
            let _ = run(kernel, inputs.into_iter().map(Arc::new).collect());
        }
    }

    #[test]
    fn blocks_that_are_damaged_on_their_way_never_panic(
        kernel in prop::sample::select(kernels()),
        damages in prop::collection::vec(damage(), 0..3),
        others in prop::collection::vec(prop::sample::select(blocks()), 1..3),
    ) {
        if let Ok(inputs) = postcard::from_bytes::<Vec<Block>>(&damaged(sent(&others), &damages)) {
            let _ = run(kernel, inputs.into_iter().map(Arc::new).collect());
        }
    }
}

#[test]
fn what_is_not_damaged_is_as_it_was() {
    for block in blocks() {
        assert_eq!(postcard::from_bytes::<Block>(&sent(&block)).unwrap(), block);
    }
    let inputs = || blocks().into_iter().take(2).map(Arc::new).collect();
    for kernel in kernels() {
        let came: Kernel = postcard::from_bytes(&sent(&kernel)).unwrap();
        // NaN is not equal to itself: as text.
        assert_eq!(format!("{:?}", run(came, inputs())), format!("{:?}", run(kernel, inputs())));
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
        assert!(matches!(run(kernel, Vec::new()), Err(ArrayError::TooLarge { .. })));
    }
    // A tile for each constant.
    let many = vec![constant; 100_000];
    assert!(matches!(run(program(&[2000], &many, None), Vec::new()), Err(ArrayError::Kernel { .. })));
}
