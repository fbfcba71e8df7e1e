//! Parts of arrays, other shapes of them, and several in one.

use anydask::array::{self, Array, ArrayError};
use ndarray::SliceInfoElem;
use serde_json::Value as Json;

use super::table::{Answer, Case, Input, each, found};

pub fn answer(case: &Case) -> Option<Answer> {
    let x = || case.input(0);
    let axis = || case.isize("axis");
    let axes = || case.list("axes").expect("axes");
    Some(match &*case.operation {
        "slice" => {
            let items: Vec<_> = case.parameters["items"].as_array().expect("items").iter().map(index).collect();
            each!(x(), x => x.slice(items).and_then(found))
        }
        "take" => each!(x(), x => x.take(&case.list("indices").expect("indices"), axis()).and_then(found)),
        "compress" => {
            let mask: Option<Vec<bool>> =
                case.parameters["mask"].as_array().expect("mask").iter().map(Json::as_bool).collect();
            each!(x(), x => x.compress(&mask.expect("truth values"), axis()).and_then(found))
        }
        "transpose" => each!(x(), x => found(x.transpose())),
        "permute" => each!(x(), x => x.permute_axes(&axes()).and_then(found)),
        "swap_axes" => each!(x(), x => x.swap_axes(case.isize("one"), case.isize("other")).and_then(found)),
        "reshape" => each!(x(), x => x.reshape(case.list("shape").expect("shape")).and_then(found)),
        "ravel" => each!(x(), x => found(x.ravel())),
        "expand_dims" => each!(x(), x => x.expand_dims(axis()).and_then(found)),
        "squeeze" => each!(x(), x => found(x.squeeze())),
        "flip" => each!(x(), x => x.flip(axis()).and_then(found)),
        "broadcast_to" => each!(x(), x => x.broadcast_to(case.lengths("shape")).and_then(found)),
        "concatenate" => joined(case, array::concatenate::<f64, Array<f64>>, array::concatenate::<u8, Array<u8>>),
        "stack" => joined(case, array::stack::<f64, Array<f64>>, array::stack::<u8, Array<u8>>),
        _ => return None,
    })
}

/// `"new"`, an index, or where a range starts and stops, and its step.
fn index(item: &Json) -> SliceInfoElem {
    let number = |item: &Json| item.as_i64().expect("a whole number") as isize;
    match item {
        Json::String(_) => SliceInfoElem::NewAxis,
        Json::Array(range) => {
            let end = (!range[1].is_null()).then(|| number(&range[1]));
            SliceInfoElem::Slice { start: number(&range[0]), end, step: number(&range[2]) }
        }
        index => SliceInfoElem::Index(number(index)),
    }
}

type Join<T> = fn(&[Array<T>], isize) -> Result<Array<T>, ArrayError>;

fn joined(case: &Case, floats: Join<f64>, bytes: Join<u8>) -> Answer {
    let axis = case.isize("axis");
    match (case.input(0), case.input(1)) {
        (Input::F64(x), Input::F64(y)) => floats(&[x, y], axis).and_then(found),
        (Input::U8(x), Input::U8(y)) => bytes(&[x, y], axis).and_then(found),
        _ => panic!("a combination of types that the tests do not know"),
    }
}
