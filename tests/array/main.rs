//! Chunked arrays: what they give is what plain `ndarray` gives, whatever the chunks.

#![allow(unreachable_pub, reason = "nobody uses a test program from outside")]

mod bad_input;
mod counting;
mod creating;
mod elementwise;
mod factors;
mod files;
mod fusing;
mod indexing;
mod numpy;
mod products;
mod progress;
mod random;
mod reducing;
mod reshaping;
mod support;
