//! The worker: what it decides, apart from the sockets and threads that carry it out.

#![allow(unused_imports)] // Until the connection around uses all of it.

pub(crate) mod ops;
pub(crate) mod state;
