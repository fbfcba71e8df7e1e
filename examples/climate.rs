//! A climate: temperatures on a grid, month by month, in a file that is larger than the memory that may be used.
//!
//! ```text
//! cargo run --release --example climate --features array,smol,progress [years]
//! ```
fn main() {}
