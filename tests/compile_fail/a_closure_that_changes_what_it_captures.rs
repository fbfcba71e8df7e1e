use anydask::{Client, runtime::Smol};

fn main() {
    let client = Client::<Smol>::local().wait().unwrap();
    let mut count = 0;
    let _ = client.submit(
        move || {
            count += 1;
            count
        },
        (),
    );
}
