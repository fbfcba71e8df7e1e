//! A script without `async`: every operation that can be awaited can also be waited for.
//!
//! ```text
//! cargo run --example blocking --features tokio
//! ```

use std::time::Duration;

use anydask::runtime::Tokio;
use anydask::{Client, Error, fallible};

#[path = "common/word_count.rs"]
mod word_count;

/// Numbers that one task looks at.
const RANGE: u64 = 10_000;

fn main() -> Result<(), Error> {
    // No runtime is around, so that the client starts one of its own.
    let client = Client::<Tokio>::local().wait()?;

    let counts = client.map(count_primes, (0..10).map(|n| (n * RANGE, (n + 1) * RANGE)));
    println!("the first range has {} primes", counts[0].wait()?);
    let counts = client.gather(&counts).timeout(Duration::from_secs(60)).wait()?;
    println!("all ranges have {}", counts.iter().sum::<u64>());

    // A task that waits for tasks gives its thread to them meanwhile.
    let fibonacci = client.submit(fallible(fibonacci), (client.clone(), 15));
    println!("fibonacci of 15 is {}", fibonacci.wait()?);

    // An asynchronous function runs on the client's runtime, and this thread waits for it.
    client.sync(word_count::run(&client))?;

    client.close().wait()
}

fn count_primes(from: u64, to: u64) -> u64 {
    (from..to).filter(|&n| n >= 2 && (2..).take_while(|i| i * i <= n).all(|i| n % i != 0)).count() as u64
}

fn fibonacci(client: Client<Tokio>, n: u64) -> Result<u64, Error> {
    if n < 2 {
        return Ok(n);
    }
    let left = client.submit(fallible(fibonacci), (client.clone(), n - 1));
    let right = client.submit(fallible(fibonacci), (client.clone(), n - 2));
    Ok(left.wait()? + right.wait()?)
}
