use std::rc::Rc;

use anydask::{Client, runtime::Smol};

fn main() {
    let client = Client::<Smol>::local().wait().unwrap();
    let _ = client.submit(|| Rc::new(1), ());
}
