use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use anydask_runtime::{AnyRuntime, BlockOn, Current, NestedBlockOn, NoRuntime, Runtime, Shutdown, ShutdownReport};
use tokio::runtime::{Builder, Handle};

use crate::context::in_async_context;
use crate::liveness::{Liveness, Witness};
use crate::owner::Owner;

const NAME: &str = "tokio";

/// A tokio runtime: one that it owns, or one that the program has started and lends by its handle.
///
/// Clones are the same runtime. An owned one ends when its last clone is dropped, without waiting for its
/// tasks; [`Shutdown::shutdown`] waits. A clone that is held by a task of the runtime keeps it alive.
#[derive(Clone)]
pub struct Tokio {
    handle: Handle,
    shared: Arc<Shared>,
}

struct Shared {
    liveness: Liveness,
    owner: Option<Owner>,
}

impl Tokio {
    /// The runtime that the caller is in: that of the task that is being polled, or one that this thread has entered.
    ///
    /// # Errors
    ///
    /// [`NoRuntime`] on a thread that is in none.
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask_tokio::Tokio;
    ///
    /// assert!(Tokio::current().is_err());
    ///
    /// let runtime = tokio::runtime::Runtime::new()?;
    /// runtime.block_on(async { assert!(Tokio::current().is_ok()) });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn current() -> Result<Self, NoRuntime> {
        match Handle::try_current() {
            Ok(handle) => Ok(Self::from_handle(handle)),
            Err(_) => Err(NoRuntime::new([NAME])),
        }
    }

    /// A runtime that the program has started and that goes on to be the program's: it is not
    /// ended by dropping this, nor by [`Shutdown::shutdown`].
    ///
    /// Sockets need a runtime that was built with `enable_io`, timers one with `enable_time`.
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask_tokio::Tokio;
    ///
    /// let runtime = tokio::runtime::Runtime::new()?;
    /// let lent = Tokio::from_handle(runtime.handle().clone());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn from_handle(handle: Handle) -> Self {
        Self { handle, shared: Arc::new(Shared { liveness: Liveness::default(), owner: None }) }
    }

    /// Starts a runtime with `threads` worker threads.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for no threads; what the operating system says when threads or the reactor cannot be had.
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask_tokio::Tokio;
    ///
    /// let runtime = Tokio::multi_thread(4)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn multi_thread(threads: usize) -> io::Result<Self> {
        if threads == 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a multi-thread runtime needs at least one thread",
            ));
        }
        let runtime =
            Builder::new_multi_thread().worker_threads(threads).thread_name(NAME_THREAD).enable_all().build()?;
        let handle = runtime.handle().clone();
        Ok(Self::owned(handle, Owner::multi_thread(runtime)))
    }

    /// Starts a runtime that runs everything on one thread of its own, also while nobody blocks on it.
    ///
    /// # Errors
    ///
    /// What the operating system says when the thread or the reactor cannot be had.
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask_tokio::Tokio;
    ///
    /// let runtime = Tokio::current_thread()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn current_thread() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().thread_name(NAME_THREAD).enable_all().build()?;
        let handle = runtime.handle().clone();
        Ok(Self::owned(handle, Owner::current_thread(runtime)?))
    }

    /// The handle of the runtime, for what only tokio has.
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask_tokio::Tokio;
    ///
    /// let runtime = Tokio::multi_thread(2)?;
    /// assert_eq!(runtime.handle().metrics().num_workers(), 2);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    pub(crate) fn witness(&self) -> Arc<Witness> {
        self.shared.liveness.witness(&self.handle)
    }

    fn owned(handle: Handle, owner: Owner) -> Self {
        Self { handle, shared: Arc::new(Shared { liveness: Liveness::default(), owner: Some(owner) }) }
    }
}

/// The name of the threads of an owned runtime: at most 15 bytes, or Linux cuts it.
pub(crate) const NAME_THREAD: &str = "anydask-tokio";

impl Runtime for Tokio {
    fn name(&self) -> &'static str {
        NAME
    }

    fn in_async_context(&self) -> bool {
        in_async_context()
    }

    fn erased(&self) -> AnyRuntime {
        AnyRuntime::new(self.clone())
    }
}

impl Current for Tokio {
    fn current() -> Result<Self, NoRuntime> {
        Self::current()
    }

    /// Starts a runtime with one worker thread: what runs on it is mostly waiting, since CPU tasks never do.
    /// It is one of the multi-thread kind because asynchronous tasks may call `block_in_place` there.
    fn start() -> io::Result<Self> {
        Self::multi_thread(1)
    }
}

impl BlockOn for Tokio {
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, NestedBlockOn> {
        if in_async_context() {
            return Err(NestedBlockOn::new(NAME));
        }
        // Does nothing where blocking is fine. It is for the one caller that cannot be told from such a place, an
        // `unconstrained` future inside tokio's own `block_on`: tokio would panic.
        Ok(tokio::task::block_in_place(|| self.handle.block_on(future)))
    }
}

impl Shutdown for Tokio {
    async fn shutdown(&self, grace: Duration) -> ShutdownReport {
        match &self.shared.owner {
            Some(owner) => owner.close(grace).await,
            None => ShutdownReport::NotOwned,
        }
    }
}

impl fmt::Debug for Tokio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokio")
            .field("id", &self.handle.id())
            .field("flavor", &self.handle.runtime_flavor())
            .field("owned", &self.shared.owner.is_some())
            .finish()
    }
}
