//! Products of arrays, equations and factors, and counts.

use anydask::array::{self, linalg};

use super::table::{Answer, Case, Input, each, found, of_types};

macro_rules! factors {
    ($case:expr, ($x:ident, $y:ident) => $body:expr) => {
        of_types!(
            ($case.input(0), $case.input(1)),
            ($x, $y) in [F64 F64, I64 I64, Complex64 Complex64, I64 F64] => $body
        )
    };
}

pub fn answer(case: &Case) -> Option<Answer> {
    let axes = |name| case.list(name).expect("axes");
    Some(match &*case.operation {
        "dot" => factors!(case, (x, y) => x.dot(&y).and_then(found)),
        "matmul" => factors!(case, (x, y) => x.matmul(&y).and_then(found)),
        "tensordot" => {
            factors!(case, (x, y) => array::tensordot(&x, &y, (axes("left"), axes("right"))).and_then(found))
        }
        "solve" => match (case.input(0), case.input(1)) {
            (Input::F64(a), Input::F64(b)) => linalg::solve(&a, &b).and_then(found),
            _ => panic!("matrices of f64"),
        },
        "singular_values" => {
            let Input::F64(x) = case.input(0) else { panic!("a matrix of f64") };
            linalg::svd(&x).and_then(|(_, values, _)| found(values))
        }
        "absolute_r" => {
            let Input::F64(x) = case.input(0) else { panic!("a matrix of f64") };
            linalg::qr(&x).and_then(|(_, r)| found(r.abs()))
        }
        "histogram" => {
            let range = (case.f64("low"), case.f64("high"));
            each!(case.input(0), x => {
                array::histogram(&x, case.usize("bins"), range).and_then(|(counts, _)| found(counts))
            })
        }
        "histogram_edges" => {
            let edges: Option<Vec<f64>> =
                case.parameters["edges"].as_array().expect("edges").iter().map(|edge| edge.as_f64()).collect();
            each!(case.input(0), x => array::histogram_edges(&x, &edges.expect("numbers")).and_then(found))
        }
        _ => return None,
    })
}
