use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};

use crate::erased::BoxFuture;
use crate::{AnyRuntime, ByteStream, Endpoint, Listener, Transport};

impl Transport for AnyRuntime {
    type Stream = AnyStream;
    type Listener = AnyListener;

    async fn connect(&self, endpoint: &Endpoint) -> io::Result<AnyStream> {
        Ok(AnyStream { stream: self.runtime.connect(endpoint).await? })
    }

    async fn bind(&self, endpoint: &Endpoint) -> io::Result<AnyListener> {
        Ok(AnyListener { listener: self.runtime.bind(endpoint).await? })
    }
}

/// A connected stream of an [`AnyRuntime`]; see [`ByteStream`].
pub struct AnyStream {
    stream: Box<dyn DynStream>,
}

impl ByteStream for AnyStream {
    async fn shutdown_write(&mut self) -> io::Result<()> {
        self.stream.shutdown_write().await
    }

    fn peer(&self) -> io::Result<Endpoint> {
        self.stream.peer()
    }
}

impl AsyncRead for AnyStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_read(cx, buffer)
    }

    fn poll_read_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_read_vectored(cx, buffers)
    }
}

impl AsyncWrite for AnyStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_write(cx, buffer)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_write_vectored(cx, buffers)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_close(cx)
    }
}

impl fmt::Debug for AnyStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnyStream").field(&self.stream).finish()
    }
}

/// A listening socket of an [`AnyRuntime`]; see [`Listener`].
pub struct AnyListener {
    listener: Box<dyn DynListener>,
}

impl Listener for AnyListener {
    type Stream = AnyStream;

    async fn accept(&mut self) -> io::Result<(AnyStream, Endpoint)> {
        let (stream, endpoint) = self.listener.accept().await?;
        Ok((AnyStream { stream }, endpoint))
    }

    fn local(&self) -> io::Result<Endpoint> {
        self.listener.local()
    }
}

impl fmt::Debug for AnyListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnyListener").field(&self.listener).finish()
    }
}

/// [`ByteStream`] as an object.
pub(crate) trait DynStream: AsyncRead + AsyncWrite + fmt::Debug + Send + Sync + Unpin {
    fn shutdown_write(&mut self) -> BoxFuture<'_, io::Result<()>>;
    fn peer(&self) -> io::Result<Endpoint>;
}

impl<S: ByteStream> DynStream for S {
    fn shutdown_write(&mut self) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(self.shutdown_write())
    }

    fn peer(&self) -> io::Result<Endpoint> {
        self.peer()
    }
}

/// [`Listener`] as an object.
pub(crate) trait DynListener: fmt::Debug + Send + Sync {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(Box<dyn DynStream>, Endpoint)>>;
    fn local(&self) -> io::Result<Endpoint>;
}

impl<L: Listener> DynListener for L {
    fn accept(&mut self) -> BoxFuture<'_, io::Result<(Box<dyn DynStream>, Endpoint)>> {
        Box::pin(async move {
            let (stream, endpoint) = self.accept().await?;
            Ok((Box::new(stream) as Box<dyn DynStream>, endpoint))
        })
    }

    fn local(&self) -> io::Result<Endpoint> {
        self.local()
    }
}
