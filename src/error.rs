//! What can go wrong, sorted by whose fault it is.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::runtime::{NestedBlockOn, NoRuntime};
use crate::task::{Key, Status};

/// Why an operation or a task gave no value.
///
/// Cheap to clone, since many may wait for one result. `Display` says one level and names the fix;
/// [`source`](StdError::source) is the next level.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, Error, fallible, runtime::Smol};
///
/// let client = Client::<Smol>::local().wait()?;
/// let parsed = client.submit(fallible(|text: String| text.parse::<i64>()), "ten".to_string());
/// let error = parsed.wait().unwrap_err();
/// assert!(matches!(error, Error::Failed { .. }));
/// assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
/// # }
/// # Ok::<(), anydask::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    // --- the task's own ---
    /// The task returned `Err`. What depends on it fails with this same error, and so does a task that waits for it
    /// inside and returns the error.
    Failed {
        /// The task that returned it.
        key: Key,
        /// What it returned.
        source: Arc<dyn StdError + Send + Sync>,
    },
    /// The task panicked. The engine goes on.
    Panicked {
        /// The task that panicked.
        key: Key,
        /// The text of the panic, where it had one.
        message: Arc<str>,
        /// The source line of the panic, where it is known.
        location: Option<Arc<str>>,
    },
    // --- the task never finished ---
    /// The task was cancelled before it finished.
    Cancelled {
        /// The cancelled task.
        key: Key,
        /// Why.
        reason: Arc<str>,
    },
    /// One run of the task took longer than its `timeout`, and there are no retries left.
    RunTimeout {
        /// The task.
        key: Key,
        /// The time that a run was given.
        after: Duration,
    },
    /// The task had not finished when its `deadline` came.
    DeadlineExceeded {
        /// The task.
        key: Key,
        /// The time that it was given from its submission on.
        after: Duration,
    },
    /// The task needs more of a resource than the engine has.
    NoResource {
        /// The task.
        key: Key,
        /// The resource.
        resource: Arc<str>,
        /// How much the task needs.
        wanted: f64,
        /// How much there is in all.
        total: f64,
    },
    /// Tasks wait for each other, so that none of them can go on. The wait that would have closed the circle gives this.
    ///
    /// In an asynchronous task, everything counts that is being awaited without a limit in time, also the sides of a
    /// `select!` that may lose: give such a one a [`timeout`](crate::TaskFuture::timeout).
    Deadlock {
        /// The tasks: each waits for the next one, and the last for the first.
        keys: Arc<[Key]>,
    },
    /// The runtime that ran the asynchronous task went away, and the task with it.
    RuntimeGone {
        /// The lost task.
        key: Key,
    },
    /// Not finished in time. A task that is waited for goes on: the time was the waiter's.
    Timeout {
        /// The operation that was waited for.
        operation: &'static str,
        /// The time that it was given.
        after: Duration,
    },
    // --- the caller's ---
    /// The client is closed.
    ClientClosed {
        /// The operation that was refused.
        operation: &'static str,
    },
    /// The engine is closed.
    EngineClosed,
    /// No client is open around the caller.
    NoClient,
    /// Only a failed task can be retried.
    NotFailed {
        /// The task.
        key: Key,
        /// What it is instead.
        status: Status,
    },
    /// The call of the task cannot be made again, since its arguments were moved into the first run.
    NotRepeatable {
        /// The task.
        key: Key,
    },
    /// The arguments of a pure task cannot be compared.
    NotPure {
        /// The function.
        task: &'static str,
    },
    /// A blocking wait inside an asynchronous task would stall the runtime.
    BlockingInAsync {
        /// The operation that was waited for.
        operation: &'static str,
        /// The runtime whose thread it would have blocked.
        runtime: &'static str,
    },
    /// So many tasks block on other tasks that no further thread may be added for those they wait for, or can be had.
    TooManyBlocked {
        /// How many tasks of one engine may block at once; or how many did when the system had no more threads.
        limit: usize,
    },
    /// A future of one client was given to another.
    ForeignFuture {
        /// The future's key.
        key: Key,
    },
    /// The key already stands for other work, or for work that cannot be shown to be the same.
    KeyConflict {
        /// The key.
        key: Key,
    },
    /// The key cannot be used.
    InvalidKey {
        /// Its length in bytes.
        nbytes: usize,
        /// The longest key that there may be, in bytes.
        nbytes_max: usize,
    },
    /// The caller is not inside a task.
    NotInTask,
    /// No task at all may run at once.
    NoRoom {
        /// The operation that was given 0.
        operation: &'static str,
    },
    /// An amount of a resource that is no amount.
    InvalidResource {
        /// The resource.
        resource: Arc<str>,
        /// The amount that was given.
        amount: f64,
    },
    /// The value has been moved out by an earlier await of the last handle.
    Taken {
        /// The task whose value it was.
        key: Key,
    },
    /// The engine cannot have this number of threads.
    InvalidThreads {
        /// What was asked for.
        threads: usize,
        /// The most that it can have.
        threads_max: usize,
    },
    /// Two registered tasks have one name.
    DuplicateTask {
        /// The name.
        name: &'static str,
        /// Where the first is defined.
        first: &'static str,
        /// Where the second is defined.
        second: &'static str,
    },
    /// No runtime was found.
    NoRuntime(NoRuntime),
    /// The call cannot be made in another process.
    NotPortable {
        /// The function.
        task: Arc<str>,
        /// What makes it portable.
        fix: Arc<str>,
    },
    /// The value has no encoded form, so it cannot go to another process.
    NotEncoded {
        /// The function that it was for.
        task: Arc<str>,
        /// Which value.
        value: Arc<str>,
        /// What serde said.
        source: Arc<dyn StdError + Send + Sync>,
    },
    /// The result of the task is none of the type that its future has.
    NotDecoded {
        /// The task.
        key: Key,
        /// What it is instead.
        source: Arc<dyn StdError + Send + Sync>,
    },
    /// A task raised an exception on a worker that runs Python, or the scheduler gave it up.
    Exception {
        /// The task that failed.
        key: Key,
        /// The exception's class, such as `ZeroDivisionError`.
        class: Arc<str>,
        /// What `str(exception)` is in Python.
        message: Arc<str>,
        /// As Python prints it; empty if there is none.
        traceback: Arc<str>,
    },
    /// What the task had made, or would have made, is gone with a part of the cluster.
    Lost {
        /// The task.
        key: Key,
        /// What went away.
        reason: Arc<str>,
    },
    /// There is no connection to the Dask scheduler.
    NotConnected {
        /// The scheduler.
        address: Arc<str>,
        /// What was found there.
        source: Arc<dyn StdError + Send + Sync>,
    },
    /// What only a Dask cluster has was asked of the embedded engine.
    NeedsDask {
        /// A Python function, or an operation.
        function: Arc<str>,
    },
    /// Other workers were allowed, and none was named.
    NoWorkers,
    // --- the machine's ---
    /// The operating system refused a thread or a runtime.
    Start {
        /// What it said.
        source: Arc<io::Error>,
    },
    /// `close` gave up waiting for task bodies that do not end. Every future is resolved all the same. Likewise, `leave` of a
    /// worker, which goes on leaving.
    StillRunning {
        /// How many bodies still run.
        tasks: usize,
        /// The time that they were given.
        after: Duration,
    },
}

