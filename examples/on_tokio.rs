//! The word count of `common/pipeline.rs` on tokio.
//!
//! ```text
//! cargo run --example on_tokio --features tokio
//! ```

use anydask::runtime::Tokio;
use anydask::{Client, Error};

#[path = "common/pipeline.rs"]
mod pipeline;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = Client::<Tokio>::local().await?;
    pipeline::run(&client).await?;
    client.close().await
}
