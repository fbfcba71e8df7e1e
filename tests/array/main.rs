//! Chunked arrays: what they give is what plain `ndarray` gives, whatever the chunks.

mod bad_input;
mod counting;
mod creating;
mod elementwise;
mod factors;
mod files;
mod fusing;
mod products;
mod progress;
mod random;
mod reducing;
mod support;
