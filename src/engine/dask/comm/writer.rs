use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};

use crate::engine::dask::comm::stream::Shared;
use crate::engine::dask::comm::{Address, CommError};
use crate::engine::dask::wire::{Value, encode_message};
use crate::runtime::{ByteStream, Timer, TimerExt};

/// The writing half of a connection.
///
/// Messages are fed to it, and all that was fed goes out in as few writes as the operating system takes: whoever has several,
/// feeds them all and flushes once. Nothing waits for more to come.
#[derive(Debug)]
pub(crate) struct Writer<S> {
    stream: Shared<S>,
    peer: Address,
    queue: VecDeque<Bytes>,
    queued_nbytes: usize,
    /// The end of the queue: small parts, one after the other.
    small: Vec<u8>,
    /// A stream that has failed once is not written to any more: what it took of a message is not known.
    failed: Option<CommError>,
}

/// Parts up to this are copied together. Longer ones are written from where they are: a part of its own costs about as much as
/// copying this many bytes.
const SMALL_NBYTES_MAX: usize = 4 << 10;

/// How many parts one write gets. Linux takes up to 1024; a message has seldom more than three large ones.
const PARTS_MAX: usize = 32;

impl<S: ByteStream> Writer<S> {
    pub(super) fn new(stream: Shared<S>, peer: Address) -> Self {
        Self { stream, peer, queue: VecDeque::new(), queued_nbytes: 0, small: Vec::new(), failed: None }
    }

    /// What is fed and not yet written. Whoever feeds without waiting stops when it is too much.
    pub(crate) fn queued_nbytes(&self) -> usize {
        self.queued_nbytes + self.small.len()
    }

    /// Puts a message at the end of what the next flush writes.
    ///
    /// # Errors
    ///
    /// It is too large for the format: it is left out, and the connection goes on.
    pub(crate) fn feed(&mut self, message: &Value) -> Result<(), CommError> {
        let encoded = encode_message(message).map_err(CommError::Unsendable)?;
        for part in encoded.chunks() {
            if part.len() <= SMALL_NBYTES_MAX {
                self.small.extend_from_slice(part);
            } else {
                self.seal();
                self.push(part.clone());
            }
        }
        Ok(())
    }

    /// Writes all that was fed.
    ///
    /// # Cancel safety
    ///
    /// What is not written when the future is dropped is written by the next call.
    ///
    /// # Errors
    ///
    /// The connection is of no use afterwards.
    pub(crate) async fn flush(&mut self) -> Result<(), CommError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let flushed = poll_fn(|cx| self.poll_flush(cx)).await;
        self.note(flushed)
    }

    /// The same, as long as the peer takes something: not when it has taken nothing for `silence`.
    ///
    /// # Cancel safety
    ///
    /// As of [`flush`](Self::flush).
    ///
    /// # Errors
    ///
    /// `Silent`, at the latest after twice the time, and those of [`flush`](Self::flush).
    pub(crate) async fn flush_within<T: Timer>(&mut self, timer: &T, silence: Duration) -> Result<(), CommError> {
        loop {
            let before = self.queued_nbytes();
            match timer.timeout(silence, self.flush()).await {
                Ok(flushed) => return flushed,
                Err(_) if self.queued_nbytes() != before => {}
                Err(elapsed) => return Err(CommError::Silent { peer: self.peer.clone(), after: elapsed.after }),
            }
        }
    }

    /// Feeds one message and flushes.
    ///
    /// # Cancel safety
    ///
    /// As of [`flush`](Self::flush).
    ///
    /// # Errors
    ///
    /// As of the two.
    pub(crate) async fn write(&mut self, message: &Value) -> Result<(), CommError> {
        self.feed(message)?;
        self.flush().await
    }

    /// Writes all that was fed and ends this half: the peer reads the rest, then the end.
    ///
    /// # Cancel safety
    ///
    /// Call it again to go on.
    ///
    /// # Errors
    ///
    /// As of [`flush`](Self::flush).
    pub(crate) async fn close(&mut self) -> Result<(), CommError> {
        self.flush().await?;
        let closed = poll_fn(|cx| self.stream.poll_shutdown(cx)).await;
        self.note(closed)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.seal();
        while !self.queue.is_empty() {
            let mut slices = [IoSlice::new(&[]); PARTS_MAX];
            let mut count = 0;
            for (slice, part) in slices.iter_mut().zip(&self.queue) {
                *slice = IoSlice::new(part);
                count += 1;
            }
            let nbytes = ready!(self.stream.poll_write_vectored(cx, &slices[..count]))?;
            if nbytes == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(nbytes);
        }
        self.stream.poll_flush(cx)
    }

    /// `nbytes` have been written.
    fn advance(&mut self, mut nbytes: usize) {
        self.queued_nbytes = self.queued_nbytes.saturating_sub(nbytes);
        while let Some(part) = self.queue.front_mut() {
            let written = nbytes.min(part.len());
            part.advance(written);
            nbytes -= written;
            if !part.is_empty() {
                return;
            }
            self.queue.pop_front();
        }
    }

    fn seal(&mut self) {
        if !self.small.is_empty() {
            let small = std::mem::take(&mut self.small);
            self.push(small.into());
        }
    }

    fn push(&mut self, part: Bytes) {
        self.queued_nbytes += part.len();
        self.queue.push_back(part);
    }

    fn note(&mut self, written: io::Result<()>) -> Result<(), CommError> {
        written.map_err(|error| {
            let error = CommError::of_stream(&self.peer, false, error);
            self.failed = Some(error.clone());
            error
        })
    }
}
