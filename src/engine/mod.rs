//! Engines: what runs the tasks of a client.
//!
//! A client needs four things of an engine: to submit a task, to keep a value, to be told whether it is open, and
//! to close. Futures reach their engine through [`Scheduler`](crate::task::Scheduler).

#[cfg(feature = "dask")]
pub(crate) mod dask;
pub(crate) mod local;
