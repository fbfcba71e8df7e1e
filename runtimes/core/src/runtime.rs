use std::io;
use std::time::Duration;

use crate::{AnyRuntime, NestedBlockOn, NoRuntime, Spawner, Timer, Transport};

/// Everything that anydask asks of an async runtime.
///
/// A runtime is a cheap value that is cloned freely; all clones are the same runtime.
///
/// # Examples
///
/// A library that names no runtime:
///
/// ```
/// use std::io;
/// use std::time::Duration;
///
/// use anydask_runtime::{Endpoint, Runtime, TimerExt};
///
/// async fn reach<R: Runtime>(runtime: &R, endpoint: &Endpoint) -> io::Result<R::Stream> {
///     match runtime.timeout(Duration::from_secs(5), runtime.connect(endpoint)).await {
///         Ok(connected) => connected,
///         Err(elapsed) => Err(io::Error::new(io::ErrorKind::TimedOut, elapsed)),
///     }
/// }
/// ```
pub trait Runtime: Spawner + Timer + Transport {
    /// The runtime's name, for messages: `"tokio"`.
    fn name(&self) -> &'static str;

    /// Whether the calling thread is polling a task of this kind of runtime, so that blocking it would stall
    /// others. False on threads that may block: plain ones, and those of [`Spawner::spawn_blocking`].
    ///
    /// A runtime that cannot tell by itself wraps what it polls in
    /// [`context::Entered`](crate::context::Entered) and answers [`context::is_entered`](crate::context::is_entered).
    fn in_async_context(&self) -> bool;

    /// This runtime as one type. One that has [`BlockOn`] and [`Shutdown`] gives [`AnyRuntime::new`] here, so that they
    /// are its own.
    fn erased(&self) -> AnyRuntime {
        AnyRuntime::lent(self.clone())
    }
}

/// The capability to find, or to make, a runtime without being handed one.
///
/// # Examples
///
/// ```
/// use std::io;
///
/// use anydask_runtime::Current;
///
/// fn for_blocking_code<R: Current>() -> io::Result<R> {
///     R::available().or_else(|_| R::start())
/// }
/// ```
pub trait Current: Runtime {
    /// The runtime around the caller: the one whose task is being polled on this thread, or that this thread has
    /// entered.
    ///
    /// # Errors
    ///
    /// [`NoRuntime`] when there is none; it says what was looked for.
    fn current() -> Result<Self, NoRuntime>;

    /// A runtime that can be used here without starting one: the current one, or a process-wide one for the kinds
    /// that always have it (async-std, smol).
    ///
    /// # Errors
    ///
    /// [`NoRuntime`] when there is none.
    fn available() -> Result<Self, NoRuntime> {
        Self::current()
    }

    /// Starts a runtime for blocking code that has none around. It ends with its last clone.
    ///
    /// # Errors
    ///
    /// What the operating system says when threads or the reactor cannot be had.
    fn start() -> io::Result<Self>;
}

/// The capability to drive a future from blocking code.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use anydask_runtime::{BlockOn, NestedBlockOn};
///
/// fn nap<R: BlockOn>(runtime: &R) -> Result<(), NestedBlockOn> {
///     runtime.block_on(runtime.sleep(Duration::from_millis(10)))
/// }
/// ```
pub trait BlockOn: Runtime {
    /// Runs `future` on the calling thread until it completes, inside this runtime: its timers, sockets and spawns
    /// work in it. The future need not be `Send`.
    ///
    /// # Errors
    ///
    /// [`NestedBlockOn`] when called where [`Runtime::in_async_context`]. Never a panic or a deadlock.
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, NestedBlockOn>;
}

/// The capability to end a runtime that this value owns.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use anydask_runtime::{Shutdown, ShutdownReport};
///
/// async fn end<R: Shutdown>(runtime: R) {
///     if runtime.shutdown(Duration::from_secs(3)).await == ShutdownReport::GraceExceeded {
///         eprintln!("a task does not yield");
///     }
/// }
/// ```
pub trait Shutdown: Runtime {
    /// Aborts every task, waits up to `grace` until they have been dropped, and refuses new ones: their handles
    /// resolve to [`JoinError::Shutdown`](crate::JoinError::Shutdown). Idempotent; concurrent calls all wait; a call
    /// from one of the runtime's own tasks does not deadlock.
    ///
    /// A process-wide executor, or a runtime that the program started by itself and only lent, is not ended:
    /// [`ShutdownReport::NotOwned`].
    ///
    /// # Cancel safety
    ///
    /// Once polled, the shutdown goes on when this is dropped.
    fn shutdown(&self, grace: Duration) -> impl Future<Output = ShutdownReport> + Send;
}

/// How a [`Shutdown::shutdown`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShutdownReport {
    /// Every task has been dropped and every thread has ended.
    Complete,
    /// The grace time was over first. What still ran goes on until it ends by itself.
    GraceExceeded,
    /// The runtime is not this value's to end. Nothing was done.
    NotOwned,
}
