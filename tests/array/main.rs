//! Chunked arrays: what they give is what plain `ndarray` gives, whatever the chunks.

#![allow(unreachable_pub, reason = "nobody uses a test program from outside")]

mod bad_input;
mod creating;
mod elementwise;
#[path = "../support/mod.rs"]
mod every_runtime;
mod files;
mod fusing;
mod mapping;
mod overlapping;
mod progress;
mod random;
mod reducing;
mod runtimes;
mod support;
