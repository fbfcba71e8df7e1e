//! The client: what a program holds, and the operations that wait.

mod as_completed;
#[cfg(feature = "progress")]
mod bar;
mod blocking;
mod buffered;
mod builder;
mod cancel;
#[cfg(feature = "dask")]
mod cluster;
#[cfg(feature = "dask")]
mod connect;
mod countdown;
mod counts;
mod current;
#[cfg(any(feature = "dask", all(test, feature = "smol")))]
mod embedded;
mod engine;
mod erased;
mod future;
mod gather;
mod held;
mod info;
mod map_stream;
mod next;
mod operation;
mod progress;
mod results;
mod retry;
mod scatter;
#[cfg(feature = "dask")]
mod scattering;
mod scope;
mod shape;
mod submit;
mod task_builder;
mod wait;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

pub use self::as_completed::{AsCompleted, Batch, as_completed};
pub use self::buffered::{Buffered, BufferedUnordered};
pub use self::builder::Builder;
#[cfg(feature = "dask")]
pub use self::cluster::WorkerInfo;
pub use self::counts::Counts;
pub use self::current::{Entered, InClient};
pub use self::engine::Engine;
pub use self::gather::Gather;
pub use self::info::{Dump, Info, ResourceInfo};
pub use self::map_stream::MapStream;
pub use self::next::{Next, NextWithin};
pub use self::operation::Operation;
pub(crate) use self::progress::Counting;
pub use self::progress::Progress;
pub use self::results::Results;
pub use self::scatter::Scatter;
#[cfg(feature = "dask")]
pub use self::scattering::Scattering;
pub use self::scope::Scope;
pub use self::shape::Shape;
pub use self::task_builder::{Given, Many, One, TaskBuilder};
pub use self::wait::Waited;

#[cfg(all(test, feature = "dask", feature = "smol"))]
pub(crate) use self::connect::on_connection;
#[cfg(any(feature = "dask", all(test, feature = "smol")))]
pub(crate) use self::embedded::embedded;
pub(crate) use self::erased::{Submitter, caught};
pub(crate) use self::operation::Wait;

use self::held::Held;
use self::operation::Closed;
use crate::Error;
use crate::engine::local::{ClientState, EngineStatus};
use crate::runtime::{AnyRuntime, BlockOn, Current, NoRuntime, Runtime};
use crate::task::Options;

/// How long [`Client::close`] waits for task bodies that do not end: what Dask gives its own workers.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// A client of an engine: submits work and waits for results, on the runtime `R` or from blocking code.
///
/// Clones are the same client. It closes with [`close`](Self::close), or when the last clone is dropped; then no
/// future stays pending: those that have not finished resolve to [`Error::Cancelled`]. A client that started its engine
/// takes it along; several can share an [`Engine`].
///
/// # Examples
///
/// Dask's first example, awaited:
///
/// ```
/// # #[cfg(feature = "tokio")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), anydask::Error> {
/// use anydask::{Client, runtime::Tokio};
///
/// let client = Client::<Tokio>::local().await?;
/// let future = client.submit(|x: i64| x + 1, 10);
/// assert_eq!(future.await?, 11);
/// client.close().await
/// # }
/// # #[cfg(not(feature = "tokio"))] fn main() {}
/// ```
///
/// and in a library that names no runtime:
///
/// ```
/// use anydask::{Client, Error, runtime::Runtime};
///
/// async fn sum_of_squares<R: Runtime>(client: &Client<R>, n: u64) -> Result<u64, Error> {
///     let squares = client.map(|x: u64| x * x, 0..n);
///     client.submit(|squares: Vec<u64>| squares.iter().sum(), squares).await
/// }
/// ```
pub struct Client<R: Runtime = AnyRuntime> {
    runtime: R,
    state: Held,
    /// What each of its submissions asks for.
    defaults: Option<Arc<Options>>,
}

/// Whether a client takes submissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ClientStatus {
    /// It does.
    Running,
    /// It has begun to close.
    Closing,
    /// It has closed: all its threads have ended.
    Closed,
}

impl From<EngineStatus> for ClientStatus {
    fn from(status: EngineStatus) -> Self {
        match status {
            EngineStatus::Running => Self::Running,
            EngineStatus::Closing => Self::Closing,
            EngineStatus::Closed => Self::Closed,
        }
    }
}

impl fmt::Display for ClientStatus {
    /// Writes Dask's word: `running`, `closing`, `closed`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Closing => "closing",
            Self::Closed => "closed",
        })
    }
}

