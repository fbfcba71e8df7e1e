use std::io;

use futures_io::{AsyncRead, AsyncWrite};

use crate::Endpoint;

/// Opens and accepts byte streams.
///
/// # Examples
///
/// ```
/// use std::io;
///
/// use anydask_runtime::{ByteStream, Endpoint, Listener, Transport};
///
/// async fn greet_one<T: Transport>(transport: &T) -> io::Result<()> {
///     let mut listener = transport.bind(&"tcp://127.0.0.1:0".parse()?).await?;
///     println!("listening at {}", listener.local()?);
///     let (mut stream, from) = listener.accept().await?;
///     println!("{from} has connected");
///     stream.shutdown_write().await
/// }
/// ```
pub trait Transport: Clone + Send + Sync + 'static {
    /// A connected stream.
    type Stream: ByteStream;
    /// A socket that accepts streams.
    type Listener: Listener<Stream = Self::Stream>;

    /// Connects to `endpoint`. TCP streams, also accepted ones, have `TCP_NODELAY` and keep-alive set:
    /// [`adapter::tcp::set_options`](crate::adapter::tcp::set_options) does that.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the half-made connection.
    ///
    /// # Errors
    ///
    /// The operating system's, by their `ErrorKind`: `ConnectionRefused`, `NotFound` for a Unix path that does not
    /// exist, `InvalidInput` for one that is too long, `Unsupported` for an endpoint this runtime does not have.
    fn connect(&self, endpoint: &Endpoint) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Listens at `endpoint`. TCP port 0 takes a free one, which [`Listener::local`] tells. The file of a Unix socket is
    /// removed when the listener is dropped; one that is left over gives `AddrInUse`, until somebody removes it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops listening.
    ///
    /// # Errors
    ///
    /// The operating system's, by their `ErrorKind`: `AddrInUse`, `NotFound` for a Unix path in a directory that
    /// does not exist, `InvalidInput` for one that is too long, `Unsupported` for an endpoint this runtime does not have.
    fn bind(&self, endpoint: &Endpoint) -> impl Future<Output = io::Result<Self::Listener>> + Send;
}

/// A connected, ordered, reliable byte stream.
///
/// Reads and writes are cancel safe by contract: a read or write future that is dropped has moved no bytes.
pub trait ByteStream: AsyncRead + AsyncWrite + std::fmt::Debug + Send + Sync + Unpin + 'static {
    /// Ends the writing half: the peer reads what was written, then end of file. Reading goes on.
    ///
    /// It is a method of its own because `poll_close` means different things on different runtimes.
    ///
    /// # Cancel safety
    ///
    /// Call it again if the future was dropped: ending twice is harmless.
    ///
    /// # Errors
    ///
    /// `NotConnected` when the peer has reset the connection.
    fn shutdown_write(&mut self) -> impl Future<Output = io::Result<()>> + Send;

    /// The address of the other side.
    ///
    /// # Errors
    ///
    /// `NotConnected` when the peer has reset the connection.
    fn peer(&self) -> io::Result<Endpoint>;
}

/// A socket that accepts streams.
pub trait Listener: std::fmt::Debug + Send + Sync + 'static {
    /// The streams that it accepts.
    type Stream: ByteStream;

    /// Waits for the next connection.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no connection.
    ///
    /// # Errors
    ///
    /// The operating system's, which may be about one connection only (`ConnectionAborted`) or about the lack of a
    /// resource that comes back (too many open files): the listener goes on.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Stream, Endpoint)>> + Send;

    /// The address that it listens at, with the real port.
    ///
    /// # Errors
    ///
    /// The operating system's; none is expected.
    fn local(&self) -> io::Result<Endpoint>;
}
