use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::Error;
use crate::client::Client;
use crate::runtime::Runtime;
use crate::task::{Arguments, Each, IntoArgs, Key, Options, Repeat, TaskFn, TaskFuture};

/// Calls that are about to be submitted, with their options; made by [`Client::task`] for one and by [`Client::tasks`] for
/// many.
#[must_use = "nothing is submitted until `submit` is called"]
pub struct TaskBuilder<'a, R: Runtime, F, G: Given<Args>, Args> {
    client: &'a Client<R>,
    function: F,
    given: G,
    options: Options,
    repeat: Option<Repeat<G::Arguments>>,
    /// How many calls are submitted at once.
    batch: usize,
}

/// What a [`TaskBuilder`] calls its function with.
pub trait Given<Args> {
    /// The arguments of one call, as they are kept.
    #[doc(hidden)]
    type Arguments: Arguments<Args>;
}

/// The arguments of one call.
#[derive(Debug)]
pub struct One<A>(pub(crate) A);

/// The arguments of one call each.
#[derive(Debug)]
pub struct Many<I>(pub(crate) I);

impl<A: IntoArgs<Args>, Args> Given<Args> for One<A> {
    type Arguments = A::Arguments;
}

impl<I: IntoIterator<Item: IntoArgs<Args>>, Args> Given<Args> for Many<I> {
    type Arguments = <I::Item as IntoArgs<Args>>::Arguments;
}

impl<'a, R, F, G, Args> TaskBuilder<'a, R, F, G, Args>
where
    R: Runtime,
    F: TaskFn<Args>,
    G: Given<Args>,
    Args: 'static,
{
    pub(crate) fn new(client: &'a Client<R>, function: F, given: G) -> Self {
        Self { client, function, given, options: client.options().unwrap_or_default(), repeat: None, batch: 1 }
    }

    /// Names the task, with 1 to 512 bytes. Many tasks are named `key-0`, `key-1` and so on.
    ///
    /// As long as some handle of a task with this key is held, submitting *the same* work under the key gives another
    /// handle of it. Work is the same when it is the same function, or closure that captures nothing, with the same
    /// futures and equal plain values (numbers, texts, and vectors of them). Anything else under the key gives a future
    /// that fails with [`Error::KeyConflict`].
    pub fn key(mut self, key: impl Into<Key>) -> Self {
        self.options.key = Some(key.into());
        self
    }

    /// Names the task after its contents: what is the same work, as under a chosen [`key`](Self::key), is done once. The
    /// key is that of the function, or a chosen one, and a number that is made of the function and the arguments.
    ///
    /// The future fails with [`Error::NotPure`] if the function captures something, or an argument is neither a
    /// future nor a number, a text or a vector of them.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol};
    ///
    /// fn inc(x: i64) -> i64 {
    ///     x + 1
    /// }
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let [a, b] = [client.task(inc, 1).pure().submit(), client.task(inc, 1).pure().submit()];
    /// assert_eq!(a.key(), b.key());
    /// assert_ne!(a.key(), client.submit(inc, 1).key());
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn pure(mut self) -> Self {
        self.options.pure = true;
        self
    }

    /// Tasks above 0 start before all others that are ready, those below 0 after them; higher ones first, then older
    /// ones. The default is 0.
    pub fn priority(mut self, priority: i32) -> Self {
        self.options = self.options.priority(priority);
        self
    }

    /// Runs the task again when it errs, panics or exceeds its [`timeout`](Self::timeout), up to `retries` times. The
    /// future then tells the last error.
    ///
    /// The arguments are cloned for each run, so they must be `Clone`.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use anydask::{Client, fallible, runtime::Smol};
    ///
    /// static CALLS: AtomicU32 = AtomicU32::new(0);
    /// let flaky = fallible(|x: i64| match CALLS.fetch_add(1, Ordering::Relaxed) {
    ///     0 | 1 => Err("not yet"),
    ///     _ => Ok(x),
    /// });
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// assert_eq!(client.task(flaky, 7).retries(2).submit().wait()?, 7);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn retries(mut self, retries: u32) -> Self
    where
        G::Arguments: Clone,
    {
        self.options.retry.retries = retries;
        self.retryable()
    }

    /// Lets [`Client::retry`] run the task again once it has failed, with clones of its arguments. What comes without
    /// arguments, and what failed because of its inputs, can be retried without this. An asynchronous task that its
    /// [`deadline`](Self::deadline) drops while it runs cannot be retried: its call goes with it.
    pub fn retryable(mut self) -> Self
    where
        G::Arguments: Clone,
    {
        self.repeat = Some(|arguments| Some(arguments.clone()));
        self
    }

    /// Waits before a retry: `first` before the first one, twice as long before each further one, up to an hour. Without,
    /// a task is run again at once.
    pub fn backoff(mut self, first: Duration) -> Self {
        self.options = self.options.backoff(first);
        self
    }

    /// Retries only what `is_worth_it` says. A predicate that panics says no.
    pub fn retry_if(mut self, is_worth_it: impl Fn(&Error) -> bool + Send + Sync + 'static) -> Self {
        self.options = self.options.retry_if(is_worth_it);
        self
    }

    /// Bounds each run in time. An asynchronous task is dropped when it is over. The body of a CPU task cannot be stopped,
    /// but can look at [`TaskContext::is_cancelled`](crate::TaskContext::is_cancelled); it holds its slot until it returns,
    /// and only then is run again, if there are retries.
    ///
    /// The future fails with [`Error::RunTimeout`].
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.options = self.options.timeout(limit);
        self
    }

    /// Bounds the time from the submission on, with waiting and all retries. The future fails with
    /// [`Error::DeadlineExceeded`].
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.options = self.options.deadline(limit);
        self
    }

    /// Holds amounts of the engine's resources while it runs; see [`Builder::resources`](crate::Builder::resources).
    ///
    /// Tasks that wait for the same resource get it by priority, then by age, so that small amounts do not keep a big one
    /// waiting for ever. A resource that is named twice counts with the sum.
    ///
    /// What the engine does not have in all is logged as a warning, and listed in [`Info::unrunnable`](crate::Info). If
    /// nobody [adds](crate::Engine::add_resources) it, the future fails with [`Error::NoResource`] after a while
    /// ([`Builder::unrunnable_timeout`](crate::Builder::unrunnable_timeout)). It fails with [`Error::InvalidResource`] at
    /// once if an amount is negative or no number.
    pub fn resources<N: Into<String>>(mut self, amounts: impl IntoIterator<Item = (N, f64)>) -> Self {
        self.options = self.options.resources(amounts);
        self
    }

    /// Runs only on these workers of a Dask cluster: their addresses, names or hosts. It waits as long as none of them is
    /// there. Dask takes a name that no worker has when the task comes for that of a host, also when a worker comes that
    /// has it.
    ///
    /// On the embedded engine the future fails with [`Error::NeedsDask`].
    #[cfg(feature = "dask")]
    pub fn workers<N: AsRef<str>>(mut self, workers: impl IntoIterator<Item = N>) -> Self {
        self.options = self.options.workers(workers);
        self
    }

    /// Calls the task by a key that it has elsewhere. Others may be called so at the same time.
    #[cfg(feature = "dask")]
    pub(crate) fn shown_key(mut self, key: Key) -> Self {
        self.options.shown_key = Some(key);
        self
    }

    /// Prefers the workers of [`workers`](Self::workers), and runs elsewhere if none of them is there. Without those,
    /// the future fails with [`Error::NoWorkers`].
    #[cfg(feature = "dask")]
    pub fn allow_other_workers(mut self) -> Self {
        self.options = self.options.allow_other_workers();
        self
    }
}

