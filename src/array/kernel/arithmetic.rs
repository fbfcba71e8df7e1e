//! What one element can do, with NumPy's answers.

mod boolean;
mod complex;

use num_complex::Complex64;

use crate::array::ElementType;
use crate::array::kernel::{Test, Unary};

/// The arithmetic of an element type, as NumPy has it: integers wrap, a division by zero of integers gives 0, the remainder
/// has the sign of the divisor, NaN goes through `minimum` and `maximum`.
///
/// What is not defined for a type is refused when the operation is written down: what has an answer here is not asked then.
#[doc(hidden)]
pub trait Arithmetic: Copy + PartialEq {
    fn add(self, other: Self) -> Self;
    fn subtract(self, other: Self) -> Self;
    fn multiply(self, other: Self) -> Self;
    fn divide(self, other: Self) -> Self;
    fn floor_divide(self, _: Self) -> Self {
        self
    }
    fn remainder(self, _: Self) -> Self {
        self
    }
    fn power(self, _: Self) -> Self {
        self
    }
    fn minimum(self, other: Self) -> Self;
    fn maximum(self, other: Self) -> Self;
    fn hypot(self, _: Self) -> Self {
        self
    }
    fn arctan2(self, _: Self) -> Self {
        self
    }
    fn and(self, _: Self) -> Self {
        self
    }
    fn or(self, _: Self) -> Self {
        self
    }
    fn xor(self, _: Self) -> Self {
        self
    }
    fn is_equal(self, other: Self) -> bool {
        self == other
    }
    fn is_less(self, other: Self) -> bool;
    fn is_less_or_equal(self, other: Self) -> bool;
    fn test(self, test: Test) -> bool;
    /// The function of many elements: it is looked up once.
    fn unary(unary: Unary, from: &[Self], to: &mut [Self]);
    fn is_true(self) -> bool;
    fn magnitude(self) -> f64;
    fn to_bool(self) -> bool;
    fn to_u8(self) -> u8;
    fn to_i32(self) -> i32;
    fn to_i64(self) -> i64;
    fn to_f32(self) -> f32;
    fn to_f64(self) -> f64;
    fn to_complex64(self) -> Complex64;
    fn cast_from<S: Arithmetic>(from: S) -> Self;
    /// The number as an element, exactly or rounded to the nearest. `None` if it is none.
    fn exactly(number: f64) -> Option<Self>;
}

fn each<T: Copy>(from: &[T], to: &mut [T], function: impl Fn(T) -> T) {
    from.iter().zip(to).for_each(|(from, to)| *to = function(*from));
}

macro_rules! casts {
    ($method:ident) => {
        fn cast_from<S: Arithmetic>(from: S) -> Self {
            from.$method()
        }
    };
}

use casts;

macro_rules! primitive_casts {
    () => {
        fn to_bool(self) -> bool {
            self.is_true()
        }

        fn to_u8(self) -> u8 {
            self as i64 as u8
        }

        fn to_i32(self) -> i32 {
            self as i64 as i32
        }

        fn to_i64(self) -> i64 {
            self as i64
        }

        fn to_f32(self) -> f32 {
            self as f32
        }

        fn to_f64(self) -> f64 {
            self as f64
        }

        fn to_complex64(self) -> Complex64 {
            Complex64::new(self as f64, 0.0)
        }
    };
}

