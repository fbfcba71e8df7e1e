//! Functions of each element.

use crate::array::elementwise::elementwise;
use crate::array::kernel::{Operation, Test, Unary, unary_is_defined};
use crate::array::{Array, ArrayError, Complex64, Element, ElementType};

/// `function` of each element as a `U`.
pub(crate) fn unary<T: Element, U: Element>(unary: Unary, array: &Array<T>) -> Array<U> {
    let made = || {
        let operand = array.operand()?;
        unary_is_defined(unary, U::TYPE).map_err(|fix| ArrayError::Unsupported {
            operation: format!("{unary:?}").to_lowercase(),
            element: U::TYPE,
            fix: fix.to_owned(),
        })?;
        elementwise(&[operand], |program, operands| {
            let value = program.cast(operands[0], U::TYPE);
            program.push(U::TYPE, Operation::Unary(unary, value))
        })
    };
    Array::carrying(made())
}

macro_rules! same {
    ($($(#[$doc:meta])* $name:ident $unary:ident;)*) => {
        /// Functions that give the type that they are given. What is not defined for a type is an
        /// [`ArrayError::Unsupported`] that the result [carries](Array::check).
        impl<T: Element> Array<T> {$(
            $(#[$doc])*
            pub fn $name(&self) -> Self {
                unary(Unary::$unary, self)
            }
        )*}
    };
}

same! {
    /// -1, 0 or 1, as the element is below, equal to or above 0.
    sign Sign;
    /// The element times itself.
    square Square;
    /// Rounded down.
    floor Floor;
    /// Rounded up.
    ceil Ceil;
    /// Rounded to the nearest whole number, halves to the even one.
    round Round;
    /// The fraction cut off.
    trunc Trunc;
    /// The complex conjugate. Real numbers stay.
    conj Conjugate;
}

macro_rules! float {
    ($($(#[$doc:meta])* $name:ident $unary:ident;)*) => {
        /// Functions that give floating point numbers: of whole numbers `f64`. What is not defined for complex numbers is
        /// an [`ArrayError::Unsupported`] that the result [carries](Array::check).
        ///
        /// # Examples
        ///
        /// ```
        /// # #[cfg(feature = "smol")] {
        /// use anydask::{Client, array, runtime::Smol};
        ///
        /// let client = Client::<Smol>::local().wait()?;
        /// let x = array::arange(0, 4, 1, 2);
        /// assert_eq!(client.compute(&x.square().sqrt().sum()).wait()?, 6.0);
        /// # }
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        impl<T: Element> Array<T> {$(
            $(#[$doc])*
            pub fn $name(&self) -> Array<T::Float> {
                unary(Unary::$unary, self)
            }
        )*}
    };
}

float! {
    /// The square root.
    sqrt Sqrt;
    /// The cube root.
    cbrt Cbrt;
    /// One divided by it.
    recip Reciprocal;
    /// e to the power of it.
    exp Exp;
    /// 2 to the power of it.
    exp2 Exp2;
    /// `exp(x) - 1`, exact where that is small.
    exp_m1 ExpM1;
    /// The natural logarithm.
    ln Ln;
    /// The logarithm of base 2.
    log2 Log2;
    /// The logarithm of base 10.
    log10 Log10;
    /// `ln(1 + x)`, exact where x is small.
    ln_1p Ln1P;
    /// The sine, of radians.
    sin Sin;
    /// The cosine, of radians.
    cos Cos;
    /// The tangent, of radians.
    tan Tan;
    /// The angle of that sine, in radians.
    asin Arcsin;
    /// The angle of that cosine, in radians.
    acos Arccos;
    /// The angle of that tangent, in radians.
    atan Arctan;
    /// The hyperbolic sine.
    sinh Sinh;
    /// The hyperbolic cosine.
    cosh Cosh;
    /// The hyperbolic tangent.
    tanh Tanh;
}

macro_rules! tests {
    ($($(#[$doc:meta])* $name:ident $test:ident;)*) => {
        /// Questions about each element.
        impl<T: Element> Array<T> {$(
            $(#[$doc])*
            pub fn $name(&self) -> Array<bool> {
                Array::carrying(self.operand().and_then(|operand| elementwise(&[operand], |program, operands| {
                    program.push(ElementType::Bool, Operation::Test(Test::$test, operands[0]))
                })))
            }
        )*}
    };
}

tests! {
    /// Where it is not a number.
    is_nan Nan;
    /// Where it is infinite.
    is_infinite Infinite;
    /// Where it is neither infinite nor NaN.
    is_finite Finite;
}

impl<T: Element> Array<T> {
    /// The absolute value, of complex numbers a real one. The smallest whole number of its type wraps to itself.
    pub fn abs(&self) -> Array<T::Real> {
        if T::TYPE != ElementType::Complex64 {
            return unary(Unary::Absolute, self);
        }
        self.part(Operation::Magnitude)
    }

    fn part<U: Element>(&self, operation: fn(usize) -> Operation) -> Array<U> {
        Array::carrying(self.operand().and_then(|operand| {
            elementwise(&[operand], |program, operands| program.push(ElementType::F64, operation(operands[0])))
        }))
    }
}

impl Array<Complex64> {
    /// The real part.
    pub fn real(&self) -> Array<f64> {
        self.part(Operation::Real)
    }

    /// The imaginary part.
    pub fn imag(&self) -> Array<f64> {
        self.part(Operation::Imaginary)
    }
}
