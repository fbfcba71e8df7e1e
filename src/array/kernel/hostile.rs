//! What a peer may send: kernels and blocks with some bytes changed, and kernels with blocks that are not theirs. They may give
//! anything, mostly errors; they never panic, and never take memory that has nothing to do with what is sent.

mod samples;

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;

use self::samples::{all, blocks, failing, program, samples};
use super::{Fold, Kernel, Operation, Pieces, Reduction, array_block};
use crate::array::npy::Npy;
use crate::array::{ArrayError, Block, ElementType, Scalar};

use ElementType::F64;

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
