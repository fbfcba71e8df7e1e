//! The word count of `common/word_count.rs` on whichever runtime is around: the type of the client names none.
//!
//! ```text
//! cargo run --example on_detected --features tokio,smol
//! ```

use anydask::{Client, Error};

#[path = "common/word_count.rs"]
mod word_count;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    smol::block_on(count_words())?;
    tokio::runtime::Runtime::new()?.block_on(count_words())?;
    // Nothing is around here, and nothing is started behind the caller's back.
    println!("on a plain thread: {}", Client::detect().expect_err("a plain thread has no runtime"));
    Ok(())
}

async fn count_words() -> Result<(), Error> {
    let client: Client = Client::detect()?.local().await?;
    word_count::run(&client).await?;
    client.close().await
}
