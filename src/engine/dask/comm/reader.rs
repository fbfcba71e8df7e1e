use std::future::poll_fn;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;

use crate::engine::dask::comm::stream::Shared;
use crate::engine::dask::comm::{Address, CommError};
use crate::engine::dask::wire::{Decoder, Limits, Value, decode_message};
use crate::runtime::{ByteStream, Timer, TimerExt};

/// The reading half of a connection.
#[derive(Debug)]
pub(crate) struct Reader<S> {
    stream: Shared<S>,
    peer: Address,
    decoder: Decoder,
    /// What has been read, and belongs to no message yet.
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// All that has been read so far, in bytes: a sign of life.
    read_nbytes: u64,
    /// The first bytes of the peer, as long as it has not said hello.
    first: Option<Vec<u8>>,
}

/// Holds some hundred messages of a busy stream. Frames that are longer are read into their place.
/// An idle connection keeps it, so that 512 of them need 8 MiB.
const BUFFER_NBYTES: usize = 16 << 10;

/// How much of what is no hello an error shows.
const FIRST_NBYTES: usize = 64;

impl<S: ByteStream> Reader<S> {
    /// For a peer that has yet to say hello.
    pub(super) fn new(stream: Shared<S>, peer: Address) -> Self {
        let buffer = vec![0; BUFFER_NBYTES].into();
        Self {
            stream,
            peer,
            decoder: Decoder::new(Limits::hello()),
            buffer,
            start: 0,
            end: 0,
            read_nbytes: 0,
            first: Some(Vec::new()),
        }
    }

    pub(crate) fn peer(&self) -> &Address {
        &self.peer
    }

    /// Reads the next message.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped: the next call goes on where it was.
    ///
    /// # Errors
    ///
    /// The connection is of no use afterwards.
    pub(crate) async fn read(&mut self) -> Result<Value, CommError> {
        poll_fn(|cx| self.poll_read(cx)).await
    }

    /// The same, as long as the peer shows life: not when nothing has come for `silence`. A message may take as long as it likes.
    ///
    /// # Cancel safety
    ///
    /// As of [`read`](Self::read).
    ///
    /// # Errors
    ///
    /// `Silent`, at the latest after twice the time, and those of [`read`](Self::read).
    pub(crate) async fn read_within<T: Timer>(&mut self, timer: &T, silence: Duration) -> Result<Value, CommError> {
        loop {
            let before = self.read_nbytes;
            match timer.timeout(silence, self.read()).await {
                Ok(read) => return read,
                Err(_) if self.read_nbytes != before => {}
                Err(elapsed) => return Err(CommError::Silent { peer: self.peer.clone(), after: elapsed.after }),
            }
        }
    }

    /// Whether nothing has come since the last message, and the peer is still there, as far as is known.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.poll_read(&mut Context::from_waker(Waker::noop())).is_pending() && self.decoder.is_empty()
    }

    /// The peer has said hello: from now on it may send more.
    pub(super) fn set_limits(&mut self, limits: Limits) {
        self.decoder.set_limits(limits);
        self.first = None;
    }

    /// The first bytes of a peer that has not said hello.
    pub(super) fn first_bytes(&self) -> &[u8] {
        self.first.as_deref().unwrap_or_default()
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Value, CommError>> {
        loop {
            if let Some(frames) = self.take_buffered()? {
                return Poll::Ready(self.decode(frames));
            }
            let in_message = !self.decoder.is_empty();
            let (read, is_in_place) = match self.decoder.space() {
                Some(space) => (self.stream.poll_read(cx, space), true),
                None => (self.stream.poll_read(cx, &mut self.buffer), false),
            };
            let nbytes = match ready!(read) {
                Ok(0) => return Poll::Ready(Err(CommError::Closed { peer: self.peer.clone(), in_message })),
                Ok(nbytes) => nbytes,
                Err(error) => return Poll::Ready(Err(CommError::of_stream(&self.peer, in_message, error))),
            };
            self.read_nbytes = self.read_nbytes.wrapping_add(nbytes as u64);
            if !is_in_place {
                (self.start, self.end) = (0, nbytes);
                self.remember_first();
            } else if let Some(frames) = self.decoder.handle_filled(nbytes) {
                return Poll::Ready(self.decode(frames));
            }
        }
    }

    fn take_buffered(&mut self) -> Result<Option<Vec<Bytes>>, CommError> {
        let mut bytes = self.buffer.get(self.start..self.end).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(None);
        }
        let taken = self.decoder.handle_bytes(&mut bytes);
        self.start = self.end - bytes.len();
        taken.map_err(|source| CommError::Malformed { peer: self.peer.clone(), source })
    }

    fn decode(&self, frames: Vec<Bytes>) -> Result<Value, CommError> {
        decode_message(frames, self.decoder.limits())
            .map_err(|source| CommError::Malformed { peer: self.peer.clone(), source })
    }

    fn remember_first(&mut self) {
        if let Some(first) = &mut self.first {
            let read = self.buffer.get(..self.end).unwrap_or_default();
            let nbytes = read.len().min(FIRST_NBYTES.saturating_sub(first.len()));
            first.extend_from_slice(&read[..nbytes]);
        }
    }
}
