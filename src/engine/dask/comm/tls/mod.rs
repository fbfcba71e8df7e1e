//! TLS as Dask does it: both sides show a certificate of the cluster's authority, and host names are not looked at.

mod config;
mod error;
mod security;
#[cfg(all(test, feature = "smol"))]
mod tests;
mod verifier;

pub(crate) use config::{Role, Tls};
pub(crate) use error::TlsError;
pub use security::Security;
