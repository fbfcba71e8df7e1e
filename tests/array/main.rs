//! Chunked arrays: what they give is what plain `ndarray` gives, whatever the chunks.

mod bad_input;
mod creating;
mod elementwise;
mod files;
mod fusing;
mod indexing;
mod progress;
mod random;
mod reducing;
mod reshaping;
mod support;
