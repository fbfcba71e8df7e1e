//! Operations of an array and a number.

use super::table::{Answer, Case, Input, Value, found};

/// Runs an expression for an array and a number of these types.
macro_rules! with_number {
    ($case:expr, ($x:ident, $number:ident) in [$($X:ident $Number:ident),*] => $body:expr) => {
        match ($case.input(0), $case.scalar("scalar")) {
            $((Input::$X($x), Value::$Number($number)) => $body,)*
            _ => panic!("a combination of types that the tests do not know"),
        }
    };
}

macro_rules! any_number {
    ($case:expr, ($x:ident, $number:ident) => $body:expr) => {
        with_number!(
            $case,
            ($x, $number) in [
                F64 Real, I64 Whole, U8 Whole, I32 Real, F32 Real, F64 Complex, Bool Whole, Bool Real, Complex64 Complex,
                I64 Real, F64 Whole
            ] => $body
        )
    };
}

/// Those that order them, of real numbers.
macro_rules! real_number {
    ($case:expr, ($x:ident, $number:ident) => $body:expr) => {
        with_number!($case, ($x, $number) in [F64 Real, I64 Whole, U8 Whole, I64 Real, F64 Whole] => $body)
    };
}

pub fn answer(case: &Case) -> Option<Answer> {
    let operation = case.operation.strip_suffix("_scalar")?;
    if case.parameters["side"] == "left" {
        return Some(match operation {
            "add" => any_number!(case, (x, number) => found(number + x)),
            "subtract" => any_number!(case, (x, number) => found(number - x)),
            "multiply" => any_number!(case, (x, number) => found(number * x)),
            "divide" => any_number!(case, (x, number) => found(number / x)),
            "remainder" => any_number!(case, (x, number) => found(number % x)),
            _ => return None,
        });
    }
    Some(match operation {
        "add" => any_number!(case, (x, number) => found(x + number)),
        "subtract" => any_number!(case, (x, number) => found(x - number)),
        "multiply" => any_number!(case, (x, number) => found(x * number)),
        "divide" => any_number!(case, (x, number) => found(x / number)),
        "remainder" => any_number!(case, (x, number) => found(x % number)),
        "minimum" => real_number!(case, (x, number) => x.minimum_scalar(number).and_then(found)),
        "maximum" => real_number!(case, (x, number) => x.maximum_scalar(number).and_then(found)),
        "floor_divide" => real_number!(case, (x, number) => x.floor_divide_scalar(number).and_then(found)),
        "power" => real_number!(case, (x, number) => x.power_scalar(number).and_then(found)),
        "eq" => real_number!(case, (x, number) => x.eq_scalar(number).and_then(found)),
        "ne" => real_number!(case, (x, number) => x.ne_scalar(number).and_then(found)),
        "lt" => real_number!(case, (x, number) => x.lt_scalar(number).and_then(found)),
        "le" => real_number!(case, (x, number) => x.le_scalar(number).and_then(found)),
        "gt" => real_number!(case, (x, number) => x.gt_scalar(number).and_then(found)),
        "ge" => real_number!(case, (x, number) => x.ge_scalar(number).and_then(found)),
        _ => return None,
    })
}
