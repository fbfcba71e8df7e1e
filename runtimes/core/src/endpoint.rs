use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a stream connects to, or a listener listens.
///
/// # Examples
///
/// ```
/// use anydask_runtime::Endpoint;
///
/// let endpoint: Endpoint = "tcp://127.0.0.1:8786".parse()?;
/// assert_eq!(endpoint, Endpoint::Tcp(([127, 0, 0, 1], 8786).into()));
/// assert_eq!(endpoint.to_string(), "tcp://127.0.0.1:8786");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// `tcp://127.0.0.1:8786`
    Tcp(SocketAddr),
    /// `unix:///run/worker.sock`. Where this tells the other side of a stream, the path is empty if that side has no
    /// name, as who connects usually has none.
    Unix(PathBuf),
    /// `unix-abstract://name`: a Unix socket without a file. Linux only.
    UnixAbstract(String),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::UnixAbstract(name) => write!(f, "unix-abstract://{name}"),
        }
    }
}

impl FromStr for Endpoint {
    type Err = io::Error;

    /// Parses the form that `Display` writes. A host must be a number; [`Endpoint::resolve`] looks names up.
    ///
    /// # Errors
    ///
    /// `Unsupported` for another scheme, `InvalidInput` for an address that is none.
    fn from_str(text: &str) -> io::Result<Self> {
        let (scheme, rest) = text.split_once("://").ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("`{text}` has no scheme; write `tcp://{text}`"))
        })?;
        match scheme {
            "tcp" => rest.parse().map(Self::Tcp).map_err(|_| {
                let fix = "write an IP address and a port, like `tcp://127.0.0.1:8786`";
                io::Error::new(io::ErrorKind::InvalidInput, format!("`{rest}` is no socket address; {fix}"))
            }),
            "unix" | "unix-abstract" if rest.is_empty() => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, format!("`{text}` names no socket")))
            }
            "unix" => Ok(Self::Unix(rest.into())),
            "unix-abstract" => Ok(Self::UnixAbstract(rest.to_owned())),
            _ => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                format!("no transport for `{scheme}://`; there are `tcp://`, `unix://` and `unix-abstract://`"),
            )),
        }
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}
