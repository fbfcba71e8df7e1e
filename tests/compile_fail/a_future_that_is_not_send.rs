use std::rc::Rc;

use anydask::{Client, asynchronous, runtime::Smol};

fn main() {
    let client = Client::<Smol>::local().wait().unwrap();
    let _ = client.submit(
        asynchronous(|| async {
            let shared = Rc::new(1);
            std::future::ready(()).await;
            *shared
        }),
        (),
    );
}
