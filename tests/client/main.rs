//! The client on the embedded engine, as a whole: what a program can rely on, shown on every runtime and in blocking
//! code.
//!
//! One program instead of one for each concern, because linking is what takes the time.

// Without all runtimes, some bodies have nothing to run on.
#![cfg_attr(not(all(feature = "tokio", feature = "async-std", feature = "smol")), allow(dead_code, unused_imports))]
#![cfg_attr(not(any(feature = "tokio", feature = "async-std", feature = "smol")), allow(unused_macros))]

#[path = "../support/mod.rs"]
mod support;

mod arguments;
mod asynchronous_tasks;
mod bad_input;
mod blocking_waits;
mod closing;
mod errors;
mod failures;
mod gathering;
mod handles;
mod keys;
mod no_timers;
mod opening;
mod processes;
mod registered_tasks;
mod runtime_gone;
mod scopes;
mod submitting;
mod tracing_events;
mod types;
mod waiting;
mod waiting_in_tasks;
