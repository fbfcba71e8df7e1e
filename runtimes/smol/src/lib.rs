//! anydask on smol.
