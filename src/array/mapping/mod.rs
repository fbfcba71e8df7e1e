//! Users' functions, called with the elements of one block after the other.

mod blocks;
mod call;
mod created;
mod expected;
mod margins;
mod overlap;
pub(crate) mod returned;

pub use self::blocks::BlockPlace;
pub(crate) use self::call::{Named, making, mapping};
pub use self::created::{from_fn, from_fn_task};
pub(crate) use self::expected::Expected;
pub use self::margins::{Boundary, Depth};
