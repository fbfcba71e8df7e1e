use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::dask::comm::{Address, AddressError, TlsError};
use crate::engine::dask::wire::WireError;
use crate::runtime::ResolveError;

/// Why there is no connection, or none any more, or why a request was not answered as it should.
///
/// Cheap to clone. `Display` says one level, with the fix where there is one; `source` is the next.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub(crate) enum CommError {
    // --- the caller's ---
    /// The text is no address.
    Address(AddressError),
    /// The address wants TLS, and there are no certificates.
    NoSecurity { address: Address },
    /// There are certificates, and the address wants no TLS.
    EncryptionRequired { address: Address },
    /// Our own certificates.
    Security(TlsError),
    /// A message that cannot be written.
    Unsendable(WireError),
    /// The pool of connections has been closed.
    PoolClosed,
    /// The runtime has shut down.
    RuntimeGone,
    // --- no connection ---
    /// The host's name has no address.
    LookUp { address: Address, source: ResolveError },
    /// The operating system could not connect.
    Unreachable { address: Address, source: Arc<io::Error> },
    /// The operating system could not listen.
    Listen { source: Arc<io::Error> },
    /// Nobody answered in time. `last` is what happened in the last attempt, if one has ended.
    NotInTime { address: Address, after: Duration, attempts: u32, last: Option<Arc<CommError>> },
    /// Something listens there that is no Dask.
    NotDask { address: Address, found: Found },
    /// TLS did not come about.
    Tls { address: Address, source: TlsError },
    // --- no connection any more ---
    /// The peer has closed the connection, in the middle of a message or between two.
    Closed { peer: Address, in_message: bool },
    /// The connection broke.
    Lost { peer: Address, source: Arc<io::Error> },
    /// Nothing has come from the peer, or gone to it, for so long.
    Silent { peer: Address, after: Duration },
    /// A request was given up half-way, so that what comes next on its connection would be the answer to that one.
    HalfWay { peer: Address },
    /// The peer sent what is no message of Dask.
    Malformed { peer: Address, source: WireError },
    // --- the answer ---
    /// The scheduler does not take us.
    Refused { peer: Address, message: Arc<str> },
    /// It took longer than a scheduler that works.
    NoAnswer { peer: Address, op: &'static str, after: Duration },
    /// What came is no answer to the request.
    Unexpected { peer: Address, wanted: &'static str },
    /// The peer's handler of the request raised an exception. The connection goes on.
    Remote(Arc<RemoteError>),
}

/// What a listener said that is no Dask.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum Found {
    /// Nothing in that time.
    Silence { after: Duration },
    /// It closed the connection before it said anything.
    NoHello,
    /// An answer of a web server: its first line.
    Http { line: Arc<str> },
    /// TLS, where none was spoken.
    Tls,
    /// Other bytes: the first of them.
    Bytes { first: Arc<[u8]> },
}

/// An exception of a peer's handler.
#[derive(Clone, Debug)]
pub(crate) struct RemoteError {
    pub(crate) peer: Address,
    pub(crate) op: Arc<str>,
    /// `repr` of the exception.
    pub(crate) exception_text: Arc<str>,
}

impl CommError {
    pub(crate) fn refused(peer: &Address, message: &str) -> Self {
        Self::Refused { peer: peer.clone(), message: message.into() }
    }

    pub(crate) fn unexpected(peer: &Address, wanted: &'static str) -> Self {
        Self::Unexpected { peer: peer.clone(), wanted }
    }

    /// Whether trying again is of no use.
    pub(crate) fn is_final(&self) -> bool {
        !matches!(
            self,
            Self::LookUp { .. }
                | Self::Unreachable { .. }
                | Self::Closed { .. }
                | Self::Lost { .. }
                | Self::Silent { .. }
                | Self::NoAnswer { .. }
                | Self::NotDask { found: Found::NoHello, .. }
        )
    }

    /// For an error of a stream that has been open.
    pub(crate) fn of_stream(peer: &Address, in_message: bool, error: io::Error) -> Self {
        let peer = peer.clone();
        if let Some(source) = TlsError::of_io(&error) {
            return Self::Tls { address: peer, source };
        }
        match error.kind() {
            // TLS says so when the peer ends without a goodbye, as Python does.
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                Self::Closed { peer, in_message }
            }
            _ => Self::Lost { peer, source: Arc::new(error) },
        }
    }
}

