//! What lies around blocks and arrays.

use anydask::array::{Boundary, Element};
use ndarray::ArrayD;

use super::table::{Answer, Case, Input, each, found};

pub fn answer(case: &Case) -> Option<Answer> {
    let x = || case.input(0);
    Some(match &*case.operation {
        "map_overlap" => match x() {
            Input::F64(x) => x.map_overlap(1, boundary(case, case.f64("fill")), leaning).and_then(found),
            Input::I64(x) => x.map_overlap(1, boundary(case, case.isize("fill") as i64), leaning).and_then(found),
            _ => panic!("a type that the tests do not know"),
        },
        "roll" => each!(x(), x => x.roll(case.isize("shift"), case.isize("axis")).and_then(found)),
        "tile" => each!(x(), x => x.tile(case.lengths("counts")).and_then(found)),
        "pad" => {
            let Input::F64(x) = x() else { panic!("an array of f64") };
            let margins: Vec<_> = case.lengths("margins").chunks(2).map(|pair| (pair[0], pair[1])).collect();
            x.pad(&margins, case.f64("value")).and_then(found)
        }
        _ => return None,
    })
}

fn boundary<T>(case: &Case, fill: T) -> Boundary<T> {
    match case.text("boundary") {
        "reflect" => Boundary::Reflect,
        "periodic" => Boundary::Periodic,
        "nearest" => Boundary::Nearest,
        _ => Boundary::Constant(fill),
    }
}

/// Of each element, what is above it and twice what is to its right added. Margins have nothing.
fn leaning<T: Element + std::ops::Add<Output = T>>(block: ArrayD<T>) -> ArrayD<T> {
    let (rows, columns) = (block.shape()[0], block.shape()[1]);
    let mut result = ArrayD::from_elem(block.raw_dim(), T::default());
    for row in 1..rows {
        for column in 0..columns - 1 {
            let right = block[[row, column + 1]];
            result[[row, column]] = block[[row, column]] + block[[row - 1, column]] + right + right;
        }
    }
    result
}
