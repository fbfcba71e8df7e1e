use std::error::Error;
use std::fmt;
use std::io;
use std::net::ToSocketAddrs;
use std::sync::Arc;

use crate::{Endpoint, Spawner};

impl Endpoint {
    /// Parses `text` as an endpoint, and looks its host up if that is a name: `tcp://scheduler:8786`.
    ///
    /// Gives at least one endpoint, in the operating system's order of preference: try them one after the other. The
    /// look-up runs where it may block. The operating system decides how long it takes; bound it with
    /// [`TimerExt::timeout`](crate::TimerExt::timeout).
    ///
    /// # Cancel safety
    ///
    /// A look-up that has started goes on to its end with nobody watching.
    ///
    /// # Errors
    ///
    /// [`ResolveError`], which converts to an [`io::Error`].
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask_runtime::{ByteStream, Endpoint, Runtime};
    /// use std::io;
    ///
    /// async fn connect<R: Runtime>(runtime: &R, address: &str) -> io::Result<R::Stream> {
    ///     let mut failed = None;
    ///     for endpoint in Endpoint::resolve(runtime, address).await? {
    ///         match runtime.connect(&endpoint).await {
    ///             Ok(stream) => return Ok(stream),
    ///             Err(error) => failed = Some(error),
    ///         }
    ///     }
    ///     Err(failed.unwrap_or(io::ErrorKind::NotFound.into()))
    /// }
    /// ```
    pub async fn resolve<S: Spawner>(spawner: &S, text: &str) -> Result<Vec<Self>, ResolveError> {
        let invalid = match text.parse() {
            Ok(endpoint) => return Ok(vec![endpoint]),
            Err(error) => ResolveError::Invalid(Arc::new(error)),
        };
        let Some((host, port)) = host_and_port(text) else { return Err(invalid) };
        let name = host.to_owned();
        let looked_up =
            spawner.spawn_blocking(move || (name.as_str(), port).to_socket_addrs().map(Vec::from_iter)).await;
        match looked_up {
            Ok(Ok(addresses)) if addresses.is_empty() => {
                let source = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
                Err(ResolveError::LookUp { host: host.to_owned(), source: Arc::new(source) })
            }
            Ok(Ok(addresses)) => Ok(addresses.into_iter().map(Self::Tcp).collect()),
            Ok(Err(source)) => Err(ResolveError::LookUp { host: host.to_owned(), source: Arc::new(source) }),
            Err(_) => Err(ResolveError::Ended { host: host.to_owned() }),
        }
    }
}

/// The host and port of a TCP address, if these could be such.
fn host_and_port(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.strip_prefix("tcp://")?.rsplit_once(':')?;
    // What has a colon is meant to be an IPv6 address: no name has one.
    let name = !host.is_empty() && !host.contains([':', '[', ']', '/', '@']);
    Some((host, port.parse().ok()?)).filter(|_| name)
}

/// Why [`Endpoint::resolve`] gave no endpoint.
///
/// The look-up has a kind of its own because the operating system's error has none that can be matched.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ResolveError {
    /// The text is no address at all.
    Invalid(Arc<io::Error>),
    /// The host could not be looked up, or has no address.
    LookUp {
        /// The host.
        host: String,
        /// What the operating system says.
        source: Arc<io::Error>,
    },
    /// The runtime shut down before the host had been looked up.
    Ended {
        /// The host.
        host: String,
    },
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(error) => write!(f, "{error}"),
            Self::LookUp { host, .. } => write!(f, "cannot look up the host `{host}`"),
            Self::Ended { host } => write!(f, "the runtime shut down while it looked up the host `{host}`"),
        }
    }
}

impl Error for ResolveError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // Its text is this error's own.
            Self::Invalid(error) => error.source(),
            Self::LookUp { source, .. } => Some(source),
            Self::Ended { .. } => None,
        }
    }
}

impl From<ResolveError> for io::Error {
    /// The kind is that of an invalid address, `NotFound` for a failed look-up, `Other` after a shutdown.
    fn from(error: ResolveError) -> Self {
        let kind = match &error {
            ResolveError::Invalid(error) => error.kind(),
            ResolveError::LookUp { .. } => io::ErrorKind::NotFound,
            ResolveError::Ended { .. } => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_could_be_a_name_is_looked_up() {
        assert_eq!(host_and_port("tcp://scheduler:8786"), Some(("scheduler", 8786)));
        let addresses =
            ["tcp://scheduler", "tcp://:8786", "tcp://a:b:8786", "tcp://[::1:8786", "tcp://a:99999", "udp://a:1"];
        for address in addresses {
            assert_eq!(host_and_port(address), None, "{address}");
        }
    }
}
