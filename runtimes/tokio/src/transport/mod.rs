mod listener;
mod stream;

use std::any::Any;
use std::io;

use anydask_runtime::adapter::{CatchUnwind, tcp};
use anydask_runtime::{Endpoint, Transport};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

pub use self::listener::Listener;
pub use self::stream::Stream;
use crate::Tokio;
use crate::context::Inside;

/// On a runtime that was built without `enable_io`, connecting and binding give `Unsupported`.
impl Transport for Tokio {
    type Stream = Stream;
    type Listener = Listener;

    async fn connect(&self, endpoint: &Endpoint) -> io::Result<Stream> {
        self.inside(connect(endpoint)).await
    }

    async fn bind(&self, endpoint: &Endpoint) -> io::Result<Listener> {
        self.inside(Listener::bind(self.handle().clone(), endpoint)).await
    }
}

impl Tokio {
    async fn inside<T>(&self, future: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        // tokio has no question for whether a runtime can do I/O: without, it panics.
        match CatchUnwind::new(Inside::new(self.handle().clone(), future)).await {
            Ok(result) => result,
            Err(payload) => Err(io::Error::new(io::ErrorKind::Unsupported, panic_text(payload))),
        }
    }
}

async fn connect(endpoint: &Endpoint) -> io::Result<Stream> {
    match endpoint {
        Endpoint::Tcp(address) => {
            let stream = TcpStream::connect(address).await?;
            tcp::set_options(&stream)?;
            Ok(Stream::from(stream))
        }
        #[cfg(unix)]
        Endpoint::Unix(_) | Endpoint::UnixAbstract(_) => {
            let address = anydask_runtime::adapter::unix::address(endpoint)?.into();
            Ok(Stream::from(UnixStream::connect_addr(&address).await?))
        }
        other => Err(unsupported(other)),
    }
}

fn unsupported(endpoint: &Endpoint) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, format!("tokio has no transport for `{endpoint}` on this system"))
}

fn panic_text(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast_ref::<&str>().copied().unwrap_or("tokio panicked").to_owned(),
    }
}
