use std::ops::{Add, Sub};
use std::sync::OnceLock;
use std::time::Duration;

/// A point in time on a runtime's clock: the time since an epoch that the runtime chooses.
///
/// Only comparable within one runtime. It is a plain number so that a virtual clock can make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Duration);

impl Instant {
    /// The point that lies `since_epoch` after the runtime's epoch.
    pub const fn from_epoch(since_epoch: Duration) -> Self {
        Self(since_epoch)
    }

    /// The point of a clock of the operating system, counted from the first call in this process.
    pub fn from_std(instant: std::time::Instant) -> Self {
        static EPOCH: OnceLock<std::time::Instant> = OnceLock::new();
        Self(instant.saturating_duration_since(*EPOCH.get_or_init(std::time::Instant::now)))
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
