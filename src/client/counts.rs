use std::fmt;

use serde::Serialize;

use crate::task::{Outcome, Status};

/// How many of some tasks have ended, and how.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "smol")] {
/// use anydask::{Client, runtime::Smol};
///
/// let client = Client::<Smol>::local().wait()?;
/// let many = client.map(|x: i64| x + 1, 0..3);
/// client.wait(&many).wait()?;
/// let counts = client.progress(&many)?.counts();
/// assert_eq!((counts.total, counts.finished, counts.pending), (3, 3, 0));
/// assert_eq!(counts.to_string(), "3 of 3 done");
/// # }
/// # Ok::<(), anydask::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct Counts {
    /// All of them.
    pub total: usize,
    /// Those that have a value.
    pub finished: usize,
    /// Those that failed.
    pub failed: usize,
    /// Those that were cancelled.
    pub cancelled: usize,
    /// Those whose runtime went away.
    pub lost: usize,
    /// Those that have not ended.
    pub pending: usize,
}

impl Counts {
    /// Those that have ended, in whichever way.
    pub fn done(&self) -> usize {
        self.total - self.pending
    }

    /// Whether all have ended, in whichever way.
    pub fn is_done(&self) -> bool {
        self.pending == 0
    }

    pub(super) fn count(&mut self, outcome: &Outcome) {
        self.pending -= 1;
        let ended = match Status::of(Some(outcome.as_ref().map(|_| ()))) {
            Status::Finished => &mut self.finished,
            Status::Cancelled => &mut self.cancelled,
            Status::Lost => &mut self.lost,
            Status::Error | Status::Pending => &mut self.failed,
        };
        *ended += 1;
    }

    /// Writes how many ended without a value, with `lead` before the first of these counts.
    fn write_failures(&self, f: &mut impl fmt::Write, mut lead: &'static str) -> fmt::Result {
        for (count, status) in [(self.failed, "failed"), (self.cancelled, "cancelled"), (self.lost, "lost")] {
            if count > 0 {
                write!(f, "{lead}{count} {status}")?;
                lead = ", ";
            }
        }
        Ok(())
    }

    /// How many ended without a value, such as `1 failed, 2 cancelled`.
    #[cfg(feature = "progress")]
    pub(crate) fn failures(&self) -> String {
        let mut text = String::new();
        // Writing to a text does not fail.
        let _ = self.write_failures(&mut text, "");
        text
    }
}

impl fmt::Display for Counts {
    /// Writes `70 of 100 done, 1 failed`: those that failed are among those that are done.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} done", self.done(), self.total)?;
        self.write_failures(f, ", ")
    }
}
