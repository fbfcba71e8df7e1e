use std::time::Duration;

use crate::engine::dask::comm::hello;
use crate::engine::dask::comm::stream::{Shared, Stream};
use crate::engine::dask::comm::{Address, CommError, Reader, Tls, Writer};
use crate::engine::dask::wire::Value;
use crate::runtime::{ByteStream, Timer};

/// One connection with a scheduler or a worker, which has said hello. Dask calls it a comm.
#[derive(Debug)]
pub(crate) struct Comm<S> {
    reader: Reader<S>,
    writer: Writer<S>,
}

impl<S: ByteStream> Comm<S> {
    /// The connecting side: adds TLS if there is some, and says hello. Bound it in time.
    ///
    /// # Errors
    ///
    /// What the peer is instead of a Dask.
    pub(super) async fn connect(stream: S, tls: Option<&Tls>, peer: &Address) -> Result<Self, CommError> {
        let stream = match tls {
            None => Ok(Stream::Plain(stream)),
            Some(tls) => tls.connect(stream).await.map(|stream| Stream::Tls(Box::new(stream))),
        };
        Self::greet(stream, peer).await
    }

    /// The accepting side of the same.
    ///
    /// # Errors
    ///
    /// As of [`connect`](Self::connect).
    pub(super) async fn accept(stream: S, tls: Option<&Tls>, peer: &Address) -> Result<Self, CommError> {
        let stream = match tls {
            None => Ok(Stream::Plain(stream)),
            Some(tls) => tls.accept(stream).await.map(|stream| Stream::Tls(Box::new(stream))),
        };
        Self::greet(stream, peer).await
    }

    async fn greet(stream: std::io::Result<Stream<S>>, peer: &Address) -> Result<Self, CommError> {
        let shared = Shared::new(stream.map_err(|error| hello::failed(CommError::of_stream(peer, false, error), &[]))?);
        let mut comm =
            Self { reader: Reader::new(shared.clone(), peer.clone()), writer: Writer::new(shared, peer.clone()) };
        hello::exchange(&mut comm.reader, &mut comm.writer).await?;
        Ok(comm)
    }

    /// The address that was connected to. On the accepting side, where the connection comes from.
    pub(crate) fn peer(&self) -> &Address {
        self.reader.peer()
    }

    /// Reads the next message; see [`Reader::read`].
    #[cfg(all(test, feature = "smol"))]
    pub(crate) async fn read(&mut self) -> Result<Value, CommError> {
        self.reader.read().await
    }

    /// Writes a message; see [`Writer::write`].
    #[cfg(all(test, feature = "smol"))]
    pub(crate) async fn write(&mut self, message: &Value) -> Result<(), CommError> {
        self.writer.write(message).await
    }

    /// The same, as long as the peer shows life; see [`Reader::read_within`].
    pub(crate) async fn read_within<T: Timer>(&mut self, timer: &T, silence: Duration) -> Result<Value, CommError> {
        self.reader.read_within(timer, silence).await
    }

    /// The same, as long as the peer takes something; see [`Writer::flush_within`].
    pub(crate) async fn write_within<T: Timer>(
        &mut self,
        message: &Value,
        timer: &T,
        silence: Duration,
    ) -> Result<(), CommError> {
        self.writer.feed(message)?;
        self.writer.flush_within(timer, silence).await
    }

    /// Writes what is left and ends the writing half; see [`Writer::close`].
    pub(crate) async fn close(&mut self) -> Result<(), CommError> {
        self.writer.close().await
    }

    /// Whether nothing has come since the last message, and the peer is still there, as far as is known.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.reader.is_quiet()
    }

    /// Two halves that are used at the same time. The connection is closed when both have been dropped.
    pub(crate) fn split(self) -> (Reader<S>, Writer<S>) {
        (self.reader, self.writer)
    }
}
