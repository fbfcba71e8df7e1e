//! Operations of two arrays, and of an array and a number.

use crate::array::element::dispatch;
use crate::array::elementwise::{Operand, elementwise};
use crate::array::kernel::{Binary, Comparison, Operation};
use crate::array::{Array, ArrayError, Element, ElementType, Promote, PromoteScalar, Scalar};

impl Binary {
    /// What it is called in errors.
    fn name(self) -> &'static str {
        match self {
            Self::Add => "addition",
            Self::Subtract => "subtraction",
            Self::Multiply => "multiplication",
            Self::Divide => "division",
            Self::FloorDivide => "floor_divide",
            Self::Remainder => "remainder",
            Self::Power => "power",
            Self::Minimum => "minimum",
            Self::Maximum => "maximum",
            Self::Hypot => "hypot",
            Self::Arctan2 => "arctan2",
            Self::And => "and",
            Self::Or => "or",
            Self::Xor => "xor",
        }
    }

    /// Whether it has a meaning for elements of this type.
    fn check(self, element: ElementType) -> Result<(), ArrayError> {
        use ElementType::{Bool, Complex64, F32, F64};
        let fix = match (self, element) {
            (Self::Subtract, Bool) => "use `^`, or cast it to a number",
            (Self::FloorDivide | Self::Remainder | Self::Power, Bool) => "cast it to a number",
            (Self::FloorDivide | Self::Remainder | Self::Hypot | Self::Arctan2, Complex64) => {
                "take its `real()`, `imag()` or `abs()`"
            }
            (Self::And | Self::Or | Self::Xor, F32 | F64 | Complex64) => {
                "compare it with 0, or cast it to a whole number"
            }
            _ => return Ok(()),
        };
        Err(ArrayError::Unsupported { operation: self.name().to_owned(), element, fix: fix.to_owned() })
    }
}

/// `left operation right`, of the type `C`, in which both can be.
pub(crate) fn binary<A: Element, B: Element, C: Element>(
    operation: Binary,
    left: &Array<A>,
    right: &Array<B>,
) -> Result<Array<C>, ArrayError> {
    let operands = [left.operand()?, right.operand()?];
    operation.check(C::TYPE)?;
    elementwise(&operands, |program, operands| {
        let (left, right) = (program.cast(operands[0], C::TYPE), program.cast(operands[1], C::TYPE));
        program.push(C::TYPE, Operation::Binary(operation, left, right))
    })
}

/// The same with a number, on whichever side.
pub(crate) fn scalar<A: Element, S: Element, C: Element>(
    operation: Binary,
    array: &Array<A>,
    number: S,
    is_left: bool,
) -> Result<Array<C>, ArrayError> {
    let operand = array.operand()?;
    operation.check(C::TYPE)?;
    let number = fitting::<S, C>(number)?;
    elementwise(&[operand], |program, operands| {
        let array = program.cast(operands[0], C::TYPE);
        let number = program.push(C::TYPE, Operation::Constant(number));
        let (left, right) = if is_left { (number, array) } else { (array, number) };
        program.push(C::TYPE, Operation::Binary(operation, left, right))
    })
}

/// A number as an element of another type.
///
/// # Errors
///
/// [`ArrayError::OutOfRange`] if it is whole and too large.
fn fitting<S: Element, C: Element>(number: S) -> Result<Scalar, ArrayError> {
    let cast = C::cast_from(number);
    let is_whole = matches!(C::TYPE, ElementType::U8 | ElementType::I32 | ElementType::I64);
    if is_whole && S::cast_from(cast) != number {
        return Err(ArrayError::OutOfRange { number: format!("{number:?}"), element: C::TYPE });
    }
    Ok(cast.into_scalar())
}

fn compare(
    comparison: Comparison,
    operands: [Operand; 2],
    common: ElementType,
    is_swapped: bool,
) -> Result<Array<bool>, ArrayError> {
    elementwise(&operands, |program, operands| {
        let (left, right) = (program.cast(operands[0], common), program.cast(operands[1], common));
        let (left, right) = if is_swapped { (right, left) } else { (left, right) };
        program.push(ElementType::Bool, Operation::Compare(comparison, left, right))
    })
}

fn compare_scalar<T: Element, S: Element>(
    comparison: Comparison,
    array: &Array<T>,
    number: S,
    common: ElementType,
    is_swapped: bool,
) -> Result<Array<bool>, ArrayError> {
    let operand = array.operand()?;
    let number = dispatch!(common, C => fitting::<S, C>(number))?;
    elementwise(&[operand], |program, operands| {
        let left = program.cast(operands[0], common);
        let right = program.push(common, Operation::Constant(number));
        let (left, right) = if is_swapped { (right, left) } else { (left, right) };
        program.push(ElementType::Bool, Operation::Compare(comparison, left, right))
    })
}

