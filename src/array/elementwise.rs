//! Operations that go element by element, with NumPy's broadcasting.

mod broadcast;
mod casts;
mod functions;
mod pairs;

use std::sync::Arc;

use crate::Delayed;
use crate::array::kernel::{Kernel, Operation, Program};
use crate::array::{Array, ArrayError, Block, Element, ElementType, Layout};

pub(crate) use self::broadcast::{broadcast_shape, ends, refined};
pub(crate) use self::functions::unary;
pub(crate) use self::pairs::{binary, scalar};

/// An array whose type is data.
#[derive(Clone)]
pub(crate) struct Operand {
    pub(crate) element: ElementType,
    pub(crate) layout: Layout,
    pub(crate) blocks: Vec<Delayed<Block>>,
}

impl<T: Element> Array<T> {
    /// The array as an operand, unless it carries an error.
    pub(crate) fn operand(&self) -> Result<Operand, ArrayError> {
        self.ok()?;
        Ok(Operand { element: T::TYPE, layout: self.layout().clone(), blocks: self.blocks().to_vec() })
    }
}

/// Makes each element of those of the operands, which are broadcast together. `steps` adds to a program what is to be done with
/// the steps that the operands are, and gives the step that is the result.
pub(crate) fn elementwise<T: Element>(
    operands: &[Operand],
    steps: impl Fn(&mut Program, &[usize]) -> usize,
) -> Result<Array<T>, ArrayError> {
    let (layout, operands) = broadcast::together(operands)?;
    Ok(Array::build(layout.clone(), |place| {
        let mut program = Program::new(layout.block_shape(place));
        let inputs: Vec<Delayed<Block>> = operands.iter().map(|operand| operand.broadcast_block(place)).collect();
        let numbers: Vec<usize> = operands
            .iter()
            .enumerate()
            .map(|(number, operand)| program.push(operand.element, Operation::Input(number)))
            .collect();
        let last = steps(&mut program, &numbers);
        debug_assert_eq!(program.steps[last].element, T::TYPE);
        debug_assert_eq!(program.steps.len() - 1, last);
        (Kernel::Program(Arc::new(program)), inputs)
    }))
}