macro_rules! integer {
    ($T:ident $cast:ident $is_negative:expr) => {
        impl Arithmetic for $T {
            fn add(self, other: Self) -> Self {
                self.wrapping_add(other)
            }

            fn subtract(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }

            fn multiply(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }

            fn divide(self, other: Self) -> Self {
                self.floor_divide(other)
            }

            fn floor_divide(self, other: Self) -> Self {
                if other == 0 {
                    return 0;
                }
                let quotient = self.wrapping_div(other);
                let is_rounded_up = self.wrapping_rem(other) != 0 && ($is_negative(self) != $is_negative(other));
                if is_rounded_up { quotient.wrapping_sub(1) } else { quotient }
            }

            fn remainder(self, other: Self) -> Self {
                if other == 0 {
                    return 0;
                }
                let remainder = self.wrapping_rem(other);
                if remainder != 0 && ($is_negative(remainder) != $is_negative(other)) {
                    remainder.wrapping_add(other)
                } else {
                    remainder
                }
            }

            /// A negative power of a whole number is 0, but of 1 and -1.
            fn power(self, other: Self) -> Self {
                if $is_negative(other) {
                    return match self {
                        1 => 1,
                        _ if $is_negative(self) && self.wrapping_add(1) == 0 => {
                            if other % 2 == 0 {
                                1
                            } else {
                                self
                            }
                        }
                        _ => 0,
                    };
                }
                let (mut result, mut base, mut left) = (1 as Self, self, other);
                while left > 0 {
                    if left % 2 == 1 {
                        result = result.wrapping_mul(base);
                    }
                    base = base.wrapping_mul(base);
                    left /= 2;
                }
                result
            }

            fn minimum(self, other: Self) -> Self {
                self.min(other)
            }

            fn maximum(self, other: Self) -> Self {
                self.max(other)
            }

            fn and(self, other: Self) -> Self {
                self & other
            }

            fn or(self, other: Self) -> Self {
                self | other
            }

            fn xor(self, other: Self) -> Self {
                self ^ other
            }

            fn is_less(self, other: Self) -> bool {
                self < other
            }

            fn is_less_or_equal(self, other: Self) -> bool {
                self <= other
            }

            fn test(self, test: Test) -> bool {
                matches!(test, Test::Finite)
            }

            fn unary(unary: Unary, from: &[Self], to: &mut [Self]) {
                match unary {
                    Unary::Negative => each(from, to, |x| (0 as Self).wrapping_sub(x)),
                    Unary::Absolute => {
                        each(from, to, |x| if $is_negative(x) { (0 as Self).wrapping_sub(x) } else { x })
                    }
                    Unary::Sign => {
                        each(from, to, |x| if $is_negative(x) { (0 as Self).wrapping_sub(1) } else { (x != 0) as Self })
                    }
                    Unary::Square => each(from, to, |x| x.wrapping_mul(x)),
                    Unary::Not => each(from, to, |x| !x),
                    // Roundings leave it as it is.
                    _ => each(from, to, |x| x),
                }
            }

            fn is_true(self) -> bool {
                self != 0
            }

            fn magnitude(self) -> f64 {
                (self as f64).abs()
            }

            fn exactly(number: f64) -> Option<Self> {
                let value = number as Self;
                (value as f64 == number && number.abs() < 9.3e18).then_some(value)
            }

            primitive_casts!();
            casts!($cast);
        }
    };
}

integer!(u8 to_u8 |_: u8| false);
integer!(i32 to_i32 |x: i32| x < 0);
integer!(i64 to_i64 |x: i64| x < 0);

