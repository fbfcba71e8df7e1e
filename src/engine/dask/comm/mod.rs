//! Connections with schedulers and workers, over the transport of any runtime.
//!
//! A [`Connector`] makes a [`Comm`]: a connection on which both sides have said hello. A stream splits it into a [`Reader`]
//! and a [`Writer`]; requests go over an [`Rpc`], of which a [`Pool`] keeps several; a [`Listener`] answers them.

mod address;
mod connection;
mod connector;
mod error;
mod hello;
mod listener;
mod pauses;
mod pool;
mod reader;
mod rpc;
mod stream;
#[cfg(all(test, feature = "smol"))]
mod tests;
mod tls;
mod writer;

pub(crate) use address::{Address, AddressError, Scheme};
pub(crate) use connection::Comm;
pub(crate) use connector::{CONNECT_LIMIT, Connector};
pub(crate) use error::{CommError, Found};
pub(crate) use listener::{Answer, Handler, Listener};
pub(crate) use pauses::{PAUSE_MAX, Pauses};
pub(crate) use pool::Pool;
pub(crate) use reader::Reader;
pub(crate) use rpc::{ANSWER_LIMIT, Rpc, WORK_LIMIT, request};
pub use tls::Security;
pub(crate) use tls::{Role, Tls, TlsError};
pub(crate) use writer::Writer;
