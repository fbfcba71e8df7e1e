//! The whole of some blocks, and the element of one: what leaves the tasks of arrays.

use std::sync::Arc;

use ndarray::{ArrayD, IxDyn, Slice};

use crate::array::kernel::wrong;
use crate::array::{ArrayError, Block, Complex64, Element, Layout, memory};
use crate::task;

macro_rules! whole {
    ($($T:ident $assemble:ident $assemble_name:literal $scalar:ident $scalar_name:literal;)*) => {$(
        /// Puts the blocks of an array together.
        #[task(name = $assemble_name)]
        pub(crate) fn $assemble(layout: Layout, blocks: Vec<Arc<Block>>) -> Result<ArrayD<$T>, ArrayError> {
            assemble(&layout, blocks)
        }

        /// Takes the element of a block that has one.
        #[task(name = $scalar_name)]
        pub(crate) fn $scalar(block: Arc<Block>) -> Result<$T, ArrayError> {
            match block.elements::<$T>()? {
                [element] => Ok(*element),
                elements => Err(wrong("scalar", format!("a block of {} elements was given", elements.len()))),
            }
        }
    )*};
}

whole! {
    bool assemble_bool "anydask::array::assemble_bool" scalar_bool "anydask::array::element_bool";
    u8 assemble_u8 "anydask::array::assemble_u8" scalar_u8 "anydask::array::element_u8";
    i32 assemble_i32 "anydask::array::assemble_i32" scalar_i32 "anydask::array::element_i32";
    i64 assemble_i64 "anydask::array::assemble_i64" scalar_i64 "anydask::array::element_i64";
    f32 assemble_f32 "anydask::array::assemble_f32" scalar_f32 "anydask::array::element_f32";
    f64 assemble_f64 "anydask::array::assemble_f64" scalar_f64 "anydask::array::element_f64";
    Complex64 assemble_complex64 "anydask::array::assemble_Complex64"
        scalar_complex64 "anydask::array::element_Complex64";
}

/// What has nothing to give.
#[task(name = "anydask::array::done")]
pub(crate) fn done(_: Arc<Block>) {}

fn assemble<T: Element>(layout: &Layout, mut blocks: Vec<Arc<Block>>) -> Result<ArrayD<T>, ArrayError> {
    let unfit = |message: String| wrong("assemble", message);
    if blocks.len() != layout.block_count() {
        return Err(unfit(format!("{} blocks were given for {}", blocks.len(), layout.block_count())));
    }
    if blocks.len() == 1
        && let Some(block) = blocks.pop_if(|block| block.shape() == layout.shape())
    {
        // Moved, not copied, where nobody else has it.
        return Ok(T::from_block(Arc::unwrap_or_clone(block))?.into_owned());
    }
    memory::room(layout.shape(), T::TYPE)?;
    let mut whole = ArrayD::from_elem(IxDyn(layout.shape()), T::default());
    for (place, block) in layout.blocks().zip(blocks) {
        let array = T::of_block(&block).ok_or_else(|| block.is_no(T::TYPE))?;
        let (offset, shape) = (layout.block_offset(&place), layout.block_shape(&place));
        if array.shape() != shape {
            return Err(unfit(format!("block {place:?} has shape {:?} and not {shape:?}", array.shape())));
        }
        let mut part = whole.slice_each_axis_mut(|axis| {
            let start = offset[axis.axis.index()];
            Slice::from(start..start + shape[axis.axis.index()])
        });
        part.assign(array);
    }
    Ok(whole)
}
