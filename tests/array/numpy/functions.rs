//! Functions of each element, and elements of other types.

use anydask::array::{Complex64, ElementType};

use super::table::{Answer, Case, Input, Value, each, element, found};

pub fn answer(case: &Case) -> Option<Answer> {
    let x = || case.input(0);
    Some(match &*case.operation {
        "sqrt" => each!(x(), x => found(x.sqrt())),
        "cbrt" => each!(x(), x => found(x.cbrt())),
        "exp" => each!(x(), x => found(x.exp())),
        "exp2" => each!(x(), x => found(x.exp2())),
        "expm1" => each!(x(), x => found(x.exp_m1())),
        "log" => each!(x(), x => found(x.ln())),
        "log2" => each!(x(), x => found(x.log2())),
        "log10" => each!(x(), x => found(x.log10())),
        "log1p" => each!(x(), x => found(x.ln_1p())),
        "sin" => each!(x(), x => found(x.sin())),
        "cos" => each!(x(), x => found(x.cos())),
        "tan" => each!(x(), x => found(x.tan())),
        "arcsin" => each!(x(), x => found(x.asin())),
        "arccos" => each!(x(), x => found(x.acos())),
        "arctan" => each!(x(), x => found(x.atan())),
        "sinh" => each!(x(), x => found(x.sinh())),
        "cosh" => each!(x(), x => found(x.cosh())),
        "tanh" => each!(x(), x => found(x.tanh())),
        "reciprocal" => each!(x(), x => found(x.recip())),
        "sign" => each!(x(), x => found(x.sign())),
        "square" => each!(x(), x => found(x.square())),
        "floor" => each!(x(), x => found(x.floor())),
        "ceil" => each!(x(), x => found(x.ceil())),
        "round" => each!(x(), x => found(x.round())),
        "trunc" => each!(x(), x => found(x.trunc())),
        "conj" => each!(x(), x => found(x.conj())),
        "negative" => each!(x(), x => found(-x)),
        "invert" => each!(x(), x => found(!x)),
        "absolute" => each!(x(), x => found(x.abs())),
        "isnan" => each!(x(), x => found(x.is_nan())),
        "isinf" => each!(x(), x => found(x.is_infinite())),
        "isfinite" => each!(x(), x => found(x.is_finite())),
        "real" | "imag" => match (x(), &*case.operation) {
            (Input::Complex64(x), "real") => found(x.real()),
            (Input::Complex64(x), _) => found(x.imag()),
            _ => panic!("parts are of complex numbers"),
        },
        "cast" => cast(case),
        "clip" => match (x(), case.scalar("low"), case.scalar("high")) {
            (Input::F64(x), Value::Real(low), Value::Real(high)) => found(x.clip(low, high)),
            (Input::I64(x), Value::Whole(low), Value::Whole(high)) => found(x.clip(low, high)),
            _ => panic!("a combination of types that the tests do not know"),
        },
        _ => return None,
    })
}

fn cast(case: &Case) -> Answer {
    each!(case.input(0), x => match element(case.text("dtype")) {
        ElementType::Bool => found(x.cast::<bool>()),
        ElementType::U8 => found(x.cast::<u8>()),
        ElementType::I32 => found(x.cast::<i32>()),
        ElementType::I64 => found(x.cast::<i64>()),
        ElementType::F32 => found(x.cast::<f32>()),
        ElementType::F64 => found(x.cast::<f64>()),
        ElementType::Complex64 => found(x.cast::<Complex64>()),
        dtype => panic!("there is no type {dtype} in the tests"),
    })
}
