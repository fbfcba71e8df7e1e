//! TLS as Dask does it: both sides show a certificate of the cluster's authority, and host names are not looked at.

mod config;
mod error;
mod security;
#[cfg(test)]
pub(crate) mod tests;
mod verifier;

pub(crate) use config::{Role, Tls};
pub(crate) use error::TlsError;
pub use security::Security;
