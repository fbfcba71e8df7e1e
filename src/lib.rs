//! anydask
