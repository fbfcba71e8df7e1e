//! Chunked arrays: what they give is what plain `ndarray` gives, whatever the chunks.

#![allow(unreachable_pub, reason = "nobody uses a test program from outside")]

mod bad_input;
mod counting;
mod creating;
mod elementwise;
#[path = "../support/mod.rs"]
mod every_runtime;
mod factors;
mod files;
mod fusing;
mod indexing;
mod mapping;
mod numpy;
mod overlapping;
mod products;
mod progress;
mod random;
mod reducing;
mod reshaping;
mod runtimes;
mod support;
