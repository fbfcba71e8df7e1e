//! The word count of `common/word_count.rs` on tokio.
//!
//! ```text
//! cargo run --example on_tokio --features tokio
//! ```

use anydask::runtime::Tokio;
use anydask::{Client, Error};

#[path = "common/word_count.rs"]
mod word_count;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = Client::<Tokio>::local().await?;
    word_count::run(&client).await?;
    client.close().await
}
