//! A table of what NumPy and dask.array answer (`numpy/cases.py` makes it), compared with what we do: types, shapes and elements, or
//! that both refuse it.

mod around;
mod creation;
mod functions;
mod numbers;
mod pairs;
mod products;
mod reductions;
mod shapes;
mod table;

use std::collections::BTreeSet;

use anydask::array::ArrayError;

use self::table::{Answer, Case, Expected, Found, cases};

/// What we answer. `None` if there is no such operation.
fn answer(case: &Case) -> Option<Answer> {
    creation::answer(case)
        .or_else(|| pairs::answer(case))
        .or_else(|| numbers::answer(case))
        .or_else(|| functions::answer(case))
        .or_else(|| reductions::answer(case))
        .or_else(|| shapes::answer(case))
        .or_else(|| products::answer(case))
        .or_else(|| around::answer(case))
}

/// Says how an answer differs from what is expected.
fn difference(case: &Case, answer: Answer) -> Option<String> {
    let expected = match (&case.expected, answer) {
        (Expected::Error { error }, Err(found)) if variant(&found) == *error => return None,
        (Expected::Error { error }, found) => return Some(format!("{found:?} where {error} is expected")),
        (Expected::Array(written), found) => match found {
            Ok(found) => (Found::of(written), found),
            Err(error) => return Some(format!("it is refused: {error}")),
        },
    };
    let (expected, found) = expected;
    let is_same = expected.dtype == found.dtype
        && expected.shape == found.shape
        && expected.elements.iter().zip(&found.elements).all(|(expected, found)| expected.is_close(found));
    (!is_same).then(|| format!("{found:?}\n    where {expected:?} is expected"))
}

/// `Broadcast` of `Broadcast { left: ... }`.
fn variant(error: &ArrayError) -> String {
    format!("{error:?}").chars().take_while(char::is_ascii_alphabetic).collect()
}

#[test]
fn what_numpy_answers_is_what_we_answer() {
    let cases = cases();
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let difference = match answer(case) {
                Some(answer) => difference(case, answer),
                None => Some("there is no such operation in the tests".to_owned()),
            };
            difference.map(|difference| format!("{}: {difference}", case.name))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn the_table_has_as_many_cases_as_it_should() {
    let cases = cases();
    let names: BTreeSet<&str> = cases.iter().map(|case| &*case.name).collect();
    assert_eq!(names.len(), cases.len());
    assert!(cases.len() >= 150, "{}", cases.len());
}