/// Starting without a runtime in hand.
impl<R: Current> Client<R> {
    /// Opens a client with an embedded engine of its own, with one thread for each core.
    ///
    /// Awaited, it uses the runtime around the caller; in blocking code that has none around, it starts one.
    ///
    /// # Errors
    ///
    /// [`Error::NoRuntime`] when awaited outside of the runtime; [`Error::DuplicateTask`]; [`Error::Start`] when the
    /// operating system gives no threads.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use anydask::{Client, runtime::Tokio};
    ///
    /// let client = Client::<Tokio>::local().wait()?;
    /// assert_eq!(client.submit(|| 1 + 1, ()).wait()?, 2);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn local() -> Operation<Self> {
        Self::builder().local()
    }

    /// Chooses more than [`local`](Self::local) does.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use anydask::{Client, runtime::Tokio};
    ///
    /// let client = Client::<Tokio>::builder().threads(4).name("web").local().wait()?;
    /// assert_eq!(client.threads(), 4);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn builder() -> Builder<R> {
        Builder::find(R::available, R::start)
    }

    /// Opens a client for `body` and closes it on every way out: Dask's `async with`. Inside it is the
    /// [current](Client::current) client.
    ///
    /// Await it, or call [`wait`](Scope::wait) in blocking code.
    ///
    /// # Cancel safety
    ///
    /// Dropping it, or a panic in `body`, drops the client, which closes it.
    ///
    /// # Errors
    ///
    /// What `body` fails with, unchanged; else what opening or closing fails with.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, Error, runtime::Smol};
    ///
    /// let eleven = smol::block_on(async {
    ///     Client::<Smol>::scope(async |client| client.submit(|x: i64| x + 1, 10).await).await
    /// })?;
    /// assert_eq!(eleven, 11);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn scope<F, Fut, T, E>(body: F) -> Scope<R, F, Fut, T, E>
    where
        F: FnOnce(Self) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: From<Error>,
    {
        Self::builder().scope(body)
    }
}

/// Starting with the runtime that is around the caller, whichever it is.
impl Client {
    /// Finds the runtime around the caller among those that are compiled in (tokio, async-std, smol, in this order)
    /// and goes on with it, erased.
    ///
    /// It never starts a runtime.
    ///
    /// # Errors
    ///
    /// [`Error::NoRuntime`], with what was looked for.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// smol::block_on(async {
    ///     let client = anydask::Client::detect()?.local().await?;
    ///     assert_eq!(client.submit(|x: i64| x + 1, 10).await?, 11);
    ///     client.close().await
    /// })?;
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn detect() -> Result<Builder<AnyRuntime>, Error> {
        Ok(Builder::given(detect()?))
    }
}

// A client without a type argument is the same type under every set of features.
const _: fn(Client) -> Client<AnyRuntime> = |client| client;

/// The runtime around the caller. Each feature adds a candidate, which also must be current: none changes what
/// another finds.
fn detect() -> Result<AnyRuntime, NoRuntime> {
    #[allow(unused_mut)]
    let mut looked_for: Vec<&'static str> = Vec::new();
    macro_rules! candidate {
        ($feature:literal, $runtime:ident) => {
            #[cfg(feature = $feature)]
            {
                if let Ok(runtime) = <crate::runtime::$runtime as Current>::current() {
                    return Ok(AnyRuntime::new(runtime));
                }
                looked_for.push($feature);
            }
        };
    }
    candidate!("tokio", Tokio);
    candidate!("async-std", AsyncStd);
    candidate!("smol", Smol);
    Err(NoRuntime::new(looked_for))
}

