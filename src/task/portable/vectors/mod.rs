//! What a worker does with vectors that is no user's function: the operations of bags.
//!
//! It is one registered task, [`call::NAME`], and its first argument says what is done ([`VectorCall`]). What depends on the
//! type of the items, a worker has of its registered tasks ([`Vector`]): it goes from a vector to the postcards of its
//! items ([`Pieces`]), and says which items are equal. All else is done with these bytes.

mod buckets;
mod call;
mod decode;
mod error;
mod export;
mod operations;
mod pieces;
#[cfg(test)]
mod tests;
mod vector;

pub(crate) use call::VectorCall;
pub(crate) use decode::{ReadVector, no_value, read_groups, read_pairs};
pub(crate) use error::VectorError;
pub(crate) use export::{export_concat, export_vectors, known};
pub(crate) use pieces::Pieces;
pub(crate) use vector::Vector;
