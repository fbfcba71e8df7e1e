//! Connections to schedulers and workers, over the transport of any runtime.

mod address;
mod tls;

pub(crate) use address::{Address, AddressError, Scheme};
pub use tls::Security;
pub(crate) use tls::{Role, Tls, TlsError};
