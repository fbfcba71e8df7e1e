//! The blocks of what tasks give: where arrays of a function that is a task go on.

use ndarray::ArrayD;

use crate::Delayed;
use crate::array::block_node::block_name;
use crate::array::mapping::Expected;
use crate::array::{ArrayError, Block, Complex64, Element};
use crate::graph::Hints;
use crate::task;

macro_rules! blocks {
    ($($T:ident $block:ident $name:literal;)*) => {$(
        /// Makes a block of what a function gave.
        #[task(name = $name)]
        pub(crate) fn $block(expected: Expected, given: ArrayD<$T>) -> Result<Block, ArrayError> {
            expected.block(given)
        }
    )*};
}

blocks! {
    bool block_bool "anydask::array::block_bool";
    u8 block_u8 "anydask::array::block_u8";
    i32 block_i32 "anydask::array::block_i32";
    i64 block_i64 "anydask::array::block_i64";
    f32 block_f32 "anydask::array::block_f32";
    f64 block_f64 "anydask::array::block_f64";
    Complex64 block_complex64 "anydask::array::block_Complex64";
}

/// The block of what a function gives, with its margins cut off.
pub(crate) fn returned<T: Element>(expected: Expected, given: Delayed<ArrayD<T>>) -> Delayed<Block> {
    let margins: Vec<usize> = match expected.margins.is_empty() {
        true => vec![0; expected.shape.len()],
        false => expected.margins.iter().map(|(before, after)| before + after).collect(),
    };
    let lengths = expected.shape.iter().zip(&margins).map(|(length, margin)| length - margin);
    let nbytes = lengths.product::<usize>() * T::TYPE.nbytes();
    let hints = Hints::new().name(block_name("block", &expected.place)).nbytes(nbytes as u64).blockwise();
    T::returned(hints, expected, given)
}
