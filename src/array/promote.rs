use crate::array::{Complex64, Element};

/// The common type of two: what NumPy's `result_type` says, of the types that there are.
///
/// | | `bool` | `u8` | `i32` | `i64` | `f32` | `f64` | `Complex64` |
/// |---|---|---|---|---|---|---|---|
/// | `bool` | `bool` | `u8` | `i32` | `i64` | `f32` | `f64` | `Complex64` |
/// | `u8` | | `u8` | `i32` | `i64` | `f32` | `f64` | `Complex64` |
/// | `i32` | | | `i32` | `i64` | `f64` | `f64` | `Complex64` |
/// | `i64` | | | | `i64` | `f64` | `f64` | `Complex64` |
/// | `f32` | | | | | `f32` | `f64` | `Complex64` |
/// | `f64` | | | | | | `f64` | `Complex64` |
pub trait Promote<U: Element>: Element {
    /// The common type.
    type Output: Element;
}

/// The type of an operation of an array with a number: that of the array, unless the number is of another kind that it cannot be
/// (of `bool`, whole, real, complex), as NumPy has it for Python's numbers.
///
/// | array | whole number | `f32`, `f64` | `Complex64` |
/// |---|---|---|---|
/// | `bool` | that of the number | that of the number | `Complex64` |
/// | `u8` `i32` `i64` | that of the array | `f64` | `Complex64` |
/// | `f32` | `f32` | `f32` | `Complex64` |
/// | `f64` | `f64` | `f64` | `Complex64` |
///
/// A whole number that is too large for the elements, as 300 is for `u8`, is an
/// [`ArrayError::OutOfRange`](crate::array::ArrayError::OutOfRange).
pub trait PromoteScalar<S: Element>: Element {
    /// The type of the operation.
    type Output: Element;
}

macro_rules! promote {
    ($Trait:ident $($T:ident: $($U:ident $Output:ident),*;)*) => {$($(
        impl $Trait<$U> for $T {
            type Output = $Output;
        }
    )*)*};
}

promote! { Promote
    bool: bool bool, u8 u8, i32 i32, i64 i64, f32 f32, f64 f64, Complex64 Complex64;
    u8: bool u8, u8 u8, i32 i32, i64 i64, f32 f32, f64 f64, Complex64 Complex64;
    i32: bool i32, u8 i32, i32 i32, i64 i64, f32 f64, f64 f64, Complex64 Complex64;
    i64: bool i64, u8 i64, i32 i64, i64 i64, f32 f64, f64 f64, Complex64 Complex64;
    f32: bool f32, u8 f32, i32 f64, i64 f64, f32 f32, f64 f64, Complex64 Complex64;
    f64: bool f64, u8 f64, i32 f64, i64 f64, f32 f64, f64 f64, Complex64 Complex64;
    Complex64: bool Complex64, u8 Complex64, i32 Complex64, i64 Complex64, f32 Complex64, f64 Complex64,
        Complex64 Complex64;
}

promote! { PromoteScalar
    bool: bool bool, u8 u8, i32 i32, i64 i64, f32 f32, f64 f64, Complex64 Complex64;
    u8: bool u8, u8 u8, i32 u8, i64 u8, f32 f64, f64 f64, Complex64 Complex64;
    i32: bool i32, u8 i32, i32 i32, i64 i32, f32 f64, f64 f64, Complex64 Complex64;
    i64: bool i64, u8 i64, i32 i64, i64 i64, f32 f64, f64 f64, Complex64 Complex64;
    f32: bool f32, u8 f32, i32 f32, i64 f32, f32 f32, f64 f32, Complex64 Complex64;
    f64: bool f64, u8 f64, i32 f64, i64 f64, f32 f64, f64 f64, Complex64 Complex64;
    Complex64: bool Complex64, u8 Complex64, i32 Complex64, i64 Complex64, f32 Complex64, f64 Complex64,
        Complex64 Complex64;
}
