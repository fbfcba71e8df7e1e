//! anydask on async-std.
