mod listener;
mod stream;

#[cfg(unix)]
use std::ffi::OsString;
use std::io;
use std::net::TcpStream;
#[cfg(unix)]
use std::os::unix::net::UnixStream;

use anydask_runtime::adapter::tcp;
#[cfg(unix)]
use anydask_runtime::adapter::unix;
use anydask_runtime::{Endpoint, Transport};
use smol::Async;

pub use self::listener::Listener;
pub use self::stream::Stream;
use crate::Smol;

impl Transport for Smol {
    type Stream = Stream;
    type Listener = Listener;

    async fn connect(&self, endpoint: &Endpoint) -> io::Result<Stream> {
        match endpoint {
            Endpoint::Tcp(address) => {
                let stream = Async::<TcpStream>::connect(*address).await?;
                tcp::set_options(stream.get_ref())?;
                Ok(stream.into())
            }
            #[cfg(unix)]
            Endpoint::Unix(path) => {
                // Before smol sees the address, whose errors for a bad one are others.
                unix::address(endpoint)?;
                Ok(Async::<UnixStream>::connect(path).await?.into())
            }
            #[cfg(unix)]
            Endpoint::UnixAbstract(name) => {
                unix::address(endpoint)?;
                Ok(Async::<UnixStream>::connect(abstract_path(name)).await?.into())
            }
            other => Err(unsupported(other)),
        }
    }

    async fn bind(&self, endpoint: &Endpoint) -> io::Result<Listener> {
        Listener::bind(endpoint)
    }
}

/// How smol writes an abstract name.
#[cfg(unix)]
fn abstract_path(name: &str) -> OsString {
    OsString::from(format!("\0{name}"))
}

fn unsupported(endpoint: &Endpoint) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, format!("smol has no transport for `{endpoint}` on this system"))
}
