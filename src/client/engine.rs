use std::fmt;
use std::sync::Arc;

use crate::Error;
use crate::client::info::{Dump, Info};
use crate::client::operation::Closed;
use crate::client::{CLOSE_TIMEOUT, Client, ClientStatus, Operation};
use crate::engine::local::{self, ClientState};
use crate::runtime::{AnyRuntime, Current, Runtime};
use crate::task::sum_amounts;

/// An embedded engine that several clients share.
///
/// Clones are the same engine. It closes with [`close`](Self::close), or when all clones and all clients are gone; that of a
/// client which started it by itself, as [`Client::local`] does, closes with that client.
/// Each client has futures of its own; those of one are refused by another with [`Error::ForeignFuture`]. A chosen key
/// is one task for all of them: it is done once, and goes on as long as one client wants it.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, Engine, runtime::Smol};
///
/// fn load(path: String) -> usize {
///     path.len()
/// }
///
/// let engine = Engine::<Smol>::local().wait()?;
/// let (one, other) = (Client::on(&engine)?, Client::on(&engine)?);
/// let [a, b] = [&one, &other].map(|client| client.task(load, "table".to_owned()).key("table").submit());
/// a.cancel();
/// assert!(a.wait().unwrap_err().is_cancelled());
/// assert_eq!(b.wait()?, 5);
/// # }
/// # Ok::<(), anydask::Error>(())
/// ```
pub struct Engine<R: Runtime = AnyRuntime> {
    runtime: R,
    engine: Arc<local::Engine>,
}

impl<R: Current> Engine<R> {
    /// Opens an engine without a client, with one thread for each core; see [`Client::local`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::local`].
    pub fn local() -> Operation<Self> {
        Client::builder().engine()
    }
}

impl<R: Runtime> Engine<R> {
    /// Takes over a handle of `engine`.
    pub(super) fn new(runtime: R, engine: Arc<local::Engine>) -> Self {
        Self { runtime, engine }
    }

    /// How many CPU tasks run at once.
    pub fn threads(&self) -> usize {
        self.engine.threads()
    }

    /// Whether it takes clients. Never waits.
    pub fn status(&self) -> ClientStatus {
        self.engine.status().into()
    }

    /// What it has and does now; see [`Client::info`].
    pub fn info(&self) -> Info {
        Info::of(&self.engine)
    }

    /// All that is known of it and of each task; see [`Client::dump`].
    pub fn dump(&self) -> Dump {
        Dump::of(&self.engine)
    }

    /// Adds to the resources that it has. Tasks that wait for them go on.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidResource`]; then none is added.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, Engine, runtime::Smol};
    ///
    /// let engine = Engine::<Smol>::local().wait()?;
    /// let client = Client::on(&engine)?;
    /// let future = client.task(|| 1, ()).resources([("gpu", 1.0)]).key("train").submit();
    /// assert_eq!(client.info().unrunnable, ["train"]);
    /// engine.add_resources([("gpu", 1.0)])?;
    /// assert_eq!(future.wait()?, 1);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn add_resources<N: Into<String>>(&self, amounts: impl IntoIterator<Item = (N, f64)>) -> Result<(), Error> {
        let sums = sum_amounts(amounts.into_iter().map(|(name, amount)| (name.into(), amount)))?;
        self.engine.add_resources(sums);
        Ok(())
    }

    /// Cancels every task of every client, also those that have finished, and drops their values; the engine and its
    /// clients go on. Bodies that run go on to their ends, and hold their threads and resources until then.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, Engine, runtime::Smol};
    ///
    /// let engine = Engine::<Smol>::local().wait()?;
    /// let client = Client::on(&engine)?;
    /// let future = client.submit(|| 1, ());
    /// future.wait()?;
    /// engine.restart();
    /// assert!(future.wait().unwrap_err().is_cancelled());
    /// assert_eq!(client.submit(|| 2, ()).wait()?, 2);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn restart(&self) {
        self.engine.restart();
    }

    /// Closes the engine with all of its clients; see [`Client::close`].
    ///
    /// # Cancel safety
    ///
    /// Once polled, the close goes on when this is dropped. Call it again to wait for its end.
    ///
    /// # Errors
    ///
    /// [`Error::StillRunning`] if bodies have not ended after 5 s; [`timeout`](Operation::timeout) chooses another time.
    pub fn close(&self) -> Operation<()> {
        let scheduler = Some(Arc::clone(&self.engine) as _);
        Operation::new("close", scheduler, Closed::new(Arc::clone(&self.engine))).timeout(CLOSE_TIMEOUT)
    }
}

impl<R: Runtime> Client<R> {
    /// Opens one more client on an engine. It waits for nothing.
    ///
    /// # Errors
    ///
    /// [`Error::EngineClosed`]; [`Error::DuplicateTask`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, Engine, runtime::Smol};
    ///
    /// let engine = Engine::<Smol>::local().wait()?;
    /// let client = Client::on(&engine)?;
    /// assert_eq!(client.submit(|| 1, ()).wait()?, 1);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn on(engine: &Engine<R>) -> Result<Self, Error> {
        Ok(Self::new(engine.runtime.clone(), ClientState::new(&engine.engine, false)?))
    }

    /// The engine of this client, for further clients. A client that started it closes it when it closes.
    pub fn engine(&self) -> Engine<R> {
        let engine = Arc::clone(self.state().engine());
        engine.retain();
        Engine::new(self.runtime.clone(), engine)
    }
}

impl<R: Runtime> Clone for Engine<R> {
    fn clone(&self) -> Self {
        self.engine.retain();
        Self { runtime: self.runtime.clone(), engine: Arc::clone(&self.engine) }
    }
}

impl<R: Runtime> Drop for Engine<R> {
    fn drop(&mut self) {
        self.engine.release();
    }
}

impl<R: Runtime> fmt::Debug for Engine<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("threads", &self.threads()).field("status", &self.status()).finish()
    }
}