impl<R, F, A, Args> TaskBuilder<'_, R, F, One<A>, Args>
where
    R: Runtime,
    F: TaskFn<Args>,
    A: IntoArgs<Args>,
    Args: 'static,
{
    /// Submits the call, as [`Client::submit`] does.
    #[track_caller]
    pub fn submit(self) -> TaskFuture<F::Output> {
        let Self { client, function, given: One(args), options, repeat, .. } = self;
        client.state.submit_from(Location::caller(), "submit", (function, args.into_args()), Some(options), repeat)
    }
}

impl<R, F, I, Args> TaskBuilder<'_, R, F, Many<I>, Args>
where
    R: Runtime,
    F: TaskFn<Args> + Sync,
    I: IntoIterator,
    I::Item: IntoArgs<Args>,
    Args: 'static,
{
    /// Submits the calls `size` at a time: so many items are read, then all of them are submitted, and threads are woken
    /// once for them. The results are as without. A size of 0 counts as 1, which is the default.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "smol")] {
    /// use anydask::{Client, runtime::Smol};
    ///
    /// let client = Client::<Smol>::local().wait()?;
    /// let futures = client.tasks(|x: u64| x + 1, 0..1000).batch(100).submit();
    /// assert_eq!(client.gather(futures).wait()?.iter().sum::<u64>(), 500_500);
    /// # }
    /// # Ok::<(), anydask::Error>(())
    /// ```
    pub fn batch(mut self, size: usize) -> Self {
        self.batch = size;
        self
    }

    /// Submits the calls, as [`Client::map`] does.
    #[track_caller]
    pub fn submit(self) -> Vec<TaskFuture<F::Output>> {
        let Self { client, function, given: Many(items), options, repeat, batch } = self;
        let location = Location::caller();
        if options.key.is_none() && repeat.is_none() && batch <= 1 {
            return client.state.map(location, function, items.into_iter(), Some(options));
        }
        let function = Arc::new(function);
        let mut items = items.into_iter();
        let mut futures = Vec::with_capacity(items.size_hint().0);
        let mut submit = |item: I::Item| {
            let mut options = options.clone();
            options.key = options.key.map(|key| format!("{key}-{}", futures.len()).into());
            let (function, arguments) = (Each::new(&function), item.into_args());
            futures.push(client.state.submit_from(location, "map", (function, arguments), Some(options), repeat));
        };
        if batch <= 1 {
            items.for_each(submit);
            return futures;
        }
        loop {
            // Read before any is submitted: what the iterator does is its own affair, and may take long.
            let read: Vec<_> = items.by_ref().take(batch).collect();
            let is_last = read.len() < batch;
            client.state.at_once(|| read.into_iter().for_each(&mut submit));
            if is_last {
                return futures;
            }
        }
    }
}

impl<R: Runtime, F, G: Given<Args>, Args> fmt::Debug for TaskBuilder<'_, R, F, G, Args> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskBuilder").field("options", &self.options).finish_non_exhaustive()
    }
}
