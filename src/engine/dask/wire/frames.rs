//! Messages as frames of bytes: their head, their lengths, and nothing of what is in them.
//!
//! ```text
//! u64 nbytes of the first part | u64 count of frames | u64 length of each frame | frames
//! ```
//!
//! All numbers are little-endian. A sender of Dask may count only some of the frames in the first part. The others follow it
//! as if they were part of it, so that a reader need not tell them apart.

use bytes::Bytes;

use crate::engine::dask::wire::error::{Limited, Place, WireError};
use crate::engine::dask::wire::limits::Limits;

/// Puts messages together from bytes as they arrive.
///
/// Nothing is reserved for what a peer only announces, beyond twice of what has arrived and `RESERVED_NBYTES`.
#[derive(Debug)]
pub(crate) struct Decoder {
    limits: Limits,
    /// The two numbers at the beginning, then also the lengths.
    head: Vec<u8>,
    /// Known once the head is whole. Taken from its end when their frame is whole, so in reverse.
    lengths: Vec<usize>,
    head_is_whole: bool,
    frames: Vec<Bytes>,
    /// The frame that is being read.
    frame: Vec<u8>,
    /// How much of `frame` has arrived. The rest of it is zeros, for `space` to lend.
    arrived: usize,
}

/// What a frame gets at once, if it is as long. A frame of a small message fits, and a pretender gets no more.
const RESERVED_NBYTES: usize = 64 << 10;

/// How much `space` lends at a time. It has to be zeroed first, and as much as this is still in the cache when it is read into.
const SPACE_NBYTES: usize = 256 << 10;

/// Below this, reading into place is not worth a call of its own.
const SPACE_NBYTES_MIN: usize = 16 << 10;

/// The first two numbers.
const FIXED_NBYTES: usize = 16;