macro_rules! float {
    ($T:ident $cast:ident) => {
        impl Arithmetic for $T {
            fn add(self, other: Self) -> Self {
                self + other
            }

            fn subtract(self, other: Self) -> Self {
                self - other
            }

            fn multiply(self, other: Self) -> Self {
                self * other
            }

            fn divide(self, other: Self) -> Self {
                self / other
            }

            fn floor_divide(self, other: Self) -> Self {
                if other == 0.0 {
                    return self / other;
                }
                // As Python: of the exact remainder, so that 1 // 0.1 is 9.
                let remainder = self % other;
                let mut quotient = (self - remainder) / other;
                if remainder != 0.0 && (remainder < 0.0) != (other < 0.0) {
                    quotient -= 1.0;
                }
                if quotient == 0.0 {
                    return (0.0 as Self).copysign(self / other);
                }
                let floor = quotient.floor();
                if quotient - floor > 0.5 { floor + 1.0 } else { floor }
            }

            fn remainder(self, other: Self) -> Self {
                let remainder = self % other;
                if remainder == 0.0 {
                    (0.0 as Self).copysign(if other.is_nan() { remainder } else { other })
                } else if (remainder < 0.0) != (other < 0.0) {
                    remainder + other
                } else {
                    remainder
                }
            }

            fn power(self, other: Self) -> Self {
                if other == 2.0 { self * self } else { self.powf(other) }
            }

            fn minimum(self, other: Self) -> Self {
                if self.is_nan() || self < other { self } else { other }
            }

            fn maximum(self, other: Self) -> Self {
                if self.is_nan() || self > other { self } else { other }
            }

            fn hypot(self, other: Self) -> Self {
                $T::hypot(self, other)
            }

            fn arctan2(self, other: Self) -> Self {
                self.atan2(other)
            }

            fn is_less(self, other: Self) -> bool {
                self < other
            }

            fn is_less_or_equal(self, other: Self) -> bool {
                self <= other
            }

            fn test(self, test: Test) -> bool {
                match test {
                    Test::Nan => self.is_nan(),
                    Test::Infinite => self.is_infinite(),
                    Test::Finite => self.is_finite(),
                }
            }

            fn unary(unary: Unary, from: &[Self], to: &mut [Self]) {
                match unary {
                    Unary::Negative => each(from, to, |x| -x),
                    Unary::Absolute => each(from, to, |x| x.abs()),
                    Unary::Sign => each(from, to, |x| {
                        if x > 0.0 {
                            1.0
                        } else if x < 0.0 {
                            -1.0
                        } else {
                            x * 0.0
                        }
                    }),
                    Unary::Square => each(from, to, |x| x * x),
                    Unary::Sqrt => each(from, to, |x| x.sqrt()),
                    Unary::Cbrt => each(from, to, |x| x.cbrt()),
                    Unary::Reciprocal => each(from, to, |x| 1.0 / x),
                    Unary::Exp => each(from, to, |x| x.exp()),
                    Unary::Exp2 => each(from, to, |x| x.exp2()),
                    Unary::ExpM1 => each(from, to, |x| x.exp_m1()),
                    Unary::Ln => each(from, to, |x| x.ln()),
                    Unary::Log2 => each(from, to, |x| x.log2()),
                    Unary::Log10 => each(from, to, |x| x.log10()),
                    Unary::Ln1P => each(from, to, |x| x.ln_1p()),
                    Unary::Sin => each(from, to, |x| x.sin()),
                    Unary::Cos => each(from, to, |x| x.cos()),
                    Unary::Tan => each(from, to, |x| x.tan()),
                    Unary::Arcsin => each(from, to, |x| x.asin()),
                    Unary::Arccos => each(from, to, |x| x.acos()),
                    Unary::Arctan => each(from, to, |x| x.atan()),
                    Unary::Sinh => each(from, to, |x| x.sinh()),
                    Unary::Cosh => each(from, to, |x| x.cosh()),
                    Unary::Tanh => each(from, to, |x| x.tanh()),
                    Unary::Floor => each(from, to, |x| x.floor()),
                    Unary::Ceil => each(from, to, |x| x.ceil()),
                    Unary::Round => each(from, to, |x| x.round_ties_even()),
                    Unary::Trunc => each(from, to, |x| x.trunc()),
                    Unary::Conjugate | Unary::Not => each(from, to, |x| x),
                }
            }

            fn is_true(self) -> bool {
                self != 0.0
            }

            fn magnitude(self) -> f64 {
                self.abs() as f64
            }

            fn exactly(number: f64) -> Option<Self> {
                let value = number as Self;
                (value.is_finite() || !number.is_finite()).then_some(value)
            }

            primitive_casts!();
            casts!($cast);
        }
    };
}

float!(f32 to_f32);
float!(f64 to_f64);

/// Whether an operation has a meaning for elements of this type, and otherwise what to do.
pub(crate) fn unary_is_defined(unary: Unary, element: ElementType) -> Result<(), &'static str> {
    let is_complex = element == ElementType::Complex64;
    let is_float = element.is_float();
    match unary {
        Unary::Negative if element == ElementType::Bool => Err("use `!`"),
        Unary::Negative | Unary::Square | Unary::Conjugate => Ok(()),
        Unary::Absolute if is_complex => Err("use `abs`, which gives real numbers"),
        Unary::Absolute => Ok(()),
        Unary::Sign if is_complex => Err("divide it by its `abs`"),
        Unary::Sign => Ok(()),
        Unary::Not if is_float || is_complex => Err("compare it with 0"),
        Unary::Not => Ok(()),
        Unary::Floor | Unary::Ceil | Unary::Round | Unary::Trunc if is_complex => {
            Err("round `real()` and `imag()` by themselves")
        }
        Unary::Floor | Unary::Ceil | Unary::Round | Unary::Trunc => Ok(()),
        Unary::Cbrt | Unary::Exp2 | Unary::ExpM1 | Unary::Ln1P | Unary::Arcsin | Unary::Arccos | Unary::Arctan
            if is_complex =>
        {
            Err("take its `real()`, `imag()` or `abs()`")
        }
        _ if is_float || is_complex => Ok(()),
        _ => Err("cast it to f64"),
    }
}
