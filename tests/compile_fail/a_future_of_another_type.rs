use anydask::{Client, runtime::Smol};

fn main() {
    let client = Client::<Smol>::local().wait().unwrap();
    let text = client.submit(|| "ten".to_string(), ());
    let _ = client.submit(|x: i64| x + 1, &text);
}
