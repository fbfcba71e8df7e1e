use serde::{Deserialize, Serialize};

use crate::array::kernel::{Create, Fold};
use crate::array::{ElementType, Scalar};

/// Most steps of a program. Each may need a tile of its own, of 16 kB at most; so what a peer sends takes 16 MB beside its
/// blocks. Longer chains are several programs, which makes no difference where one has so much to do.
pub(crate) const STEPS_MAX: usize = 1024;

/// What to do with each element of a block, step by step: creations, elementwise operations, and in the end maybe a reduction.
///
/// It is run for some thousand elements at a time, so that the values of its steps stay in the cache. Two programs of which one
/// takes from the other, element by element, become one by [`fused`](Self::fused).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Program {
    /// Of the block that it goes through.
    pub(crate) shape: Vec<usize>,
    /// Each takes from earlier ones. The last gives the value.
    pub(crate) steps: Vec<Step>,
    /// What becomes of the values, if they are not the result.
    pub(crate) fold: Option<Fold>,
}

/// One step: what it gives, for each element.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) element: ElementType,
    pub(crate) operation: Operation,
}

/// Numbers stand for earlier steps.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Operation {
    /// The block with this number, broadcast to the shape.
    Input(usize),
    Constant(Scalar),
    Create(Create),
    Cast(usize),
    Unary(Unary, usize),
    /// The absolute value of a complex number.
    Magnitude(usize),
    Real(usize),
    Imaginary(usize),
    Test(Test, usize),
    Binary(Binary, usize, usize),
    Compare(Comparison, usize, usize),
    /// Where the first is true the second, else the third.
    Where(usize, usize, usize),
}

/// Functions of one element that give one of the same type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[doc(hidden)]
pub enum Unary {
    Negative,
    Absolute,
    Sign,
    Square,
    Sqrt,
    Cbrt,
    Reciprocal,
    Exp,
    Exp2,
    ExpM1,
    Ln,
    Log2,
    Log10,
    Ln1P,
    Sin,
    Cos,
    Tan,
    Arcsin,
    Arccos,
    Arctan,
    Sinh,
    Cosh,
    Tanh,
    Floor,
    Ceil,
    Round,
    Trunc,
    Conjugate,
    Not,
}

/// Questions about one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[doc(hidden)]
pub enum Test {
    Nan,
    Infinite,
    Finite,
}

/// Functions of two elements of one type that give a third.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Power,
    Minimum,
    Maximum,
    Hypot,
    Arctan2,
    And,
    Or,
    Xor,
}

/// Comparisons of two elements of one type. The others are these with their sides changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
}

impl Operation {
    /// The steps that it takes from.
    pub(crate) fn operands(&self) -> impl Iterator<Item = usize> {
        let operands = match *self {
            Self::Input(_) | Self::Constant(_) | Self::Create(_) => [None, None, None],
            Self::Cast(a)
            | Self::Unary(_, a)
            | Self::Magnitude(a)
            | Self::Real(a)
            | Self::Imaginary(a)
            | Self::Test(_, a) => [Some(a), None, None],
            Self::Binary(_, a, b) | Self::Compare(_, a, b) => [Some(a), Some(b), None],
            Self::Where(a, b, c) => [Some(a), Some(b), Some(c)],
        };
        operands.into_iter().flatten()
    }

    /// The same, of other steps.
    fn moved(&self, to: impl Fn(usize) -> usize) -> Self {
        match self {
            Self::Input(_) | Self::Constant(_) | Self::Create(_) => self.clone(),
            Self::Cast(a) => Self::Cast(to(*a)),
            Self::Unary(unary, a) => Self::Unary(*unary, to(*a)),
            Self::Magnitude(a) => Self::Magnitude(to(*a)),
            Self::Real(a) => Self::Real(to(*a)),
            Self::Imaginary(a) => Self::Imaginary(to(*a)),
            Self::Test(test, a) => Self::Test(*test, to(*a)),
            Self::Binary(binary, a, b) => Self::Binary(*binary, to(*a), to(*b)),
            Self::Compare(comparison, a, b) => Self::Compare(*comparison, to(*a), to(*b)),
            Self::Where(a, b, c) => Self::Where(to(*a), to(*b), to(*c)),
        }
    }
}

impl Program {
    pub(crate) fn new(shape: Vec<usize>) -> Self {
        Self { shape, steps: Vec::new(), fold: None }
    }

    /// Adds a step and gives its number.
    pub(crate) fn push(&mut self, element: ElementType, operation: Operation) -> usize {
        self.steps.push(Step { element, operation });
        self.steps.len() - 1
    }

    /// Makes elements of another type of those of a step, if they are not of it.
    pub(crate) fn cast(&mut self, step: usize, to: ElementType) -> usize {
        if self.steps[step].element == to { step } else { self.push(to, Operation::Cast(step)) }
    }

    /// Where its elements come from, and what becomes of them: `random+sum`.
    pub(crate) fn name(&self) -> String {
        let mut names: Vec<&str> = Vec::new();
        let mut is_elementwise = self.steps.is_empty();
        for step in &self.steps {
            match &step.operation {
                Operation::Create(create) if names.contains(&create.name()) => {}
                Operation::Create(create) => names.push(create.name()),
                Operation::Constant(_) if self.steps.len() == 1 => names.push("full"),
                Operation::Constant(_) | Operation::Input(_) | Operation::Cast(_) => {}
                _ => is_elementwise = true,
            }
        }
        match &self.fold {
            Some(fold) => names.push(fold.name()),
            None if is_elementwise || names.is_empty() => names.push("elementwise"),
            None => {}
        }
        names.join("+")
    }

    /// The type of the values before they are reduced.
    pub(crate) fn element(&self) -> ElementType {
        self.steps.last().map_or(ElementType::Bool, |step| step.element)
    }

    /// The program that does at once what `first` does and then this, and the inputs of both. `inputs` says where each input of
    /// this comes from: `None` is the value of `first`, which has `first_inputs` of its own; these come first.
    ///
    /// `None` if they do not go through the same elements in the same order, or have too many steps together.
    pub(crate) fn fused(&self, first: &Self, first_inputs: usize, inputs: &[Option<usize>]) -> Option<Self> {
        let is_long = first.steps.len() + self.steps.len() > STEPS_MAX;
        if is_long || first.shape != self.shape || first.fold.is_some() || first.steps.is_empty() {
            return None;
        }
        let mut steps = first.steps.clone();
        let value = steps.len() - 1;
        // Where the steps of this are.
        let mut moved: Vec<usize> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let operation = match &step.operation {
                Operation::Input(input) => match inputs.get(*input)? {
                    None if step.element == steps[value].element => {
                        moved.push(value);
                        continue;
                    }
                    None => return None,
                    Some(input) => Operation::Input(first_inputs + input),
                },
                operation => operation.moved(|step| moved.get(step).copied().unwrap_or(usize::MAX)),
            };
            moved.push(steps.len());
            steps.push(Step { element: step.element, operation });
        }
        let program = Self { shape: self.shape.clone(), steps, fold: self.fold.clone() };
        // The last step of this may be an input: then its value must be the last one still.
        (moved.last() == Some(&(program.steps.len() - 1))).then_some(program)
    }
}
