//! The word count of `common/word_count.rs` on smol.
//!
//! ```text
//! cargo run --example on_smol --features smol
//! ```

use anydask::runtime::Smol;
use anydask::{Client, Error};

#[path = "common/word_count.rs"]
mod word_count;

fn main() -> Result<(), Error> {
    smol::block_on(async {
        let client = Client::<Smol>::local().await?;
        word_count::run(&client).await?;
        client.close().await
    })
}
