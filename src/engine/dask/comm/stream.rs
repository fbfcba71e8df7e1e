use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};
use futures_rustls::TlsStream;

use crate::runtime::ByteStream;

/// A runtime's stream, as it is or inside of TLS.
#[derive(Debug)]
pub(super) enum Stream<S> {
    Plain(S),
    // Some hundred bytes, of which plain connections need not know.
    Tls(Box<TlsStream<S>>),
}

impl<S: ByteStream> Stream<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }

    fn poll_write_vectored(&mut self, cx: &mut Context<'_>, buffers: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, buffers),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, buffers),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    /// Ends the writing half. The future of `shutdown_write` may be made anew at each poll: ending twice is harmless.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = match self {
            Self::Plain(stream) => ready!(pin!(stream.shutdown_write()).poll(cx)),
            Self::Tls(stream) => {
                // TLS has a goodbye of its own. What lies below is then closed in whichever way its runtime does.
                ready!(Pin::new(&mut *stream).poll_close(cx))?;
                ready!(pin!(stream.get_mut().0.shutdown_write()).poll(cx))
            }
        };
        // The peer has ended the connection before: there is nothing left to end.
        Poll::Ready(
            ended.or_else(|error| if error.kind() == io::ErrorKind::NotConnected { Ok(()) } else { Err(error) }),
        )
    }
}

/// A stream that two halves share, so that one task may read while another writes. The lock is held during one poll only, and
/// never while anything waits.
#[derive(Debug)]
pub(super) struct Shared<S>(Arc<Mutex<Stream<S>>>);

impl<S> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: ByteStream> Shared<S> {
    pub(super) fn new(stream: Stream<S>) -> Self {
        Self(Arc::new(Mutex::new(stream)))
    }

    pub(super) fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.lock().poll_read(cx, buffer)
    }

    pub(super) fn poll_write_vectored(&self, cx: &mut Context<'_>, buffers: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.lock().poll_write_vectored(cx, buffers)
    }

    pub(super) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.lock().poll_flush(cx)
    }

    pub(super) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.lock().poll_shutdown(cx)
    }

    /// A panic inside of a poll leaves a stream that at worst gives errors.
    fn lock(&self) -> MutexGuard<'_, Stream<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
