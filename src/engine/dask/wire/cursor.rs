//! A place in bytes that are read from front to back.

use std::sync::Arc;

use bytes::Bytes;

use crate::engine::dask::wire::error::{Place, WireError};

/// Bytes, and how far they are read. Nothing is reserved for a length before the bytes are known to be there.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a Bytes,
    at: usize,
    /// What is read, for errors.
    place: Place,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a Bytes, place: Place) -> Self {
        Self { bytes, at: 0, place }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub(super) fn available(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub(super) fn take_array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        match self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<N>()) {
            Some(array) => {
                self.at += N;
                Ok(*array)
            }
            None => Err(self.truncated((N - self.available()) as u64)),
        }
    }

    /// A part of the bytes, not a copy.
    pub(super) fn take(&mut self, length: u64) -> Result<Bytes, WireError> {
        let start = self.skip(length)?;
        Ok(self.bytes.slice(start..self.at))
    }

    pub(super) fn take_str(&mut self, length: u64) -> Result<Arc<str>, WireError> {
        let start = self.skip(length)?;
        let text = std::str::from_utf8(self.bytes.get(start..self.at).unwrap_or_default());
        text.map(Arc::from).map_err(|_| WireError::Utf8 { place: self.place, at: start as u64 })
    }

    /// A text up to the end of its line, without the line break.
    pub(super) fn take_line(&mut self) -> Result<Arc<str>, WireError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == b'\n').ok_or_else(|| self.truncated(1))?;
        let line = self.take_str(length as u64)?;
        self.at += 1;
        Ok(line)
    }

    /// Nothing is left.
    pub(super) fn end(&self) -> Result<(), WireError> {
        match self.available() {
            0 => Ok(()),
            nbytes => Err(WireError::Trailing { place: self.place, at: self.at as u64, nbytes: nbytes as u64 }),
        }
    }

    /// The bytes end before `needed` more of them.
    pub(super) fn truncated(&self, needed: u64) -> WireError {
        WireError::Truncated { place: self.place, at: self.bytes.len() as u64, needed }
    }

    /// Gives where the skipped part begins. It ends at `at`.
    fn skip(&mut self, length: u64) -> Result<usize, WireError> {
        let available = self.available() as u64;
        if length > available {
            return Err(self.truncated(length - available));
        }
        let start = self.at;
        self.at += length as usize;
        Ok(start)
    }
}
