//! Operations of two arrays, and the choice between two.

use super::table::{Answer, Case, Input, found, of_types};

macro_rules! alike {
    ($inputs:expr, ($x:ident, $y:ident) => $body:expr) => {
        of_types!($inputs, ($x, $y) in [Bool Bool, U8 U8, I32 I32, I64 I64, F32 F32, F64 F64, Complex64 Complex64] => $body)
    };
}

/// Those that are also tried with two types.
macro_rules! any_types {
    ($inputs:expr, ($x:ident, $y:ident) => $body:expr) => {
        of_types!(
            $inputs,
            ($x, $y) in [
                Bool Bool, U8 U8, I32 I32, I64 I64, F32 F32, F64 F64, Complex64 Complex64, U8 I32, I32 F32, Bool I64,
                I64 F64, F32 F64, U8 F32, Bool F64, F64 Complex64, I64 Complex64, F64 F32
            ] => $body
        )
    };
}

pub fn answer(case: &Case) -> Option<Answer> {
    let inputs = || (case.input(0), case.input(1));
    Some(match &*case.operation {
        "add" => any_types!(inputs(), (x, y) => found(x + y)),
        "multiply" => any_types!(inputs(), (x, y) => found(x * y)),
        "maximum" => any_types!(inputs(), (x, y) => x.maximum(&y).and_then(found)),
        "lt" => any_types!(inputs(), (x, y) => x.lt(&y).and_then(found)),
        operation => return alike(operation, inputs).or_else(|| (operation == "where").then(|| choice(case))),
    })
}

fn alike(operation: &str, inputs: impl Fn() -> (Input, Input)) -> Option<Answer> {
    Some(match operation {
        "subtract" => alike!(inputs(), (x, y) => found(x - y)),
        "divide" => alike!(inputs(), (x, y) => found(x / y)),
        "floor_divide" => alike!(inputs(), (x, y) => x.floor_divide(&y).and_then(found)),
        "remainder" => alike!(inputs(), (x, y) => found(x % y)),
        "power" => alike!(inputs(), (x, y) => x.power(&y).and_then(found)),
        "minimum" => alike!(inputs(), (x, y) => x.minimum(&y).and_then(found)),
        "hypot" => alike!(inputs(), (x, y) => x.hypot(&y).and_then(found)),
        "arctan2" => alike!(inputs(), (x, y) => x.arctan2(&y).and_then(found)),
        "and" => alike!(inputs(), (x, y) => found(x & y)),
        "or" => alike!(inputs(), (x, y) => found(x | y)),
        "xor" => alike!(inputs(), (x, y) => found(x ^ y)),
        "eq" => alike!(inputs(), (x, y) => x.eq(&y).and_then(found)),
        "ne" => alike!(inputs(), (x, y) => x.ne(&y).and_then(found)),
        "le" => alike!(inputs(), (x, y) => x.le(&y).and_then(found)),
        "gt" => alike!(inputs(), (x, y) => x.gt(&y).and_then(found)),
        "ge" => alike!(inputs(), (x, y) => x.ge(&y).and_then(found)),
        _ => return None,
    })
}

fn choice(case: &Case) -> Answer {
    let Input::Bool(condition) = case.input(0) else { panic!("a condition is of bool") };
    any_types!((case.input(1), case.input(2)), (x, y) => condition.choose(&x, &y).and_then(found))
}
