use anydask::{Client, runtime::Smol};

fn main() {
    let client = Client::<Smol>::local().wait().unwrap();
    let _ = client.gather(vec![1, 2, 3]);
}
