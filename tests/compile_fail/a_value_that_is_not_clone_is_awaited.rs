use anydask::{Client, runtime::Smol};

struct Opaque;

fn main() {
    let client = Client::<Smol>::local().wait().unwrap();
    let opaque = client.submit(|| Opaque, ());
    let _ = client.gather(&opaque);
}
