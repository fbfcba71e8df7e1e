//! What a submission may ask for beyond its function and arguments.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::Error;
use crate::task::Key;

/// What a submission asks for beyond its function and its arguments; for [`Client::with`](crate::Client::with). Nothing
/// by default.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, Error, Options, fallible, runtime::{Runtime, Smol}};
///
/// // A library that knows nothing of priorities.
/// async fn squares<R: Runtime>(client: &Client<R>) -> Result<Vec<u64>, Error> {
///     client.gather(client.map(|x: u64| x * x, 0..3)).await
/// }
///
/// let client = Client::<Smol>::local().wait()?;
/// let patient = client.with(Options::new().priority(-10).retries(2));
/// assert_eq!(client.sync(squares(&patient))?, [0, 1, 4]);
/// # }
/// # Ok::<(), anydask::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "options do nothing until they are given to a client"]
pub struct Options {
    /// A name that the user chose.
    pub(crate) key: Option<Key>,
    /// What the key is made of instead of the function's name, with the number of the task.
    pub(crate) label: Option<Arc<str>>,
    /// Whether the key is made of the contents.
    pub(crate) pure: bool,
    /// Higher first; 0 is what everything else has.
    pub(crate) priority: i32,
    pub(crate) retry: Retry,
    /// For one run.
    pub(crate) timeout: Option<Duration>,
    /// From the submission on.
    pub(crate) deadline: Option<Duration>,
    /// Amounts that it holds while it runs.
    pub(crate) resources: Vec<(String, f64)>,
    /// What the task is called, without being known by it.
    #[cfg(feature = "dask")]
    pub(crate) shown_key: Option<Key>,
    #[cfg(feature = "dask")]
    pub(crate) workers: Vec<Arc<str>>,
    #[cfg(feature = "dask")]
    pub(crate) allow_other_workers: bool,
}

impl Options {
    /// Asks for nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// See [`TaskBuilder::priority`](crate::TaskBuilder::priority).
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// See [`TaskBuilder::retries`](crate::TaskBuilder::retries). Where nobody knows that the arguments are `Clone`, as in
    /// [`Client::submit`](crate::Client::submit), they must be futures, or numbers, texts, paths, durations or vectors
    /// of numbers or texts; else the task fails with [`Error::NotRepeatable`].
    pub fn retries(mut self, retries: u32) -> Self {
        self.retry.retries = retries;
        self
    }

    /// See [`TaskBuilder::backoff`](crate::TaskBuilder::backoff).
    pub fn backoff(mut self, first: Duration) -> Self {
        self.retry.backoff = first;
        self
    }

    /// See [`TaskBuilder::retry_if`](crate::TaskBuilder::retry_if).
    pub fn retry_if(mut self, is_worth_it: impl Fn(&Error) -> bool + Send + Sync + 'static) -> Self {
        self.retry.allows = Some(Arc::new(is_worth_it));
        self
    }

    /// See [`TaskBuilder::timeout`](crate::TaskBuilder::timeout).
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// See [`TaskBuilder::deadline`](crate::TaskBuilder::deadline).
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// See [`TaskBuilder::resources`](crate::TaskBuilder::resources).
    pub fn resources<N: Into<String>>(mut self, amounts: impl IntoIterator<Item = (N, f64)>) -> Self {
        self.resources = amounts.into_iter().map(|(name, amount)| (name.into(), amount)).collect();
        self
    }

    /// See [`TaskBuilder::workers`](crate::TaskBuilder::workers).
    #[cfg(feature = "dask")]
    pub fn workers<N: AsRef<str>>(mut self, workers: impl IntoIterator<Item = N>) -> Self {
        self.workers = workers.into_iter().map(|worker| worker.as_ref().into()).collect();
        self
    }

    /// See [`TaskBuilder::allow_other_workers`](crate::TaskBuilder::allow_other_workers).
    #[cfg(feature = "dask")]
    pub fn allow_other_workers(mut self) -> Self {
        self.allow_other_workers = true;
        self
    }

    /// Whether a task with these options is as one without.
    pub(crate) fn ask_for_nothing(&self) -> bool {
        #[cfg(feature = "dask")]
        if self.shown_key.is_some() || !self.workers.is_empty() || self.allow_other_workers {
            return false;
        }
        self.is_plain() && self.key.is_none() && !self.pure
    }

    /// Whether a task with these options needs more than its function and its arguments to run.
    pub(crate) fn is_plain(&self) -> bool {
        self.priority == 0
            && self.retry.retries == 0
            && self.timeout.is_none()
            && self.deadline.is_none()
            && self.resources.is_empty()
    }
}

/// Says whether an error is worth another run.
pub(crate) type Predicate = dyn Fn(&Error) -> bool + Send + Sync;

/// Copies the arguments of a call for another run.
pub(crate) type Repeat<A> = fn(&A) -> Option<A>;

/// When a task that errs is run again.
#[derive(Clone, Default)]
pub(crate) struct Retry {
    /// Runs beyond the first.
    pub(crate) retries: u32,
    /// The delay before the second run; doubled for each further one.
    pub(crate) backoff: Duration,
    /// Which errors are worth another run; all, if none.
    pub(crate) allows: Option<Arc<Predicate>>,
}

/// Longest delay between two runs. A back-off that doubles would otherwise reach years after 30 retries.
const BACKOFF_MAX: Duration = Duration::from_secs(60 * 60);

impl Retry {
    /// The delay after the `failed`-th run that failed, counted from 1.
    pub(crate) fn delay(&self, failed: u32) -> Duration {
        let factor = 2_u32.saturating_pow(failed.saturating_sub(1).min(31));
        self.backoff.saturating_mul(factor).min(BACKOFF_MAX.max(self.backoff))
    }
}

impl fmt::Debug for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry").field("retries", &self.retries).field("backoff", &self.backoff).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_back_off_doubles_and_never_overflows() {
        let retry = Retry { retries: 100, backoff: Duration::from_millis(10), allows: None };
        assert_eq!(retry.delay(1), Duration::from_millis(10));
        assert_eq!(retry.delay(2), Duration::from_millis(20));
        assert_eq!(retry.delay(5), Duration::from_millis(160));
        assert_eq!(retry.delay(100), BACKOFF_MAX);
        let long = Retry { backoff: Duration::MAX, ..retry };
        assert_eq!(long.delay(100), Duration::MAX);
    }
}
