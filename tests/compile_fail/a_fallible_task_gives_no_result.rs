use anydask::{Client, fallible, runtime::Smol};

fn main() {
    let client = Client::<Smol>::local().wait().unwrap();
    let _ = client.submit(fallible(|x: i64| x + 1), 1);
}
