#![deny(unused_must_use)]

use anydask::{Client, runtime::Smol};

fn main() {
    let client = Client::<Smol>::local().wait().unwrap();
    client.submit(|| 1, ());
    client.gather(());
    client.close();
    client.task(|| 1, ()).key("k");
    Client::<Smol>::builder().threads(1);
}
