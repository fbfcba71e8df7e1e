use std::ops::{Add, Sub};
use std::sync::OnceLock;
use std::time::Duration;

/// A point in time on a runtime's clock: the time since an epoch that the runtime chooses.
///
/// Only comparable within one runtime. It is a plain number so that a virtual clock can make one.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use anydask_runtime::Instant;
///
/// let start = Instant::from_epoch(Duration::from_secs(1));
/// let end = start + Duration::from_millis(250);
/// assert_eq!(end - start, Duration::from_millis(250));
/// assert_eq!(start - end, Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Duration);

impl Instant {
    /// The point that lies `since_epoch` after the runtime's epoch.
    pub const fn from_epoch(since_epoch: Duration) -> Self {
        Self(since_epoch)
    }

    /// The point of a clock of the operating system. The epoch lies a year before the first call in this process.
    ///
    /// # Examples
    ///
    /// ```
    /// use anydask_runtime::Instant;
    ///
    /// let (now, hour) = (std::time::Instant::now(), std::time::Duration::from_secs(3600));
    /// assert_eq!(Instant::from_std(now + hour) - Instant::from_std(now), hour);
    /// ```
    pub fn from_std(instant: std::time::Instant) -> Self {
        // A paused clock stands at the time when its runtime was made, which may be long before the first call.
        const BEFORE: Duration = Duration::from_secs(365 * 24 * 3600);
        static FIRST_CALL: OnceLock<std::time::Instant> = OnceLock::new();

        let first_call = *FIRST_CALL.get_or_init(std::time::Instant::now);
        let (after, before) =
            (instant.saturating_duration_since(first_call), first_call.saturating_duration_since(instant));
        Self(BEFORE.saturating_add(after).saturating_sub(before))
    }

    /// The time since the runtime's epoch.
    pub const fn since_epoch(self) -> Duration {
        self.0
    }

    /// The time from `earlier` to this, or zero if `earlier` is later.
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Saturates at the end of time.
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

impl Sub for Instant {
    type Output = Duration;

    /// Saturates at zero.
    fn sub(self, earlier: Self) -> Duration {
        self.saturating_duration_since(earlier)
    }
}
