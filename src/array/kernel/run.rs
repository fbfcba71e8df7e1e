//! Running a program: some thousand elements at a time.

use std::ops::Range;
use std::sync::Arc;

use crate::array::element::dispatch;
use crate::array::kernel::arithmetic::Arithmetic;
use crate::array::kernel::create::Source;
use crate::array::kernel::fold::Folder;
use crate::array::kernel::gather::Gather;
use crate::array::kernel::program::STEPS_MAX;
use crate::array::kernel::tile::TILE_LEN;
use crate::array::kernel::{Binary, Comparison, Operation, Program, Step, Tile, wrong};
use crate::array::{ArrayError, Block, Element, ElementType, memory};

impl Program {
    pub(crate) fn run(&self, inputs: Vec<Arc<Block>>) -> Result<Block, ArrayError> {
        self.check(&inputs)?;
        let len = memory::len(&self.shape, self.element())?;
        let mut inputs: Vec<Option<Arc<Block>>> = inputs.into_iter().map(Some).collect();
        let (out, reused) = match &self.fold {
            Some(_) => (Tile::default(), None),
            None => match self.reusable(&mut inputs, len) {
                Some((out, input)) => (out, Some(input)),
                None => (Tile::zeros(self.element(), memory::room(&self.shape, self.element())?), None),
            },
        };
        let mut run = Run::new(self, &inputs, reused, len)?;
        match &self.fold {
            None => {
                let out = run.write(out, len)?;
                drop(inputs);
                dispatch!(self.element(), T => finish::<T>(&self.shape, out))
            }
            Some(fold) => {
                let mut folder = Folder::new(fold, &self.shape, self.element())?;
                run.fold(&mut folder, len)?;
                folder.finish()
            }
        }
    }

    /// Refuses what a peer may have sent, and what the loops below rely on.
    fn check(&self, inputs: &[Arc<Block>]) -> Result<(), ArrayError> {
        let error = |message: String| wrong("program", message);
        if self.steps.len() > STEPS_MAX {
            return Err(error(format!(
                "it has {} steps: more than {STEPS_MAX} are never put together",
                self.steps.len()
            )));
        }
        for (number, step) in self.steps.iter().enumerate() {
            if step.operation.operands().any(|operand| operand >= number) {
                return Err(error(format!("step {number} takes from a later one")));
            }
            let types: Vec<ElementType> =
                step.operation.operands().map(|operand| self.steps[operand].element).collect();
            let fits = match (&step.operation, &types[..]) {
                (Operation::Input(input), _) => {
                    inputs.get(*input).is_some_and(|block| block.element() == Some(step.element))
                }
                (Operation::Constant(scalar), _) => scalar.element() == step.element,
                (Operation::Create(create), _) => create.element() == step.element,
                (Operation::Cast(_), _) => true,
                (Operation::Unary(..), [a]) => *a == step.element,
                (Operation::Magnitude(_) | Operation::Real(_) | Operation::Imaginary(_), [a]) => {
                    *a == ElementType::Complex64 && step.element == ElementType::F64
                }
                (Operation::Test(..), _) => step.element == ElementType::Bool,
                (Operation::Binary(..), [a, b]) => *a == step.element && *b == step.element,
                (Operation::Compare(..), [a, b]) => a == b && step.element == ElementType::Bool,
                (Operation::Where(..), [a, b, c]) => {
                    *a == ElementType::Bool && *b == step.element && *c == step.element
                }
                _ => false,
            };
            if !fits {
                return Err(error(format!("the elements of step {number}, {:?}, do not fit", step.operation)));
            }
        }
        if self.steps.is_empty() { Err(error("it has no steps".to_owned())) } else { Ok(()) }
    }

