mod listener;
mod stream;

use std::io;

use anydask_runtime::adapter::tcp;
#[cfg(unix)]
use anydask_runtime::adapter::unix;
use anydask_runtime::{Endpoint, Transport};
use async_std::net::TcpStream;
#[cfg(unix)]
use async_std::os::unix::net::UnixStream;

pub use self::listener::Listener;
pub use self::stream::Stream;
use crate::AsyncStd;

impl Transport for AsyncStd {
    type Stream = Stream;
    type Listener = Listener;

    async fn connect(&self, endpoint: &Endpoint) -> io::Result<Stream> {
        match endpoint {
            Endpoint::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                tcp::set_options(&stream)?;
                Ok(stream.into())
            }
            #[cfg(unix)]
            Endpoint::Unix(path) => {
                // Before async-std sees the address, whose errors for a bad one are others.
                unix::address(endpoint)?;
                Ok(UnixStream::connect(path.as_path()).await?.into())
            }
            #[cfg(unix)]
            Endpoint::UnixAbstract(name) => {
                unix::address(endpoint)?;
                // How async-std writes an abstract name.
                Ok(UnixStream::connect(format!("\0{name}")).await?.into())
            }
            other => Err(unsupported(other)),
        }
    }

    async fn bind(&self, endpoint: &Endpoint) -> io::Result<Listener> {
        Listener::bind(endpoint).await
    }
}

fn unsupported(endpoint: &Endpoint) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, format!("async-std has no transport for `{endpoint}` on this system"))
}
