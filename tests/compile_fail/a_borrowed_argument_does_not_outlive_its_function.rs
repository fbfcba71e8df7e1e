use anydask::{Client, runtime::Smol};

fn length(client: &Client<Smol>) -> usize {
    let text = String::from("eleven");
    client.submit(|text: &str| text.len(), text.as_str()).wait().unwrap()
}

fn main() {
    length(&Client::<Smol>::local().wait().unwrap());
}