    /// The elements of an input that nobody else needs, if the result fits in their place.
    fn reusable(&self, inputs: &mut [Option<Arc<Block>>], len: usize) -> Option<(Tile, usize)> {
        fn elements<T: Element>(block: Block, len: usize) -> Result<Tile, Block> {
            let array = T::from_block(block).map_err(|_| Block::Parts(Vec::new()))?;
            let array = array.try_into_owned_nocopy().map_err(T::into_block)?;
            let shape = array.raw_dim();
            match array.into_raw_vec_and_offset() {
                (values, None | Some(0)) if values.len() == len => Ok(T::into_tile(values)),
                (values, offset) => {
                    let values: Vec<T> = values.into_iter().skip(offset.unwrap_or(0)).take(shape.size()).collect();
                    Err(Block::from_elements(shape.slice(), values).unwrap_or(Block::Parts(Vec::new())))
                }
            }
        }
        use ndarray::Dimension;
        for (number, input) in inputs.iter_mut().enumerate() {
            let fits = |block: &Arc<Block>| {
                block.shape() == self.shape && dispatch!(self.element(), T => block.elements::<T>().is_ok())
            };
            if !input.as_ref().is_some_and(fits) {
                continue;
            }
            match Arc::try_unwrap(input.take()?) {
                Ok(block) => match dispatch!(self.element(), T => elements::<T>(block, len)) {
                    Ok(tile) => return Some((tile, number)),
                    Err(block) => *input = Some(Arc::new(block)),
                },
                Err(shared) => *input = Some(shared),
            }
        }
        None
    }
}

fn finish<T: Element>(shape: &[usize], tile: Tile) -> Result<Block, ArrayError> {
    Block::from_elements(shape, T::into_vec(tile))
}

/// Where the value of a step is while a tile goes through.
enum Place {
    /// In a slot of its own, for a while.
    Slot(usize),
    /// In an input, as it is.
    Direct(usize),
    /// In the result: the last step.
    Result,
}

/// How a step reads an input.
enum Reading {
    None,
    /// Of the block in whose place the result is written.
    Reused,
    Gather(usize, Gather),
}

struct Run<'a> {
    program: &'a Program,
    blocks: Vec<Option<&'a Block>>,
    places: Vec<Place>,
    readings: Vec<Reading>,
    sources: Vec<Option<Source>>,
    slots: Vec<Tile>,
    tile: usize,
}

impl<'a> Run<'a> {
    fn new(
        program: &'a Program,
        inputs: &'a [Option<Arc<Block>>],
        reused: Option<usize>,
        len: usize,
    ) -> Result<Self, ArrayError> {
        let steps = &program.steps;
        let blocks: Vec<Option<&Block>> = inputs.iter().map(Option::as_deref).collect();
        // What fewer steps leave of the cache is for more elements.
        let tile = (TILE_LEN * (4 / steps.len().max(1)).max(1)).min(len).max(1);
        let mut run = Self {
            program,
            places: Vec::with_capacity(steps.len()),
            readings: Vec::with_capacity(steps.len()),
            sources: Vec::with_capacity(steps.len()),
            slots: Vec::new(),
            blocks,
            tile,
        };
        // The last step that takes from each. What nobody takes from is of no use after itself.
        let mut last_use: Vec<usize> = (0..steps.len()).collect();
        for (number, step) in steps.iter().enumerate() {
            step.operation.operands().for_each(|operand| last_use[operand] = number);
        }
        let mut free: Vec<usize> = Vec::new();
        for (number, step) in steps.iter().enumerate() {
            let is_last = number + 1 == steps.len() && program.fold.is_none();
            let mut source = None;
            let mut reading = Reading::None;
            let mut direct = None;
            match &step.operation {
                Operation::Create(create) => source = Some(create.source()?),
                Operation::Input(input) if Some(*input) == reused => reading = Reading::Reused,
                Operation::Input(input) => match run.blocks[*input] {
                    Some(block) if block.shape() == program.shape && !is_last => direct = Some(*input),
                    Some(block) => reading = Reading::Gather(*input, Gather::new(block.shape(), &program.shape)?),
                    None => return Err(wrong("program", "an input is missing")),
                },
                _ => {}
            }
            let place = match direct {
                _ if is_last => Place::Result,
                Some(input) => Place::Direct(input),
                None => {
                    let is_constant = matches!(step.operation, Operation::Constant(_));
                    let fitting = |slot: &usize| run.slots[*slot].element() == step.element;
                    // Constants are written once, so they need a slot that nobody else writes to.
                    let slot = match free.iter().position(fitting) {
                        Some(index) if !is_constant => free.swap_remove(index),
                        _ => {
                            run.slots.push(Tile::zeros(step.element, tile));
                            run.slots.len() - 1
                        }
                    };
                    Place::Slot(slot)
                }
            };
            run.places.push(place);
            run.sources.push(source);
            run.readings.push(reading);
            for operand in step.operation.operands().chain([number]) {
                let is_constant = matches!(steps[operand].operation, Operation::Constant(_));
                if let Place::Slot(slot) = run.places[operand]
                    && last_use[operand] == number
                    && !is_constant
                    && operand + 1 != steps.len()
                    && !free.contains(&slot)
                {
                    free.push(slot);
                }
            }
        }
        for (number, step) in steps.iter().enumerate() {
            if let (Operation::Constant(_), Place::Slot(slot)) = (&step.operation, &run.places[number]) {
                let slot = *slot;
                let mut constant = std::mem::take(&mut run.slots[slot]);
                run.step(number, 0..tile, &mut constant, 0)?;
                run.slots[slot] = constant;
            }
        }
        Ok(run)
    }