impl fmt::Display for CommError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(error) => error.fmt(f),
            Self::NoSecurity { address } => {
                write!(
                    f,
                    "{address} needs certificates; give them by `Security`, or write `tcp://` if it is not encrypted"
                )
            }
            Self::EncryptionRequired { address } => {
                write!(f, "{address} is not encrypted, and a `Security` was given; write `tls://`, or leave that out")
            }
            Self::Security(_) => f.write_str("the certificates of `Security` cannot be used"),
            Self::Unsendable(_) => f.write_str("the message is too large for Dask's format"),
            Self::RuntimeGone => f.write_str("the runtime has shut down"),
            Self::PoolClosed => f.write_str("the connections have been closed"),
            Self::LookUp { address, .. } => write!(f, "the host of {address} was not found"),
            Self::Unreachable { address, source } => {
                write!(f, "cannot connect to {address}")?;
                match source.kind() {
                    io::ErrorKind::ConnectionRefused => {
                        f.write_str(": nothing listens there; is the scheduler up, and is this its port?")
                    }
                    _ => Ok(()),
                }
            }
            Self::Listen { .. } => f.write_str("cannot listen"),
            Self::NotInTime { address, after, attempts, .. } => {
                write!(f, "no connection to {address} within {after:?}, in {attempts} attempts")
            }
            Self::NotDask { address, found } => write!(f, "{address} {found}"),
            Self::Tls { address, .. } => write!(f, "no encrypted connection with {address}"),
            Self::Closed { peer, in_message: true } => write!(f, "{peer} has closed the connection within a message"),
            Self::Closed { peer, in_message: false } => write!(f, "{peer} has closed the connection"),
            Self::Lost { peer, .. } => write!(f, "the connection with {peer} is lost"),
            Self::Silent { peer, after } => write!(f, "{peer} has shown no life for {after:?}"),
            Self::HalfWay { peer } => {
                write!(f, "an earlier request to {peer} on this connection was given up half-way")
            }
            Self::Malformed { peer, .. } => write!(f, "{peer} sent what is no message of Dask"),
            Self::Refused { peer, message } => write!(f, "{peer} refuses the connection: {message}"),
            Self::NoAnswer { peer, op, after } => {
                write!(f, "{peer} did not answer `{op}` within {after:?}; does that process hang?")
            }
            Self::Unexpected { peer, wanted } => write!(f, "{peer} did not answer as it must to `{wanted}`"),
            Self::Remote(error) => error.fmt(f),
        }
    }
}

impl Error for CommError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Security(source) | Self::Tls { source, .. } => Some(source),
            Self::Unsendable(source) | Self::Malformed { source, .. } => Some(source),
            Self::LookUp { source, .. } => Some(source),
            Self::Unreachable { source, .. } | Self::Listen { source } | Self::Lost { source, .. } => Some(source),
            Self::NotInTime { last, .. } => last.as_ref().map(|last| last as &(dyn Error + 'static)),
            _ => None,
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silence { after } => write!(
                f,
                "takes connections, but said nothing within {after:?}: the scheduler hangs, or this is another program's port \
                 (Dask's dashboard has one too; the scheduler's own is usually 8786)"
            ),
            Self::NoHello => f.write_str(
                "closes connections without a word: it may want TLS (write `tls://`), or be no scheduler or worker of Dask",
            ),
            Self::Http { line } => write!(
                f,
                "is a web server (it said `{line}`), perhaps Dask's dashboard; the scheduler's own port is usually 8786"
            ),
            Self::Tls => f.write_str("speaks TLS; write `tls://`, and give the certificates of its cluster"),
            Self::Bytes { first } => {
                write!(f, "is no scheduler or worker of Dask: it began with `{}`", first.escape_ascii())
            }
        }
    }
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` failed at {}: {}", self.op, self.peer, self.exception_text)
    }
}

impl From<AddressError> for CommError {
    fn from(error: AddressError) -> Self {
        Self::Address(error)
    }
}
