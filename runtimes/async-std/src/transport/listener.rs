use std::io;
#[cfg(unix)]
use std::panic::catch_unwind;

use anydask_runtime::Endpoint;
use anydask_runtime::adapter::tcp;
#[cfg(unix)]
use anydask_runtime::adapter::unix;
use async_std::net::TcpListener;
#[cfg(unix)]
use async_std::os::unix::net::UnixListener;

use crate::transport::{Stream, unsupported};

/// A listening socket; see [`Listener`](anydask_runtime::Listener).
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
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
    pub(crate) async fn bind(endpoint: &Endpoint) -> io::Result<Self> {
        let socket = match endpoint {
            Endpoint::Tcp(address) => Socket::Tcp(TcpListener::bind(address).await?),
            #[cfg(unix)]
            Endpoint::Unix(_) | Endpoint::UnixAbstract(_) => {
                let (listener, file) = unix::bind(endpoint)?;
                // async-std panics when the reactor does not take a socket, as when the system's limit is reached.
                let listener = catch_unwind(|| UnixListener::from(listener))
                    .map_err(|_| io::Error::other("async-std's reactor did not take the socket"))?;
                Socket::Unix { listener, _file: file }
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
                let _ = tcp::set_options(&stream);
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
            Socket::Tcp(listener) => listener.local_addr().map(Endpoint::Tcp),
            #[cfg(unix)]
            Socket::Unix { listener, .. } => listener.local_addr().map(|address| unix::endpoint(&address)),
        }
    }
}