    /// Writes all values to `out`.
    fn write(&mut self, mut out: Tile, len: usize) -> Result<Tile, ArrayError> {
        let last = self.program.steps.len() - 1;
        for start in (0..len).step_by(self.tile) {
            let range = start..(start + self.tile).min(len);
            self.steps(range.clone(), Some(&out))?;
            if !matches!(self.readings[last], Reading::Reused) {
                self.step(last, range.clone(), &mut out, range.start)?;
            }
        }
        Ok(out)
    }

    /// Gives all values to `folder`.
    fn fold(&mut self, folder: &mut Folder, len: usize) -> Result<(), ArrayError> {
        let last = self.program.steps.len() - 1;
        for start in (0..len).step_by(self.tile) {
            let range = start..(start + self.tile).min(len);
            self.steps(range.clone(), None)?;
            // In pieces that do not depend on the tile, since their sums are rounded: a result is the same, bit by bit,
            // whatever became one program.
            for from in range.clone().step_by(TILE_LEN) {
                let piece = from..(from + TILE_LEN).min(range.end);
                let within = from - range.start..piece.end - range.start;
                match self.places[last] {
                    Place::Slot(slot) => folder.fold(piece, &self.slots[slot], within),
                    Place::Direct(input) => match self.blocks[input] {
                        Some(block) => folder.fold_block(piece, block)?,
                        None => return Err(wrong("program", "an input is missing")),
                    },
                    Place::Result => {}
                }
            }
        }
        Ok(())
    }

    /// Runs the steps that have slots.
    fn steps(&mut self, range: Range<usize>, out: Option<&Tile>) -> Result<(), ArrayError> {
        for number in 0..self.program.steps.len() {
            let Place::Slot(slot) = self.places[number] else { continue };
            if matches!(self.program.steps[number].operation, Operation::Constant(_)) {
                continue;
            }
            // Its operands are in other slots.
            let mut to = std::mem::take(&mut self.slots[slot]);
            let result = match (&self.readings[number], out) {
                (Reading::Reused, Some(out)) => {
                    copy(out, range.clone(), &mut to);
                    Ok(())
                }
                _ => self.step(number, range.clone(), &mut to, 0),
            };
            self.slots[slot] = to;
            result?;
        }
        Ok(())
    }

    /// Runs one step for the elements in `range`, whose values go to `to` from the place `at` on.
    fn step(&mut self, number: usize, range: Range<usize>, to: &mut Tile, at: usize) -> Result<(), ArrayError> {
        let step = &self.program.steps[number];
        if let Some(source) = &mut self.sources[number] {
            source.fill(to, at..at + range.len());
            return Ok(());
        }
        dispatch!(step.element, T => {
            let to = T::of_tile_mut(to).get_mut(at..at + range.len());
            self.values::<T>(number, step, range, to.unwrap_or_default())
        })
    }

