//! The postcards of many values.

use crate::task::portable::python::{MARK, PyValue};
use crate::task::portable::vectors::VectorError;

/// The postcards of items, one behind the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pieces {
    bytes: Vec<u8>,
    lengths: Vec<usize>,
}

impl Pieces {
    /// Appends what `write` appends to all bytes.
    pub(super) fn push_with<E>(&mut self, write: impl FnOnce(Vec<u8>) -> Result<Vec<u8>, E>) -> Result<(), E> {
        let start = self.bytes.len();
        self.bytes = write(std::mem::take(&mut self.bytes))?;
        self.lengths.push(self.bytes.len() - start);
        Ok(())
    }

    pub(super) fn push(&mut self, piece: &[u8]) {
        self.bytes.extend_from_slice(piece);
        self.lengths.push(piece.len());
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    pub(super) fn len(&self) -> usize {
        self.lengths.len()
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let mut rest = &self.bytes[..];
        self.lengths.iter().map(move |length| {
            let (piece, behind) = rest.split_at(*length);
            rest = behind;
            piece
        })
    }
}

/// The postcard of the vector of these items.
pub(super) fn postcard_of<'a>(items: impl ExactSizeIterator<Item = &'a [u8]>) -> Vec<u8> {
    write(Vec::new(), items)
}

/// The same as a result.
pub(super) fn vector_of<'a>(items: impl ExactSizeIterator<Item = &'a [u8]>) -> PyValue {
    PyValue::Bytes(write(MARK.to_vec(), items).into())
}

/// A vector of so many items, of their bytes: as a result.
pub(super) fn bytes_of(count: usize, items: &[u8]) -> PyValue {
    let mut bytes = MARK.to_vec();
    push_count(&mut bytes, count);
    bytes.extend_from_slice(items);
    PyValue::Bytes(bytes.into())
}

fn write<'a>(mut bytes: Vec<u8>, items: impl ExactSizeIterator<Item = &'a [u8]>) -> Vec<u8> {
    push_count(&mut bytes, items.len());
    items.for_each(|item| bytes.extend_from_slice(item));
    bytes
}

/// A count, as it stands before the items of a vector: seven bits a byte, lowest first.
pub(super) fn push_count(bytes: &mut Vec<u8>, mut count: usize) {
    while count >= 0x80 {
        bytes.push(count as u8 | 0x80);
        count >>= 7;
    }
    bytes.push(count as u8);
}

/// The count of a vector, and the postcards of its items.
pub(super) fn take_count(bytes: &[u8]) -> Result<(usize, &[u8]), VectorError> {
    postcard::take_from_bytes(bytes).map_err(|_| VectorError::Malformed)
}
