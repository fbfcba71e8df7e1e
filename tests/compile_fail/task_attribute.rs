use anydask::task;

#[task]
fn borrows(text: &str) -> usize {
    text.len()
}

#[task]
fn borrows_a_slice(values: &[i64]) -> i64 {
    values.iter().sum()
}

#[task]
fn returns_a_borrow(text: String) -> &str {
    &text
}

#[task]
fn generic<T: ToString>(value: T) -> String {
    value.to_string()
}

#[task]
fn bounded(value: i64) -> i64
where
    i64: Copy,
{
    value
}

struct Model;

impl Model {
    #[task]
    fn method(&self) -> i64 {
        1
    }
}

#[task]
fn nine(a: i64, b: i64, c: i64, d: i64, e: i64, f: i64, g: i64, h: i64, i: i64) -> i64 {
    a + b + c + d + e + f + g + h + i
}

#[task]
unsafe fn not_safe() {}

#[task]
const fn constant() -> i64 {
    1
}

#[task]
extern "C" fn foreign() {}

#[task]
fn implementation(value: impl ToString) -> String {
    value.to_string()
}

#[task(nam = "x")]
fn misspelt() {}

#[task(name = 5)]
fn numbered() {}

#[task(name = "")]
fn nameless() {}

#[task]
struct NotAFunction;

fn main() {}