impl Decoder {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            head: Vec::new(),
            lengths: Vec::new(),
            head_is_whole: false,
            frames: Vec::new(),
            frame: Vec::new(),
            arrived: 0,
        }
    }

    /// From the next message on: more for a peer that has said hello.
    pub(crate) fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// True between messages. A stream that ends anywhere else has lost something.
    pub(crate) fn is_empty(&self) -> bool {
        self.head.is_empty()
    }

    /// How many bytes are needed at least until the next step: the rest of the head, or of a frame. Never zero.
    pub(crate) fn missing(&self) -> usize {
        match self.lengths.last() {
            Some(length) => length.saturating_sub(self.arrived),
            None => self.head_nbytes().saturating_sub(self.head.len()),
        }
    }

    /// Takes bytes from the front of `bytes`, until a message is whole or nothing is left. Call again while something is left.
    ///
    /// # Errors
    ///
    /// What was announced is more than the limits allow, or makes no sense. Then, and ever after: the connection is of no use.
    pub(crate) fn handle_bytes(&mut self, bytes: &mut &[u8]) -> Result<Option<Vec<Bytes>>, WireError> {
        loop {
            let nbytes = self.missing().min(bytes.len());
            let (front, rest) = bytes.split_at(nbytes);
            *bytes = rest;
            if self.head_is_whole {
                self.append(front);
            } else {
                self.head.extend_from_slice(front);
                self.read_head()?;
            }
            if let Some(frames) = self.finish_frames() {
                return Ok(Some(frames));
            }
            if bytes.is_empty() {
                return Ok(None);
            }
        }
    }

    /// Where to read into, if much of a frame comes next: bytes that arrive there need not be copied. Say by `handle_filled`
    /// how many there are, before anything else is called. `None`: read elsewhere, and call `handle_bytes`.
    pub(crate) fn space(&mut self) -> Option<&mut [u8]> {
        if !self.head_is_whole || self.missing() < SPACE_NBYTES_MIN {
            return None;
        }
        // What was lent and not filled is lent again: nothing is zeroed twice.
        if self.frame.len() - self.arrived < self.missing().min(SPACE_NBYTES_MIN) {
            let lent = self.missing().min(SPACE_NBYTES);
            let grown = self.arrived + lent;
            self.reserve(grown - self.frame.len());
            self.frame.resize(grown, 0);
        }
        self.frame.get_mut(self.arrived..)
    }

    /// `nbytes` have arrived at the front of what `space` has lent.
    pub(crate) fn handle_filled(&mut self, nbytes: usize) -> Option<Vec<Bytes>> {
        self.arrived = self.arrived.saturating_add(nbytes).min(self.frame.len());
        self.finish_frames()
    }

    /// What is reserved in all.
    #[cfg(test)]
    pub(super) fn reserved_nbytes(&self) -> usize {
        let frames = self.frames.capacity() * size_of::<Bytes>() + self.frames.iter().map(Bytes::len).sum::<usize>();
        self.head.capacity() + self.lengths.capacity() * size_of::<usize>() + frames + self.frame.capacity()
    }

    /// How long the head is, as far as is known.
    fn head_nbytes(&self) -> usize {
        match self.number(1) {
            // `read_head` has refused more than there can be.
            Some(count) => usize::try_from(count).unwrap_or(0).saturating_mul(8).saturating_add(FIXED_NBYTES),
            None => FIXED_NBYTES,
        }
    }

    fn number(&self, index: usize) -> Option<u64> {
        number(self.head.get(8 * index..8 * index + 8)?)
    }

    /// Checks as much as is there. A head that is refused stays, and is refused again.
    fn read_head(&mut self) -> Result<(), WireError> {
        let (Some(prefix), Some(count)) = (self.number(0), self.number(1)) else { return Ok(()) };
        if count > self.limits.frames_max as u64 {
            return Err(limit(Limited::Frames, count, self.limits.frames_max as u64));
        }
        if self.head.len() < self.head_nbytes() {
            return Ok(());
        }
        let head_nbytes = self.head.len() as u64;
        // The first part may end where a frame ends, or at the end of the head.
        let mut total_nbytes = head_nbytes;
        let prefix_end = prefix.saturating_add(8);
        let mut prefix_fits = prefix_end == total_nbytes;
        let mut lengths = Vec::with_capacity(self.head.len() / 8 - 2);
        for length in self.head.get(FIXED_NBYTES..).unwrap_or_default().chunks_exact(8).filter_map(number) {
            total_nbytes = total_nbytes.saturating_add(length);
            prefix_fits |= prefix_end == total_nbytes;
            lengths.push(usize::try_from(length).map_err(|_| limit(Limited::MessageBytes, length, usize::MAX as u64))?);
        }
        if total_nbytes > self.limits.message_nbytes_max {
            return Err(limit(Limited::MessageBytes, total_nbytes, self.limits.message_nbytes_max));
        }
        if !prefix_fits {
            return Err(WireError::Prefix {
                found: prefix,
                head_nbytes: head_nbytes - 8,
                total_nbytes: total_nbytes - 8,
            });
        }
        if lengths.is_empty() {
            return Err(WireError::Truncated { place: Place::Message, at: head_nbytes, needed: 1 });
        }
        lengths.reverse();
        self.frames.reserve_exact(lengths.len());
        self.lengths = lengths;
        self.head_is_whole = true;
        Ok(())
    }

    /// Copies a part of the frame to its place.
    fn append(&mut self, part: &[u8]) {
        let zeros = self.frame.get_mut(self.arrived..).unwrap_or_default();
        let (over_zeros, after) = part.split_at(part.len().min(zeros.len()));
        if let Some(place) = zeros.get_mut(..over_zeros.len()) {
            place.copy_from_slice(over_zeros);
        }
        self.reserve(after.len());
        self.frame.extend_from_slice(after);
        self.arrived += part.len();
    }

    /// Makes room for `nbytes` more of the frame: twice as much as is there each time, but never more than the frame needs.
    fn reserve(&mut self, nbytes: usize) {
        let there = self.frame.len();
        if self.frame.capacity() - there < nbytes {
            let needed = self.lengths.last().map_or(0, |length| length.saturating_sub(there));
            self.frame.reserve_exact(nbytes.max(there).max(RESERVED_NBYTES).min(needed));
        }
    }

    /// Puts away the frame that is whole, and those after it that have no bytes. Gives the message once all are there.
    fn finish_frames(&mut self) -> Option<Vec<Bytes>> {
        if !self.head_is_whole {
            return None;
        }
        while self.lengths.last().is_some_and(|length| *length == self.arrived) {
            self.lengths.pop();
            self.frames.push(Bytes::from(std::mem::take(&mut self.frame)));
            self.arrived = 0;
        }
        if !self.lengths.is_empty() {
            return None;
        }
        self.head.clear();
        self.head_is_whole = false;
        // The head of a message with many frames is not kept for the next one.
        self.head.shrink_to(RESERVED_NBYTES);
        Some(std::mem::take(&mut self.frames))
    }
}

/// A message as it is written: `head`, then each of the frames.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EncodedMessage {
    pub(crate) head: Bytes,
    pub(crate) frames: Vec<Bytes>,
}

impl EncodedMessage {
    pub(crate) fn new(frames: Vec<Bytes>) -> Self {
        let frames_nbytes: usize = frames.iter().map(Bytes::len).sum();
        let mut head = Vec::with_capacity(FIXED_NBYTES + 8 * frames.len());
        // All of it is the first part: every version of Dask reads that.
        head.extend_from_slice(&((8 + 8 * frames.len() + frames_nbytes) as u64).to_le_bytes());
        head.extend_from_slice(&(frames.len() as u64).to_le_bytes());
        for frame in &frames {
            head.extend_from_slice(&(frame.len() as u64).to_le_bytes());
        }
        Self { head: head.into(), frames }
    }

    /// Of all of it.
    #[cfg(test)]
    pub(crate) fn nbytes(&self) -> usize {
        self.head.len() + self.frames.iter().map(Bytes::len).sum::<usize>()
    }

    /// What is to be written, in this order. Frames without bytes are left out.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = &Bytes> {
        std::iter::once(&self.head).chain(&self.frames).filter(|chunk| !chunk.is_empty())
    }

    /// All of it in one piece, for what is small.
    #[cfg(test)]
    pub(crate) fn append_to(&self, buffer: &mut Vec<u8>) {
        buffer.reserve(self.nbytes());
        for chunk in self.chunks() {
            buffer.extend_from_slice(chunk);
        }
    }
}

fn number(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_le_bytes)
}

fn limit(what: Limited, found: u64, limit: u64) -> WireError {
    WireError::Limit { what, found, limit }
}
