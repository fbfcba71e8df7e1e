//! The word count of `common/pipeline.rs` on smol.
//!
//! ```text
//! cargo run --example on_smol --features smol
//! ```

use anydask::runtime::Smol;
use anydask::{Client, Error};

#[path = "common/pipeline.rs"]
mod pipeline;

fn main() -> Result<(), Error> {
    smol::block_on(async {
        let client = Client::<Smol>::local().await?;
        pipeline::run(&client).await?;
        client.close().await
    })
}
