use std::fmt;

use crate::Error;

/// How far a task has come, in Dask's words.
///
/// # Examples
///
/// ```
/// use anydask::Status;
///
/// assert!(Status::Finished.is_done());
/// assert_eq!(Status::Pending.to_string(), "pending");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// Waiting for inputs, for a thread, or running.
    Pending,
    /// The value is there.
    Finished,
    /// The task, or one that it depends on, returned `Err` or panicked, or could not be submitted.
    Error,
    /// Cancelled before it finished.
    Cancelled,
    /// What ran the task went away.
    Lost,
}

impl Status {
    /// Whether this is final.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(anydask::Status::Lost.is_done());
    /// ```
    pub fn is_done(self) -> bool {
        self != Self::Pending
    }

    pub(crate) fn of(outcome: Option<Result<(), &Error>>) -> Self {
        match outcome {
            None => Self::Pending,
            Some(Ok(())) => Self::Finished,
            Some(Err(Error::Cancelled { .. })) => Self::Cancelled,
            Some(Err(Error::RuntimeGone { .. } | Error::Lost { .. })) => Self::Lost,
            Some(Err(_)) => Self::Error,
        }
    }
}

impl fmt::Display for Status {
    /// Writes Dask's word: `pending`, `finished`, `error`, `cancelled`, `lost`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::Finished => "finished",
            Self::Error => "error",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
        })
    }
}
