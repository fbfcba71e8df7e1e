//! What the adapters of several runtimes have in common: for those who write an adapter, not for those who use one.

mod catch_unwind;
mod task;
pub mod tcp;
#[cfg(unix)]
pub mod unix;
mod yield_first;

pub use self::catch_unwind::CatchUnwind;
pub use self::task::{Body, Ended, NativeTask, Task, Work};
pub use self::yield_first::YieldFirst;
