//! Dask's first example, and what comes after it: work is submitted, passed on as futures, awaited and gathered.
//!
//! ```text
//! cargo run --example hello --features tokio
//! ```

use anydask::runtime::Tokio;
use anydask::{Client, Error};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let client = Client::<Tokio>::local().await?;
    println!("a client on tokio, with {} threads of its own", client.threads());

    // Submitting is a plain call: it gives a future at once, and the work begins.
    let future = client.submit(|x: i64| x + 1, 10);
    println!("submitted x + 1 with 10");

    // A future goes where a value goes. Nobody waits here: a task runs once its inputs are there.
    let product = client.submit(|x: i64, y: i64| x * y, (&future, 2));
    println!("submitted x * y with that future and 2");

    let many = client.map(|x: i64, y: i64| x + y, (0..5).map(|y| (&product, y)));
    println!("mapped x + y over that future with 0 to 4");

    let sum = client.submit(|many: Vec<i64>| many.iter().sum::<i64>(), &many);
    println!("submitted the sum of those {} futures", many.len());

    // Awaiting a reference keeps the future; awaiting the future itself gives it up.
    println!("x + 1 is {}", (&future).await?);
    println!("x * y is {}", product.await?);

    // Gathering awaits many at once, in the shape that they are given in.
    let (many, sum) = client.gather((&many, &sum)).await?;
    println!("the sums are {many:?}");
    println!("their sum is {sum}");

    client.close().await
}
