//! `+ - * / % & | ^`, `-` and `!`, of arrays, references of them, and numbers.
//!
//! They are NumPy's: `/` of whole numbers gives `f64`, `%` has the sign of the divisor, whole numbers wrap. They cannot give an
//! error, so the array that they give [carries](Array::check) it.

use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Rem, Sub};

use crate::array::elementwise::{binary, scalar, unary};
use crate::array::kernel::{Binary, Unary};
use crate::array::{Array, Complex64, Element, Promote, PromoteScalar};

macro_rules! operators {
    ($($Operator:ident $method:ident $operation:ident;)*) => {$(
        operators! { @pair $Operator $method $operation [&Array<T>] [&Array<U>] }
        operators! { @pair $Operator $method $operation [&Array<T>] [Array<U>] }
        operators! { @pair $Operator $method $operation [Array<T>] [&Array<U>] }
        operators! { @pair $Operator $method $operation [Array<T>] [Array<U>] }
        operators! { @number $Operator $method $operation [&Array<T>] }
        operators! { @number $Operator $method $operation [Array<T>] }
        operators! { @left $Operator $method $operation bool u8 i32 i64 f32 f64 Complex64 }
    )*};
    (@pair $Operator:ident $method:ident $operation:ident [$($left:tt)*] [$($right:tt)*]) => {
        impl<T: Promote<U>, U: Element> $Operator<$($right)*> for $($left)* {
            type Output = Array<<T as Promote<U>>::Output>;

            fn $method(self, other: $($right)*) -> Self::Output {
                #[allow(clippy::needless_borrow, reason = "one of both forms is a reference already")]
                Array::carrying(binary(Binary::$operation, &self, &other))
            }
        }
    };
    (@number $Operator:ident $method:ident $operation:ident [$($left:tt)*]) => {
        impl<T: PromoteScalar<S>, S: Element> $Operator<S> for $($left)* {
            type Output = Array<<T as PromoteScalar<S>>::Output>;

            fn $method(self, number: S) -> Self::Output {
                #[allow(clippy::needless_borrow, reason = "one of both forms is a reference already")]
                Array::carrying(scalar(Binary::$operation, &self, number, false))
            }
        }
    };
    (@left $Operator:ident $method:ident $operation:ident $($S:ident)*) => {$(
        operators! { @left_one $Operator $method $operation $S }
    )*};
    (@left_one $Operator:ident $method:ident $operation:ident $S:ident) => {
        impl<T: PromoteScalar<$S>> $Operator<&Array<T>> for $S {
            type Output = Array<<T as PromoteScalar<$S>>::Output>;

            fn $method(self, array: &Array<T>) -> Self::Output {
                Array::carrying(scalar(Binary::$operation, array, self, true))
            }
        }

        impl<T: PromoteScalar<$S>> $Operator<Array<T>> for $S {
            type Output = Array<<T as PromoteScalar<$S>>::Output>;

            fn $method(self, array: Array<T>) -> Self::Output {
                Array::carrying(scalar(Binary::$operation, &array, self, true))
            }
        }
    };
}

operators! {
    Add add Add;
    Sub sub Subtract;
    Mul mul Multiply;
    Rem rem Remainder;
    BitAnd bitand And;
    BitOr bitor Or;
    BitXor bitxor Xor;
}

macro_rules! signs {
    ($($Operator:ident $method:ident $unary:ident;)*) => {$(
        impl<T: Element> $Operator for &Array<T> {
            type Output = Array<T>;

            fn $method(self) -> Array<T> {
                unary(Unary::$unary, self)
            }
        }

        impl<T: Element> $Operator for Array<T> {
            type Output = Array<T>;

            fn $method(self) -> Array<T> {
                unary(Unary::$unary, &self)
            }
        }
    )*};
}

signs! {
    Neg neg Negative;
    Not not Not;
}

macro_rules! division {
    ($([$($left:tt)*] [$($right:tt)*];)*) => {$(
        impl<T: Promote<U>, U: Element> Div<$($right)*> for $($left)* {
            type Output = Array<<<T as Promote<U>>::Output as Element>::Float>;

            fn div(self, other: $($right)*) -> Self::Output {
                #[allow(clippy::needless_borrow, reason = "one of both forms is a reference already")]
                Array::carrying(binary(Binary::Divide, &self, &other))
            }
        }
    )*};
    (@number $([$($left:tt)*])*) => {$(
        impl<T: PromoteScalar<S>, S: Element> Div<S> for $($left)* {
            type Output = Array<<<T as PromoteScalar<S>>::Output as Element>::Float>;

            fn div(self, number: S) -> Self::Output {
                #[allow(clippy::needless_borrow, reason = "one of both forms is a reference already")]
                Array::carrying(scalar(Binary::Divide, &self, number, false))
            }
        }
    )*};
    (@left $($S:ident)*) => {$(
        impl<T: PromoteScalar<$S>> Div<&Array<T>> for $S {
            type Output = Array<<<T as PromoteScalar<$S>>::Output as Element>::Float>;

            fn div(self, array: &Array<T>) -> Self::Output {
                Array::carrying(scalar(Binary::Divide, array, self, true))
            }
        }

        impl<T: PromoteScalar<$S>> Div<Array<T>> for $S {
            type Output = Array<<<T as PromoteScalar<$S>>::Output as Element>::Float>;

            fn div(self, array: Array<T>) -> Self::Output {
                Array::carrying(scalar(Binary::Divide, &array, self, true))
            }
        }
    )*};
}

division! { [&Array<T>] [&Array<U>]; [&Array<T>] [Array<U>]; [Array<T>] [&Array<U>]; [Array<T>] [Array<U>]; }
division! { @number [&Array<T>] [Array<T>] }
division! { @left bool u8 i32 i64 f32 f64 Complex64 }
