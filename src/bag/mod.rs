//! Bags: sequences in partitions, each the value of a lazy call.

#[expect(clippy::module_inception, reason = "the file of the type `Bag`, as every other type has one")]
mod bag;
mod concat;
mod elementwise;
mod lines;
mod placed;
mod read;
mod reductions;
mod shuffles;
mod tasks;

pub use self::bag::{Bag, bag};
pub use self::lines::LinesError;
