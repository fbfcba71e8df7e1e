//! Lazy graphs: calls that are made when somebody computes them.
//!
//! [`delayed`] makes a node, [`Client::compute`](crate::Client::compute) submits what a node needs and gives a future of
//! its value, [`Client::persist`](crate::Client::persist) gives the same node over its future. A node knows those that it
//! takes from and nothing else, so a graph is what can be reached from some nodes, and has no cycles. Before it is
//! submitted it is optimised, as [`Optimize`] says; [`Graph`] shows it.
//!
//! Collections, such as [`Bag`](crate::Bag), are made of nodes. [`Collection`] is how those of users are computed and persisted;
//! [`Hints`] are what they say of their nodes.

mod argument;
mod arrangement;
mod asked;
mod collection;
mod compute;
mod delayed;
mod dot;
mod fused;
#[expect(clippy::module_inception, reason = "the file of the type `Graph`, as every other type has one")]
mod graph;
mod hints;
mod inputs;
mod lazy;
mod merge;
mod node;
mod optimize;
mod persist;
#[cfg(feature = "dask")]
mod python;
mod submit;

pub use self::argument::{IntoInput, IntoInputs};
pub use self::collection::Collection;
pub use self::compute::Compute;
pub use self::delayed::{Delayed, delayed, delayed_with};
pub use self::dot::DrawError;
pub use self::graph::Graph;
pub use self::hints::Hints;
pub use self::lazy::Lazy;
pub use self::merge::Merge;
pub use self::optimize::Optimize;
pub use self::persist::Persist;
