//! What the connection promises, one test each, and all of it against a model of the scheduler.

mod cancel;
#[cfg(feature = "smol")]
mod connection;
mod driver;
mod frames;
mod gather;
mod lifecycle;
mod lost;
mod model;
mod property;
mod retry;
mod submit;
mod workers;
