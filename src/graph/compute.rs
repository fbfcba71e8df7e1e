//! Computing: futures of lazy things, at once.

use crate::client::{Client, Counting, Progress};
use crate::graph::arrangement::arrangements;
use crate::graph::asked::{Asked, Computed};
use crate::graph::submit::submit;
use crate::graph::{Collection, Delayed, Optimize};
use crate::runtime::Runtime;
use crate::task::TaskFuture;

/// What can be computed: a [`Delayed`], a [`Collection`], and vectors, slices, arrays, tuples (of up to 8) and ordered maps of
/// them, also nested. Futures, numbers and texts pass through as they are.
///
/// | computed | gives |
/// |---|---|
/// | `&Delayed<T>`, `Delayed<T>` | `TaskFuture<T>` |
/// | a reference to a collection | a future of its [`Output`](Collection::Output) |
/// | `TaskFuture<T>`, `&TaskFuture<T>` | `TaskFuture<T>` |
/// | numbers, `bool`, `char`, `String`, `&str` | themselves |
/// | several of these | the same arrangement |
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be computed",
    note = "compute a `Delayed`, a reference to a `Collection`, or vectors, slices, arrays, tuples (of up to 8) and \
            `BTreeMap`s of them, also nested"
)]
pub trait Compute {
    /// The same arrangement of futures.
    type Futures;

    /// Says what is wanted, in order.
    #[doc(hidden)]
    fn ask(&self, asked: &mut Asked);

    /// Takes the futures, in the same order.
    #[doc(hidden)]
    fn collect(self, computed: &mut Computed) -> Self::Futures;
}

impl<C: Collection> Compute for &C {
    type Futures = TaskFuture<C::Output>;

    fn ask(&self, asked: &mut Asked) {
        asked.part(&self.parts());
        asked.want(self.finalize().into());
    }

    fn collect(self, computed: &mut Computed) -> Self::Futures {
        computed.next().into_future()
    }
}

impl<T: Send + Sync + 'static> Compute for Delayed<T> {
    type Futures = TaskFuture<T>;

    fn ask(&self, asked: &mut Asked) {
        asked.want(self.into());
    }

    fn collect(self, computed: &mut Computed) -> Self::Futures {
        computed.next().into_future()
    }
}

impl<T> Compute for TaskFuture<T> {
    type Futures = Self;

    fn ask(&self, _: &mut Asked) {}

    fn collect(self, _: &mut Computed) -> Self {
        self
    }
}

impl<T> Compute for &TaskFuture<T> {
    type Futures = TaskFuture<T>;

    fn ask(&self, _: &mut Asked) {}

    fn collect(self, _: &mut Computed) -> TaskFuture<T> {
        self.clone()
    }
}

arrangements!(Compute, Futures);

/// Lazy graphs and collections.
impl<R: Runtime> Client<R> {
    /// Submits what a lazy thing needs and gives the future of its value at once: of a [`Delayed`] its value, of a collection
    /// its whole, of several a future each, in the same arrangement. Never waits.
    ///
    /// What several of them need is run once. What is computed a second time is run a second time, unless it was
    /// [persisted](Self::persist). [`Options`](crate::Options) for the whole graph are those of the client: compute with
    /// `client.with(options)`. The graph is optimised first; see [`Optimize`].
    ///
    /// Whatever goes wrong is told by the futures, as [`submit`](Self::submit) does. A task that fails gives its error, with
    /// its own key, to all that depends on it; on a Dask cluster, with the key of a task that somebody has a future of.
    ///
    /// On a Dask cluster the graph goes to the scheduler as a whole, and no calls are fused: each is a registered task, or
    /// a function of Python, and anything else is refused with [`Error::NotPortable`](crate::Error::NotPortable).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, Options, delayed, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let x = delayed(|x: i64| x + 1, 1);
    /// let y = delayed(|x: i64| x * x, &x);
    /// assert_eq!(client.compute(&y).wait()?, 4);
    /// assert_eq!(client.gather(client.compute((&x, [&y, &y]))).wait()?, (2, [4, 4]));
    ///
    /// let patient = client.with(Options::new().priority(-10).retries(2));
    /// assert_eq!(patient.compute(&y).wait()?, 4);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn compute<C: Compute>(&self, lazy: C) -> C::Futures {
        self.compute_with(lazy, Optimize::new())
    }

    /// As [`compute`](Self::compute), with a choice of optimisations.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, Optimize, delayed, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let x = delayed(|x: i64| x + 1, &delayed(|| 1, ()));
    /// assert_eq!(client.compute_with(&x, Optimize::none()).wait()?, 2);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn compute_with<C: Compute>(&self, lazy: C, optimize: Optimize) -> C::Futures {
        let mut asked = Asked::new(!optimize.cull);
        lazy.ask(&mut asked);
        lazy.collect(&mut submit(asked, optimize, &self.submitter(), None))
    }

    /// As [`compute`](Self::compute), with the counts of all tasks of the graph: a progress bar on long work.
    ///
    /// The tasks are not held for the sake of counting: their values go as soon as nobody needs them.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, delayed, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let squares = (0..100).map(|x: u64| delayed(move || x * x, ())).collect::<Vec<_>>();
    /// let (sum, progress) = client.compute_with_progress(&delayed(|squares: Vec<u64>| squares.iter().sum::<u64>(), squares));
    /// for counts in progress {
    ///     println!("{counts}");   // with the feature `progress`: `progress.bar()`
    /// }
    /// assert_eq!(sum.wait()?, 328_350);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn compute_with_progress<C: Compute>(&self, lazy: C) -> (C::Futures, Progress) {
        let mut asked = Asked::new(false);
        lazy.ask(&mut asked);
        let counting = Counting::new();
        let given = lazy.collect(&mut submit(asked, Optimize::new(), &self.submitter(), Some(&counting)));
        (given, self.counted(counting))
    }
}
