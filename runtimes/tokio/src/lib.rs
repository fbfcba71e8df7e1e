//! anydask on tokio.
