use std::io;
use std::time::Duration;

use anydask_runtime::{AnyRuntime, BlockOn, Current, NestedBlockOn, NoRuntime, Runtime, Shutdown, ShutdownReport};
use async_std::task;

const NAME: &str = "async-std";

/// async-std's process-wide executor, reactor and pool for blocking closures.
///
/// A future of [`block_on`](BlockOn::block_on) runs on the calling thread, what it spawns on the executor's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AsyncStd;

impl AsyncStd {
    /// Stands for async-std. Starts nothing: the first task does.
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask_async_std::AsyncStd;
    ///
    /// assert_eq!(size_of_val(&AsyncStd::new()), 0);
    /// ```
    pub const fn new() -> Self {
        Self
    }

    /// async-std, if the caller is in a task of it, or in its `block_on`.
    ///
    /// # Errors
    ///
    /// [`NoRuntime`] elsewhere. [`AsyncStd::new`] works anywhere.
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask_async_std::AsyncStd;
    ///
    /// assert!(AsyncStd::current().is_err());
    /// async_std::task::block_on(async { assert!(AsyncStd::current().is_ok()) });
    /// ```
    pub fn current() -> Result<Self, NoRuntime> {
        if in_async_context() { Ok(Self) } else { Err(NoRuntime::new([NAME])) }
    }
}

impl Runtime for AsyncStd {
    fn name(&self) -> &'static str {
        NAME
    }

    fn in_async_context(&self) -> bool {
        in_async_context()
    }

    fn erased(&self) -> AnyRuntime {
        AnyRuntime::new(*self)
    }
}

impl Current for AsyncStd {
    fn current() -> Result<Self, NoRuntime> {
        Self::current()
    }

    fn available() -> Result<Self, NoRuntime> {
        Ok(Self)
    }

    /// The same for everybody: it starts with its first task, and does not end.
    fn start() -> io::Result<Self> {
        Ok(Self)
    }
}

impl BlockOn for AsyncStd {
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, NestedBlockOn> {
        if in_async_context() {
            return Err(NestedBlockOn::new(NAME));
        }
        Ok(task::block_on(future))
    }
}

/// The process-wide executor never ends.
impl Shutdown for AsyncStd {
    async fn shutdown(&self, _grace: Duration) -> ShutdownReport {
        ShutdownReport::NotOwned
    }
}

/// async-std marks what it polls, tasks and the futures of `block_on` alike, and nothing else.
fn in_async_context() -> bool {
    task::try_current().is_some()
}