impl<R: Runtime> Client<R> {
    /// Starts with a runtime that the caller names: explicit beats ambient.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let client = Client::with_runtime(Smol::new()).threads(2).local().wait()?;
    /// assert_eq!(client.submit(|x: i64| x + 1, 10).wait()?, 11);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn with_runtime(runtime: R) -> Builder<R> {
        Builder::given(runtime)
    }

    /// Takes over the handle that `state` comes with.
    fn new(runtime: R, state: Arc<ClientState>) -> Self {
        Self { runtime, state: Held::new(state), defaults: None }
    }

    /// The same client, with defaults for what it submits; they go with its clones, and hold where a submission
    /// does not say otherwise. Those that it had before are replaced.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, Options, runtime::Smol};
    ///
    /// let client = Client::<Smol>::builder().resources([("gpu", 1.0)]).local().wait()?;
    /// let on_gpu = client.with(Options::new().resources([("gpu", 1.0)]).priority(5));
    /// assert_eq!(client.gather(on_gpu.map(|x: u64| x + 1, 0..3)).wait()?, [1, 2, 3]);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn with(&self, options: Options) -> Self {
        Self { defaults: Some(Arc::new(options)), ..self.clone() }
    }

    pub(crate) fn state(&self) -> &Arc<ClientState> {
        &self.state.state
    }

    /// What a submission asks for that says nothing.
    fn options(&self) -> Option<Options> {
        self.defaults.as_deref().cloned()
    }

    /// The runtime that this client's asynchronous tasks run on.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::{Runtime, Smol}};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// assert_eq!(client.runtime().name(), "smol");
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn runtime(&self) -> &R {
        &self.runtime
    }

    /// How many CPU tasks run at once.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let client = Client::<Smol>::builder().threads(2).local().wait()?;
    /// assert_eq!(client.threads(), 2);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn threads(&self) -> usize {
        self.state().engine().threads()
    }

    /// Whether the client takes submissions. Never waits.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, ClientStatus, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// assert_eq!(client.status(), ClientStatus::Running);
    /// client.close().wait()?;
    /// assert_eq!(client.status(), ClientStatus::Closed);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn status(&self) -> ClientStatus {
        self.state().status().into()
    }

    /// Closes the client: refuses further submissions, cancels what has not finished, waits for the bodies that run, and
    /// joins the engine's threads. Idempotent. Values that are there stay readable.
    ///
    /// Of several clients on an [`Engine`], it cancels what this one has submitted, without what was
    /// [detached](crate::TaskFuture::detach) and what that needs, and leaves the engine to the others.
    ///
    /// A task that closes its own client does not wait for itself.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the close goes on when this is dropped. Call it again to wait for its end.
    ///
    /// # Errors
    ///
    /// [`Error::StillRunning`] if bodies have not ended after 5 s; [`timeout`](Operation::timeout) chooses another time.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, ClientStatus, Error, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// client.close().wait()?;
    /// client.close().wait()?;
    /// assert_eq!(client.status(), ClientStatus::Closed);
    /// assert!(matches!(client.submit(|| 1, ()).wait(), Err(Error::ClientClosed { operation: "submit", .. })));
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn close(&self) -> Operation<()> {
        #[cfg(feature = "dask")]
        if let Some(cluster) = &self.state.cluster {
            let closing = connect::Closing::new(Arc::clone(self.state()), Arc::clone(cluster.connection()));
            return self.operation("close", Closed::new(closing)).timeout(CLOSE_TIMEOUT);
        }
        self.operation("close", Closed::new(Arc::clone(self.state()))).timeout(CLOSE_TIMEOUT)
    }

    fn operation<T>(&self, name: &'static str, wait: impl Wait<T> + 'static) -> Operation<T> {
        Operation::new(name, Some(Arc::clone(self.state()) as _), wait)
    }
}

/// Blocking code that runs asynchronous code.
impl<R: BlockOn> Client<R> {
    /// Runs a future to its end on the calling thread, inside the client's runtime: Dask's `Client.sync`.
    ///
    /// # Errors
    ///
    /// What the future fails with; [`Error::BlockingInAsync`] when called from an asynchronous task.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use anydask::{Client, runtime::Tokio};
    ///
    /// let client = Client::<Tokio>::local().wait()?;
    /// let futures = client.map(|x: i64| x + 1, 0..3);
    /// let values = client.sync(async { client.gather(&futures).await })?;
    /// assert_eq!(values, [1, 2, 3]);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn sync<T, E, Fut>(&self, future: Fut) -> Result<T, E>
    where
        Fut: Future<Output = Result<T, E>>,
        E: From<Error>,
    {
        use crate::task::{Resume, Scheduler};

        let scheduler = self.state();
        scheduler.check_may_block("sync")?;
        let (mut future, mut result) = (Some(future), None);
        scheduler.block(&mut || {
            result = future.take().map(|future| self.runtime.block_on(future));
            Resume::WithSlot
        })?;
        match result {
            Some(Ok(result)) => result,
            Some(Err(nested)) => Err(Error::from(nested).into()),
            None => unreachable!("the engine calls what it is given once"),
        }
    }
}

impl<R: Runtime> Clone for Client<R> {
    fn clone(&self) -> Self {
        Self { runtime: self.runtime.clone(), state: self.state.clone(), defaults: self.defaults.clone() }
    }
}

impl<R: Runtime> fmt::Debug for Client<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("Client");
        fields.field("runtime", &self.runtime.name());
        fields.field("threads", &self.threads());
        fields.field("status", &self.status());
        #[cfg(feature = "dask")]
        if let Some(cluster) = &self.state.cluster {
            fields.field("cluster", cluster.connection());
        }
        fields.finish()
    }
}
