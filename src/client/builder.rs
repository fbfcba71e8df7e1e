use std::fmt;
use std::io;
use std::num::NonZero;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

use crate::client::operation::Wait;
use crate::client::{Client, Operation, Scope};
use crate::engine::local::Engine;
use crate::runtime::{NoRuntime, Runtime};
use crate::{Error, task};

/// Chooses how a client starts; made by [`Client::builder`], [`Client::with_runtime`] and [`Client::detect`].
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, runtime::Smol};
///
/// let client = Client::with_runtime(Smol::new()).threads(2).name("web").local().wait()?;
/// assert_eq!(client.threads(), 2);
/// # }
/// # Ok::<(), anydask::Error>(())
/// ```
#[must_use = "a builder does nothing until it is told what to open"]
pub struct Builder<R> {
    source: Source<R>,
    threads: Option<usize>,
    name: String,
}

/// Where the runtime comes from.
enum Source<R> {
    Given(R),
    Find { available: fn() -> Result<R, NoRuntime>, start: fn() -> io::Result<R> },
}

impl<R> Builder<R> {
    pub(crate) fn given(runtime: R) -> Self {
        Self::new(Source::Given(runtime))
    }

    pub(crate) fn find(available: fn() -> Result<R, NoRuntime>, start: fn() -> io::Result<R>) -> Self {
        Self::new(Source::Find { available, start })
    }

    fn new(source: Source<R>) -> Self {
        Self { source, threads: None, name: "anydask".to_owned() }
    }

    /// How many CPU tasks run at once, 1 to 1024. By default, as many as there are cores.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, Error, runtime::Smol};
    ///
    /// assert_eq!(Client::<Smol>::builder().threads(3).local().wait()?.threads(), 3);
    /// let none = Client::<Smol>::builder().threads(0).local().wait();
    /// assert!(matches!(none, Err(Error::InvalidThreads { threads: 0, .. })));
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// The name of the engine's threads, for debuggers and logs.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let client = Client::<Smol>::builder().name("web").local().wait()?;
    /// let name = client.submit(|| std::thread::current().name().map(str::to_owned), ()).wait()?;
    /// assert!(name.unwrap().starts_with("web-"));
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn name(mut self, name: impl Into<String>) -> Self {
        // What the operating system cannot take in a thread's name.
        self.name = name.into().replace('\0', "");
        self
    }

    fn runtime(self, is_blocking: bool) -> Result<(R, Option<usize>, String), Error> {
        let runtime = match self.source {
            Source::Given(runtime) => runtime,
            Source::Find { available, start } => match available() {
                Err(_) if is_blocking => start().map_err(Error::start)?,
                found => found?,
            },
        };
        Ok((runtime, self.threads, self.name))
    }
}

impl<R: Runtime> Builder<R> {
    /// Opens a client with an embedded engine of its own.
    ///
    /// # Errors
    ///
    /// Those of [`Client::local`], and [`Error::InvalidThreads`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let client = Client::with_runtime(Smol::new()).local().wait()?;
    /// assert_eq!(client.submit(|| 1, ()).wait()?, 1);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn local(self) -> Operation<Client<R>> {
        Operation::new("local", None, Open { builder: Some(self), is_blocking: false })
    }

    /// Opens a client for `body` and closes it on every way out; see [`Client::scope`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let scope = Client::with_runtime(Smol::new()).threads(1).scope(async |client| client.submit(|| 1, ()).await);
    /// assert_eq!(scope.wait()?, 1);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn scope<F, Fut, T, E>(self, body: F) -> Scope<R, F, Fut, T, E>
    where
        F: FnOnce(Client<R>) -> Fut,
        Fut: Future<Output = Result<T, E>>,
        E: From<Error>,
    {
        Scope::new(self, body)
    }

    /// Takes the runtime that is given or found, for blocking code.
    pub(crate) fn resolve_blocking(self, operation: &'static str) -> Result<Self, Error> {
        let (runtime, threads, name) = self.runtime(true)?;
        if runtime.in_async_context() {
            return Err(Error::BlockingInAsync { operation, runtime: runtime.name() });
        }
        Ok(Self { source: Source::Given(runtime), threads, name })
    }

    pub(crate) fn runtime_of_resolved(&self) -> Option<&R> {
        match &self.source {
            Source::Given(runtime) => Some(runtime),
            Source::Find { .. } => None,
        }
    }

    fn open(self, is_blocking: bool) -> Result<Client<R>, Error> {
        task::check_registrations()?;
        let (runtime, threads, name) = self.runtime(is_blocking)?;
        let threads = threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZero::get));
        let engine = Engine::start(runtime.clone(), threads, &name)?;
        Ok(Client::new(runtime, engine))
    }
}

/// Opening a client. It is done at the first poll: an embedded engine waits for nothing.
struct Open<R> {
    builder: Option<Builder<R>>,
    is_blocking: bool,
}

impl<R> Unpin for Open<R> {}

impl<R: Runtime> Future for Open<R> {
    type Output = Result<Client<R>, Error>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let is_blocking = self.is_blocking;
        match self.builder.take() {
            Some(builder) => Poll::Ready(builder.open(is_blocking)),
            None => Poll::Pending,
        }
    }
}

impl<R: Runtime> Wait<Client<R>> for Open<R> {
    fn begin_blocking(mut self: Pin<&mut Self>) -> Result<(), Error> {
        if let Some(builder) = self.builder.take() {
            self.builder = Some(builder.resolve_blocking("local")?);
        }
        self.is_blocking = true;
        Ok(())
    }
}

impl<R> fmt::Debug for Builder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("threads", &self.threads).field("name", &self.name).finish_non_exhaustive()
    }
}
