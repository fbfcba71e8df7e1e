//! What a submission may ask for beyond its function and arguments.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::Error;
use crate::task::Key;

/// The options of one submission. None of them is asked for by default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// A name that the user chose.
    pub(crate) key: Option<Key>,
    /// Higher first; 0 is what everything else has.
    pub(crate) priority: i32,
    pub(crate) retry: Retry,
    /// For one run.
    pub(crate) timeout: Option<Duration>,
    /// From the submission on.
    pub(crate) deadline: Option<Duration>,
    /// Amounts that it holds while it runs.
    pub(crate) resources: Vec<(String, f64)>,
}

impl Options {
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
pub(crate) type Repeat<A> = fn(&A) -> A;

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
