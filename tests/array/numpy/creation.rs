//! Arrays from nothing.

use anydask::array;

use super::table::{Answer, Case, Value, found};

pub fn answer(case: &Case) -> Option<Answer> {
    let shape = || case.lengths("shape");
    let chunks = || case.usize("chunks");
    Some(match &*case.operation {
        "arange" if case.text("dtype") == "i64" => {
            let number = |name| case.parameters[name].as_i64().expect("a whole number");
            found(array::arange(number("start"), number("stop"), number("step"), chunks()))
        }
        "arange" => found(array::arange(case.f64("start"), case.f64("stop"), case.f64("step"), chunks())),
        "linspace" => found(array::linspace(case.f64("start"), case.f64("stop"), case.usize("count"), chunks())),
        "zeros" => found(array::zeros(shape(), chunks())),
        "ones" => found(array::ones(shape(), chunks())),
        "full" => {
            let dtype = case.parameters["scalar"]["dtype"].as_str().expect("a type");
            match case.scalar("scalar") {
                Value::Bool(value) => found(array::full(shape(), chunks(), value)),
                Value::Whole(value) if dtype == "u8" => found(array::full(shape(), chunks(), value as u8)),
                Value::Whole(value) if dtype == "i32" => found(array::full(shape(), chunks(), value as i32)),
                Value::Whole(value) => found(array::full(shape(), chunks(), value)),
                Value::Single(value) => found(array::full(shape(), chunks(), value)),
                Value::Real(value) => found(array::full(shape(), chunks(), value)),
                Value::Complex(value) => found(array::full(shape(), chunks(), value)),
            }
        }
        _ => return None,
    })
}
