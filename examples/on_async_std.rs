//! The word count of `common/word_count.rs` on async-std.
//!
//! ```text
//! cargo run --example on_async_std --features async-std
//! ```

use anydask::runtime::{AsyncStd, BlockOn};
use anydask::{Client, Error};

#[path = "common/word_count.rs"]
mod word_count;

fn main() -> Result<(), Error> {
    // As `#[async_std::main]` does. This repository has no dependency on async-std outside of its adapter.
    AsyncStd::new().block_on(async {
        let client = Client::<AsyncStd>::local().await?;
        word_count::run(&client).await?;
        client.close().await
    })?
}
