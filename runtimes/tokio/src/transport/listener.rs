use std::io;

use anydask_runtime::Endpoint;
use anydask_runtime::adapter::tcp;
#[cfg(unix)]
use anydask_runtime::adapter::unix;
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;
use tokio::runtime::Handle;

use crate::context::Inside;
use crate::transport::{Stream, unsupported};

/// A listening socket; see [`Listener`](anydask_runtime::Listener).
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    /// An accepted socket joins the runtime that is around it, so that accepting needs it too.
    handle: Handle,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix {
        listener: UnixListener,
        _file: Option<unix::SocketFile>,
    },
}

impl Listener {
    pub(crate) async fn bind(handle: Handle, endpoint: &Endpoint) -> io::Result<Self> {
        let socket = match endpoint {
            Endpoint::Tcp(address) => Socket::Tcp(TcpListener::bind(address).await?),
            #[cfg(unix)]
            Endpoint::Unix(_) | Endpoint::UnixAbstract(_) => {
                let (listener, file) = unix::bind(endpoint)?;
                Socket::Unix { listener: UnixListener::from_std(listener)?, _file: file }
            }
            other => return Err(unsupported(other)),
        };
        Ok(Self { socket, handle })
    }

    async fn accept_inside(&self) -> io::Result<(Stream, Endpoint)> {
        match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // It fails when the peer has gone already, which the first read tells better.
                let _ = tcp::set_options(&stream);
                Ok((stream.into(), Endpoint::Tcp(address)))
            }
            #[cfg(unix)]
            Socket::Unix { listener, .. } => {
                let (stream, address) = listener.accept().await?;
                Ok((stream.into(), unix::endpoint(&address.into())))
            }
        }
    }
}

impl anydask_runtime::Listener for Listener {
    type Stream = Stream;

    async fn accept(&mut self) -> io::Result<(Stream, Endpoint)> {
        Inside::new(self.handle.clone(), self.accept_inside()).await
    }

    fn local(&self) -> io::Result<Endpoint> {
        match &self.socket {
            Socket::Tcp(listener) => listener.local_addr().map(Endpoint::Tcp),
            #[cfg(unix)]
            Socket::Unix { listener, .. } => listener.local_addr().map(|address| unix::endpoint(&address.into())),
        }
    }
}
