//! What a program can do about a connection that there is not.

use std::error::Error as StdError;

use crate::Error;
use crate::engine::dask::client::ConnectError;
use crate::engine::dask::comm::{AddressError, CommError, Found};

/// Why there is no connection to a scheduler, as far as a program may act on it; see [`Error::connect_problem`].
///
/// The error itself and its sources tell a person more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectProblem {
    /// The text is no address: it is `tcp://host:port` or `tls://host:port`.
    Address,
    /// The certificates: they cannot be read, are not those of the cluster, or stand against an address without TLS or the other
    /// way round.
    Security,
    /// Nobody listens there, the host has no address, or nobody answered in time. It may be there later.
    Unreachable,
    /// Something listens there that is no Dask.
    NotDask,
    /// The scheduler is too old for this library, or does not say how old it is.
    Version,
    /// The scheduler refused, for example a worker whose name is taken.
    Refused,
    /// The connection broke, or what came over it was no message of Dask. It may work another time.
    Broken,
    /// A limit of this side: the worker cannot listen where it should, or the runtime has shut down.
    Local,
}

impl Error {
    /// Why there is no connection, of [`NotConnected`](Self::NotConnected).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, ConnectProblem, runtime::Smol};
    ///
    /// let error = Client::<Smol>::connect("scheduler:8786").wait().unwrap_err();
    /// assert_eq!(error.connect_problem(), Some(ConnectProblem::Address));
    /// # }
    /// ```
    pub fn connect_problem(&self) -> Option<ConnectProblem> {
        let Self::NotConnected { source, .. } = self else { return None };
        let source: &(dyn StdError + 'static) = &**source;
        let of_comm = source.downcast_ref().map(of_comm);
        let of_connect = || source.downcast_ref().map(of_connect);
        let of_address = || source.is::<AddressError>().then_some(ConnectProblem::Address);
        Some(of_comm.or_else(of_connect).or_else(of_address).unwrap_or(ConnectProblem::Broken))
    }
}

fn of_connect(error: &ConnectError) -> ConnectProblem {
    match error {
        ConnectError::TooOld { .. } | ConnectError::NoVersion => ConnectProblem::Version,
        ConnectError::Refused { .. } => ConnectProblem::Refused,
    }
}

fn of_comm(error: &CommError) -> ConnectProblem {
    match error {
        CommError::Address(_) => ConnectProblem::Address,
        CommError::NoSecurity { .. }
        | CommError::EncryptionRequired { .. }
        | CommError::NotDask { found: Found::Tls, .. }
        | CommError::Security(_)
        | CommError::Tls { .. } => ConnectProblem::Security,
        CommError::LookUp { .. }
        | CommError::Unreachable { .. }
        | CommError::NotInTime { .. }
        | CommError::Silent { .. }
        | CommError::NoAnswer { .. } => ConnectProblem::Unreachable,
        CommError::NotDask { .. } => ConnectProblem::NotDask,
        CommError::Refused { .. } => ConnectProblem::Refused,
        CommError::Closed { .. }
        | CommError::Lost { .. }
        | CommError::HalfWay { .. }
        | CommError::Malformed { .. }
        | CommError::Unexpected { .. }
        | CommError::Remote(_) => ConnectProblem::Broken,
        CommError::Unsendable(_) | CommError::PoolClosed | CommError::RuntimeGone | CommError::Listen { .. } => {
            ConnectProblem::Local
        }
    }
}
