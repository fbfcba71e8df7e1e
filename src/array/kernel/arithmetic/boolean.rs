//! The arithmetic of truth values.

use num_complex::Complex64;

use super::{Arithmetic, casts, each};
use crate::array::kernel::{Test, Unary};

impl Arithmetic for bool {
    fn add(self, other: Self) -> Self {
        self | other
    }

    fn subtract(self, other: Self) -> Self {
        self ^ other
    }

    fn multiply(self, other: Self) -> Self {
        self & other
    }

    fn divide(self, _: Self) -> Self {
        self
    }

    fn minimum(self, other: Self) -> Self {
        self & other
    }

    fn maximum(self, other: Self) -> Self {
        self | other
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
        !self & other
    }

    fn is_less_or_equal(self, other: Self) -> bool {
        !self | other
    }

    fn test(self, test: Test) -> bool {
        matches!(test, Test::Finite)
    }

    fn unary(unary: Unary, from: &[Self], to: &mut [Self]) {
        match unary {
            Unary::Not => each(from, to, |x| !x),
            _ => each(from, to, |x| x),
        }
    }

    fn is_true(self) -> bool {
        self
    }

    fn magnitude(self) -> f64 {
        self.to_f64()
    }

    fn to_bool(self) -> bool {
        self
    }

    fn to_u8(self) -> u8 {
        self.into()
    }

    fn to_i32(self) -> i32 {
        self.into()
    }

    fn to_i64(self) -> i64 {
        self.into()
    }

    fn to_f32(self) -> f32 {
        self.into()
    }

    fn to_f64(self) -> f64 {
        self.into()
    }

    fn to_complex64(self) -> Complex64 {
        Complex64::new(self.into(), 0.0)
    }

    casts!(to_bool);

    fn exactly(number: f64) -> Option<Self> {
        if number == 0.0 || number == 1.0 { Some(number == 1.0) } else { None }
    }
}