    fn values<T: Element>(
        &self,
        number: usize,
        step: &Step,
        range: Range<usize>,
        to: &mut [T],
    ) -> Result<(), ArrayError> {
        let types = |operand: usize| self.program.steps[operand].element;
        match step.operation {
            Operation::Input(_) => match &self.readings[number] {
                Reading::Gather(input, gather) => {
                    let block = self.blocks[*input].ok_or_else(|| wrong("program", "an input is missing"))?;
                    gather.read(block.elements::<T>()?, range.start, to);
                }
                Reading::Reused | Reading::None => {}
            },
            Operation::Constant(scalar) => to.fill(T::of_scalar(scalar).unwrap_or_default()),
            Operation::Create(_) => {}
            Operation::Cast(a) => {
                dispatch!(types(a), S => map(self.operand::<S>(a, &range)?, to, |value: S| T::cast_from(value)));
            }
            Operation::Unary(unary, a) => T::unary(unary, self.operand(a, &range)?, to),
            Operation::Magnitude(a) => {
                map(self.operand(a, &range)?, to, |value: crate::array::Complex64| T::cast_from(value.magnitude()));
            }
            Operation::Real(a) => {
                map(self.operand(a, &range)?, to, |value: crate::array::Complex64| T::cast_from(value.re));
            }
            Operation::Imaginary(a) => {
                map(self.operand(a, &range)?, to, |value: crate::array::Complex64| T::cast_from(value.im));
            }
            Operation::Test(test, a) => {
                dispatch!(types(a), S => map(self.operand::<S>(a, &range)?, to, |value: S| T::cast_from(value.test(test))));
            }
            Operation::Binary(operation, a, b) => {
                binary(operation, self.operand(a, &range)?, self.operand(b, &range)?, to);
            }
            Operation::Compare(comparison, a, b) => {
                dispatch!(types(a), S => {
                    compare::<S, T>(comparison, self.operand(a, &range)?, self.operand(b, &range)?, to);
                });
            }
            Operation::Where(a, b, c) => {
                let condition: &[bool] = self.operand(a, &range)?;
                let (yes, no): (&[T], &[T]) = (self.operand(b, &range)?, self.operand(c, &range)?);
                for (((to, condition), yes), no) in to.iter_mut().zip(condition).zip(yes).zip(no) {
                    *to = if *condition { *yes } else { *no };
                }
            }
        }
        Ok(())
    }

    /// The values of an earlier step.
    fn operand<T: Element>(&self, step: usize, range: &Range<usize>) -> Result<&[T], ArrayError> {
        let values = match self.places[step] {
            Place::Slot(slot) => T::of_tile(&self.slots[slot]).get(..range.len()),
            Place::Direct(input) => match self.blocks[input] {
                Some(block) => block.elements()?.get(range.clone()),
                None => None,
            },
            Place::Result => None,
        };
        values.ok_or_else(|| wrong("program", format!("step {step} has no value")))
    }
}

fn copy(from: &Tile, range: Range<usize>, to: &mut Tile) {
    dispatch!(from.element(), T => T::of_tile_mut(to)[..range.len()].copy_from_slice(&T::of_tile(from)[range]));
}

fn map<S: Copy, T>(from: &[S], to: &mut [T], function: impl Fn(S) -> T) {
    from.iter().zip(to).for_each(|(from, to)| *to = function(*from));
}

fn zip<S: Copy, T>(a: &[S], b: &[S], to: &mut [T], function: impl Fn(S, S) -> T) {
    a.iter().zip(b).zip(to).for_each(|((a, b), to)| *to = function(*a, *b));
}

fn binary<T: Element>(operation: Binary, a: &[T], b: &[T], to: &mut [T]) {
    match operation {
        Binary::Add => zip(a, b, to, T::add),
        Binary::Subtract => zip(a, b, to, T::subtract),
        Binary::Multiply => zip(a, b, to, T::multiply),
        Binary::Divide => zip(a, b, to, T::divide),
        Binary::FloorDivide => zip(a, b, to, T::floor_divide),
        Binary::Remainder => zip(a, b, to, T::remainder),
        Binary::Power => zip(a, b, to, T::power),
        Binary::Minimum => zip(a, b, to, T::minimum),
        Binary::Maximum => zip(a, b, to, T::maximum),
        Binary::Hypot => zip(a, b, to, T::hypot),
        Binary::Arctan2 => zip(a, b, to, T::arctan2),
        Binary::And => zip(a, b, to, T::and),
        Binary::Or => zip(a, b, to, T::or),
        Binary::Xor => zip(a, b, to, T::xor),
    }
}

fn compare<S: Element, T: Element>(comparison: Comparison, a: &[S], b: &[S], to: &mut [T]) {
    match comparison {
        Comparison::Equal => zip(a, b, to, |a, b| T::cast_from(a.is_equal(b))),
        Comparison::NotEqual => zip(a, b, to, |a, b| T::cast_from(!a.is_equal(b))),
        Comparison::Less => zip(a, b, to, |a, b| T::cast_from(a.is_less(b))),
        Comparison::LessOrEqual => zip(a, b, to, |a, b| T::cast_from(a.is_less_or_equal(b))),
    }
}
