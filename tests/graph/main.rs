//! Lazy graphs and bags: what they give, what their graphs look like, and what they hold while they run.
//!
//! What a client gives is shown on every runtime; what a graph is has nothing to do with them.

#![cfg_attr(not(all(feature = "tokio", feature = "async-std", feature = "smol")), allow(dead_code, unused_imports))]

#[path = "../support/mod.rs"]
mod support;

mod bags;
mod deep;
mod drawing;
mod errors;
mod memory;
mod optimizing;
mod random;
mod values;
