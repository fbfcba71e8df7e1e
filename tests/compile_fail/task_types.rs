use std::rc::Rc;

use anydask::{Client, runtime::Smol, task};

#[task]
fn takes_what_cannot_be_sent(value: Rc<i64>) -> i64 {
    *value
}

#[task]
fn inc(x: i64) -> i64 {
    x + 1
}

fn main() {
    let client = Client::<Smol>::local().wait().unwrap();
    let _ = client.submit(takes_what_cannot_be_sent, Rc::new(1));
    let _ = client.submit(inc, "one");
    let _ = client.submit(inc, (1, 2));
    let _ = inc("one");
}
