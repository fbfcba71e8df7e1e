use std::fmt;
use std::io;
use std::num::NonZero;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

#[cfg(feature = "dask")]
use crate::client::connect::ClusterSettings;
use crate::client::operation::Wait;
use crate::client::{Client, Engine, Operation, Scope};
use crate::engine::local::{self, ClientState};
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
    pub(crate) settings: Settings,
}

/// What an engine is started with.
pub(crate) struct Settings {
    threads: Option<usize>,
    pub(crate) name: String,
    resources: Vec<(String, f64)>,
    unrunnable_timeout: Duration,
    #[cfg(feature = "dask")]
    pub(crate) cluster: ClusterSettings,
}

/// How long a task may wait for resources that the engine does not have, unless the builder says otherwise: enough for
/// a program that adds them as it starts.
const UNRUNNABLE_TIMEOUT: Duration = Duration::from_secs(5);

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
        let settings = Settings {
            threads: None,
            name: "anydask".to_owned(),
            resources: Vec::new(),
            unrunnable_timeout: UNRUNNABLE_TIMEOUT,
            #[cfg(feature = "dask")]
            cluster: ClusterSettings::default(),
        };
        Self { source, settings }
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
        self.settings.threads = Some(threads);
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
        self.settings.name = name.into().replace('\0', "");
        self
    }

    /// Gives the engine abstract resources, of which tasks can hold amounts while they run: graphics cards, licences,
    /// requests at once.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let client = Client::<Smol>::builder().threads(8).resources([("gpu", 2.0)]).local().wait()?;
    /// // At most two at once, however many threads there are.
    /// let trained = client.tasks(|seed: u64| seed, 0..10).resources([("gpu", 1.0)]).submit();
    /// assert_eq!(client.gather(trained).wait()?.len(), 10);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn resources<N: Into<String>>(mut self, amounts: impl IntoIterator<Item = (N, f64)>) -> Self {
        self.settings.resources = amounts.into_iter().map(|(name, amount)| (name.into(), amount)).collect();
        self
    }

    /// How long a task waits for resources of which the engine has not enough in all, before it fails with
    /// [`Error::NoResource`]: 5 s, unless this says otherwise. Meanwhile [`Engine::add_resources`] can add them.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use std::time::Duration;
    /// use anydask::{Client, Error, runtime::Smol};
    ///
    /// let client = Client::<Smol>::builder().unrunnable_timeout(Duration::ZERO).local().wait()?;
    /// let future = client.task(|| 1, ()).resources([("gpu", 1.0)]).submit();
    /// assert!(matches!(future.wait(), Err(Error::NoResource { .. })));
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn unrunnable_timeout(mut self, limit: Duration) -> Self {
        self.settings.unrunnable_timeout = limit;
        self
    }

    pub(crate) fn runtime(self, is_blocking: bool) -> Result<(R, Settings), Error> {
        let runtime = match self.source {
            Source::Given(runtime) => runtime,
            Source::Find { available, start } => match available() {
                Err(_) if is_blocking => start().map_err(Error::start)?,
                found => found?,
            },
        };
        Ok((runtime, self.settings))
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
        self.opening("local", |runtime, engine| {
            // Nobody else can have closed it yet. The client takes over from the handle that the engine comes with.
            let client = ClientState::new(&engine, true)?;
            engine.release();
            Ok(Client::new(runtime, client))
        })
    }

    /// Opens an engine without a client, for several of them; see [`Engine`].
    ///
    /// # Errors
    ///
    /// Those of [`local`](Self::local).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let engine = Client::with_runtime(Smol::new()).threads(2).engine().wait()?;
    /// let client = Client::on(&engine)?;
    /// assert_eq!(client.threads(), 2);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn engine(self) -> Operation<Engine<R>> {
        self.opening("engine", |runtime, engine| Ok(Engine::new(runtime, engine)))
    }

    fn opening<T: 'static>(self, name: &'static str, finish: Finish<R, T>) -> Operation<T> {
        Operation::new(name, None, Open { builder: Some(self), name, finish, is_blocking: false })
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
        let (runtime, settings) = self.runtime(true)?;
        if runtime.in_async_context() {
            return Err(Error::BlockingInAsync { operation, runtime: runtime.name() });
        }
        Ok(Self { source: Source::Given(runtime), settings })
    }

    pub(crate) fn runtime_of_resolved(&self) -> Option<&R> {
        match &self.source {
            Source::Given(runtime) => Some(runtime),
            Source::Find { .. } => None,
        }
    }

    fn open<T>(self, finish: Finish<R, T>, is_blocking: bool) -> Result<T, Error> {
        task::check_registrations()?;
        let (runtime, settings) = self.runtime(is_blocking)?;
        let threads = settings.threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZero::get));
        let Settings { name, resources, unrunnable_timeout, .. } = settings;
        let resources = task::sum_amounts(resources)?;
        let settings = local::Settings { threads, name, resources, unrunnable_timeout };
        let engine = local::Engine::start(runtime.clone(), settings)?;
        finish(runtime, engine)
    }
}

/// Makes of an engine, with its handle, what is opened.
type Finish<R, T> = fn(R, Arc<local::Engine>) -> Result<T, Error>;

/// Opening a client, or an engine. It is done at the first poll: an embedded engine waits for nothing.
struct Open<R, T> {
    builder: Option<Builder<R>>,
    name: &'static str,
    finish: Finish<R, T>,
    is_blocking: bool,
}

impl<R, T> Unpin for Open<R, T> {}

impl<R: Runtime, T> Future for Open<R, T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let (finish, is_blocking) = (self.finish, self.is_blocking);
        match self.builder.take() {
            Some(builder) => Poll::Ready(builder.open(finish, is_blocking)),
            None => Poll::Pending,
        }
    }
}

impl<R: Runtime, T> Wait<T> for Open<R, T> {
    fn begin_blocking(mut self: Pin<&mut Self>) -> Result<(), Error> {
        if let Some(builder) = self.builder.take() {
            let name = self.name;
            self.builder = Some(builder.resolve_blocking(name)?);
        }
        self.is_blocking = true;
        Ok(())
    }
}

impl<R> fmt::Debug for Builder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("threads", &self.settings.threads)
            .field("name", &self.settings.name)
            .finish_non_exhaustive()
    }
}
