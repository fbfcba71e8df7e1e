use std::io;
use std::time::Duration;

use anydask_runtime::{AnyRuntime, BlockOn, Current, NestedBlockOn, NoRuntime, Runtime, Shutdown, ShutdownReport};

use crate::context::in_async_context;

const NAME: &str = "smol";

/// smol's process-wide executor, reactor and pool for blocking closures.
///
/// A future of [`block_on`](BlockOn::block_on) runs on the calling thread, what it spawns on the executor's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Smol;

impl Smol {
    /// Stands for smol. Starts nothing: the first task does.
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask_smol::Smol;
    ///
    /// assert_eq!(size_of_val(&Smol::new()), 0);
    /// ```
    pub const fn new() -> Self {
        Self
    }

    /// smol, if the caller is in a task of it, or in one of its `block_on`s.
    ///
    /// # Errors
    ///
    /// [`NoRuntime`] elsewhere. [`Smol::new`] works anywhere.
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask_smol::Smol;
    ///
    /// assert!(Smol::current().is_err());
    /// smol::block_on(async { assert!(Smol::current().is_ok()) });
    /// ```
    pub fn current() -> Result<Self, NoRuntime> {
        if in_async_context() { Ok(Self) } else { Err(NoRuntime::new([NAME])) }
    }
}

impl Runtime for Smol {
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

impl Current for Smol {
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

impl BlockOn for Smol {
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, NestedBlockOn> {
        if in_async_context() {
            return Err(NestedBlockOn::new(NAME));
        }
        Ok(smol::block_on(future))
    }
}

/// The process-wide executor never ends.
impl Shutdown for Smol {
    async fn shutdown(&self, _grace: Duration) -> ShutdownReport {
        ShutdownReport::NotOwned
    }
}
