use std::fmt::Debug;

use crate::JoinError;

/// Starts tasks.
///
/// # Examples
///
/// ```
/// use anydask_runtime::{JoinError, Spawner};
///
/// async fn read<S: Spawner>(spawner: &S) -> Result<std::io::Result<String>, JoinError> {
///     spawner.spawn_blocking(|| std::fs::read_to_string("/etc/hostname")).await
/// }
/// ```
pub trait Spawner: Clone + Debug + Send + Sync + 'static {
    /// The handle of a spawned task.
    type Task<T: Send + 'static>: TaskHandle<T>;

    /// Starts a future as a task, from any thread, inside or outside of the runtime.
    ///
    /// The task runs without anyone polling its handle. After the runtime has shut down the handle resolves to
    /// [`JoinError::Shutdown`]; this never panics.
    ///
    /// # Cancel safety
    ///
    /// Dropping the handle aborts the task; see [`TaskHandle`].
    fn spawn<F>(&self, future: F) -> Self::Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;

    /// Runs a closure that may block, on a thread that is allowed to.
    ///
    /// Aborting keeps a closure that is still queued from starting; one that runs goes on to its end, and its handle
    /// does not resolve before.
    fn spawn_blocking<F, T>(&self, work: F) -> Self::Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static;
}

/// The handle of a task: a future of its result. Dropping it aborts the task.
///
/// Dropping aborts because it is the one policy that every runtime can keep and that leaks nothing;
/// [`detach`](TaskHandle::detach) says otherwise. Dropping does not wait until the task's future has been dropped.
///
/// # Panics
///
/// When it is polled after it has given its result.
///
/// # Examples
///
/// ```
/// use anydask_runtime::{JoinError, Spawner, TaskHandle};
///
/// async fn stop<S: Spawner>(spawner: &S) {
///     let mut task = spawner.spawn(std::future::pending::<()>());
///     task.abort();
///     assert!(matches!(task.await, Err(JoinError::Aborted)));
/// }
/// ```
pub trait TaskHandle<T>: Future<Output = Result<T, JoinError>> + Debug + Send + Sync + Unpin + 'static {
    /// Asks the task to stop at its next await. Idempotent, never blocks. A task that has already finished keeps
    /// its value. Await the handle afterwards to know that the future has been dropped.
    fn abort(&mut self);

    /// Lets the task run to its end with nobody watching.
    fn detach(self);

    /// Whether the task has ended, in whichever way.
    fn is_finished(&self) -> bool;
}
