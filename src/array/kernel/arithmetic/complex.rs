//! The arithmetic of complex numbers.

use num_complex::Complex64;

use super::{Arithmetic, casts, each};
use crate::array::kernel::{Test, Unary};

impl Arithmetic for Complex64 {
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
        quotient(self, other)
    }

    fn power(self, other: Self) -> Self {
        let is_zero = self.re == 0.0 && self.im == 0.0;
        match other {
            Complex64 { re: 0.0, im: 0.0 } => Self::new(1.0, 0.0),
            Complex64 { re, im: 0.0 } if re.fract() == 0.0 && re.abs() < 100.0 => {
                let power = self.powu(re.abs() as u32);
                if re < 0.0 { reciprocal(power) } else { power }
            }
            Complex64 { re, .. } if is_zero && re > 0.0 => Self::new(0.0, 0.0),
            _ if is_zero => Self::new(f64::NAN, f64::NAN),
            other => self.powc(other),
        }
    }

    fn minimum(self, other: Self) -> Self {
        if self.test(Test::Nan) || self.is_less(other) { self } else { other }
    }

    fn maximum(self, other: Self) -> Self {
        if self.test(Test::Nan) || other.is_less(self) { self } else { other }
    }

    /// By the real part, and where that is equal by the imaginary one.
    fn is_less(self, other: Self) -> bool {
        is_below(self, other) || self.re == other.re && self.im < other.im
    }

    fn is_less_or_equal(self, other: Self) -> bool {
        is_below(self, other) || self.re == other.re && self.im <= other.im
    }

    fn test(self, test: Test) -> bool {
        match test {
            Test::Nan => self.re.is_nan() || self.im.is_nan(),
            Test::Infinite => self.re.is_infinite() || self.im.is_infinite(),
            Test::Finite => self.re.is_finite() && self.im.is_finite(),
        }
    }

    fn unary(unary: Unary, from: &[Self], to: &mut [Self]) {
        match unary {
            Unary::Negative => each(from, to, |x| -x),
            Unary::Square => each(from, to, |x| x * x),
            Unary::Sqrt => each(from, to, |x| x.sqrt()),
            Unary::Reciprocal => each(from, to, reciprocal),
            Unary::Exp => each(from, to, |x| x.exp()),
            Unary::Ln => each(from, to, |x| x.ln()),
            Unary::Log2 => each(from, to, |x| x.log2()),
            Unary::Log10 => each(from, to, |x| x.log10()),
            Unary::Sin => each(from, to, |x| x.sin()),
            Unary::Cos => each(from, to, |x| x.cos()),
            Unary::Tan => each(from, to, tan),
            Unary::Sinh => each(from, to, |x| x.sinh()),
            Unary::Cosh => each(from, to, |x| x.cosh()),
            Unary::Tanh => each(from, to, tanh),
            Unary::Conjugate => each(from, to, |x| x.conj()),
            _ => each(from, to, |x| x),
        }
    }

    fn is_true(self) -> bool {
        self.re != 0.0 || self.im != 0.0
    }

    fn magnitude(self) -> f64 {
        self.norm()
    }

    fn to_bool(self) -> bool {
        self.is_true()
    }

    fn to_u8(self) -> u8 {
        self.re.to_u8()
    }

    fn to_i32(self) -> i32 {
        self.re.to_i32()
    }

    fn to_i64(self) -> i64 {
        self.re.to_i64()
    }

    fn to_f32(self) -> f32 {
        self.re.to_f32()
    }

    fn to_f64(self) -> f64 {
        self.re
    }

    fn to_complex64(self) -> Complex64 {
        self
    }

    casts!(to_complex64);

    fn exactly(number: f64) -> Option<Self> {
        Some(Self::new(number, 0.0))
    }
}

/// By the real part. As in NumPy nothing is below or above what has an imaginary part of NaN.
fn is_below(x: Complex64, y: Complex64) -> bool {
    x.re < y.re && !x.im.is_nan() && !y.im.is_nan()
}

/// Smith's way, as NumPy: large and small numbers do not overflow on the way.
fn quotient(x: Complex64, y: Complex64) -> Complex64 {
    if y.re == 0.0 && y.im == 0.0 {
        return Complex64::new(x.re / y.re.abs(), x.im / y.re.abs());
    }
    if y.re.abs() >= y.im.abs() {
        let ratio = y.im / y.re;
        let scale = 1.0 / (y.re + y.im * ratio);
        Complex64::new((x.re + x.im * ratio) * scale, (x.im - x.re * ratio) * scale)
    } else {
        let ratio = y.re / y.im;
        let scale = 1.0 / (y.im + y.re * ratio);
        Complex64::new((x.re * ratio + x.im) * scale, (x.im * ratio - x.re) * scale)
    }
}

fn reciprocal(x: Complex64) -> Complex64 {
    if x.im.abs() <= x.re.abs() {
        let ratio = x.im / x.re;
        let scale = x.re + x.im * ratio;
        Complex64::new(1.0 / scale, -ratio / scale)
    } else {
        let ratio = x.re / x.im;
        let scale = x.re * ratio + x.im;
        Complex64::new(ratio / scale, -1.0 / scale)
    }
}

/// From here on `tanh` is 1 to the last bit.
const TANH_ONE: f64 = 20.0;

fn tanh(x: Complex64) -> Complex64 {
    if x.re.abs() < TANH_ONE || x.re.is_nan() {
        return x.tanh();
    }
    let im = if x.re.is_infinite() { 0.0 } else { 2.0 * (2.0 * x.im).sin() * (-2.0 * x.re.abs()).exp() };
    Complex64::new(1_f64.copysign(x.re), im)
}

fn tan(x: Complex64) -> Complex64 {
    let turned = tanh(Complex64::new(-x.im, x.re));
    Complex64::new(turned.im, -turned.re)
}
