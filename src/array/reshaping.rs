//! The same elements in other shapes, and several arrays as one.

mod axes;
mod broadcast_to;
mod groups;
mod join;
mod lengths;
mod pad;
mod reshape;
mod tile;

pub use self::join::{concatenate, stack};
pub use self::lengths::Lengths;