macro_rules! named {
    ($($(#[$doc:meta])* $name:ident $scalar:ident $operation:ident;)*) => {
        /// Operations of two arrays that have no operator, or fail at once where the operator would give an array that
        /// [carries](Array::check) the error.
        ///
        /// # Errors
        ///
        /// [`ArrayError::Broadcast`] with both shapes, [`ArrayError::Unsupported`], and the error that an operand carries.
        impl<T: Element> Array<T> {$(
            $(#[$doc])*
            pub fn $name<U: Element>(&self, other: &Array<U>) -> Result<Array<T::Output>, ArrayError>
            where
                T: Promote<U>,
            {
                binary(Binary::$operation, self, other)
            }

            /// The same with one number for all elements.
            pub fn $scalar<S: Element>(&self, number: S) -> Result<Array<T::Output>, ArrayError>
            where
                T: PromoteScalar<S>,
            {
                scalar(Binary::$operation, self, number, false)
            }
        )*}
    };
}

named! {
    /// The smaller of two, or NaN if one is.
    minimum minimum_scalar Minimum;
    /// The larger of two, or NaN if one is.
    maximum maximum_scalar Maximum;
    /// The quotient, rounded down. By 0 it is 0 for whole numbers.
    floor_divide floor_divide_scalar FloorDivide;
    /// The remainder, which has the sign of the divisor. By 0 it is 0 for whole numbers.
    remainder remainder_scalar Remainder;
    /// The power. A negative one of whole numbers is rounded towards 0.
    power power_scalar Power;
}

macro_rules! real {
    ($($(#[$doc:meta])* $name:ident $operation:ident;)*) => {
        /// Functions of two arrays of real numbers.
        ///
        /// # Errors
        ///
        /// [`ArrayError::Broadcast`] with both shapes, [`ArrayError::Unsupported`], and the error that an operand carries.
        impl<T: Element> Array<T> {$(
            $(#[$doc])*
            pub fn $name<U: Element>(
                &self,
                other: &Array<U>,
            ) -> Result<Array<<T::Output as Element>::Float>, ArrayError>
            where
                T: Promote<U>,
            {
                binary(Binary::$operation, self, other)
            }
        )*}
    };
}

real! {
    /// The root of the sum of the squares.
    hypot Hypot;
    /// The angle of the point whose height is this and whose other coordinate is the other, in radians.
    arctan2 Arctan2;
}

macro_rules! comparisons {
    ($($(#[$doc:meta])* $name:ident $scalar:ident $comparison:ident $is_swapped:literal;)*) => {
        /// Comparisons, element by element: NaN is equal to nothing; complex numbers go by their real parts, and where
        /// these are equal by the imaginary ones.
        ///
        /// # Errors
        ///
        /// [`ArrayError::Broadcast`] with both shapes, [`ArrayError::OutOfRange`] for a number that no element can be, and the
        /// error that an operand carries.
        ///
        /// # Examples
        ///
        /// ```
        /// # #[cfg(feature = "smol")] {
        /// use anydask::{Client, array, runtime::Smol};
        ///
        /// let client = Client::<Smol>::local().wait()?;
        /// let x = array::arange(0, 10, 1, 3);
        /// assert_eq!(client.compute(&x.gt_scalar(6)?.sum()).wait()?, 3);
        /// assert_eq!(client.compute(&x.le(&(&x * &x))?.all()).wait()?, true);
        /// # }
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        impl<T: Element> Array<T> {$(
            $(#[$doc])*
            pub fn $name<U: Element>(&self, other: &Array<U>) -> Result<Array<bool>, ArrayError>
            where
                T: Promote<U>,
            {
                let operands = [self.operand()?, other.operand()?];
                compare(Comparison::$comparison, operands, T::Output::TYPE, $is_swapped)
            }

            /// The same with one number for all elements.
            pub fn $scalar<S: Element>(&self, number: S) -> Result<Array<bool>, ArrayError>
            where
                T: PromoteScalar<S>,
            {
                compare_scalar(Comparison::$comparison, self, number, T::Output::TYPE, $is_swapped)
            }
        )*}
    };
}

comparisons! {
    /// Where both are equal.
    eq eq_scalar Equal false;
    /// Where they differ.
    ne ne_scalar NotEqual false;
    /// Where this is less.
    lt lt_scalar Less false;
    /// Where this is less, or both are equal.
    le le_scalar LessOrEqual false;
    /// Where this is greater.
    gt gt_scalar Less true;
    /// Where this is greater, or both are equal.
    ge ge_scalar LessOrEqual true;
}
