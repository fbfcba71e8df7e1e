use std::rc::Rc;

use anydask::{Client, runtime::Smol};

fn main() {
    let client = Client::<Smol>::local().wait().unwrap();
    let shared = Rc::new(1);
    let _ = client.submit(move || *shared, ());
}
