use anydask::{Client, runtime::Smol};

fn add(x: i64, y: i64) -> i64 {
    x + y
}

fn main() {
    let client = Client::<Smol>::local().wait().unwrap();
    let _ = client.submit(add, (1, "two"));
}
