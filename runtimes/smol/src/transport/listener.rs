use std::io;
use std::net::TcpListener;
#[cfg(unix)]
use std::os::unix::net::UnixListener;

use anydask_runtime::Endpoint;
use anydask_runtime::adapter::tcp;
#[cfg(unix)]
use anydask_runtime::adapter::unix;
use smol::Async;

use crate::transport::{Stream, unsupported};

/// A listening socket; see [`Listener`](anydask_runtime::Listener).
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
}

#[derive(Debug)]
enum Socket {
    Tcp(Async<TcpListener>),
    #[cfg(unix)]
    Unix {
        listener: Async<UnixListener>,
        _file: Option<unix::SocketFile>,
    },
}

impl Listener {
    pub(crate) fn bind(endpoint: &Endpoint) -> io::Result<Self> {
        let socket = match endpoint {
            Endpoint::Tcp(address) => Socket::Tcp(Async::<TcpListener>::bind(*address)?),
            #[cfg(unix)]
            Endpoint::Unix(_) | Endpoint::UnixAbstract(_) => {
                let (listener, file) = unix::bind(endpoint)?;
                Socket::Unix { listener: Async::new_nonblocking(listener)?, _file: file }
            }
            other => return Err(unsupported(other)),
        };
        Ok(Self { socket })
    }
}

impl anydask_runtime::Listener for Listener {
    type Stream = Stream;

    async fn accept(&mut self) -> io::Result<(Stream, Endpoint)> {
        match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // It fails when the peer has gone already, which the first read tells better.
                let _ = tcp::set_options(stream.get_ref());
                Ok((stream.into(), Endpoint::Tcp(address)))
            }
            #[cfg(unix)]
            Socket::Unix { listener, .. } => {
                let (stream, address) = listener.accept().await?;
                Ok((stream.into(), unix::endpoint(&address)))
            }
        }
    }

    fn local(&self) -> io::Result<Endpoint> {
        match &self.socket {
            Socket::Tcp(listener) => listener.get_ref().local_addr().map(Endpoint::Tcp),
            #[cfg(unix)]
            Socket::Unix { listener, .. } => listener.get_ref().local_addr().map(|address| unix::endpoint(&address)),
        }
    }
}
