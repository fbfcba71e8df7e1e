//! What holds for all of `wire`: real messages of Dask, random ones, and ones that nobody should send.

mod decoding;
mod exceptions;
mod hostile;
mod pickles;
mod properties;
mod recorded;

use std::path::PathBuf;

use bytes::Bytes;

use crate::engine::dask::wire::{Decoder, Limits, WireError};

/// A file of `tests/dask-frames`.
fn file(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/dask-frames").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A pickle of `tests/dask-frames/pickles`.
fn pickle(name: &str) -> Bytes {
    let text = String::from_utf8(file(&format!("pickles/{name}.hex"))).unwrap();
    let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

/// The frames of the one message that `bytes` hold.
fn frames_of(bytes: &[u8]) -> Result<Vec<Bytes>, WireError> {
    let mut decoder = Decoder::new(Limits::default());
    let mut rest = bytes;
    let frames = decoder.handle_bytes(&mut rest)?.expect("the message is whole");
    assert!(rest.is_empty() && decoder.is_empty());
    Ok(frames)
}