impl Error {
    /// The error that the task itself returned, if it is an `E`.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use std::num::ParseIntError;
    /// use anydask::{Client, fallible, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let parsed = client.submit(fallible(|text: &str| text.parse::<i64>()), "ten");
    /// assert!(parsed.wait().unwrap_err().downcast_ref::<ParseIntError>().is_some());
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        match self {
            Self::Failed { source, .. } => source.downcast_ref(),
            _ => None,
        }
    }

    /// The key of the task that the error is about, if it is about one.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let failing = client.task(|| -> i64 { panic!("no") }, ()).key("failing").submit();
    /// let after = client.submit(|x: i64| x + 1, failing);
    /// assert!(after.wait().unwrap_err().key().is_some_and(|key| *key == "failing"));
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn key(&self) -> Option<&Key> {
        match self {
            Self::Failed { key, .. }
            | Self::Panicked { key, .. }
            | Self::Cancelled { key, .. }
            | Self::RuntimeGone { key }
            | Self::RunTimeout { key, .. }
            | Self::DeadlineExceeded { key, .. }
            | Self::NoResource { key, .. }
            | Self::ForeignFuture { key }
            | Self::NotFailed { key, .. }
            | Self::NotRepeatable { key }
            | Self::NotDecoded { key, .. }
            | Self::Exception { key, .. }
            | Self::Lost { key, .. }
            | Self::KeyConflict { key }
            | Self::Taken { key } => Some(key),
            _ => None,
        }
    }

    /// Whether the task was cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, asynchronous, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let never = client.submit(asynchronous(|| std::future::pending::<i64>()), ());
    /// client.close().wait()?;
    /// assert!(never.wait().unwrap_err().is_cancelled());
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled { .. })
    }

    /// Whether the time was over first.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use std::time::Duration;
    /// use anydask::{Client, asynchronous, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let never = client.submit(asynchronous(|| std::future::pending::<i64>()), ());
    /// assert!(never.timeout(Duration::from_millis(1)).wait().unwrap_err().is_timeout());
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. })
    }

    /// Whether the task itself, or one that it depends on, failed: what a retry can mend.
    pub(crate) fn is_failure(&self) -> bool {
        !matches!(self, Self::Cancelled { .. } | Self::RuntimeGone { .. } | Self::Lost { .. })
    }

    /// All levels in one line.
    pub(crate) fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = self.source();
        while let Some(error) = source {
            text.push_str(": ");
            text.push_str(&error.to_string());
            source = error.source();
        }
        text
    }

    pub(crate) fn start(source: io::Error) -> Self {
        Self::Start { source: Arc::new(source) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { key, .. } => write!(f, "task `{key}` failed"),
            Self::Panicked { key, message, location: Some(location) } => {
                write!(f, "task `{key}` panicked at {location}: {message}")
            }
            Self::Panicked { key, message, location: None } => write!(f, "task `{key}` panicked: {message}"),
            Self::Cancelled { key, reason } => {
                write!(f, "task `{key}` was cancelled, reason: {reason}; submit it again if it is still needed")
            }
            Self::RunTimeout { key, after } => {
                write!(f, "a run of task `{key}` took longer than its timeout of {after:?}; give it more, or retries")
            }
            Self::DeadlineExceeded { key, after } => {
                write!(f, "task `{key}` had not finished {after:?} after it was submitted; give it a later deadline")
            }
            Self::NoResource { key, resource, wanted, total } => write!(
                f,
                "task `{key}` needs {wanted} of `{resource}` and the engine has {total} in all; give the engine more \
                 with `Builder::resources`"
            ),
            Self::InvalidResource { resource, amount } => {
                write!(f, "{amount} is no amount of `{resource}`; give a finite number that is not negative")
            }
            Self::Deadlock { keys } => {
                let keys = keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
                write!(
                    f,
                    "tasks wait for each other: {keys}; have one of them take the result of the next as an argument, or \
                     give its wait a `timeout`"
                )
            }
            Self::EngineClosed => f.write_str("the engine is closed; open a new one"),
            Self::NoClient => f.write_str(
                "no client is open here; open one with `Client::scope`, or make one the current one with `Client::enter`",
            ),
            Self::NotFailed { key, status } => {
                write!(f, "task `{key}` is {status}, and only a failed one can be retried; submit it again instead")
            }
            Self::NotRepeatable { key } => write!(
                f,
                "task `{key}` cannot be run again: its arguments were moved into its run; submit it with \
                 `client.task(f, args).retryable()`, or with `.retries(n)`"
            ),
            Self::NotPure { task } => write!(
                f,
                "`{task}` cannot be pure: it captures something, or has an argument that is no future, number or text; \
                 choose a `key` instead"
            ),
            Self::RuntimeGone { key } => write!(
                f,
                "task `{key}` was lost: its runtime shut down while it ran; keep the runtime alive until the client is \
                 closed"
            ),
            Self::Timeout { operation, after } => {
                write!(
                    f,
                    "`{operation}` was not done within {after:?}; what it waits for goes on, so it can be waited for again"
                )
            }
            Self::ClientClosed { operation } => {
                write!(f, "`{operation}` was refused: the client is closed; open a new one")
            }
            Self::BlockingInAsync { operation, runtime } => {
                write!(f, "waiting for `{operation}` with `.wait()` would block a task of {runtime}; use `.await` here")
            }
            Self::TooManyBlocked { limit } => write!(
                f,
                "{limit} tasks already block on other tasks, and there is no thread for another; make the waiting tasks \
                 `asynchronous` and `.await` there"
            ),
            Self::ForeignFuture { key } => write!(
                f,
                "the future `{key}` was created by another client; use that client, or await it and pass the value"
            ),
            Self::KeyConflict { key } => write!(
                f,
                "the key `{key}` already stands for other work; choose another key, or clone the first future"
            ),
            Self::InvalidKey { nbytes, nbytes_max } => {
                write!(f, "a key has 1 to {nbytes_max} bytes, and this one has {nbytes}; choose another")
            }
            Self::NotInTask => f.write_str("no task runs here; call `TaskContext::current()` from the body of a task"),
            Self::NoRoom { operation } => write!(f, "`{operation}(0)` has room for no task; give 1 or more"),
            Self::Taken { key } => write!(
                f,
                "the value of `{key}` was moved out by the await of its last handle; await `&future` to keep it"
            ),
            Self::InvalidThreads { threads, threads_max } => {
                write!(f, "an engine has 1 to {threads_max} threads, not {threads}")
            }
            Self::DuplicateTask { name, first, second } => write!(
                f,
                "two tasks are registered as `{name}`: at {first} and at {second}; give one another name with \
                 `#[task(name = \"..\")]`"
            ),
            Self::NotPortable { task, fix } => write!(f, "`{task}` cannot run in another process; {fix}"),
            Self::NotEncoded { task, value, .. } => write!(f, "{value} of `{task}` cannot go to another process"),
            Self::NotDecoded { key, .. } => write!(
                f,
                "the result of task `{key}` has another type than its future; ask for the type that the task gives"
            ),
            Self::Exception { key, class, message, .. } if message.is_empty() => {
                write!(f, "task `{key}` raised {class}")
            }
            Self::Exception { key, class, message, .. } => write!(f, "task `{key}` raised {class}: {message}"),
            Self::Lost { key, reason } => write!(f, "task `{key}` is lost, reason: {reason}; submit it again"),
            Self::NotConnected { address, .. } => {
                write!(f, "there is no connection to the Dask scheduler at `{address}`")
            }
            Self::NeedsDask { function } => write!(
                f,
                "`{function}` needs a Dask cluster, and this client's engine is embedded; open the client of a cluster \
                 with `Client::connect`"
            ),
            Self::NoWorkers => f.write_str("`allow_other_workers` goes with `workers`; name some, or leave it out"),
            Self::NoRuntime(error) => error.fmt(f),
            Self::Start { .. } => {
                f.write_str("the operating system refused a thread; ask for fewer with `threads`, or raise its limits")
            }
            Self::StillRunning { tasks, after } => write!(
                f,
                "{tasks} task bodies had not ended {after:?} after they were told to, by a close or a leave; they are left to \
                 themselves: have long ones look now and then whether they are still needed"
            ),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Failed { source, .. }
            | Self::NotEncoded { source, .. }
            | Self::NotDecoded { source, .. }
            | Self::NotConnected { source, .. } => Some(source.as_ref()),
            Self::Start { source } => Some(source.as_ref()),
            _ => None,
        }
    }
}

impl From<NoRuntime> for Error {
    fn from(error: NoRuntime) -> Self {
        Self::NoRuntime(error)
    }
}

impl From<NestedBlockOn> for Error {
    fn from(error: NestedBlockOn) -> Self {
        Self::BlockingInAsync { operation: "sync", runtime: error.runtime }
    }
}
